import type { Rules } from '../rules/programme.js';
import { dayText } from './model-time.js';

/**
 * What the ledger promises, said once more and as plainly as possible: arrays, loops and milliseconds, no database and none of the
 * ledger's own rules. Where the two disagree, one of them is wrong. Times are milliseconds since 1970, points plain numbers.
 */
export interface Books {
  readonly programmes: Map<string, ModelProgramme>;
  /** Makes the model wrong on purpose, to see that a simulation finds it. */
  readonly mistake?: Mistake;
}

export const mistakes = [
  'ends-a-millisecond-late',
  'refund-from-the-front',
  'draw-newest-first',
  'forgets-references',
  'release-keeps-hold',
  'expiry-takes-held',
  'forgives-debts',
  'extends-what-is-over',
  'overdraws-budgets',
  'keeps-half-a-batch',
] as const;
export type Mistake = (typeof mistakes)[number];

export interface ModelProgramme {
  readonly id: string;
  readonly firstDay: string;
  lastDay: string | null;
  lastGrantDay: string | null;
  historyOpen: boolean;
  frozen: boolean;
  readonly versions: { version: number; validFrom: string; rules: Rules }[];
  readonly accounts: Map<string, ModelAccount>;
  /** What all holders together have been granted, by limit and period. */
  budgets: Tallies;
  /** What became of each reference. */
  readonly answers: Map<string, Answered>;
  /** How many answers were forgotten, because nobody will ask for them again. */
  forgotten: number;
}

export interface ModelAccount {
  readonly account: string;
  /** The latest time at which something was recorded; the account's clock never runs behind it. */
  latest: number;
  readonly lots: ModelLot[];
  readonly holds: Record<string, ModelHold>;
  /** By reference: spends, conversions, donations and captures. */
  readonly uses: Record<string, ModelUse>;
  /** By reference: what an issue granted. */
  readonly grants: Record<string, ModelGrant>;
  /** How often and how much so far, by limit and period. */
  readonly tallies: Tallies;
  frozen: boolean;
  /** What a reversal could not take back; the next grants pay it. */
  debt: number;
  lapsed: number;
  /** What system accounts have got from this one; negative when they gave. Totals of the report are kept as `total:…`. */
  readonly counters: Record<string, bigint>;
}

export type Tallies = Record<string, { times: number; points: number }>;

export interface ModelLot {
  /** In the order in which they began: it stands for the id. */
  readonly no: number;
  id?: string;
  readonly priority: number;
  readonly granted: number;
  end: number | null;
  readonly tags: readonly string[];
  readonly source: string;
  readonly funding: string;
  readonly version: number;
  readonly amount: number;
  left: number;
  held: number;
  lapsed: number;
}

export interface Taken {
  readonly lot: number;
  readonly amount: number;
}

export interface ModelHold {
  readonly at: number;
  readonly until: number | null;
  readonly amount: number;
  captured: number;
  ended: boolean;
  readonly parts: readonly Taken[];
}

export interface ModelUse {
  readonly to: string;
  readonly at: number;
  readonly amount: number;
  refunded: number;
  readonly parts: readonly Taken[];
}

export interface ModelGrant {
  readonly lot: number;
  readonly at: number;
  isReversed: boolean;
}

export type ModelOutcome =
  | {
      readonly status: 'posted';
      readonly amount: number;
      readonly effectiveAt: string;
      readonly balance: number;
      readonly available: number;
    }
  | { readonly status: 'refused'; readonly code: string; readonly facts?: Readonly<Record<string, string | number>> };

export interface Answered {
  readonly content: string;
  readonly outcome: ModelOutcome;
  readonly completedAt: number;
  /** The id that the ledger gave the posting, once it is known. */
  posting?: string;
}

export function balanceOf(account: ModelAccount): number {
  return account.lots.reduce((sum, lot) => sum + lot.left, 0);
}

export function heldOf(account: ModelAccount): number {
  return account.lots.reduce((sum, lot) => sum + lot.held, 0);
}

export function versionAt(programme: ModelProgramme, at: number) {
  const today = dayText(at);
  const holding = programme.versions.filter((one) => one.validFrom <= today);
  const found = holding.at(-1) ?? programme.versions[0];
  if (!found) throw new Error('a programme has rules');
  return found;
}

export function versionOf(programme: ModelProgramme, version: number) {
  const found = programme.versions.find((one) => one.version === version);
  if (!found) throw new Error('a lot has its rules');
  return found;
}

/** An account is there from the first time that points might come to it. */
export function open(programme: ModelProgramme, account: string, now: number): ModelAccount {
  let found = programme.accounts.get(account);
  if (!found) programme.accounts.set(account, (found = emptyAccount(account, now)));
  return found;
}

export function emptyAccount(account: string, now: number): ModelAccount {
  return { account, latest: now, lots: [], holds: {}, uses: {}, grants: {}, tallies: {}, frozen: false, debt: 0, lapsed: 0, counters: {} };
}

export function record(account: ModelAccount, now: number): void {
  account.latest = Math.max(account.latest, now);
}

export function count(account: ModelAccount, counter: string, amount: number): void {
  if (amount !== 0) account.counters[counter] = (account.counters[counter] ?? 0n) + BigInt(amount);
}

export function lotOf(account: ModelAccount, no: number): ModelLot {
  const lot = account.lots[no];
  if (!lot) throw new Error('a lot that was taken from is there');
  return lot;
}

export function refused(code: string, facts?: Record<string, string | number>): ModelOutcome {
  return { status: 'refused', code, ...(facts && { facts }) };
}

/** Points are safe integers. */
export const largest = Number.MAX_SAFE_INTEGER;
