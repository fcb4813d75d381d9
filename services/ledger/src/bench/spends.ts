import { assert, uuidv7 } from '@points/kernel';
import { benchProgramme, holderAccount } from './fill-books.js';
import type { GrowthBooks } from './growth-books.js';

/** One point of one holder at one of a thousand merchants; a refusal ends the run. */
export async function spendOne({ door }: GrowthBooks, holder: number): Promise<void> {
  const [completed] = await door.post([
    {
      reference: `bench:${uuidv7()}`,
      programme: benchProgramme,
      account: holderAccount(holder),
      // The amount is whole by construction; toInstruction brands it on the way in from outside.
      instruction: { kind: 'spend', amount: 1 as never, to: `merchant:m${any(1_000)}`, places: ['shop:a'] },
      actor: 'bench',
      announce: { requester: 'settlement' },
    },
  ]);
  assert(completed?.outcome.status === 'posted', `a posting was refused: ${JSON.stringify(completed?.outcome)}`);
}

export const any = (n: number) => Math.floor(Math.random() * n);
