import { holderRegisteredV1 } from '@points/contracts';
import type { Tx } from '@points/database';
import { assert, done, refuse, type Refusal, type Result } from '@points/kernel';
import { event, publish } from '@points/messaging';
import { instantOf } from './register-holders.js';

export type ChangeRefusal = Refusal<'unknown-holder' | 'my-key-id-taken'>;

/**
 * Gives the holder the My Key ID that was wished for. The one before stays in the history and is never given again, also not back:
 * a receipt or a card link that shows it keeps its meaning. The tenancy of `tx` decides which holders are known.
 */
export async function changeMyKeyId(
  tx: Tx,
  holder: string,
  wished: string,
  now: Date,
): Promise<Result<{ myKeyId: string; since: Date }, ChangeRefusal>> {
  const [registered] = await tx.query('select 1 from registration where holder = $1 limit 1', [holder]);
  if (!registered) return refuse({ code: 'unknown-holder', detail: 'no such holder is registered with this municipality' });
  // Not the row of the present My Key ID alone: who waits for it finds it ended, and the new one not yet in the statement's view.
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`my key id of ${holder}`]);
  const [current] = await tx.query<{ value: string; since: Date }>(
    'select value, since from my_key_id where holder = $1 and until is null for update',
    [holder],
  );
  assert(current !== undefined, 'a registered holder has a My Key ID');
  if (current.value === wished) return done({ myKeyId: wished, since: current.since });

  // Two changes of one millisecond keep their order, and a clock that stepped back ends no row before it began.
  const since = new Date(Math.max(now.getTime(), current.since.getTime()));
  await tx.write('update my_key_id set until = $2 where value = $1', [current.value, since]);
  const claimed = await tx.write('insert into my_key_id (value, holder, since) values ($1, $2, $3) on conflict (value) do nothing', [
    wished,
    holder,
    since,
  ]);
  if (!claimed) return refuse({ code: 'my-key-id-taken', detail: 'this My Key ID is or was somebody’s; wish for another one' });
  await publish(tx, [event(holderRegisteredV1, { holder, myKeyId: wished, registeredAt: instantOf(since) })]);
  return done({ myKeyId: wished, since });
}
