import { tenants, type Database } from '@points/database';
import { addDays, jstDateOf, points, uuidv7, type ProgrammeId } from '@points/kernel';
import { ExpireLots } from '../expire-lots/expire-lots.js';
import type { Door } from '../post/door.js';
import type { AnyRequest, DoorRequest } from '../post/request.js';
import { insertRules } from '../programmes/programme-store.js';
import { random } from '../simulate/random.js';
import { aHolder, anIssue, aRequest, aSpend, at, openProgramme, someRules } from './ledger-builders.js';

/**
 * A programme in which everything that the ledger can do has happened: grants, spends over several lots, holds with part captures and
 * releases, refunds, transfers between holders, refusals, expiry, points that came back too late, corrections, reversed
 * grants and debts, lots whose end moved with use or was moved by staff.
 */
export async function livedInProgramme(
  { database, door }: { database: Database; door: Door },
  programme: ProgrammeId,
  options: { seed?: number; steps?: number; moving?: boolean; eachHundred?: () => Promise<void> } = {},
): Promise<string[]> {
  const { seed = 1, steps = 300, moving = false, eachHundred } = options;
  const chance = random(seed);
  const one = <T>(list: readonly T[]) => chance.pick(list);
  const below = (limit: number) => chance.whole(0, limit - 1);
  const expiry = moving ? ({ kind: 'months-after-last-use', months: 2 } as const) : ({ kind: 'days-after-grant', days: 40 } as const);
  await openProgramme(database, programme, {
    rules: { expiry, transferAllowed: true, refundOfExpired: { kind: 'new-lot', days: 20 }, reverseOfSpent: 'debt' },
  });
  await database.transaction(tenants(programme.slice(0, 6)), (tx) =>
    insertRules(tx, programme, {
      version: 2,
      validFrom: '2017-06-01' as never,
      rules: { ...someRules, expiry, priority: 1, transferAllowed: true, usableAt: ['shop:shop-1'], reverseOfSpent: 'debt' },
    }),
  );
  const holders = Array.from({ length: 8 }, aHolder);
  const spends: DoorRequest[] = [];
  const issues: DoorRequest[] = [];
  const holds: { holder: string; hold: string }[] = [];
  const expire = new ExpireLots(database, () => at(new Date().toISOString()));
  try {
    for (let step = 0; step < steps; step++) {
      const day = 1 + Math.floor((step / steps) * 270);
      const effectiveAt = at(new Date(Date.UTC(2017, 1, day, below(24), below(60))).toISOString());
      const more = { programme, effectiveAt };
      const holder = one(holders);
      const made = ((): AnyRequest => {
        switch (below(12)) {
          case 0:
          case 1:
          case 2: {
            const issue = anIssue(holder, 1 + below(900), { ...more, reason: 'a "walk", 健康ポイント' });
            issues.push(issue);
            return issue;
          }
          case 3:
          case 4: {
            const spend = aSpend(holder, 1 + below(500), { ...more, to: one(['merchant:shop-1', 'merchant:shop-2']) });
            spends.push(spend);
            return spend;
          }
          case 5: {
            const hold = uuidv7();
            holds.push({ holder, hold });
            return aRequest(holder, { kind: 'hold', hold, amount: 1 + below(300), places: ['shop:shop-1'] }, more);
          }
          case 6: {
            const known = holds.length > 0 ? one(holds) : { holder, hold: uuidv7() };
            return aRequest(
              known.holder,
              { kind: 'capture', hold: known.hold, amount: 1 + below(200), final: below(2) === 0, to: 'fund:library', use: 'donate' },
              more,
            );
          }
          case 7: {
            const known = holds.length > 0 ? one(holds) : { holder, hold: uuidv7() };
            return aRequest(known.holder, { kind: 'release', hold: known.hold }, more);
          }
          case 8: {
            const spend = spends.length > 0 ? one(spends) : aSpend(holder, 5);
            return aRequest(spend.account, { kind: 'refund', of: spend.reference, amount: 1 + below(200) }, more);
          }
          case 9: {
            const direction = below(2) === 0 ? ('add' as const) : ('take' as const);
            return {
              ...aSpend(holder, 1, more),
              instruction: { kind: 'adjust', direction, amount: points(1 + below(50)), funding: 'free' },
            };
          }
          case 10: {
            const issue = issues.length > 0 ? one(issues) : anIssue(holder, 5);
            return { ...aSpend(issue.account, 1, more), instruction: { kind: 'reverse', of: issue.reference } };
          }
          default:
            return aRequest(holder, { kind: 'transfer', amount: 1 + below(200), to: one(holders) }, more);
        }
      })();
      await door.post([made]);
      if (step % 100 !== 99) continue;
      await expire.run(programme, effectiveAt);
      // Staff give one holder ten days more, and all others till the same day.
      const order = { kind: 'extend' as const, extension: uuidv7(), meant: { grantedBy: effectiveAt } };
      await door.post(
        holders.map((account, index) => ({
          reference: `ledger:extension/${order.extension}/${account}`,
          programme,
          account,
          instruction: { ...order, later: index === 0 ? { days: 10 } : { lastDay: addDays(jstDateOf(effectiveAt), 30) } },
          actor: 'clerk',
          reason: 'a flood',
          effectiveAt,
          internal: true,
        })),
      );
      await eachHundred?.();
    }
  } finally {
    await expire.close();
  }
  return holders;
}
