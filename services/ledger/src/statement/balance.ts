import type { Tx } from '@points/database';
import { utc } from '@points/http';
import { parsePoints, points, sumPoints, type Instant, type Points, type ProgrammeId } from '@points/kernel';
import { endAsOf } from '../extend-lots/end-as-of.js';
import { byDrawOrder, freeOf, isLiving, isOver, isUsableAt, sliceParts, type Lot } from '../rules/lots.js';

export interface Balance {
  readonly posted: Points;
  readonly held: Points;
  readonly available: Points;
  readonly lots: readonly (Pick<
    Lot,
    'lot' | 'source' | 'funding' | 'grantedAt' | 'expiresAt' | 'usableAt' | 'remaining' | 'held' | 'ruleVersion'
  > & {
    readonly available: Points;
  })[];
  /** Which of the available points can be used where: `anywhere` at every place, and at a place with a tag so many in all. */
  readonly usable: { readonly anywhere: Points; readonly at: readonly { readonly place: string; readonly available: Points }[] };
}

/** What a holder has now, from what is kept of the account: as `balanceAt` says it for the same instant, at the cost of the open lots alone. */
export async function balanceNow(tx: Tx, programme: ProgrammeId, account: string, now: Instant): Promise<Balance> {
  const rows = await tx.query<LotRow & { held: string }>(openLots, [programme, account]);
  return balanceOf(
    rows.map((row) => ({
      ...row,
      amount: parsePoints(row.amount),
      remaining: parsePoints(row.left),
      held: parsePoints(row.held),
      expired: points(0),
    })),
    now,
  );
}

/**
 * What a holder has at an instant. Points whose lot is over do not count from that instant on, whether their expiry has been
 * posted or not, so the answer does not depend on when the job ran. Points that are held live on until their hold ends.
 * With `knownAt`: as the books told it at that instant, without what was recorded later.
 */
export async function balanceAt(
  tx: Tx,
  programme: ProgrammeId,
  account: string,
  at: Instant,
  knownAt: Instant | null = null,
): Promise<Balance> {
  const rows = await tx.query<LotRow>(lotsAt, [programme, account, at, knownAt]);
  const held = heldByLot(await tx.query<HoldRow>(holdsAt, [programme, account, at, knownAt]));
  return balanceOf(
    rows.map((row) => ({
      ...row,
      amount: parsePoints(row.amount),
      remaining: parsePoints(row.left),
      held: held.get(row.lot) ?? points(0),
      expired: points(0),
    })),
    at,
  );
}

function balanceOf(lots: readonly Lot[], at: Instant): Balance {
  const living = lots.filter((lot) => isLiving(lot, at)).sort(byDrawOrder);
  const held = sumPoints(lots.map((lot) => lot.held));
  const heldOver = sumPoints(lots.filter((lot) => isOver(lot, at)).map((lot) => lot.held));
  const posted = sumPoints([...living.map((lot) => lot.remaining), heldOver]);
  return {
    posted,
    held,
    available: points(posted - held),
    usable: usableOf(living),
    lots: living.map(({ lot, source, funding, grantedAt, expiresAt, usableAt, remaining, held, ruleVersion }) => ({
      lot,
      source,
      funding,
      grantedAt,
      expiresAt,
      usableAt,
      remaining,
      held,
      available: points(remaining - held),
      ruleVersion,
    })),
  };
}

function usableOf(living: readonly Lot[]): Balance['usable'] {
  const free = (lots: readonly Lot[]) => sumPoints(lots.map(freeOf));
  const tags = [...new Set(living.filter((lot) => freeOf(lot) > 0).flatMap((lot) => lot.usableAt))].sort();
  return {
    anywhere: free(living.filter((lot) => lot.usableAt.length === 0)),
    at: tags.map((place) => ({ place, available: free(living.filter((lot) => isUsableAt(lot, [place]))) })),
  };
}

type LotRow = Omit<Lot, 'amount' | 'remaining' | 'held' | 'expired'> & { readonly amount: string; readonly left: string };

interface HoldRow {
  readonly amount: string;
  readonly captured: string;
  readonly lots: readonly string[];
  readonly parts: readonly number[];
}

/** Captures take a hold's parts from the front, so what is left of it lies behind what was captured. */
function heldByLot(holds: readonly HoldRow[]): Map<string, Points> {
  const held = new Map<string, Points>();
  for (const { amount, captured, lots, parts } of holds) {
    const taken = parsePoints(captured);
    const rest = sliceParts(
      lots.map((lot, index) => ({ lot, amount: points(parts[index] ?? 0) })),
      taken,
      points(parsePoints(amount) - taken),
    );
    for (const part of rest) held.set(part.lot, points((held.get(part.lot) ?? 0) + part.amount));
  }
  return held;
}

const lotColumns = (end: string) => `
    l.lot, l.priority, ${utc('l.granted_at')} as "grantedAt", ${utc(end)} as "expiresAt", l.usable_at as "usableAt", l.source, l.funding,
      l.rule_version as "ruleVersion", l.amount`;

const openLots = {
  name: 'open_lots',
  text: `select ${lotColumns('l.expires_at')}, l.remaining as left, l.held from lot l where l.programme = $1 and l.account = $2 and l.open`,
};

const lotsAt = {
  name: 'lots_at',
  text: `
    select ${lotColumns(endAsOf({ lot: 'l', at: '$3', known: '$4' }))}, d.remaining as left
    from (
      select d.lot, sum(d.amount) as remaining
      from transfer t join draw d on d.programme = t.programme and d.account = t.account and d.transfer = t.transfer
      where t.programme = $1 and t.account = $2 and t.effective_at <= $3::timestamptz and ($4::timestamptz is null or t.recorded_at <= $4)
      group by d.lot
    ) d
    join lot l on l.programme = $1 and l.account = $2 and l.lot = d.lot
    where d.remaining > 0`,
};

const holdsAt = {
  name: 'holds_at',
  text: `
    select h.amount, t.captured, h.lots, array_to_json(h.parts) as parts
    from hold h
    cross join lateral (
      select coalesce(sum(t.amount) filter (where t.kind in ('spend', 'convert', 'donate')), 0) as captured, bool_or(t.kind = 'release') as released,
        bool_or(t.kind = 'hold') as known
      from transfer t
      where t.programme = h.programme and t.account = h.account and t.hold = h.hold and t.effective_at <= $3::timestamptz
        and ($4::timestamptz is null or t.recorded_at <= $4)
    ) t
    where h.programme = $1 and h.account = $2 and h.held_at <= $3::timestamptz and t.known and not coalesce(t.released, false) and t.captured < h.amount`,
};
