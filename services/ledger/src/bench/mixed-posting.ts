import { points, uuidv7 } from '@points/kernel';
import type { DoorRequest } from '../post/request.js';
import { benchProgramme, holderAccount } from './fill-books.js';
import type { GrowthBooks } from './growth-books.js';
import { any } from './spends.js';

/** What a day brings: grants, spends, holds with their captures and releases, refunds, one in ten repeated and one in twenty refused. */
export function mixedPosting({ door }: GrowthBooks, holders: number): () => Promise<void> {
  return async () => {
    const [account, places, to] = [holderAccount(any(holders)), ['shop:a'], `merchant:m${any(1_000)}`];
    const request = (instruction: DoorRequest['instruction']): DoorRequest => ({
      reference: `bench:${uuidv7()}`,
      programme: benchProgramme,
      account,
      instruction,
      actor: 'bench',
      announce: { requester: 'settlement' },
    });
    const spend = request({ kind: 'spend', amount: points(3), to, places });
    const hold = uuidv7();
    switch (any(20)) {
      case 0:
      case 1:
        await door.post([request({ kind: 'issue', amount: points(10), source: 'activity:walk', funding: 'free' })]);
        return;
      case 2:
      case 3:
        await door.post([spend]);
        await door.post([spend]);
        return;
      case 4:
      case 5:
        await door.post([spend]);
        await door.post([request({ kind: 'refund', of: spend.reference, amount: points(2) })]);
        return;
      case 6:
      case 7:
        await door.post([request({ kind: 'hold', hold, amount: points(5), places })]);
        await door.post([request({ kind: 'capture', hold, amount: points(4), final: true, to })]);
        return;
      case 8:
        await door.post([request({ kind: 'hold', hold, amount: points(5), places })]);
        await door.post([request({ kind: 'release', hold })]);
        return;
      case 9:
        await door.post([request({ kind: 'spend', amount: points(1_000_000_000), to, places })]);
        return;
      default:
        await door.post([spend]);
    }
  };
}
