import { uuidv7, type Instant } from '@points/kernel';
import type { Database } from '@points/database';
import { Door } from '../post/door.js';
import type { DoorRequest } from '../post/request.js';
import { ExpireLots } from '../expire-lots/expire-lots.js';
import { aHolder, anIssue, aRequest, aSpend, at, kawasaki, openProgramme } from './ledger-builders.js';

export interface TrialBooks {
  readonly hanako: string;
  readonly taro: string;
  /** What the clock shows; a test may set it. */
  readonly clock: { now: Instant };
  readonly post: (request: DoorRequest) => Promise<string>;
  readonly expire: (until: string) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/**
 * A small life of a programme whose lots are usable through the end of the second month after their grant. What it adds up to was
 * worked out by hand in the specs that use it. Times are Tokyo's.
 */
export async function trialBooks(database: Database): Promise<TrialBooks> {
  await openProgramme(database, kawasaki, { rules: { expiry: { kind: 'end-of-month', months: 2 } } });
  const clock = { now: at('2018-01-01T00:00:00+09:00') };
  const door = new Door({ database, now: () => clock.now });
  const expiry = new ExpireLots(database, () => clock.now);
  const [hanako, taro, hold] = [aHolder(), aHolder(), uuidv7()];
  const post = async (request: DoorRequest): Promise<string> => {
    const [completed] = await door.post([request]);
    if (completed?.outcome.status !== 'posted') throw new Error(`refused: ${JSON.stringify(completed?.outcome)}`);
    return request.reference;
  };
  const on = (time: string, request: DoorRequest): Promise<string> => {
    clock.now = at(time);
    return post(request);
  };
  const free = { kind: 'issue', source: 'staff:b', funding: 'free' } as const;

  // Lot A, paid, usable through 31 March.
  await on('2018-01-10T10:00:00+09:00', anIssue(hanako, 1000));
  const first = await on('2018-01-31T23:59:59.999+09:00', aSpend(hanako, 100, { to: 'merchant:m1' }));
  // Lot B, free, usable through 30 April.
  await on('2018-02-01T00:00:00+09:00', aRequest(taro, { ...free, amount: 500 }));
  await on('2018-02-15T10:00:00+09:00', aRequest(hanako, { kind: 'convert', amount: 200, to: 'scheme:x', places: [] }));
  await on('2018-02-20T10:00:00+09:00', aRequest(taro, { kind: 'donate', amount: 50, to: 'fund:f', places: [] }));
  await on('2018-03-01T10:00:00+09:00', aRequest(hanako, { kind: 'refund', of: first, amount: 40 }));
  await on('2018-03-15T10:00:00+09:00', aRequest(hanako, { kind: 'hold', hold, amount: 300, places: [] }));
  const last = await on('2018-03-31T23:59:59.999+09:00', aSpend(hanako, 40, { to: 'merchant:m1' }));
  // Of A, 400 lapse with the end of March; 300 are held. 100 of them are captured, the other 200 come back after their time and expire.
  await on('2018-04-05T10:00:00+09:00', aRequest(hanako, { kind: 'capture', hold, amount: 100, final: true, to: 'merchant:m1' }));
  // Lot C, paid, usable through 30 June.
  await on('2018-04-10T10:00:00+09:00', anIssue(taro, 300));
  // Back into lot A, which is over: the points expire at once.
  await on('2018-05-10T10:00:00+09:00', aRequest(hanako, { kind: 'refund', of: last, amount: 40 }));
  // Two that belong to March and were recorded late: within the settlement period, and after it.
  await on('2018-05-20T10:00:00+09:00', aSpend(taro, 25, { to: 'merchant:m2', effectiveAt: at('2018-03-20T00:00:00+09:00') }));
  await on('2018-06-02T10:00:00+09:00', aSpend(taro, 10, { to: 'merchant:m2', effectiveAt: at('2018-03-20T00:00:00+09:00') }));
  return {
    hanako,
    taro,
    clock,
    post,
    expire: (until) => expiry.run(kawasaki, at(until)),
    close: async () => {
      await expiry.close();
      await door.close();
    },
  };
}
