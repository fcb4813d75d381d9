import type { Tx } from '@points/database';

export async function findHolder(tx: Tx, municipality: string, myKeyId: string): Promise<{ holder: string; myKeyId: string } | undefined> {
  const [found] = await tx.query<{ holder: string; myKeyId: string }>(
    {
      name: 'find_holder',
      text: `select current.holder, current.value as "myKeyId"
               from my_key_id asked
               join my_key_id current on current.holder = asked.holder and current.until is null
               join registration r on r.holder = asked.holder and r.tenant = $1
              where asked.value = $2`,
    },
    [municipality, myKeyId],
  );
  return found;
}
