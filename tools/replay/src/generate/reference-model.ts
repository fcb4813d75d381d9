/**
 * What a trial must come to, worked out in the plainest way: one list of lots per person, days counted as numbers. It shares no
 * line with the cloud or with the replay, so that a mistake in one of them shows as a difference.
 */
export interface ModelExchange {
  readonly kind: 'exchange';
  readonly id: string;
  readonly person: string;
  readonly points: number;
  readonly ms: number;
}

export interface ModelConversion {
  readonly kind: 'conversion';
  readonly id: string;
  readonly person: string;
  readonly points: number;
  readonly ms: number;
}

interface ModelLot {
  left: number;
  /** The last day of its use, as a number of days since 1970-01-01 in Tokyo. */
  readonly lastDay: number;
  readonly order: number;
}

export interface ModelReport {
  readonly issued: { readonly count: number; readonly persons: number; readonly points: number };
  readonly converted: { readonly count: number; readonly persons: number; readonly points: number };
  readonly expired: { readonly count: number; readonly persons: number; readonly points: number };
  readonly outstanding: { readonly points: number };
}

export function referenceModel(rule: { readonly validityDays: number; readonly firstDay: number; readonly lastDay: number }) {
  const lots = new Map<string, ModelLot[]>();
  const issued = tally();
  const converted = tally();
  let order = 0;

  const living = (person: string, ms: number) => (lots.get(person) ?? []).filter((lot) => lot.left > 0 && tokyoDay(ms) <= lot.lastDay);
  const isInPeriod = (ms: number) => tokyoDay(ms) >= rule.firstDay && tokyoDay(ms) <= rule.lastDay;
  return {
    balance: (person: string, ms: number) => living(person, ms).reduce((sum, lot) => sum + lot.left, 0),
    /** The last moments of the person's lots that are alive at `ms`. */
    ends: (person: string, ms: number) => living(person, ms).map((lot) => startOfTokyoDay(lot.lastDay + 1) - 1),
    /** Rows must come in order. False when the row is refused. */
    book(row: ModelExchange | ModelConversion): boolean {
      if (!isInPeriod(row.ms)) return false;
      if (row.kind === 'exchange') {
        const lot = { left: row.points, lastDay: tokyoDay(row.ms) + rule.validityDays, order: order++ };
        lots.set(row.person, [...(lots.get(row.person) ?? []), lot]);
        issued.add(row.person, row.points);
        return true;
      }
      const usable = living(row.person, row.ms).sort((a, b) => a.lastDay - b.lastDay || a.order - b.order);
      if (usable.reduce((sum, lot) => sum + lot.left, 0) < row.points) return false;
      let open = row.points;
      for (const lot of usable) {
        const part = Math.min(open, lot.left);
        lot.left -= part;
        open -= part;
      }
      converted.add(row.person, row.points);
      return true;
    },
    /** As of 00:00 of the day after the period, when every lot whose last day is in the period has lapsed. */
    report(): ModelReport {
      const expired = tally();
      let outstanding = 0;
      for (const [person, own] of lots)
        for (const lot of own) {
          if (lot.left === 0) continue;
          if (lot.lastDay <= rule.lastDay) expired.add(person, lot.left);
          else outstanding += lot.left;
        }
      return { issued: issued.result(), converted: converted.result(), expired: expired.result(), outstanding: { points: outstanding } };
    },
  };
}

function tally() {
  const persons = new Set<string>();
  let [count, points] = [0, 0];
  return {
    add: (person: string, amount: number) => {
      persons.add(person);
      count++;
      points += amount;
    },
    result: () => ({ count, persons: persons.size, points }),
  };
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

export function tokyoDay(ms: number): number {
  return Math.floor((ms + 9 * hourMs) / dayMs);
}

export function startOfTokyoDay(day: number): number {
  return day * dayMs - 9 * hourMs;
}
