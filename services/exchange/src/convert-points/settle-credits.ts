import type { Tx } from '@points/database';
import { publish } from '@points/messaging';
import { parsePoints, type Points } from '@points/kernel';
import { instantOf } from '../clock.js';
import { conversionAfter, type ConversionEvent, type ConversionState } from '../rules/conversion-state.js';
import { ledgerRequest, schemeAccount, type PostingCause } from './ask-ledger.js';

/** A conversion whose points are held for a scheme, locked by the transaction. */
export interface HeldPoints {
  readonly id: string;
  readonly state: ConversionState;
  readonly hold: string;
  readonly points: Points;
  readonly scheme: string;
  readonly cause: PostingCause;
}

export interface SchemeRefusal {
  readonly code: 'scheme-refused' | 'scheme-unanswered';
  readonly detail: string;
  readonly facts: Readonly<Record<string, string>>;
}

/** What a conversion's row says of its held points. */
export interface HeldRow {
  readonly id: string;
  readonly tenant: string;
  readonly programme: string;
  readonly reference: string;
  readonly holder: string;
  readonly client: string;
  readonly scheme: string;
  readonly points: string;
  readonly hold: string;
  readonly is_history: boolean;
  readonly requested_at: Date;
}

/** Of `conversion c`. */
export const heldColumns =
  'c.id, c.tenant, c.programme, c.reference, c.holder, c.client, c.scheme, c.points, c.hold, c.is_history, c.requested_at';

export function heldOf(row: HeldRow): Omit<HeldPoints, 'state'> {
  const { id, hold, scheme, tenant: municipality, programme, reference, holder, client } = row;
  const effectiveAt = row.is_history ? instantOf(row.requested_at) : undefined;
  const cause = { municipality, programme, reference, holder, client, ...(effectiveAt !== undefined && { effectiveAt }) };
  return { id, hold, scheme, points: parsePoints(row.points), cause };
}

/** How it ends at the scheme: credited, or not, and then the points go back to the lots they came from. */
export type CreditEnd = { readonly receipt: string } | { readonly refusal: SchemeRefusal };

export interface SettledCredit {
  readonly held: HeldPoints;
  readonly end: CreditEnd;
}

/** Writes the ends down and asks the ledger for what follows from them, in one transaction: both statements are of whole sets. */
export async function settleCredits(tx: Tx, settled: readonly SettledCredit[]): Promise<void> {
  if (settled.length === 0) return;
  await tx.write(writeEnds, [
    settled.map(({ held }) => held.id),
    settled.map(({ held, end }) => conversionAfter(held.state, eventOf(end))),
    settled.map(({ end }) => ('receipt' in end ? end.receipt : null)),
    settled.map(({ end }) => ('refusal' in end ? JSON.stringify(end.refusal) : null)),
  ]);
  await publish(
    tx,
    settled.map(({ held: { cause, hold, points, scheme }, end }) =>
      'receipt' in end
        ? ledgerRequest('capture', cause, { kind: 'capture', hold, amount: points, final: true, to: schemeAccount(scheme), use: 'convert' })
        : ledgerRequest('release', cause, { kind: 'release', hold }),
    ),
  );
}

function eventOf(end: CreditEnd): ConversionEvent {
  if ('receipt' in end) return 'scheme-acknowledged';
  return end.refusal.code === 'scheme-refused' ? 'scheme-refused' : 'scheme-unanswered';
}

export function unansweredRefusal(scheme: string, asked: Readonly<Record<string, string>> = {}): SchemeRefusal {
  return {
    code: 'scheme-unanswered',
    detail: 'the card scheme did not answer within its days; the points are back',
    facts: { scheme, ...asked },
  };
}

const writeEnds = {
  name: 'settle_credits',
  text: `
    update conversion c
    set state = u.state, receipt = u.receipt, refusal = u.refusal, credited_at = case when u.receipt is not null then now() end,
        next_attempt_at = null, last_problem = null, updated_at = now()
    from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[]) as u (id, state, receipt, refusal)
    where c.id = u.id`,
};
