import { everyTenant, tenants } from '@points/database';
import { programmeId, tenantOf, type Expiry, type LocalDate } from '@points/kernel';
import { insertRules, updateProgramme } from '../programmes/programme-store.js';
import { dayAfter, inventRules, programmes } from './invent-programme.js';
import type { ModelProgramme } from './model-books.js';
import { dayNumber, midnightAfter } from './model-time.js';
import type { Random } from './random.js';
import { dayMs, type World } from './world.js';

/** To midnights and ends and the milliseconds around them, by minutes, by weeks, and back. */
export function moveClock(world: World, chance: Random): void {
  const midnight = midnightAfter(dayNumber(world.clock));
  const ends = endsAhead(world, chance);
  const near = chance.weighed([
    [3, 0],
    [2, -1],
    [1, 1],
  ]);
  world.clock = chance.weighed([
    [40, world.clock + chance.whole(0, 20 * 60_000)],
    [12, world.clock + chance.whole(0, 12 * 3_600_000)],
    [15, midnight + near],
    [20, ends.length > 0 ? chance.pick(ends) + near : midnight],
    [2, world.clock + chance.whole(0, 25 * dayMs)],
    [4, world.clock - chance.whole(0, 2 * dayMs)],
    [4, midnight - dayMs + near],
  ]);
}

/** The next end of a programme's lots, and of its holds, in the next weeks. */
function endsAhead(world: World, chance: Random): number[] {
  const soonest = (ends: readonly number[]): number[] => {
    const ahead = ends.filter((end) => end > world.clock && end < world.clock + 45 * dayMs);
    return ahead.length > 0 ? [ahead.reduce((a, b) => Math.min(a, b))] : [];
  };
  const accounts = [...world.pickProgramme(chance).accounts.values()];
  const lots = accounts.flatMap((account) => account.lots.flatMap((lot) => (lot.left > lot.held && lot.end !== null ? [lot.end] : [])));
  const holds = accounts.flatMap((account) =>
    Object.values(account.holds).flatMap((hold) => (!hold.ended && hold.until !== null ? [hold.until] : [])),
  );
  return [...soonest(lots), ...soonest(lots), ...soonest(holds)];
}

/** New rules, a freeze or its end, a last day, history opened or closed. */
export async function changeProgramme(world: World, chance: Random, programme: ModelProgramme): Promise<void> {
  const id = programmeId(programme.id);
  world.steps++;
  world.count('programme changed');
  const kind = chance.weighed<'rules' | 'frozen' | 'last day' | 'history'>([
    [4, 'rules'],
    [2, 'frozen'],
    [1, 'last day'],
    [1, 'history'],
  ]);
  const last = programme.versions.at(-1);
  const change = async (): Promise<void> => {
    if (kind === 'rules') {
      const today = dayAfter(world.clock, 0);
      const validFrom =
        last && last.validFrom >= today
          ? dayAfter(Date.parse(last.validFrom), chance.whole(1, 3))
          : dayAfter(world.clock, chance.whole(0, 3));
      const own = programmes.find((one) => one.id === programme.id)?.expiry ?? 'none';
      const expiry: Expiry['kind'] =
        own === 'none' || chance.chance(0.7)
          ? own
          : chance.pick(['days-after-grant', 'end-of-month', 'fiscal-year-end', 'fixed-day', 'months-after-last-use', 'none']);
      const added = { version: (last?.version ?? 0) + 1, validFrom, rules: inventRules(chance, expiry, Date.parse(validFrom)) };
      await world.options.database.transaction(tenants(tenantOf(id)), (tx) => insertRules(tx, id, added));
      programme.versions.push(added);
      return;
    }
    if (kind === 'frozen') programme.frozen = !programme.frozen;
    if (kind === 'last day') programme[chance.pick(['lastDay', 'lastGrantDay'] as const)] = dayAfter(world.clock, chance.whole(-1, 5));
    if (kind === 'history') programme.historyOpen = !programme.historyOpen;
    await world.options.database.transaction(tenants(tenantOf(id)), async (tx) => {
      // Days in this form are LocalDates.
      const days = { lastDay: programme.lastDay as LocalDate | null, lastGrantDay: programme.lastGrantDay as LocalDate | null };
      await updateProgramme(tx, { programme: id, name: id, ...days, historyOpen: programme.historyOpen });
      await tx.write('update programme set frozen = $2 where programme = $1', [id, programme.frozen]);
    });
  };
  if (isExceptional(programme)) {
    programme.frozen = false;
    programme.lastDay = null;
    programme.lastGrantDay = null;
    await world.options.database.transaction(tenants(tenantOf(id)), (tx) =>
      tx.write('update programme set frozen = false, last_day = null, last_grant_day = null where programme = $1', [id]),
    );
    return;
  }
  if (kind === 'rules' && programme.versions.length >= versionsMax) return;
  await change();
}

/** Freezes an account, or lifts its freeze. */
export async function freezeAccount(world: World, chance: Random): Promise<void> {
  const programme = world.pickProgramme(chance);
  const accounts = world.holdersOf(programme.id).flatMap(({ account }) => programme.accounts.get(account) ?? []);
  if (accounts.length === 0) return;
  const account = accounts.find((one) => one.frozen) ?? chance.pick(accounts);
  account.frozen = !account.frozen;
  world.steps++;
  world.count('account frozen or freed');
  await world.options.database.transaction(everyTenant, (tx) =>
    tx.write('update account set frozen = $3 where programme = $1 and account = $2', [programme.id, account.account, account.frozen]),
  );
}

/** A holder who has asked often enough makes room for a new one; what he has stays and expires as everybody's. */
export function retire(world: World, chance: Random): void {
  for (const programme of world.books.programmes.values()) {
    const pool = world.holdersOf(programme.id);
    pool.forEach((holder, index) => {
      if (holder.asked < askedMax) return;
      pool[index] = { account: `holder:${chance.uuid()}`, asked: 0 };
      const account = programme.accounts.get(holder.account);
      for (const [hold, { ended }] of Object.entries(account?.holds ?? {})) if (ended) delete account?.holds[hold];
      for (const reference of Object.keys(account?.uses ?? {})) delete account?.uses[reference];
      for (const reference of Object.keys(account?.grants ?? {})) delete account?.grants[reference];
      world.settled = world.settled.filter((one) => one.account !== holder.account);
    });
    if (programme.answers.size <= answersMax) continue;
    // What may be asked again is kept; the rest is counted.
    const kept = new Set(world.settled.map((one) => one.reference));
    for (const reference of programme.answers.keys()) {
      if (kept.has(reference) || reference.startsWith('ledger:release/')) continue;
      programme.answers.delete(reference);
      programme.forgotten++;
    }
  }
}

/** A freeze and a last day are exceptions: they end soon. */
export function isExceptional({ frozen, lastDay, lastGrantDay }: ModelProgramme): boolean {
  return frozen || lastDay !== null || lastGrantDay !== null;
}

/** About 60 lots and 30 holds per holder. */
const askedMax = 160;
const answersMax = 8_000;
const versionsMax = 40;
