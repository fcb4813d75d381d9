import type { AnyInstruction, PostingRequest } from '../rules/instruction.js';
import {
  type Answered,
  balanceOf,
  type Books,
  count,
  emptyAccount,
  largest,
  lotOf,
  type ModelAccount,
  type ModelOutcome,
  type ModelProgramme,
  type ModelUse,
  open,
  record,
  refused,
  versionAt,
} from './model-books.js';
import { extend } from './model-extensions.js';
import { passed, tally } from './model-limits.js';
import { begin, free, isOver, liveOn, settleWhatIsOver, take, unit, worth } from './model-lots.js';
import { dayText, endOf, iso } from './model-time.js';

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
    case 'extend':
      return extend(books, own, wish, at);
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

/** A release is about what it frees, a reversal about what it took, an extension about what its lots have left. */
function amountOf(account: ModelAccount, wish: AnyInstruction, less: number, endsBefore: readonly (number | null)[]): number {
  if (wish.kind === 'reverse') return less;
  if (wish.kind === 'extend') return account.lots.reduce((sum, lot) => sum + (lot.end === endsBefore[lot.no] ? 0 : lot.left), 0);
  if (wish.kind !== 'release') return wish.amount;
  const hold = account.holds[wish.hold];
  return hold ? hold.amount - hold.captured : 0;
}

/** Two requests ask for the same when every field is the same; the order of fields and places does not matter, and a capture spends unless told otherwise. */
function contentOf({ account, effectiveAt, instruction }: ModelRequest): string {
  const fields = new Map<string, unknown>(Object.entries(instruction));
  if ('places' in instruction) fields.set('places', [...new Set(instruction.places)].sort().join());
  if (instruction.kind === 'capture') fields.set('use', instruction.use ?? 'spend');
  const names = [...fields.keys()].filter((name) => fields.get(name) !== undefined).sort();
  return [account, effectiveAt ?? 'now', ...names.map((name) => `${name}=${JSON.stringify(fields.get(name))}`)].join('|');
}
