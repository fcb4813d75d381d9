import { fiscalYearEnd, jstDateOf, points, unreachable, type Instant, type Points } from '@points/kernel';
import type { AnyInstruction } from './instruction.js';
import type { Rejection } from './rejection.js';

/** What a programme does not let grow without end: data of its rules. A programme without limits pays nothing for them. */
export type Limit =
  /** Points granted to one holder, from every source or from those that `source` names. */
  | { readonly kind: 'granted'; readonly per: GrantPeriod; readonly points: Points; readonly source?: string }
  /** Points granted to all holders together: the budget of a campaign. */
  | { readonly kind: 'budget'; readonly per: GrantPeriod; readonly points: Points; readonly source?: string }
  /** What a holder may have after a grant or a transfer. */
  | { readonly kind: 'balance'; readonly points: Points }
  /** How often and how much a holder may hold, spend, convert, donate and transfer. A hold counts when it is made, not when it is captured. */
  | { readonly kind: 'uses'; readonly per: UsePeriod; readonly times?: number; readonly points?: Points };

/** Of the calendar in Tokyo. */
export type GrantPeriod = 'day' | 'month' | 'fiscal-year' | 'lifetime';
export type UsePeriod = 'minute' | 'hour' | 'day';

/** Where a sum is kept. A new version of the rules with another number goes on counting where the one before stopped. */
export interface Counter {
  /** `budgetAccount` for what all holders share. */
  readonly account: string;
  readonly key: string;
  readonly period: string;
}

export interface Tally {
  readonly times: number;
  readonly points: number;
}

/** What a posting adds to a counter, once. */
export interface Count extends Counter {
  readonly amount: Points;
}

export interface Asked {
  readonly account: string;
  readonly instruction: AnyInstruction;
  readonly at: Instant;
}

export const budgetAccount = 'budget';

/** The counters that an instruction is measured by. */
export function countersOf(limits: readonly Limit[], { account, instruction, at }: Asked): Counter[] {
  return limits.flatMap((limit) => {
    if (limit.kind === 'balance' || !concerns(limit, instruction)) return [];
    const key =
      limit.kind === 'uses' ? `uses/${limit.per}` : `${limit.kind}/${limit.per}${limit.source === undefined ? '' : `/${limit.source}`}`;
    return [{ account: limit.kind === 'budget' ? budgetAccount : account, key, period: periodOf(limit.per, at) }];
  });
}

/** The first limit that a grant would pass, in the order in which the rules list them. `balance` is that of whoever receives. */
export function passesCap(
  limits: readonly Limit[],
  asked: Asked,
  amount: Points,
  balance: Points,
  tallyOf: TallyOf,
): Rejection | undefined {
  for (const limit of limits) {
    if (limit.kind === 'uses' || !concerns(limit, asked.instruction)) continue;
    const [counter] = countersOf([limit], asked);
    const used = counter ? tallyOf(counter).points : balance;
    if (used + amount > limit.points) {
      return { code: 'cap-exceeded', facts: { cap: counter?.key ?? limit.kind, limit: limit.points, used: points(used), asked: amount } };
    }
  }
  return undefined;
}

/** The first limit of use that an instruction would pass: its number before its sum. */
export function passesVelocity(limits: readonly Limit[], asked: Asked, amount: Points, tallyOf: TallyOf): Rejection | undefined {
  for (const limit of limits) {
    if (limit.kind !== 'uses') continue;
    const [counter] = countersOf([limit], asked);
    if (!counter) continue;
    const used = tallyOf(counter);
    if (limit.times !== undefined && used.times + 1 > limit.times) {
      return {
        code: 'velocity-exceeded',
        facts: { cap: `${counter.key}/times`, limit: points(limit.times), used: points(used.times), asked: points(1) },
      };
    }
    if (limit.points !== undefined && used.points + amount > limit.points) {
      return {
        code: 'velocity-exceeded',
        facts: { cap: `${counter.key}/points`, limit: limit.points, used: points(used.points), asked: amount },
      };
    }
  }
  return undefined;
}

export type TallyOf = (counter: Counter) => Tally;

function concerns(limit: Limit, instruction: AnyInstruction): boolean {
  switch (limit.kind) {
    case 'granted':
    case 'budget':
      return instruction.kind === 'issue' && (limit.source === undefined || isOfSource(instruction.source, limit.source));
    case 'balance':
      return instruction.kind === 'issue' || instruction.kind === 'transfer';
    case 'uses':
      return useKinds.has(instruction.kind);
    default:
      return unreachable(limit);
  }
}

const useKinds: ReadonlySet<AnyInstruction['kind']> = new Set(['hold', 'spend', 'convert', 'donate', 'transfer'] as const);

/** A source by its name, or all of a kind together: `activity:*`. */
export function isOfSource(source: string, pattern: string): boolean {
  return pattern.endsWith(':*') ? source.startsWith(pattern.slice(0, -1)) : source === pattern;
}

function periodOf(per: GrantPeriod | UsePeriod, at: Instant): string {
  const day = jstDateOf(at);
  switch (per) {
    case 'minute':
      return `${day}T${jstHour(at)}:${at.slice(14, 16)}`;
    case 'hour':
      return `${day}T${jstHour(at)}`;
    case 'day':
      return day;
    case 'month':
      return day.slice(0, 7);
    case 'fiscal-year':
      return `FY${Number(fiscalYearEnd(day).slice(0, 4)) - 1}`;
    case 'lifetime':
      return 'ever';
    default:
      return unreachable(per);
  }
}

function jstHour(at: Instant): string {
  return String((Number(at.slice(11, 13)) + jstOffsetHours) % 24).padStart(2, '0');
}

const jstOffsetHours = 9;
