import type { LotsMeant } from '../rules/extend.js';
import type { AnyInstruction, PostingRequest } from '../rules/instruction.js';
import type { Limit } from '../rules/limits.js';
import type { Rules } from '../rules/programme.js';

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

interface Taken {
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

export interface ModelAnswer {
  readonly outcome: ModelOutcome;
  readonly completedAt: number;
  readonly repeated: boolean;
  /** Where the answer is remembered. */
  readonly answered?: Answered;
}

export interface ModelRequest extends Pick<PostingRequest, 'reference' | 'account' | 'effectiveAt'> {
  readonly programme: string;
  readonly instruction: AnyInstruction;
  readonly internal?: boolean;
}

/** Everything a caller may ask for. Checks come in the documented order. */
export function post(books: Books, request: ModelRequest, now: number): ModelAnswer {
  const programme = books.programmes.get(request.programme);
  if (!programme) return { outcome: refused('unknown-programme'), completedAt: now, repeated: false };
  openFor(programme, request, now);
  const known = recall(books, programme, request, now);
  if (known) return known;
  const outcome = decide(books, programme, request, now);
  if (outcome.status === 'refused' && request.internal) return { outcome, completedAt: now, repeated: false };
  const answered: Answered = { content: contentOf(request), outcome, completedAt: now };
  programme.answers.set(request.reference, answered);
  return { outcome, completedAt: now, repeated: false, answered };
}

/**
 * A batch, decided in one go and in its order. An atomic one with a refusal leaves nothing behind but the accounts that were opened
 * for it; what had been answered before it is answered so again. A dry run leaves nothing at all.
 */
export function postTogether(
  books: Books,
  requests: readonly ModelRequest[],
  { atomic, dryRun }: { atomic: boolean; dryRun: boolean },
  now: number,
): ModelAnswer[] {
  for (const request of dryRun ? [] : requests) {
    const programme = books.programmes.get(request.programme);
    if (programme) openFor(programme, request, now);
  }
  const putBack = remember(books, requests);
  const answers: ModelAnswer[] = [];
  let isStopped = false;
  for (const request of requests) {
    if (isStopped) break;
    const answer = post(books, request, now);
    answers.push(answer);
    isStopped = atomic && answer.outcome.status === 'refused';
  }
  if (dryRun || (isStopped && books.mistake !== 'keeps-half-a-batch')) putBack();
  if (!isStopped) return answers;
  return requests.map((request, index) => {
    const own = index === answers.length - 1 ? answers[index] : undefined;
    const programme = books.programmes.get(request.programme);
    const notCarriedOut: ModelAnswer = { outcome: refused('not-carried-out'), completedAt: now, repeated: false };
    return own ?? (programme && recall(books, programme, request, now)) ?? notCarriedOut;
  });
}

/** What a batch may change, to put it back. */
function remember(books: Books, requests: readonly ModelRequest[]): () => void {
  const puts: (() => void)[] = [];
  for (const { programme: id, account, reference, instruction } of requests) {
    const programme = books.programmes.get(id);
    if (!programme) continue;
    const [budgets, answered] = [structuredClone(programme.budgets), programme.answers.get(reference)];
    puts.push(() => {
      programme.budgets = budgets;
      if (answered) programme.answers.set(reference, answered);
      else programme.answers.delete(reference);
    });
    for (const name of instruction.kind === 'transfer' ? [account, instruction.to] : [account]) {
      const before = structuredClone(programme.accounts.get(name));
      puts.push(() => {
        if (before) programme.accounts.set(name, before);
        else programme.accounts.delete(name);
      });
    }
  }
  return () => {
    for (const put of puts) put();
  };
}

/** An account is there from the first request that might bring it points, whatever becomes of the request. */
function openFor(programme: ModelProgramme, { account, instruction }: ModelRequest, now: number): void {
  if (instruction.kind === 'issue' || (instruction.kind === 'adjust' && instruction.direction === 'add')) open(programme, account, now);
  if (instruction.kind === 'transfer' && instruction.to.startsWith('holder:')) open(programme, instruction.to, now);
}

/** What became of the reference before. */
function recall(books: Books, programme: ModelProgramme, request: ModelRequest, now: number): ModelAnswer | undefined {
  const before = books.mistake === 'forgets-references' ? undefined : programme.answers.get(request.reference);
  if (!before) return undefined;
  if (before.content !== contentOf(request)) return { outcome: refused('reference-reused'), completedAt: now, repeated: false };
  return { outcome: before.outcome, completedAt: before.completedAt, repeated: true, answered: before };
}

/**
 * Whether a budget could run out among grants of so many points: then it matters which comes first. Periods that no grant of the
 * last weeks can mean do not count.
 */
export function isShort(programme: ModelProgramme, asked: number, now: number): boolean {
  const since = dayText(now - 25 * dayMs);
  const versions = programme.versions.filter((_, index) => (programme.versions[index + 1]?.validFrom ?? '9999') > since);
  return versions.some(({ rules }) =>
    (rules.limits ?? []).some((limit) => {
      if (limit.kind !== 'budget') return false;
      const used = Object.entries(programme.budgets).flatMap(([name, { points }]) => {
        const [of = '', period = ''] = name.split(' ');
        return of === nameOf(limit) && period >= since.slice(0, period.length) ? [points] : [];
      });
      return [0, ...used].some((points) => points < limit.points && points + asked > limit.points);
    }),
  );
}

/** Takes what is over up to an instant, but for what is held. Answers the lots and points it took. */
export function expire(
  books: Books,
  programme: ModelProgramme,
  account: ModelAccount,
  until: number,
  now: number,
): { lots: number; points: number } {
  let [lots, points] = [0, 0];
  for (const lot of account.lots) {
    if (!isOver(books, lot, until)) continue;
    const amount = books.mistake === 'expiry-takes-held' ? lot.left : lot.left - lot.held;
    if (amount <= 0) continue;
    lapse(account, lot, amount);
    lots++;
    points += amount;
  }
  if (lots > 0) record(account, now);
  return { lots, points };
}

/** Holds whose time has come, in that order. */
export function dueHolds(programme: ModelProgramme, now: number): { account: ModelAccount; hold: string; until: number }[] {
  const due: { account: ModelAccount; hold: string; until: number }[] = [];
  for (const account of programme.accounts.values()) {
    for (const [hold, { ended, until }] of Object.entries(account.holds))
      if (!ended && until !== null && until <= now) due.push({ account, hold, until });
  }
  return due.sort((a, b) => a.until - b.until);
}

export function balanceOf(account: ModelAccount): number {
  return account.lots.reduce((sum, lot) => sum + lot.left, 0);
}

export function heldOf(account: ModelAccount): number {
  return account.lots.reduce((sum, lot) => sum + lot.held, 0);
}

/** What counts at an instant: everything but the free points of lots that are over. */
export function worth(books: Books, account: ModelAccount, at: number): { balance: number; available: number } {
  let balance = 0;
  for (const lot of account.lots) balance += isOver(books, lot, at) ? lot.held : lot.left;
  return { balance, available: balance - heldOf(account) };
}

/** What an account could spend at certain places. */
export function freeAt(books: Books, account: ModelAccount, at: number, places: readonly string[] | 'anywhere'): number {
  return account.lots.reduce((sum, lot) => sum + (isAlive(books, lot, at) && fits(lot, places) ? lot.left - lot.held : 0), 0);
}

function decide(books: Books, programme: ModelProgramme, request: ModelRequest, now: number): ModelOutcome {
  const { instruction } = request;
  // A payment that was promised before a freeze or the last day is kept, and what was reserved can always be freed.
  const isPromised = instruction.kind === 'capture' || instruction.kind === 'release';
  if (programme.frozen && !isPromised) return refused('programme-frozen');
  const account = programme.accounts.get(request.account);
  if (account?.frozen && ['hold', 'spend', 'convert', 'donate', 'transfer'].includes(instruction.kind)) return refused('account-frozen');
  const clock = Math.max(now, account?.latest ?? now);
  const at = request.effectiveAt === undefined ? clock : Date.parse(request.effectiveAt);
  if (!request.internal) {
    if (at > clock) return refused('effective-in-future', { effectiveAt: iso(at), now: iso(clock) });
    if (request.effectiveAt !== undefined && !programme.historyOpen) return refused('history-closed', { effectiveAt: iso(at) });
    const promised = isPromised ? account?.holds[instruction.hold] : undefined;
    const moment = instruction.kind === 'release' ? undefined : isPromised ? promised?.at : at;
    if (moment !== undefined) {
      const { firstDay, lastGrantDay } = programme;
      const ends = [programme.lastDay, instruction.kind === 'issue' ? lastGrantDay : null].filter((end) => end !== null).sort();
      const lastDay = ends[0] ?? null;
      const day = dayText(moment);
      if (day < firstDay || (lastDay !== null && day > lastDay))
        return refused('outside-period', { day, firstDay, ...(lastDay !== null && { lastDay }) });
    }
  }
  // Somebody who is not known has nothing, and nothing is written about him.
  const own = account ?? emptyAccount(request.account, now);
  const [worthBefore, endsBefore] = [balanceOf(own), own.lots.map((lot) => lot.end)];
  const outcome = carryOut(books, programme, own, request.reference, instruction, at, now);
  if (outcome !== undefined) return outcome;
  record(own, now);
  return {
    status: 'posted',
    amount: amountOf(own, instruction, worthBefore - balanceOf(own), endsBefore),
    effectiveAt: iso(at),
    ...worth(books, own, at),
  };
}

/** Answers the refusal, or changes the books and answers nothing. */
function carryOut(
  books: Books,
  programme: ModelProgramme,
  own: ModelAccount,
  reference: string,
  wish: AnyInstruction,
  at: number,
  now: number,
): ModelOutcome | undefined {
  switch (wish.kind) {
    case 'issue': {
      const { version, rules } = versionAt(programme, at);
      const end = endOf(rules.expiry, at);
      if (end !== null && end <= at) return refused('lot-already-over', { expiresAt: iso(end) });
      if (balanceOf(own) + wish.amount > largest) return refused('balance-too-large');
      const limited = passed(books, programme, rules, own, wish, balanceOf(own), at);
      if (limited) return limited;
      tally(programme, rules, own, wish, at);
      const { priority, usableAt } = rules;
      begin(own, { priority, granted: at, end, tags: usableAt, source: wish.source, funding: wish.funding, version, amount: wish.amount });
      own.grants[reference] = { lot: own.lots.length - 1, at, isReversed: false };
      count(own, `issued:${wish.source}`, 0 - wish.amount);
      count(own, 'total:issue', wish.amount);
      const paid = books.mistake === 'forgives-debts' ? 0 : Math.min(own.debt, wish.amount);
      lotOf(own, own.lots.length - 1).left -= paid;
      own.debt -= paid;
      count(own, 'municipality', paid);
      return undefined;
    }
    case 'adjust': {
      const { version, rules } = versionAt(programme, at);
      if (wish.direction === 'add') {
        const end = endOf(rules.expiry, at);
        if (end !== null && end <= at) return refused('lot-already-over', { expiresAt: iso(end) });
        if (balanceOf(own) + wish.amount > largest) return refused('balance-too-large');
        const { priority, usableAt } = rules;
        begin(own, {
          priority,
          granted: at,
          end,
          tags: usableAt,
          source: 'staff:adjustment',
          funding: wish.funding,
          version,
          amount: wish.amount,
        });
        count(own, 'adjusted', 0 - wish.amount);
        return undefined;
      }
      const taken = take(books, own, wish.amount, at, 'anywhere');
      if (!Array.isArray(taken)) return taken;
      for (const { lot, amount } of taken) lotOf(own, lot).left -= amount;
      count(own, 'adjusted', wish.amount);
      return undefined;
    }
    case 'reverse': {
      const grant = own.grants[wish.of];
      if (!grant) return refused('unknown-posting');
      if (at < grant.at) return refused('before-its-cause', { effectiveAt: iso(at), causeAt: iso(grant.at) });
      const lot = lotOf(own, grant.lot);
      if (grant.isReversed) return refused('reverse-exceeds', { needed: lot.amount, available: 0 });
      // What has expired is nobody's; what is spent, given away or held is owed.
      const [free, over] = [lot.left - lot.held, isOver(books, lot, at)];
      const owed = lot.amount - lot.lapsed - (over ? free : 0);
      const taken = over ? 0 : free;
      const mayOwe = versionAt(programme, at).rules.reverseOfSpent === 'debt';
      if (owed === 0 || (taken < owed && !mayOwe)) return refused('reverse-exceeds', { needed: owed, available: taken });
      if (own.debt + owed - taken > largest) return refused('balance-too-large');
      lot.left -= taken;
      own.debt += owed - taken;
      grant.isReversed = true;
      count(own, `issued:${lot.source}`, taken);
      return undefined;
    }
    case 'extend': {
      let moved = 0;
      for (const lot of own.lots) {
        const isOpen = lot.left > 0 && (isAlive(books, lot, at) || books.mistake === 'extends-what-is-over');
        if (lot.end === null || !isOpen || !isNamed(lot, lot.end, wish.meant)) continue;
        // The last day of use is the one before the midnight at which a lot ends.
        const lastDay = 'days' in wish.later ? dayNumber(lot.end - 1) + wish.later.days : Date.parse(wish.later.lastDay) / dayMs;
        if (midnightAfter(lastDay) <= lot.end) continue;
        lot.end = midnightAfter(lastDay);
        moved++;
      }
      return moved === 0 ? refused('nothing-to-extend') : undefined;
    }
    case 'spend':
    case 'convert':
    case 'donate': {
      if (!mayReceive(wish.kind, wish.to)) return refused('wrong-account', { account: wish.to });
      const limited = passed(books, programme, versionAt(programme, at).rules, own, wish, balanceOf(own), at);
      if (limited) return limited;
      const taken = take(books, own, wish.amount, at, wish.places);
      if (!Array.isArray(taken)) return taken;
      tally(programme, versionAt(programme, at).rules, own, wish, at);
      liveOn(books, programme, own, at);
      for (const { lot, amount } of taken) lotOf(own, lot).left -= amount;
      use(own, reference, wish.kind, { to: wish.to, at, amount: wish.amount, refunded: 0, parts: taken });
      return undefined;
    }
    case 'hold': {
      if (own.holds[wish.hold]) return refused('hold-exists');
      const until = wish.expiresAt === undefined ? null : Date.parse(wish.expiresAt);
      if (until !== null && until <= at) return refused('hold-ended');
      const limited = passed(books, programme, versionAt(programme, at).rules, own, wish, balanceOf(own), at);
      if (limited) return limited;
      const taken = take(books, own, wish.amount, at, wish.places);
      if (!Array.isArray(taken)) return taken;
      tally(programme, versionAt(programme, at).rules, own, wish, at);
      for (const { lot, amount } of taken) lotOf(own, lot).held += amount;
      own.holds[wish.hold] = { at, until, amount: wish.amount, captured: 0, ended: false, parts: taken };
      return undefined;
    }
    case 'capture': {
      const kind = wish.use ?? 'spend';
      if (!mayReceive(kind, wish.to)) return refused('wrong-account', { account: wish.to });
      const hold = own.holds[wish.hold];
      if (!hold) return refused('unknown-hold');
      if (at < hold.at) return refused('before-its-cause', { effectiveAt: iso(at), causeAt: iso(hold.at) });
      if (hold.ended || (hold.until !== null && hold.until <= at)) return refused('hold-ended');
      const open = hold.amount - hold.captured;
      if (wish.amount > open) return refused('hold-exceeded', { needed: wish.amount, available: open });
      const taken = unit(hold.parts).slice(hold.captured, wish.amount);
      liveOn(books, programme, own, at);
      for (const { lot, amount } of taken) {
        lotOf(own, lot).left -= amount;
        lotOf(own, lot).held -= amount;
      }
      hold.captured += wish.amount;
      use(own, reference, kind, { to: wish.to, at, amount: wish.amount, refunded: 0, parts: taken });
      if (wish.final) free(books, programme, own, hold, at);
      hold.ended = wish.final || hold.captured === hold.amount;
      return undefined;
    }
    case 'release': {
      const hold = own.holds[wish.hold];
      if (!hold) return refused('unknown-hold');
      if (at < hold.at) return refused('before-its-cause', { effectiveAt: iso(at), causeAt: iso(hold.at) });
      if (hold.ended) return refused('hold-ended');
      if (books.mistake !== 'release-keeps-hold') free(books, programme, own, hold, at);
      hold.ended = true;
      return undefined;
    }
    case 'refund': {
      const used = own.uses[wish.of];
      if (!used) return refused('unknown-posting');
      if (at < used.at) return refused('before-its-cause', { effectiveAt: iso(at), causeAt: iso(used.at) });
      const open = used.amount - used.refunded;
      if (wish.amount > open) return refused('refund-exceeds', { needed: wish.amount, available: open });
      if (balanceOf(own) + wish.amount > largest) return refused('balance-too-large');
      // What was taken last comes back first.
      const order = books.mistake === 'refund-from-the-front' ? used.parts : [...used.parts].reverse();
      const back = unit(order).slice(used.refunded, wish.amount);
      for (const { lot, amount } of back) lotOf(own, lot).left += amount;
      used.refunded += wish.amount;
      count(own, used.to, 0 - wish.amount);
      count(own, 'total:refund', wish.amount);
      settleWhatIsOver(books, programme, own, back, at);
      return undefined;
    }
    case 'transfer': {
      if (!wish.to.startsWith('holder:') || wish.to === own.account) return refused('wrong-account', { account: wish.to });
      if (!versionAt(programme, at).rules.transferAllowed) return refused('not-allowed');
      const receiver = open(programme, wish.to, now);
      if (balanceOf(receiver) + wish.amount > largest) return refused('balance-too-large');
      const limited = passed(books, programme, versionAt(programme, at).rules, own, wish, balanceOf(receiver), at);
      if (limited) return limited;
      const taken = take(books, own, wish.amount, at, 'anywhere');
      if (!Array.isArray(taken)) return taken;
      tally(programme, versionAt(programme, at).rules, own, wish, at);
      // The receiver's points keep the end that they had; what stays behind lives on with the use.
      for (const { lot, amount } of taken) begin(receiver, { ...lotOf(own, lot), granted: at, amount });
      liveOn(books, programme, own, at);
      for (const { lot, amount } of taken) lotOf(own, lot).left -= amount;
      // The sender's clock may be ahead; what he gave cannot lie in the receiver's future.
      record(receiver, Math.max(now, at));
      return undefined;
    }
  }
}

/** The first limit that would be passed: sums of grants and balances before uses, each in the order of the rules. */
function passed(
  books: Books,
  programme: ModelProgramme,
  rules: Rules,
  own: ModelAccount,
  wish: AnyInstruction & { amount: number },
  balance: number,
  at: number,
): ModelOutcome | undefined {
  const limits = (rules.limits ?? []).filter((limit) => isMeant(limit, wish));
  for (const limit of limits) {
    if (limit.kind === 'uses' || (limit.kind === 'budget' && books.mistake === 'overdraws-budgets')) continue;
    const used = limit.kind === 'balance' ? balance : tallyOf(programme, own, limit, at).points;
    const cap = limit.kind === 'balance' ? 'balance' : nameOf(limit);
    if (used + wish.amount > limit.points) return refused('cap-exceeded', { cap, limit: limit.points, used, asked: wish.amount });
  }
  for (const limit of limits) {
    if (limit.kind !== 'uses') continue;
    const { times, points } = tallyOf(programme, own, limit, at);
    const cap = nameOf(limit);
    if (limit.times !== undefined && times + 1 > limit.times)
      return refused('velocity-exceeded', { cap: `${cap}/times`, limit: limit.times, used: times, asked: 1 });
    if (limit.points !== undefined && points + wish.amount > limit.points)
      return refused('velocity-exceeded', { cap: `${cap}/points`, limit: limit.points, used: points, asked: wish.amount });
  }
  return undefined;
}

function tally(programme: ModelProgramme, rules: Rules, own: ModelAccount, wish: AnyInstruction & { amount: number }, at: number): void {
  for (const limit of rules.limits ?? []) {
    if (limit.kind === 'balance' || !isMeant(limit, wish)) continue;
    const { times, points } = tallyOf(programme, own, limit, at);
    talliesOf(programme, own, limit)[`${nameOf(limit)} ${periodOf(limit, at)}`] = { times: times + 1, points: points + wish.amount };
  }
}

function talliesOf(programme: ModelProgramme, own: ModelAccount, limit: Limit): Tallies {
  return limit.kind === 'budget' ? programme.budgets : own.tallies;
}

function tallyOf(programme: ModelProgramme, own: ModelAccount, limit: Limit, at: number): { times: number; points: number } {
  return talliesOf(programme, own, limit)[`${nameOf(limit)} ${periodOf(limit, at)}`] ?? { times: 0, points: 0 };
}

function nameOf(limit: Limit): string {
  if (limit.kind === 'balance') return limit.kind;
  return [limit.kind, limit.per, ...('source' in limit && limit.source !== undefined ? [limit.source] : [])].join('/');
}

function isMeant(limit: Limit, wish: AnyInstruction): boolean {
  if (limit.kind === 'uses') return ['hold', 'spend', 'convert', 'donate', 'transfer'].includes(wish.kind);
  if (limit.kind === 'balance') return wish.kind === 'issue' || wish.kind === 'transfer';
  if (wish.kind !== 'issue') return false;
  const { source = '*' } = limit;
  return source.endsWith('*') ? wish.source.startsWith(source.slice(0, -1)) : wish.source === source;
}

/** A period of Tokyo's calendar, by its beginning. */
function periodOf(limit: Limit, at: number): string {
  const per = limit.kind === 'balance' ? 'lifetime' : limit.per;
  const local = new Date(at + tokyoMs).toISOString();
  switch (per) {
    case 'minute':
      return local.slice(0, 16);
    case 'hour':
      return local.slice(0, 13);
    case 'day':
      return local.slice(0, 10);
    case 'month':
      return local.slice(0, 7);
    case 'fiscal-year':
      return `from April ${Number(local.slice(0, 4)) - (local.slice(5, 7) < '04' ? 1 : 0)}`;
    case 'lifetime':
      return '';
  }
}

/** Priority, earliest end, oldest; only what lives and can be used there. Answers what is taken, or why there is not enough. */
function take(books: Books, own: ModelAccount, needed: number, at: number, places: readonly string[] | 'anywhere'): Taken[] | ModelOutcome {
  const candidates = own.lots.filter((lot) => isAlive(books, lot, at) && fits(lot, places) && lot.left > lot.held);
  // Two lots without an end: Infinity − Infinity is not a number, and their order decides.
  candidates.sort((a, b) => a.priority - b.priority || (a.end ?? Infinity) - (b.end ?? Infinity) || a.no - b.no);
  if (books.mistake === 'draw-newest-first') candidates.reverse();
  const taken: Taken[] = [];
  let open = needed;
  for (const lot of candidates) {
    if (open === 0) break;
    const amount = Math.min(open, lot.left - lot.held);
    taken.push({ lot: lot.no, amount });
    open -= amount;
  }
  if (open === 0) return taken;

  let [available, elsewhere, expired] = [0, 0, 0];
  for (const lot of own.lots) {
    const rest = lot.left - lot.held;
    if (!fits(lot, places)) elsewhere += isAlive(books, lot, at) ? rest : 0;
    else {
      available += isAlive(books, lot, at) ? rest : 0;
      expired += lot.lapsed + (isOver(books, lot, at) ? rest : 0);
    }
  }
  if (expired > 0 && available + expired >= needed) return refused('lot-expired', { needed, available, expired });
  if (elsewhere > 0 && available + elsewhere >= needed) return refused('not-usable-here', { needed, available, elsewhere });
  return refused('insufficient-points', { needed, available });
}

/** Where the rule says so, everything an account still has lives on when it is used. */
function liveOn(books: Books, programme: ModelProgramme, own: ModelAccount, at: number): void {
  for (const lot of own.lots) {
    const { expiry } = versionOf(programme, lot.version).rules;
    if (expiry.kind !== 'months-after-last-use' || lot.left === 0 || !isAlive(books, lot, at) || lot.end === null) continue;
    const end = endOf(expiry, at);
    if (end !== null && end > lot.end) lot.end = end;
  }
}

/** Which lots an order of staff names. */
function isNamed(lot: ModelLot, end: number, { grantedBy, endsAfter, endsBy, source, funding }: LotsMeant): boolean {
  return (
    lot.granted <= Date.parse(grantedBy) &&
    (endsAfter === undefined || end > Date.parse(endsAfter)) &&
    (endsBy === undefined || end <= Date.parse(endsBy)) &&
    (source === undefined || lot.source === source || (source.endsWith(':*') && lot.source.startsWith(source.slice(0, -1)))) &&
    (funding === undefined || lot.funding === funding)
  );
}

/** Ends a hold's reservation of what it has not captured. */
function free(books: Books, programme: ModelProgramme, own: ModelAccount, hold: ModelHold, at: number): void {
  const rest = unit(hold.parts).slice(hold.captured, hold.amount - hold.captured);
  for (const { lot, amount } of rest) lotOf(own, lot).held -= amount;
  settleWhatIsOver(books, programme, own, rest, at);
}

/** Points that come back to a lot whose time is over go the way of the rule under which they were granted. */
function settleWhatIsOver(books: Books, programme: ModelProgramme, own: ModelAccount, back: readonly Taken[], at: number): void {
  for (const { lot: no, amount } of back) {
    const lot = lotOf(own, no);
    if (!isOver(books, lot, at)) continue;
    const rule = versionOf(programme, lot.version).rules.refundOfExpired;
    if (rule.kind === 'restore-and-expire') lapse(own, lot, amount);
    else {
      lot.left -= amount;
      if (rule.kind === 'to-municipality') count(own, 'municipality', amount);
      else begin(own, { ...lot, granted: at, end: midnightAfter(dayNumber(at) + rule.days), amount });
    }
  }
}

function lapse(account: ModelAccount, lot: ModelLot, amount: number): void {
  lot.left -= amount;
  lot.lapsed += amount;
  account.lapsed += amount;
  count(account, 'expired', amount);
}

function begin(
  account: ModelAccount,
  { priority, granted, end, tags, source, funding, version, amount }: Omit<ModelLot, 'no' | 'id' | 'left' | 'held' | 'lapsed'>,
): void {
  account.lots.push({
    no: account.lots.length,
    priority,
    granted,
    end,
    tags,
    source,
    funding,
    version,
    amount,
    left: amount,
    held: 0,
    lapsed: 0,
  });
}

function use(account: ModelAccount, reference: string, kind: string, used: ModelUse): void {
  account.uses[reference] = used;
  count(account, used.to, used.amount);
  count(account, `total:${kind}`, used.amount);
}

/** A spend goes to a system account of somebody else, a conversion to a scheme. */
function mayReceive(kind: 'spend' | 'convert' | 'donate', to: string): boolean {
  const [head = '', ...rest] = to.split(':');
  if (rest.length === 0 || !/^[a-z]+$/.test(head)) return false;
  return kind === 'convert' ? head === 'scheme' : !['holder', 'issued', 'transfers'].includes(head);
}

function isAlive(books: Books, lot: ModelLot, at: number): boolean {
  return lot.granted <= at && !isOver(books, lot, at);
}

function isOver(books: Books, lot: ModelLot, at: number): boolean {
  if (lot.end === null) return false;
  return books.mistake === 'ends-a-millisecond-late' ? lot.end < at : lot.end <= at;
}

function fits(lot: ModelLot, places: readonly string[] | 'anywhere'): boolean {
  return places === 'anywhere' || lot.tags.length === 0 || lot.tags.some((tag) => places.includes(tag));
}

/** Parts laid end to end, of which the points number `from` to `from + amount` are wanted. */
function unit(parts: readonly Taken[]): { slice(from: number, amount: number): Taken[] } {
  return {
    slice(from, amount) {
      const found: Taken[] = [];
      let [skip, open] = [from, amount];
      for (const part of parts) {
        const usable = part.amount - Math.min(skip, part.amount);
        skip -= part.amount - usable;
        const wanted = Math.min(usable, open);
        open -= wanted;
        if (wanted > 0) found.push({ lot: part.lot, amount: wanted });
      }
      return found;
    },
  };
}

function versionAt(programme: ModelProgramme, at: number) {
  const today = dayText(at);
  const holding = programme.versions.filter((one) => one.validFrom <= today);
  const found = holding.at(-1) ?? programme.versions[0];
  if (!found) throw new Error('a programme has rules');
  return found;
}

function versionOf(programme: ModelProgramme, version: number) {
  const found = programme.versions.find((one) => one.version === version);
  if (!found) throw new Error('a lot has its rules');
  return found;
}

/** The instant at which a lot's last day is over in Tokyo. */
export function endOf(expiry: Rules['expiry'], at: number): number | null {
  const day = dayNumber(at);
  const [year = 0, month = 0, date = 0] = dayText(at).split('-').map(Number);
  switch (expiry.kind) {
    case 'none':
      return null;
    case 'days-after-grant':
      return midnightAfter(day + expiry.days);
    case 'fixed-day':
      return midnightAfter(Date.parse(expiry.day) / dayMs);
    // The zeroth day of a month is the last one of the month before.
    case 'end-of-month':
      return midnightAfter(Date.UTC(year, month + expiry.months, 0) / dayMs);
    case 'fiscal-year-end':
      return midnightAfter(Date.UTC(year + (month >= 4 ? 1 : 0) + expiry.years, 2, 31) / dayMs);
    case 'months-after-last-use': {
      const lastOfMonth = new Date(Date.UTC(year, month + expiry.months, 0)).getUTCDate();
      return midnightAfter(Date.UTC(year, month - 1 + expiry.months, Math.min(date, lastOfMonth)) / dayMs);
    }
  }
}

const dayMs = 86_400_000;
const tokyoMs = 9 * 3_600_000;

/** Days since 1970 in Tokyo. */
export function dayNumber(at: number): number {
  return Math.floor((at + tokyoMs) / dayMs);
}

/** The first instant after a day in Tokyo. */
export function midnightAfter(day: number): number {
  return (day + 1) * dayMs - tokyoMs;
}

export function dayText(at: number): string {
  return new Date(dayNumber(at) * dayMs).toISOString().slice(0, 10);
}

export function iso(at: number): string {
  return new Date(at).toISOString();
}

/** An account is there from the first time that points might come to it. */
function open(programme: ModelProgramme, account: string, now: number): ModelAccount {
  let found = programme.accounts.get(account);
  if (!found) programme.accounts.set(account, (found = emptyAccount(account, now)));
  return found;
}

function emptyAccount(account: string, now: number): ModelAccount {
  return { account, latest: now, lots: [], holds: {}, uses: {}, grants: {}, tallies: {}, frozen: false, debt: 0, lapsed: 0, counters: {} };
}

function record(account: ModelAccount, now: number): void {
  account.latest = Math.max(account.latest, now);
}

function count(account: ModelAccount, counter: string, amount: number): void {
  if (amount !== 0) account.counters[counter] = (account.counters[counter] ?? 0n) + BigInt(amount);
}

function lotOf(account: ModelAccount, no: number): ModelLot {
  const lot = account.lots[no];
  if (!lot) throw new Error('a lot that was taken from is there');
  return lot;
}

/** A release is about what it frees, a reversal about what it took, an extension about what its lots have left. */
function amountOf(account: ModelAccount, wish: AnyInstruction, less: number, endsBefore: readonly (number | null)[]): number {
  if (wish.kind === 'reverse') return less;
  if (wish.kind === 'extend') return account.lots.reduce((sum, lot) => sum + (lot.end === endsBefore[lot.no] ? 0 : lot.left), 0);
  if (wish.kind !== 'release') return wish.amount;
  const hold = account.holds[wish.hold];
  return hold ? hold.amount - hold.captured : 0;
}

function refused(code: string, facts?: Record<string, string | number>): ModelOutcome {
  return { status: 'refused', code, ...(facts && { facts }) };
}

/** Two requests ask for the same when every field is the same; the order of fields and places does not matter, and a capture spends unless told otherwise. */
function contentOf({ account, effectiveAt, instruction }: ModelRequest): string {
  const fields = new Map<string, unknown>(Object.entries(instruction));
  if ('places' in instruction) fields.set('places', [...new Set(instruction.places)].sort().join());
  if (instruction.kind === 'capture') fields.set('use', instruction.use ?? 'spend');
  const names = [...fields.keys()].filter((name) => fields.get(name) !== undefined).sort();
  return [account, effectiveAt ?? 'now', ...names.map((name) => `${name}=${JSON.stringify(fields.get(name))}`)].join('|');
}

/** Points are safe integers. */
const largest = Number.MAX_SAFE_INTEGER;
