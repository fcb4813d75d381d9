import type { Tx } from '@points/database';
import { problem, type Problem } from '@points/http';

/** The holder to whom the My Key ID belongs now: an id that passed to another card is the later one's. */
export async function findHolder(tx: Tx, myKeyId: string): Promise<string | undefined> {
  const [row] = await tx.query<{ id: string }>(findByMyKeyId, [myKeyId]);
  return row?.id;
}

export function unknownMyKeyId(): Problem {
  return problem(422, 'unknown-my-key-id', 'no holder is registered with this My Key ID');
}

const findByMyKeyId = {
  name: 'find_holder',
  text: 'select id from holder where my_key_id = $1 order by registered_at desc limit 1',
};
