import { randomBytes } from 'node:crypto';
import { holderRegisteredV1 } from '@points/contracts';
import type { Tx } from '@points/database';
import { assert, uuidv7 } from '@points/kernel';
import { event, publish } from '@points/messaging';
import { myKeyIdFrom, myKeyIdLength } from '../rules/my-key-id.js';

/**
 * `created`: the holder is new to the platform. `known`: the My Key ID had its holder before, whoever registered it first.
 * `retired`: the My Key ID was given up for another one; it is nobody's now, and never will be.
 */
export type RegisteredHolder =
  | { readonly state: 'created' | 'known'; readonly myKeyId: string; readonly holder: string }
  | { readonly state: 'retired'; readonly myKeyId: string };

/**
 * Registers people with a municipality by their My Key IDs, in the order given, each once. Claims what is free, takes over who is
 * there, and tells the other services of everyone who is new to the municipality.
 */
export async function registerHolders(tx: Tx, municipality: string, myKeyIds: readonly string[], now: Date): Promise<RegisteredHolder[]> {
  const wanted = [...new Set(myKeyIds)].sort();
  const claimed = new Map(
    (await tx.query<{ value: string; holder: string }>(claimFree, [wanted, wanted.map(() => uuidv7()), now])).map((row) => [
      row.value,
      row.holder,
    ]),
  );
  if (claimed.size) await tx.write('insert into holder (id, created_at) select unnest($1::uuid[]), $2', [[...claimed.values()], now]);

  const bound = await tx.query<{ value: string; holder: string; since: Date; current: boolean }>(lockBound, [wanted]);
  const outcomes = new Map(
    bound.map(({ value, holder, current }): [string, RegisteredHolder] => [
      value,
      current ? { state: claimed.has(value) ? 'created' : 'known', myKeyId: value, holder } : { state: 'retired', myKeyId: value },
    ]),
  );
  const holders = bound.filter((row) => row.current);
  const fresh = new Set(
    (await tx.query<{ holder: string }>(register, [municipality, holders.map((row) => row.holder).sort(), now])).map((row) => row.holder),
  );
  await publish(
    tx,
    holders
      .filter((row) => fresh.has(row.holder))
      .map(({ holder, value, since }) => event(holderRegisteredV1, { holder, myKeyId: value, registeredAt: instantOf(since) })),
  );
  return [...new Set(myKeyIds)].map((value) => {
    const outcome = outcomes.get(value);
    assert(outcome !== undefined, 'a My Key ID is bound once it is claimed');
    return outcome;
  });
}

/** For a person without a My Key ID. One in 10¹² is taken when all of Japan has one: a second draw is luck, a fifth a bug. */
const drawsMax = 5;

export async function registerNewHolder(tx: Tx, municipality: string, now: Date): Promise<{ holder: string; myKeyId: string }> {
  for (let draw = 1; draw <= drawsMax; draw++) {
    const myKeyId = myKeyIdFrom(randomBytes(myKeyIdLength));
    const [taken] = await tx.query('select 1 from my_key_id where value = $1', [myKeyId]);
    if (taken) continue;
    const [registered] = await registerHolders(tx, municipality, [myKeyId], now);
    assert(registered?.state === 'created', 'a drawn My Key ID is free');
    return { holder: registered.holder, myKeyId };
  }
  throw new Error(`assertion failed: no free My Key ID in ${drawsMax} draws`);
}

export function instantOf(date: Date): string {
  return date.toISOString();
}

/** In order of the value, so that two lists over the same people queue up instead of deadlocking; a value is claimed by one of them. */
const claimFree = {
  name: 'claim_my_key_ids',
  text: `insert into my_key_id (value, holder, since)
         select value, holder, $3::timestamptz from unnest($1::text[], $2::uuid[]) as wanted (value, holder) order by value
         on conflict (value) do nothing
         returning value, holder`,
};

/** Shared lock: what is told below stays true until the commit, because a change of the My Key ID needs the row for itself. */
const lockBound = {
  name: 'lock_my_key_ids',
  text: `select value, holder, since, until is null as current from my_key_id where value = any($1) order by value for share`,
};

const register = {
  name: 'register_holders',
  text: `insert into registration (tenant, holder, registered_at) select $1, holder, $3 from unnest($2::uuid[]) as h (holder)
         on conflict on constraint registration_pk do nothing
         returning holder`,
};
