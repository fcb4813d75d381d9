import type { PostingOutcome } from '@points/contracts';
import type { AnyRequest, Completed } from '../post/request.js';
import { differences, keyOf, type StoredAccount } from './compare.js';
import type { Books, ModelAccount, Tallies } from './model-books.js';
import { expire } from './model-lots.js';
import { type ModelAnswer, post, postTogether } from './model.js';

/** What happened to one account or two, in a lane: what one lane did to an account, it did in the lane's order. */
export type Happening =
  | {
      readonly kind: 'post';
      readonly request: AnyRequest;
      /** The time as its door saw it. */
      readonly now: number;
      readonly result: Completed;
      /** An answer that was lost and asked for again may be the first one or a repeated one. */
      readonly wasLost: boolean;
    }
  | {
      /** A batch that was decided in one go. */
      readonly kind: 'together';
      readonly requests: readonly AnyRequest[];
      readonly atomic: boolean;
      readonly dryRun: boolean;
      readonly now: number;
      readonly results: readonly Completed[];
    }
  | {
      readonly kind: 'expire';
      readonly programme: string;
      readonly account: string;
      readonly until: number;
      readonly now: number;
      readonly isCertain: boolean;
    };

/**
 * Carries a round out in the model and compares outcomes and accounts. Accounts that share nothing are compared by themselves.
 * Where an account was in one lane only, there is one order, and the comparison is plain. Where several lanes met at an account,
 * the database has chosen an order: the round is right when at least one way of putting the lanes together, each account's
 * requests in the order of their lane, explains every outcome and every lot; the model goes on from there. Answers the first difference, in words.
 */
export function compareRound(books: Books, lanes: readonly (readonly Happening[])[], stored: ReadonlyMap<string, StoredAccount>): string[] {
  for (const group of groupsOf(lanes)) {
    const [only] = group.lanes.length === 1 ? group.lanes : [];
    const isPlain = only?.every((one) => one.kind === 'post' || (one.kind === 'expire' && one.isCertain)) === true;
    const found = isPlain ? carryOut(books, group, stored) : search(books, group, stored);
    if (found.length > 0) return found;
  }
  return [];
}

interface Group {
  readonly keys: readonly string[];
  readonly lanes: readonly (readonly Happening[])[];
}

function carryOut(books: Books, { keys, lanes: [lane = []] }: Group, stored: ReadonlyMap<string, StoredAccount>): string[] {
  for (const one of lane) {
    const difference = happen(books, one).difference;
    if (difference !== undefined) return [difference];
  }
  return compareAccounts(books, keys, stored);
}

function search(books: Books, { keys, lanes }: Group, stored: ReadonlyMap<string, StoredAccount>): string[] {
  const steps = stepsOf(lanes);
  const isDone = steps.map(() => false);
  // Steps on different accounts can change places without a difference: what has failed once is not tried again in another order.
  const failed = new Set<string>();
  let [looked, deepest] = [0, -1];
  let best: string[] = [];
  const go = (done: number): boolean => {
    if (done === steps.length) {
      const found = compareAccounts(books, keys, stored);
      if (found.length > 0 && deepest < done) [deepest, best] = [done, found];
      return found.length === 0;
    }
    const before = snapshot(books, keys);
    const state = `${isDone.map(Number).join('')} ${JSON.stringify(before, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}`;
    if (failed.has(state)) return false;
    for (const [number, { what, after }] of steps.entries()) {
      if (isDone[number] || after.some((earlier) => !isDone[earlier])) continue;
      if (++looked > looksMax)
        throw new Error(`assertion failed: the order of a round is found in ${looksMax} looks; simulate smaller rounds where lanes meet`);
      const { difference, undo } = happen(books, what);
      isDone[number] = true;
      if (difference === undefined && go(done + 1)) return true;
      if (difference !== undefined && deepest < done)
        [deepest, best] = [done, [`no order explains the round; the best one fails with: ${difference}`]];
      undo();
      restore(books, before);
      if (what.kind === 'expire' && !what.isCertain && go(done + 1)) return true;
      isDone[number] = false;
    }
    failed.add(state);
    return false;
  };
  if (go(0)) return [];
  const told = lanes.flatMap((lane, number) => lane.map((one) => `lane ${number}: ${happeningText(one)}`));
  return [...best, ...told];
}

interface Step {
  readonly what: Happening;
  /** What the door has promised to do before it. */
  readonly after: readonly number[];
}

/** A door keeps the order of requests of one account; requests of different accounts may overtake each other. */
function stepsOf(lanes: Group['lanes']): Step[] {
  const steps: Step[] = [];
  for (const lane of lanes) {
    const last = new Map<string, number>();
    for (const what of lane) {
      const keys = keysOf(what);
      steps.push({ what, after: keys.flatMap((key) => last.get(key) ?? []) });
      for (const key of keys) last.set(key, steps.length - 1);
    }
  }
  return steps;
}

function happeningText(one: Happening): string {
  if (one.kind === 'together') return togetherText(one);
  return one.kind === 'post'
    ? `${requestText(one.request, one.now)}: ${completedText(one.result)}`
    : `expiry of ${one.account} until ${new Date(one.until).toISOString()}`;
}

export function togetherText({ requests, atomic, dryRun, now, results }: Extract<Happening, { kind: 'together' }>): string {
  const lines = requests.map((request, index) => {
    const result = results[index];
    return `${requestText(request, now)}: ${result ? completedText(result) : 'no result'}`;
  });
  return `a batch${atomic ? ', atomic' : ''}${dryRun ? ', dry run' : ''}: ${lines.join(' | ')}`;
}

function happen(books: Books, one: Happening): { difference?: string; undo: () => void } {
  if (one.kind === 'expire') {
    const programme = books.programmes.get(one.programme);
    const account = programme?.accounts.get(one.account);
    if (programme && account) expire(books, programme, account, one.until, one.now);
    return { undo: () => undefined };
  }
  if (one.kind === 'together') return happenTogether(books, one);
  const { request, now, result, wasLost } = one;
  const answers = books.programmes.get(request.programme)?.answers;
  const before = answers?.get(request.reference);
  const [wasKnown, known] = [before !== undefined, before?.posting];
  const expected = post(books, request, now);
  const undo = () => {
    if (!wasKnown) answers?.delete(request.reference);
    else if (known === undefined) delete before?.posting;
  };
  const difference = differenceOf(expected, result, wasLost);
  return { undo, ...(difference !== undefined && { difference: `${requestText(request, now)}: ${difference}` }) };
}

function happenTogether(
  books: Books,
  { requests, atomic, dryRun, now, results }: Extract<Happening, { kind: 'together' }>,
): { difference?: string; undo: () => void } {
  const before = requests.map(({ programme, reference }) => {
    const answered = books.programmes.get(programme)?.answers.get(reference);
    return { programme, reference, answered, posting: answered?.posting };
  });
  const undo = () => {
    for (const { programme, reference, answered, posting } of before) {
      if (!answered) books.programmes.get(programme)?.answers.delete(reference);
      else if (posting === undefined) delete answered.posting;
    }
  };
  const differences = postTogether(books, requests, { atomic, dryRun }, now).flatMap((expected, index) => {
    const [request, result] = [requests[index], results[index]];
    const found = request && result ? differenceOf(expected, result, false) : 'an answer expected, none given';
    return found === undefined ? [] : [`${request ? requestText(request, now) : ''} in a batch: ${found}`];
  });
  return { undo, ...(differences[0] !== undefined && { difference: differences[0] }) };
}

function differenceOf(expected: ModelAnswer, actual: Completed, wasLost: boolean): string | undefined {
  const [wanted, got] = [outcomeText(expected.outcome), outcomeText(actual.outcome)];
  if (wanted !== got) return `${wanted} expected, ${got} answered`;
  if (expected.completedAt !== Date.parse(actual.completedAt))
    return `completed at ${new Date(expected.completedAt).toISOString()} expected, ${actual.completedAt} answered`;
  if (!wasLost && expected.repeated !== actual.repeated)
    return `${expected.repeated ? 'a repeated' : 'a first'} answer expected, ${actual.repeated ? 'a repeated' : 'a first'} one given`;
  if (actual.outcome.status === 'posted' && expected.answered) {
    expected.answered.posting ??= actual.outcome.posting;
    if (expected.answered.posting !== actual.outcome.posting)
      return `posting ${expected.answered.posting} expected, ${actual.outcome.posting} answered`;
  }
  return undefined;
}

/** What is promised of an outcome; the sentence for people and the id are not. */
function outcomeText(outcome: PostingOutcome | ModelAnswer['outcome']): string {
  if (outcome.status === 'posted') {
    const { amount, effectiveAt, balance, available } = outcome;
    return `posted ${amount} at ${effectiveAt}, balance ${balance}, available ${available}`;
  }
  const facts = Object.entries(outcome.facts ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return `refused ${outcome.code}${facts.map(([name, value]) => ` ${name}=${String(value)}`).join('')}`;
}

export function requestText({ reference, programme, account, instruction, effectiveAt }: AnyRequest, now: number): string {
  return `${new Date(now).toISOString()} ${programme}/${account} ${reference} ${JSON.stringify(instruction)}${effectiveAt ? ` at ${effectiveAt}` : ''}`;
}

export function completedText({ outcome, repeated }: Completed): string {
  return `${outcomeText(outcome)}${repeated ? ' (repeated)' : ''}`;
}

/** What differs between accounts as they stand. */
export function compareAccounts(books: Books, keys: readonly string[], stored: ReadonlyMap<string, StoredAccount>): string[] {
  return keys.flatMap((key) => differences(accountOf(books, key), stored.get(key)).map((difference) => `${key}: ${difference}`));
}

interface Snapshot {
  readonly accounts: readonly (readonly [key: string, account: ModelAccount | undefined])[];
  /** What the holders of a programme share. */
  readonly budgets: readonly (readonly [programme: string, budgets: Tallies])[];
}

function snapshot(books: Books, keys: readonly string[]): Snapshot {
  const programmes = [...new Set(keys.map((key) => split(key)[0]))];
  return {
    accounts: keys.map((key) => [key, structuredClone(accountOf(books, key))] as const),
    budgets: programmes.map((id) => [id, structuredClone(books.programmes.get(id)?.budgets ?? {})] as const),
  };
}

function restore(books: Books, before: Snapshot): void {
  for (const [id, budgets] of before.budgets) {
    const programme = books.programmes.get(id);
    if (programme) programme.budgets = structuredClone(budgets);
  }
  for (const [key, account] of before.accounts) {
    const [programme, id] = split(key);
    const accounts = books.programmes.get(programme)?.accounts;
    if (account) accounts?.set(id, structuredClone(account));
    else accounts?.delete(id);
  }
}

function accountOf(books: Books, key: string): ModelAccount | undefined {
  const [programme, id] = split(key);
  return books.programmes.get(programme)?.accounts.get(id);
}

function split(key: string): [programme: string, account: string] {
  const slash = key.indexOf('/');
  return [key.slice(0, slash), key.slice(slash + 1)];
}

/** Accounts between which something moved belong together. */
function groupsOf(lanes: readonly (readonly Happening[])[]): Group[] {
  const parents = new Map<string, string>();
  const find = (key: string): string => {
    const parent = parents.get(key) ?? key;
    if (parent === key) return key;
    const root = find(parent);
    parents.set(key, root);
    return root;
  };
  for (const lane of lanes) {
    for (const one of lane) {
      const [first, ...others] = sharedKeysOf(one);
      parents.set(find(first), find(first));
      for (const other of others) parents.set(find(other), find(first));
    }
  }
  const groups = new Map<string, { keys: string[]; lanes: Map<number, Happening[]> }>();
  for (const key of parents.keys()) {
    const root = find(key);
    const group = groups.get(root) ?? { keys: [], lanes: new Map<number, Happening[]>() };
    group.keys.push(key);
    groups.set(root, group);
  }
  lanes.forEach((lane, number) => {
    for (const one of lane) {
      const group = groups.get(find(keysOf(one)[0]));
      const own = group?.lanes.get(number);
      if (own) own.push(one);
      else group?.lanes.set(number, [one]);
    }
  });
  return [...groups.values()].map(({ keys, lanes }) => ({ keys, lanes: [...lanes.values()] }));
}

/** The accounts that a happening may change. */
export function keysOf(one: Happening): [string, ...string[]] {
  if (one.kind === 'expire') return [keyOf(one)];
  if (one.kind === 'together') {
    const [first = '', ...others] = new Set(one.requests.flatMap(accountsOf));
    return [first, ...others];
  }
  return accountsOf(one.request);
}

/** Batches of a programme meet at its budgets too. */
function sharedKeysOf(one: Happening): [string, ...string[]] {
  if (one.kind !== 'together') return keysOf(one);
  return [...keysOf(one), ...new Set(one.requests.map(({ programme }) => keyOf({ programme, account: 'budget' })))];
}

function accountsOf({ programme, account, instruction }: AnyRequest): [string, ...string[]] {
  const own = keyOf({ programme, account });
  return instruction.kind === 'transfer' && instruction.to.startsWith('holder:')
    ? [own, keyOf({ programme, account: instruction.to })]
    : [own];
}

/** A round in which lanes meet has a dozen requests per account: a few hundred looks are usual. */
const looksMax = 200_000;
