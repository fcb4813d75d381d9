import type { Tx } from '@points/database';
import { problem, type Cause } from '@points/http';
import { parseInstant, parsePoints, uuidv7, type Instant, type LocalDate } from '@points/kernel';
import { instantOf } from '../clock.js';
import { conversionReference } from '../reference.js';
import { conversionAfter, type ConversionState } from '../rules/conversion-state.js';
import type { Delivery } from '../rules/scheme-delivery.js';
import { askLedger, schemeAccount } from './ask-ledger.js';
import {
  conversionColumns,
  conversionOf,
  type Conversion,
  type ConversionRow,
  type ConversionView,
  type RequestConversion,
} from './conversion.js';

/**
 * Stores the conversion and asks the ledger to hold its points. The rest is done by facts and by the workers: hold, credit at the
 * scheme, by its API or its nightly file, capture. The hold has no end of its own, so it lasts until the scheme has said its last word
 * or its days are over.
 * @throws Problem
 */
export async function requestConversion(
  tx: Tx,
  cause: Cause,
  programme: string,
  asked: RequestConversion,
  now: Instant,
): Promise<{ readonly isNew: boolean; readonly conversion: Conversion }> {
  const isHistory = asked.requestedAt !== undefined;
  if (isHistory && !cause.scopes.has('history:write'))
    throw problem(403, 'scope-missing', 'requestedAt brings history in; this needs a token with the scope history:write', {
      scope: 'history:write',
    });
  const requestedAt = asked.requestedAt === undefined ? now : parseInstant(asked.requestedAt);
  const before = await findConversion(tx, programme, asked.conversionId);
  if (before) return { isNew: false, conversion: sameConversion(before, asked) };
  const [known] = await tx.query<{ delivery: Delivery; holder: string | null }>(selectSettings, [programme, asked.scheme, asked.myKeyId]);
  if (!known) throw problem(422, 'unknown-scheme', 'the programme has no such card scheme', { scheme: asked.scheme });
  const { holder, delivery } = known;
  if (holder === null) throw problem(422, 'unknown-my-key-id', 'no holder is registered with this My Key ID');

  const [id, hold] = [uuidv7(), uuidv7()];
  const reference = conversionReference({ programme, conversionId: asked.conversionId });
  const { municipality, client } = cause;
  const isNew = await tx.write(insertConversion, [
    ...[id, municipality, programme, asked.conversionId, reference, asked.myKeyId, holder, asked.scheme, asked.points],
    ...[requestedAt, isHistory, client, hold, delivery],
  ]);
  if (!isNew) {
    // Another request with the same conversion id and another key was faster.
    const faster = await findConversion(tx, programme, asked.conversionId);
    if (!faster) throw new Error('assertion failed: a conversion that was in the way must be there');
    return { isNew: false, conversion: sameConversion(faster, asked) };
  }
  await askLedger(
    tx,
    'hold',
    { municipality, programme, reference, holder, client, ...(isHistory && { effectiveAt: requestedAt }) },
    { kind: 'hold', hold, amount: asked.points, places: [schemeAccount(asked.scheme)] },
  );
  const { conversionId, scheme, myKeyId, points } = asked;
  const view: ConversionView = { conversionId, scheme, state: 'requested', myKeyId, points, requestedAt };
  return { isNew: true, conversion: { id, view } };
}

export async function findConversion(tx: Tx, programme: string, conversionId: string): Promise<Conversion | undefined> {
  const [row] = await tx.query<ConversionRow>(findConversionById, [programme, conversionId]);
  return row && conversionOf(row);
}

/**
 * For an operator: a conversion that waits for its scheme gets its attempts anew, from now on; one in dispute has its capture or
 * release asked again, under a new reference, because the ledger's answer to the old one is final. @throws Problem
 */
export async function tryAgain(tx: Tx, programme: string, conversionId: string): Promise<Conversion> {
  const [row] = await tx.query<AgainRow>(lockConversion, [programme, conversionId]);
  if (!row) throw problem(404, 'unknown-conversion', 'the programme has no such conversion');
  if (row.state === 'at-scheme' && row.delivery === 'file')
    throw problem(409, 'delivered-by-file', 'the scheme is asked by its nightly file; its results file or the end of its days ends this', {
      ...(row.file_day !== null && { fileDay: row.file_day }),
    });
  if (row.state === 'at-scheme') await tx.write(renewAttempts, [row.id]);
  else if (row.state === 'in-dispute') await askAgain(tx, programme, row);
  else throw problem(409, 'not-waiting', `the conversion waits for nobody: it is ${row.state}`, { state: row.state });
  const found = await findConversion(tx, programme, conversionId);
  if (!found) throw new Error('assertion failed: a conversion that is locked must be there');
  return found;
}

interface AgainRow {
  readonly id: string;
  readonly tenant: string;
  readonly state: ConversionState;
  readonly reference: string;
  readonly holder: string;
  readonly client: string;
  readonly scheme: string;
  readonly points: string;
  readonly hold: string;
  readonly receipt: string | null;
  readonly requested_at: Date;
  readonly is_history: boolean;
  readonly asked_again: number;
  readonly delivery: Delivery;
  readonly file_day: LocalDate | null;
}

/** With a receipt the scheme has credited, and the points must be spent; without one it has refused, and they must go back. */
async function askAgain(tx: Tx, programme: string, row: AgainRow): Promise<void> {
  const step = row.receipt === null ? 'release' : 'capture';
  const askedAgain = row.asked_again + 1;
  await tx.write(leaveDispute, [row.id, conversionAfter(row.state, `${step}-asked-again`), askedAgain]);
  const { tenant: municipality, reference, holder, client, hold } = row;
  const effectiveAt = row.is_history ? instantOf(row.requested_at) : undefined;
  const cause = { municipality, programme, reference, holder, client, askedAgain, ...(effectiveAt && { effectiveAt }) };
  if (step === 'release') await askLedger(tx, step, cause, { kind: 'release', hold });
  else {
    const [amount, to] = [parsePoints(row.points), schemeAccount(row.scheme)];
    await askLedger(tx, step, cause, { kind: 'capture', hold, amount, final: true, to, use: 'convert' });
  }
}

/** What a repeated conversion says must be what the first one said. @throws Problem 409 */
function sameConversion(stored: Conversion, asked: RequestConversion): Conversion {
  const { view } = stored;
  const differs = [
    ...(view.myKeyId !== asked.myKeyId ? ['myKeyId'] : []),
    ...(view.scheme !== asked.scheme ? ['scheme'] : []),
    ...(view.points !== asked.points ? ['points'] : []),
    ...(asked.requestedAt !== undefined && view.requestedAt !== parseInstant(asked.requestedAt) ? ['requestedAt'] : []),
  ];
  if (differs.length)
    throw problem(409, 'conversion-exists', `a conversion with this id exists with other content: ${differs.join(', ')}`, {
      errors: differs.map((field) => ({ field, reason: 'differs from the conversion that exists' })),
    });
  return stored;
}

const lockConversion = `
  select id, tenant, state, reference, holder, client, scheme, points, hold, receipt, requested_at, is_history, asked_again, delivery,
         file_day::text as file_day
  from conversion where programme = $1 and conversion_id = $2 for update`;
const renewAttempts = 'update conversion set attempts = 0, next_attempt_at = now(), updated_at = now() where id = $1';
/** The refusal of a capture is over; that of the scheme, for which a release was asked, stays. */
const leaveDispute = `
  update conversion set state = $2, asked_again = $3, last_problem = null, updated_at = now(),
                        refusal = case when receipt is null then refusal end
  where id = $1`;

const findConversionById = {
  name: 'find_conversion',
  text: `select ${conversionColumns} from conversion where programme = $1 and conversion_id = $2`,
};

/** The lock holds the delivery still until the conversion is there: see `putScheme`. */
const selectSettings = {
  name: 'conversion_settings',
  text: `
    select s.delivery, (select holder from holder_link where my_key_id = $3 order by registered_at desc limit 1) as holder
    from scheme s where s.programme = $1 and s.scheme = $2 for share of s`,
};

const insertConversion = {
  name: 'insert_conversion',
  text: `
    insert into conversion (id, tenant, programme, conversion_id, reference, my_key_id, holder, scheme, points, requested_at, is_history,
                            client, hold, delivery, state)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'requested')
    on conflict on constraint conversion_pk do nothing`,
};
