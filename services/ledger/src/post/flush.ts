import { hash } from 'node:crypto';
import { postingCompletedV1, type PostingOutcome } from '@points/contracts';
import { points, tenantOf, uuidv7, type Instant, type Points } from '@points/kernel';
import { event, type OutgoingEvent } from '@points/messaging';
import { decide, effectiveTime } from '../rules/decide.js';
import { semanticContent, type AnyInstruction } from '../rules/instruction.js';
import { countersOf } from '../rules/limits.js';
import type { Decision, Movement } from '../rules/movement.js';
import { rulesAt } from '../rules/programme.js';
import { explain, type Rejection } from '../rules/rejection.js';
import { counterKey, keyOf, type Book } from './book.js';
import { load, loadCounters, loadLapsedLots, type Keyed, type Wanted, type WantedCounter } from './load.js';
import type { Ready } from './pipeline.js';
import type { AnyRequest, Completed, Unit } from './request.js';
import type { Send } from './wire.js';
import { write, type NewPosting, type Written } from './write.js';

/** What a flush is about to write and to answer. */
interface Decided {
  readonly results: Completed[];
  readonly movements: Written[];
  readonly postings: NewPosting[];
  readonly events: OutgoingEvent[];
}

/**
 * Locks and decides a batch inside an open transaction; `finish` sends what is to be written. A bug in one instruction throws and
 * nothing is written: the door then finds the instruction by halving.
 */
export async function decideBatch(send: Send, units: readonly Unit[], wanted: Wanted, now: Instant): Promise<Ready<BatchResult>> {
  const requests = requestsOf(units);
  let book = await loadAll(send, units, wanted, now);
  let decided = decideAll(units, book, now);
  const unexplained = refusedWithLapsed(requests, decided.results, book);
  if (unexplained.length > 0) {
    // Rare: a refusal must say whether points had expired, and lots that expiry has emptied are not among the open ones.
    book = await loadAll(send, units, { ...wanted, opening: [] }, now);
    await loadLapsedLots(send, book, unexplained);
    decided = decideAll(units, book, now);
  }
  const { results, movements, postings, events } = decided;
  const opened = wanted.opening.filter((one) => book.account(one.programme, one.account).exists);
  return { result: { results, opened }, finish: () => write(send, book, movements, postings, events, now) };
}

async function loadAll(send: Send, units: readonly Unit[], wanted: Wanted, now: Instant): Promise<Book> {
  const book = await load(send, wanted, now);
  const counters = countersWanted(units, book, now);
  if (counters.length > 0) await loadCounters(send, book, counters);
  return book;
}

/** None, unless a programme of the flush has limits: which counters are meant is known only once its rules and accounts are. */
function countersWanted(units: readonly Unit[], book: Book, now: Instant): WantedCounter[] {
  const limited = new Set(
    [...book.programmes].flatMap(([id, { versions }]) => (versions.some(({ rules }) => rules.limits?.length) ? [id] : [])),
  );
  if (limited.size === 0) return [];
  const wanted = new Map<string, WantedCounter>();
  for (const { requests, dryRun = false } of units) {
    for (const request of requests) {
      const { programme: id, account, instruction } = request;
      const programme = limited.has(id) ? book.programmes.get(id) : undefined;
      if (!programme) continue;
      const at = effectiveTime(request, now, book.account(id, account).latestAt);
      for (const counter of countersOf(rulesAt(programme, at).rules.limits ?? [], { account, instruction, at })) {
        const key = counterKey(id, counter);
        wanted.set(key, { programme: id, counter, writes: !dryRun || (wanted.get(key)?.writes ?? false) });
      }
    }
  }
  return [...wanted.values()];
}

export function requestsOf(units: readonly Unit[]): readonly AnyRequest[] {
  return units.flatMap((unit) => unit.requests);
}

export interface BatchResult {
  readonly results: Completed[];
  /** Accounts that are there now. */
  readonly opened: readonly Keyed[];
}

/** What a batch touches, without doubles and in the order in which it is locked. */
export function wantedBy(units: readonly Unit[], isKnown: (key: string) => boolean): Wanted {
  const accounts = new Map<string, Keyed>();
  const opening = new Map<string, Keyed>();
  const programmes = new Set<string>();
  const references = new Map<string, { programme: string; reference: string }>();
  const holds = new Map<string, Keyed & { hold: string }>();
  const refunds = new Map<string, Keyed & { reference: string }>();
  const reversals = new Map<string, Keyed & { reference: string }>();
  for (const { requests, dryRun = false } of units) {
    for (const { programme, account, reference, instruction } of requests) {
      programmes.add(programme);
      const key = keyOf(programme, account);
      accounts.set(key, { programme, account });
      references.set(keyOf(programme, reference), { programme, reference });
      if (bringsPoints(instruction) && !dryRun && !isKnown(key)) opening.set(key, { programme, account });
      if (instruction.kind === 'transfer') {
        const to = { programme, account: instruction.to };
        accounts.set(keyOf(programme, instruction.to), to);
        if (instruction.to.startsWith('holder:') && !dryRun && !isKnown(keyOf(programme, instruction.to)))
          opening.set(keyOf(programme, instruction.to), to);
      }
      if ('hold' in instruction) holds.set(`${key}/${instruction.hold}`, { programme, account, hold: instruction.hold });
      if (instruction.kind === 'refund') refunds.set(`${key}/${instruction.of}`, { programme, account, reference: instruction.of });
      if (instruction.kind === 'reverse') reversals.set(`${key}/${instruction.of}`, { programme, account, reference: instruction.of });
    }
  }
  return {
    programmes: [...programmes],
    accounts: [...accounts.values()],
    opening: [...opening.values()],
    holds: [...holds.values()],
    references: [...references.values()],
    refunds: [...refunds.values()],
    reversals: [...reversals.values()],
  };
}

function bringsPoints(instruction: AnyInstruction): boolean {
  return instruction.kind === 'issue' || (instruction.kind === 'adjust' && instruction.direction === 'add');
}

function decideAll(units: readonly Unit[], book: Book, now: Instant): Decided {
  const decided: Decided = { results: [], movements: [], postings: [], events: [] };
  for (const unit of units) {
    const results =
      unit.atomic || unit.dryRun
        ? decideTogether(unit, book, now, decided)
        : unit.requests.map((one) => decideOne(one, book, now, decided));
    decided.results.push(...results);
    unit.requests.forEach((request, index) => {
      const completed = results[index];
      if (request.announce && completed) decided.events.push(announcement(request, completed, request.announce));
    });
  }
  return decided;
}

/** Decides on the book itself and puts it back where nothing may remain: a dry run, or an atomic batch with a refusal. */
function decideTogether({ requests, atomic = false, dryRun = false }: Unit, book: Book, now: Instant, decided: Decided): Completed[] {
  const restore = book.checkpoint(
    requests.flatMap(({ programme, account, instruction }) =>
      instruction.kind === 'transfer'
        ? [
            { programme, account },
            { programme, account: instruction.to },
          ]
        : [{ programme, account }],
    ),
  );
  const [movements, postings] = [decided.movements.length, decided.postings.length];
  const results: Completed[] = [];
  for (const request of requests) {
    const completed = decideOne(request, book, now, decided);
    results.push(completed);
    if (atomic && completed.outcome.status === 'refused') break;
  }
  const isStopped = atomic && results.at(-1)?.outcome.status === 'refused';
  if (!isStopped && !dryRun) return results;
  restore();
  decided.movements.length = movements;
  decided.postings.length = postings;
  if (!isStopped) return results;
  // What had been carried out before this batch stays so, and says so.
  const notCarriedOut: Completed = { outcome: refused({ code: 'not-carried-out' }), completedAt: now, repeated: false };
  return requests.map(
    (request, index) =>
      (index === results.length - 1 ? results[index] : recall(request, fingerprintOf(request), book, now)) ?? notCarriedOut,
  );
}

function decideOne(request: AnyRequest, book: Book, now: Instant, decided: Decided): Completed {
  const fingerprint = fingerprintOf(request);
  const known = recall(request, fingerprint, book, now);
  if (known) return known;

  const { instruction, programme, account } = request;
  const holding = book.account(programme, account);
  const decision = decide(request, {
    programme: book.programmes.get(programme),
    now,
    holding,
    receiver: instruction.kind === 'transfer' ? book.account(programme, instruction.to) : undefined,
    hold: 'hold' in instruction ? holding.holds.get(instruction.hold) : undefined,
    refundable: instruction.kind === 'refund' ? refundableOf(book, request, instruction.of) : undefined,
    reversible: instruction.kind === 'reverse' ? reversibleOf(book, request, instruction.of) : undefined,
    tallyOf: (counter) => book.tallyOf(programme, counter),
    internal: request.internal ?? false,
    newId: uuidv7,
  });
  const outcome = carryOut(decision, request, book, now, decided);
  const completed: Completed = { outcome, completedAt: now, repeated: false };
  // A programme that does not exist may exist tomorrow; and a job's wish that is refused today is meant to be tried again.
  if (decision.ok || !(request.internal || decision.rejection.code === 'unknown-programme')) {
    book.postings.set(keyOf(programme, request.reference), { fingerprint, completed: { ...completed, repeated: true } });
    decided.postings.push({ request, fingerprint, completed });
  }
  return completed;
}

/** What became of the reference before; undefined when it is new. */
function recall({ programme, reference }: AnyRequest, fingerprint: string, book: Book, now: Instant): Completed | undefined {
  const known = book.postings.get(keyOf(programme, reference));
  if (!known || known.fingerprint === fingerprint) return known?.completed;
  return { outcome: refused({ code: 'reference-reused' }), completedAt: now, repeated: false };
}

function fingerprintOf(request: AnyRequest): string {
  return hash('sha256', semanticContent(request), 'base64url').slice(0, fingerprintChars);
}

function carryOut(decision: Decision, request: AnyRequest, book: Book, now: Instant, decided: Decided): PostingOutcome {
  if (!decision.ok) return refused(decision.rejection);
  const { programme, account, reference, instruction, actor, reason = null } = request;
  book.apply(programme, account, reference, decision, now);
  if (instruction.kind === 'refund') book.refunded(programme, instruction.of, instruction.amount);
  for (const movement of decision.movements) decided.movements.push({ programme, movement, reference, actor, reason });
  const { effectiveAt, amount, id } = decision;
  const debt = debtMoved(instruction.kind, decision.movements);
  return { status: 'posted', posting: id, amount, ...debt, effectiveAt, ...book.account(programme, account).worth(effectiveAt) };
}

/** What a reversal made a debt, and what an issue paid of one. */
function debtMoved(kind: AnyRequest['instruction']['kind'], movements: readonly Movement[]): { owed?: Points; repaid?: Points } {
  const of = (moved: Movement['kind']) => movements.find((one) => one.kind === moved)?.amount ?? points(0);
  if (kind === 'reverse') return { owed: of('owe') };
  const repaid = kind === 'issue' ? of('repay') : points(0);
  return repaid > 0 ? { repaid } : {};
}

function refundableOf(book: Book, { programme, account }: AnyRequest, of: string) {
  const found = book.refundables.get(keyOf(programme, of));
  return found?.account === account ? found.refundable : undefined;
}

function reversibleOf(book: Book, { programme, account }: AnyRequest, of: string) {
  const found = book.reversibles?.get(keyOf(programme, of));
  return found?.account === account ? found.reversible : undefined;
}

function refused(rejection: Rejection): PostingOutcome {
  return {
    status: 'refused',
    code: rejection.code,
    detail: explain(rejection),
    ...('facts' in rejection && { facts: { ...rejection.facts } }),
  };
}

function announcement(request: AnyRequest, { outcome, completedAt }: Completed, to: NonNullable<AnyRequest['announce']>): OutgoingEvent {
  const { reference, programme, account, instruction } = request;
  return event(
    postingCompletedV1,
    { reference, municipality: tenantOf(programme), programme, account, kind: instruction.kind, outcome, completedAt },
    to,
  );
}

/** Accounts whose refusal might be "lot-expired" if the lots that expiry has emptied were known. */
function refusedWithLapsed(requests: readonly AnyRequest[], results: readonly Completed[], book: Book): Keyed[] {
  const found = new Map<string, Keyed>();
  results.forEach((result, index) => {
    const request = requests[index];
    if (!request || result.repeated || result.outcome.status === 'posted') return;
    if (!explainedByLapsedLots.has(result.outcome.code)) return;
    if (book.account(request.programme, request.account).lapsed > points(0)) found.set(keyOf(request.programme, request.account), request);
  });
  return [...found.values()];
}

/** `lot-expired` too: its facts count all that has expired, not only what happens to be loaded because its expiry is not posted yet. */
const explainedByLapsedLots: ReadonlySet<string> = new Set(['insufficient-points', 'not-usable-here', 'lot-expired']);

/** 132 bits: two different requests with one fingerprint are not to be expected in the life of the sun. */
const fingerprintChars = 22;
