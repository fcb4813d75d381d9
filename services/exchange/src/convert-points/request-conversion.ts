import type { Tx } from '@points/database';
import { problem, type Cause } from '@points/http';
import { parseInstant, uuidv7, type Instant } from '@points/kernel';
import { conversionReference } from '../reference.js';
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
 * Stores the conversion and asks the ledger to hold its points. The rest is done by facts and by the worker: hold, credit at the
 * scheme, capture. The hold has no end of its own, so it lasts until the scheme has said its last word.
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
  const [known] = await tx.query<{ has_scheme: boolean; holder: string | null }>(selectSettings, [programme, asked.scheme, asked.myKeyId]);
  if (!known?.has_scheme) throw problem(422, 'unknown-scheme', 'the programme has no such card scheme', { scheme: asked.scheme });
  const { holder } = known;
  if (holder === null) throw problem(422, 'unknown-my-key-id', 'no holder is registered with this My Key ID');

  const [id, hold] = [uuidv7(), uuidv7()];
  const reference = conversionReference({ programme, conversionId: asked.conversionId });
  const { municipality, client } = cause;
  const isNew = await tx.write(insertConversion, [
    ...[id, municipality, programme, asked.conversionId, reference, asked.myKeyId, holder, asked.scheme, asked.points],
    ...[requestedAt, isHistory, client, hold],
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

/** Gives a conversion whose attempts at the scheme are used up, or wait for long, its attempts anew, from now on. @throws Problem */
export async function tryAgain(tx: Tx, programme: string, conversionId: string): Promise<Conversion> {
  const [row] = await tx.query<ConversionRow>(
    `update conversion set attempts = 0, next_attempt_at = now(), updated_at = now()
     where programme = $1 and conversion_id = $2 and state = 'at-scheme' returning ${conversionColumns}`,
    [programme, conversionId],
  );
  if (row) return conversionOf(row);
  const found = await findConversion(tx, programme, conversionId);
  if (!found) throw problem(404, 'unknown-conversion', 'the programme has no such conversion');
  throw problem(409, 'not-at-scheme', `the conversion does not wait for its card scheme: it is ${found.view.state}`, {
    state: found.view.state,
  });
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

const findConversionById = {
  name: 'find_conversion',
  text: `select ${conversionColumns} from conversion where programme = $1 and conversion_id = $2`,
};

const selectSettings = {
  name: 'conversion_settings',
  text: `
    select exists (select from scheme where programme = $1 and scheme = $2) as has_scheme,
           (select holder from holder_link where my_key_id = $3 order by registered_at desc limit 1) as holder`,
};

const insertConversion = {
  name: 'insert_conversion',
  text: `
    insert into conversion (id, tenant, programme, conversion_id, reference, my_key_id, holder, scheme, points, requested_at, is_history,
                            client, hold, state)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'requested')
    on conflict on constraint conversion_pk do nothing`,
};
