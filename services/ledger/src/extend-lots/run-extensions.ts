import { everyTenant, tenants, type Database } from '@points/database';
import { parseInstant, tenantOf, type Instant, type ProgrammeId } from '@points/kernel';
import type { Door } from '../post/door.js';
import type { AnyRequest } from '../post/request.js';
import { columns, instructionOf, isMoved, meantLots, meantValues, type OrderRow } from './extension-order.js';

/** What stopped an order for now: it goes on at the next run. */
export interface Stopped {
  readonly programme: ProgrammeId;
  readonly extension: string;
  readonly code: string;
}

/**
 * Carries orders of extension out, account by account, through the door: under the account's lock, so that no spend and no expiry
 * comes in between, and with a reference of the order and the account, so that nothing is extended twice however often a run is
 * interrupted. Where it goes on is written after each chunk; a run that was killed asks at most one chunk again.
 */
export class RunExtensions {
  constructor(
    private readonly database: Database,
    private readonly door: Door,
    private readonly now: () => Instant,
  ) {}

  /** Every order that may be carried out, the oldest first. */
  async run(shouldStop: () => boolean = () => false): Promise<{ finished: number; stopped: readonly Stopped[] }> {
    const open = await this.database.transaction(everyTenant, (tx) => tx.query<{ programme: ProgrammeId; extension: string }>(findOpen));
    let finished = 0;
    const stopped: Stopped[] = [];
    for (const { programme, extension } of open) {
      let end: ChunkEnd = 'more';
      while (end === 'more' && !shouldStop()) end = await this.chunk(programme, extension);
      if (end === 'done') finished++;
      else if (typeof end === 'object') stopped.push({ programme, extension, ...end });
    }
    return { finished, stopped };
  }

  /** The order's row is locked meanwhile: a second process leaves it alone. */
  private chunk(programme: ProgrammeId, extension: string): Promise<ChunkEnd> {
    return this.database.transaction(tenants(tenantOf(programme)), async (tx) => {
      const [order] = await tx.query<OrderRow>(lockOrder, [programme, extension]);
      if (!order) return 'elsewhere';
      const now = this.now();
      const meant = meantValues({ programme, now, ...order }, parseInstant(order.askedAt.toISOString()));
      const accounts = (await tx.query<{ account: string }>(findAccounts, [...meant, order.afterAccount])).map((row) => row.account);
      const last = accounts.at(-1);
      if (last === undefined) {
        await tx.write('update extension_order set finished_at = $3 where programme = $1 and extension = $2', [programme, extension, now]);
        return 'done';
      }
      const outcomes = await this.door.post(accounts.map((account) => requestOf(programme, order, account)));
      for (const { outcome } of outcomes)
        // Since it was found, the account may have spent everything; anything else stands against the whole order.
        if (outcome.status === 'refused' && outcome.code !== 'nothing-to-extend') return { code: outcome.code };
      await tx.write('update extension_order set after_account = $3 where programme = $1 and extension = $2', [programme, extension, last]);
      return 'more';
    });
  }
}

type ChunkEnd = 'more' | 'done' | 'elsewhere' | { readonly code: string };

function requestOf(programme: ProgrammeId, order: OrderRow, account: string): AnyRequest {
  return {
    reference: `ledger:extension/${order.extension}/${account}`,
    programme,
    account,
    instruction: instructionOf(order),
    actor: order.approvedBy === null ? order.askedBy : `${order.askedBy}+${order.approvedBy}`,
    reason: order.reason,
    // A refusal is not kept: an order that met a freeze goes on after it.
    internal: true,
  };
}

/** Two flushes of the door. */
const accountsPerChunk = 500;

const findOpen = `
  select programme, extension from extension_order where finished_at is null and (not needs_approval or approved_at is not null)
  order by extension`;

const lockOrder = {
  name: 'lock_extension_order',
  text: `
    select ${columns}, o.holders from extension_order o
    where o.programme = $1 and o.extension = $2 and o.finished_at is null and (not o.needs_approval or o.approved_at is not null)
    for no key update of o skip locked`,
};

/** Walks the index `lot_open` (programme, account, expires_at) of open lots. */
const findAccounts = {
  name: 'find_accounts_to_extend',
  text: `
    select distinct l.account from lot l where ${meantLots} and ${isMoved} and l.account > $10::text
    order by l.account limit ${accountsPerChunk}`,
};
