import type { Tx } from '@points/database';
import { uuidv7 } from '@points/kernel';
import { instantOf } from '../clock.js';
import type { ConversionState } from '../rules/conversion-state.js';
import { retryDelayMs } from '../rules/retry.js';
import type { SchemeAnswer } from '../rules/scheme-answer.js';
import { heldColumns, heldOf, settleCredits, unansweredRefusal, type HeldPoints, type HeldRow } from './settle-credits.js';

/** One attempt to have a scheme credit held points. */
export interface Credit extends Omit<HeldPoints, 'state'> {
  readonly lease: string;
  readonly attempt: number;
  readonly conversionId: string;
  readonly endpoint: string;
  readonly secret?: string;
  readonly member: string;
  readonly requestedAt: string;
}

/**
 * Takes conversions whose time for an attempt has come, and puts their next attempt behind the lease: if this process dies now,
 * another one takes them up then. Replicas pass over each other's.
 */
export async function claimCredits(tx: Tx, limit: number): Promise<Credit[]> {
  const rows = await tx.query<CreditRow>(claim, [limit, leaseSeconds, uuidv7()]);
  return rows.map((row) => ({
    ...heldOf(row),
    lease: row.lease,
    attempt: row.attempts,
    conversionId: row.conversion_id,
    endpoint: row.endpoint,
    ...(row.secret !== null && { secret: row.secret }),
    member: row.my_key_id,
    requestedAt: instantOf(row.requested_at),
  }));
}

export type CreditRecord = 'capturing' | 'releasing' | 'tried-again' | 'attempts-used-up' | 'given-back' | 'stale' | 'credited-late';

/**
 * Writes down what the scheme said and asks the ledger for what follows from it, in one transaction. Once the scheme's days are over
 * the last attempt decides: then points that nobody knows of go back.
 */
export async function recordAnswer(tx: Tx, credit: Credit, said: SchemeAnswer, random: number): Promise<CreditRecord> {
  const [row] = await tx.query<{ state: ConversionState; lease: string; is_given_back: boolean; is_over_time: boolean }>(lockCredit, [
    credit.id,
  ]);
  if (row?.state !== 'at-scheme' || row.lease !== credit.lease)
    return row?.is_given_back === true && said.kind === 'acknowledged' ? 'credited-late' : 'stale';
  const held = { ...credit, state: row.state };
  const { scheme } = credit;
  switch (said.kind) {
    case 'acknowledged':
      await settleCredits(tx, [{ held, end: { receipt: said.receipt } }]);
      return 'capturing';
    case 'refused': {
      const facts = { scheme, schemeCode: said.code };
      await settleCredits(tx, [{ held, end: { refusal: { code: 'scheme-refused', detail: said.detail, facts } } }]);
      return 'releasing';
    }
    case 'failed': {
      const delayMs = retryDelayMs(credit.attempt, random);
      if (delayMs === undefined && row.is_over_time) {
        await settleCredits(tx, [{ held, end: { refusal: unansweredRefusal(scheme) } }]);
        return 'given-back';
      }
      await tx.write(postpone, [credit.id, delayMs === undefined ? null : delayMs / 1_000, said.reason.slice(0, problemCharactersMax)]);
      return delayMs === undefined ? 'attempts-used-up' : 'tried-again';
    }
  }
}

/** Longer than a call may take (`callMsMax`) and its record after it. */
const leaseSeconds = 20;
const problemCharactersMax = 300;

interface CreditRow extends HeldRow {
  readonly conversion_id: string;
  readonly my_key_id: string;
  readonly attempts: number;
  readonly lease: string;
  readonly endpoint: string;
  readonly secret: string | null;
}

const claim = {
  name: 'claim_credits',
  text: `
    with due as (
      select programme, conversion_id from conversion where next_attempt_at <= now()
      order by next_attempt_at limit $1 for update skip locked
    )
    update conversion c
    set attempts = c.attempts + 1, next_attempt_at = now() + make_interval(secs => $2), lease = $3, updated_at = now()
    from due d, scheme s
    where c.programme = d.programme and c.conversion_id = d.conversion_id and s.programme = c.programme and s.scheme = c.scheme
    returning ${heldColumns}, c.conversion_id, c.my_key_id, c.attempts, c.lease, s.endpoint, s.secret`,
};

const lockCredit = {
  name: 'lock_credit',
  text: `
    select state, lease, give_back_at <= now() as is_over_time, refusal ->> 'code' = 'scheme-unanswered' as is_given_back
    from conversion where id = $1 for update`,
};
const postpone = `
  update conversion set next_attempt_at = now() + make_interval(secs => $2::double precision), last_problem = $3, updated_at = now() where id = $1`;
