import { addDays, lastChoiceDay, points, refuse, startOfDayJst, sumPoints, type Instant, type Points, type Refusal } from '@points/kernel';

/** A resident chooses on one screen; each part is a saga of its own. */
export const allocationPartsMax = 20;

/** Points of one order that wait in the reserve. */
export interface Arrival {
  readonly id: string;
  readonly arrivedAt: Instant;
  /** Not yet drawn by an allocation. */
  readonly remaining: Points;
  /** When the move to the base programme was refused last; absent while it never was. */
  readonly refusedAt?: Instant;
}

/**
 * After each refusal of the move to the base programme: days until the next try. A programme that is frozen today may not be tomorrow; one that
 * has ended will not come back, and after the sixth refusal in a month an operator has to look. The points stay in the reserve, to be chosen for.
 */
export const automaticRetryDays = [1, 2, 4, 8, 16] as const;
export const automaticRefusalsMax = automaticRetryDays.length + 1;

export interface Target {
  readonly municipality: string;
  readonly programme: string;
}

export interface AllocationPart extends Target {
  readonly points: Points;
}

/** What a part takes from one arrival, and what a refused part gives back to it. */
export interface Draw {
  readonly arrival: string;
  readonly points: Points;
}

export interface DrawnPart extends AllocationPart {
  readonly draws: readonly Draw[];
}

/** The holder's base programme from `namedAt` until another one is named. */
export interface BaseProgramme extends Target {
  readonly namedAt: Instant;
}

export type AllocationRefusal = Refusal<'no-parts' | 'too-many-parts' | 'target-twice' | 'part-without-points' | 'reserve-insufficient'>;

/** 00:00 of the 15th day in Tokyo: the first instant at which the points go to the base programme. */
export function dueAt(arrivedAt: Instant): Instant {
  return startOfDayJst(addDays(lastChoiceDay(arrivedAt), 1));
}

/**
 * Where an arrival goes by itself: to the base programme that held when it fell due, and if there was none then, to the first that was
 * named afterwards. It depends on when it was named and not on when the job runs, so that a late run gives the same books. Once it was
 * refused the one that holds now counts: its holder may have named it for that reason.
 */
export function automaticTarget(
  { arrivedAt, refusedAt }: Arrival,
  named: readonly BaseProgramme[],
  at: Instant,
): BaseProgramme | undefined {
  const due = dueAt(arrivedAt);
  if (at < due) return undefined;
  const known = named.filter(({ namedAt }) => namedAt <= at).sort((a, b) => compare(a.namedAt, b.namedAt));
  return refusedAt ? known.at(-1) : (known.findLast(({ namedAt }) => namedAt < due) ?? known[0]);
}

/**
 * Through the last day; afterwards only while the points wait for a base programme or were refused by it: they are kept and never expire in
 * the reserve, and nobody is bound to a programme that does not take them.
 */
export function isChoosable(arrival: Arrival, named: readonly BaseProgramme[], at: Instant): boolean {
  return arrival.remaining > 0 && (arrival.refusedAt !== undefined || !automaticTarget(arrival, named, at));
}

export const arrivalStates = ['to-choose', 'due', 'waits-for-base-programme', 'refused'] as const;
export type ArrivalState = (typeof arrivalStates)[number];

export function arrivalState(arrival: Arrival, named: readonly BaseProgramme[], at: Instant): ArrivalState {
  if (at < dueAt(arrival.arrivedAt)) return 'to-choose';
  if (arrival.refusedAt) return 'refused';
  return automaticTarget(arrival, named, at) ? 'due' : 'waits-for-base-programme';
}

/** A reversal may have taken more of an arrival than was left of it, because the ledger drew on others: the oldest points are gone then. */
export function netted(arrivals: readonly (Omit<Arrival, 'remaining'> & { readonly remaining: number })[]): Arrival[] {
  let missing = arrivals.reduce((sum, { remaining }) => sum + Math.max(0, -remaining), 0);
  return oldestFirst(arrivals).map((one) => {
    const gone = Math.min(missing, Math.max(0, one.remaining));
    missing -= gone;
    return { ...one, remaining: points(Math.max(0, one.remaining) - gone) };
  });
}

/** Splits what the holder may still give away, the oldest arrival first. All parts are drawn, or none. */
export function drawAllocation(
  parts: readonly AllocationPart[],
  arrivals: readonly Arrival[],
  { named, at }: { readonly named: readonly BaseProgramme[]; readonly at: Instant },
): { readonly ok: true; readonly parts: readonly DrawnPart[] } | ReturnType<typeof refuse<AllocationRefusal>> {
  const choosable = oldestFirst(arrivals.filter((one) => isChoosable(one, named, at)));
  const trouble = troubleOf(parts, sumPoints(choosable.map(({ remaining }) => remaining)));
  if (trouble) return refuse(trouble);
  const left = choosable.map(({ id, remaining }) => ({ id, remaining }));
  return { ok: true, parts: parts.map((part) => ({ ...part, draws: draw(part.points, left) })) };
}

/** Exactly what was drawn is written off, or (a refused part) written back: to the same arrivals, whose due times stay. */
export function afterDraws(arrivals: readonly Arrival[], draws: readonly Draw[], way: 'drawn' | 'given-back'): Arrival[] {
  const sums = new Map<string, number>();
  for (const one of draws) sums.set(one.arrival, (sums.get(one.arrival) ?? 0) + one.points);
  return arrivals.map((one) => {
    const sum = sums.get(one.id) ?? 0;
    return { ...one, remaining: points(one.remaining + (way === 'drawn' ? -sum : sum)) };
  });
}

function troubleOf(parts: readonly AllocationPart[], available: Points): AllocationRefusal | undefined {
  if (!parts.length) return { code: 'no-parts', detail: 'name at least one municipality and how many points it is to get' };
  if (parts.length > allocationPartsMax)
    return {
      code: 'too-many-parts',
      detail: `at most ${allocationPartsMax} parts at once, ${parts.length} were given`,
      facts: { limit: allocationPartsMax },
    };
  const empty = parts.findIndex((part) => part.points <= 0);
  if (empty >= 0) return { code: 'part-without-points', detail: `part ${empty + 1} needs at least 1 point`, facts: { part: empty + 1 } };
  const twice = parts.findIndex((part, index) => parts.findIndex((one) => one.programme === part.programme) < index);
  if (twice >= 0)
    return {
      code: 'target-twice',
      detail: `part ${twice + 1} names a programme that an earlier part names too`,
      facts: { part: twice + 1 },
    };
  // Counted from `available` downwards: the sum of wild wishes need not be a safe integer.
  let left: number = available;
  for (const part of parts) left -= part.points;
  if (left >= 0) return undefined;
  return {
    code: 'reserve-insufficient',
    detail: `${available} points may be given to a municipality now`,
    facts: { available },
  };
}

function draw(wanted: Points, left: { readonly id: string; remaining: number }[]): Draw[] {
  const draws: Draw[] = [];
  let missing: number = wanted;
  for (const one of left) {
    const taken = Math.min(missing, one.remaining);
    if (taken === 0) continue;
    draws.push({ arrival: one.id, points: points(taken) });
    one.remaining -= taken;
    missing -= taken;
  }
  return draws;
}

/** Arrivals of one instant are told apart by id, so that every run draws the same. */
function oldestFirst<T extends Omit<Arrival, 'remaining'>>(arrivals: readonly T[]): T[] {
  return [...arrivals].sort((a, b) => compare(a.arrivedAt, b.arrivedAt) || compare(a.id, b.id));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
