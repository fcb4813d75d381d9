import { everyTenant } from '@points/database';
import type { TestService } from '@points/service-testing';
import type { PartnerEventType } from '../tell-partners/event-types.js';

/** The data of what a partner was told of one type, oldest first. */
export async function toldPartner(
  { database }: Pick<TestService, 'database'>,
  partner: string,
  type: PartnerEventType,
): Promise<Record<string, unknown>[]> {
  const rows = await database.transaction(everyTenant, (tx) =>
    tx.query<{ data: Record<string, unknown> }>('select data from partner_event where partner = $1 and type = $2 order by created_at, id', [
      partner,
      type,
    ]),
  );
  return rows.map((row) => row.data);
}
