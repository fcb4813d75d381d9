import type { Tx } from '@points/database';
import { parsePoints, uuidv7, type Points } from '@points/kernel';
import { instantOf } from '../clock.js';
import { conversionAfter, type ConversionState } from '../rules/conversion-state.js';
import { retryDelayMs } from '../rules/retry.js';
import type { SchemeAnswer } from '../rules/scheme-answer.js';
import { askLedger, schemeAccount, type PostingCause } from './ask-ledger.js';

/** One attempt to have a scheme credit held points. */
export interface Credit {
  readonly id: string;
  readonly lease: string;
  readonly attempt: number;
  readonly conversionId: string;
  readonly scheme: string;
  readonly endpoint: string;
  readonly secret?: string;
  readonly member: string;
  readonly points: Points;
  readonly requestedAt: string;
  readonly hold: string;
  readonly cause: PostingCause;
}

/**
 * Takes conversions whose time for an attempt has come, and puts their next attempt behind the lease: if this process dies now,
 * another one takes them up then. Replicas pass over each other's.
 */
export async function claimCredits(tx: Tx, limit: number): Promise<Credit[]> {
  const rows = await tx.query<CreditRow>(claim, [limit, leaseSeconds, uuidv7()]);
  return rows.map((row) => ({
    id: row.id,
    lease: row.lease,
    attempt: row.attempts,
    conversionId: row.conversion_id,
    scheme: row.scheme,
    endpoint: row.endpoint,
    ...(row.secret !== null && { secret: row.secret }),
    member: row.my_key_id,
    points: parsePoints(row.points),
    requestedAt: instantOf(row.requested_at),
    hold: row.hold,
    cause: {
      municipality: row.tenant,
      programme: row.programme,
      reference: row.reference,
      holder: row.holder,
      client: row.client,
      ...(row.is_history && { effectiveAt: instantOf(row.requested_at) }),
    },
  }));
}

export type CreditRecord = 'capturing' | 'releasing' | 'tried-again' | 'attempts-used-up' | 'stale';

/** Writes down what the scheme said and asks the ledger for what follows from it, in one transaction. */
export async function recordAnswer(tx: Tx, credit: Credit, said: SchemeAnswer, random: number): Promise<CreditRecord> {
  const [row] = await tx.query<{ state: ConversionState; lease: string }>('select state, lease from conversion where id = $1 for update', [
    credit.id,
  ]);
  if (row?.state !== 'at-scheme' || row.lease !== credit.lease) return 'stale';
  const { id, cause, hold, points: amount, scheme } = credit;
  switch (said.kind) {
    case 'acknowledged':
      await tx.write(acknowledge, [id, conversionAfter(row.state, 'scheme-acknowledged'), said.receipt]);
      await askLedger(tx, 'capture', cause, { kind: 'capture', hold, amount, final: true, to: schemeAccount(scheme), use: 'convert' });
      return 'capturing';
    case 'refused': {
      const refusal = { code: 'scheme-refused', detail: said.detail, facts: { scheme, schemeCode: said.code } };
      await tx.write(refuse, [id, conversionAfter(row.state, 'scheme-refused'), JSON.stringify(refusal)]);
      await askLedger(tx, 'release', cause, { kind: 'release', hold });
      return 'releasing';
    }
    case 'failed': {
      const delayMs = retryDelayMs(credit.attempt, random);
      await tx.write(postpone, [id, delayMs === undefined ? null : delayMs / 1_000, said.reason.slice(0, problemCharactersMax)]);
      return delayMs === undefined ? 'attempts-used-up' : 'tried-again';
    }
  }
}

/** Longer than a call may take (`callMsMax`) and its record after it. */
const leaseSeconds = 20;
const problemCharactersMax = 300;

interface CreditRow {
  readonly id: string;
  readonly tenant: string;
  readonly programme: string;
  readonly conversion_id: string;
  readonly reference: string;
  readonly my_key_id: string;
  readonly holder: string;
  readonly scheme: string;
  readonly points: string;
  readonly requested_at: Date;
  readonly is_history: boolean;
  readonly client: string;
  readonly hold: string;
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
    returning c.id, c.tenant, c.programme, c.conversion_id, c.reference, c.my_key_id, c.holder, c.scheme, c.points, c.requested_at,
              c.is_history, c.client, c.hold, c.attempts, c.lease, s.endpoint, s.secret`,
};

const acknowledge = `
  update conversion set state = $2, receipt = $3, credited_at = now(), next_attempt_at = null, last_problem = null, updated_at = now() where id = $1`;
const refuse = `
  update conversion set state = $2, refusal = $3, next_attempt_at = null, last_problem = null, updated_at = now() where id = $1`;
const postpone = `
  update conversion set next_attempt_at = now() + make_interval(secs => $2::double precision), last_problem = $3, updated_at = now() where id = $1`;
