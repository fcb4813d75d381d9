import { hash } from 'node:crypto';
import { postingCompletedV1, type PostingOutcome } from '@points/contracts';
import { points, tenantOf, uuidv7, type Instant } from '@points/kernel';
import { event, type OutgoingEvent } from '@points/messaging';
import { decide } from '../rules/decide.js';
import { semanticContent } from '../rules/instruction.js';
import type { Decision } from '../rules/movement.js';
import { explain, type Rejection } from '../rules/rejection.js';
import { keyOf, type Book } from './book.js';
import { load, loadLapsedLots, type Keyed, type Wanted } from './load.js';
import type { Ready } from './pipeline.js';
import type { Completed, DoorRequest } from './request.js';
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
export async function decideBatch(send: Send, requests: readonly DoorRequest[], wanted: Wanted, now: Instant): Promise<Ready<BatchResult>> {
  let book = await load(send, wanted, now);
  let decided = decideAll(requests, book, now);
  const unexplained = refusedWithLapsed(requests, decided.results, book);
  if (unexplained.length > 0) {
    // Rare: a refusal must say whether points had expired, and lots that expiry has emptied are not among the open ones.
    book = await load(send, { ...wanted, opening: [] }, now);
    await loadLapsedLots(send, book, unexplained);
    decided = decideAll(requests, book, now);
  }
  const { results, movements, postings, events } = decided;
  const opened = wanted.opening.filter((one) => book.account(one.programme, one.account).exists);
  return { result: { results, opened }, finish: () => write(send, book, movements, postings, events, now) };
}

export interface BatchResult {
  readonly results: Completed[];
  /** Accounts that are there now. */
  readonly opened: readonly Keyed[];
}

/** What a batch touches, without doubles and in the order in which it is locked. */
export function wantedBy(requests: readonly DoorRequest[], isKnown: (key: string) => boolean): Wanted {
  const accounts = new Map<string, Keyed>();
  const opening = new Map<string, Keyed>();
  const programmes = new Set<string>();
  const references = new Map<string, { programme: string; reference: string }>();
  const holds = new Map<string, Keyed & { hold: string }>();
  const refunds = new Map<string, Keyed & { reference: string }>();
  for (const { programme, account, reference, instruction } of requests) {
    programmes.add(programme);
    const key = keyOf(programme, account);
    accounts.set(key, { programme, account });
    references.set(keyOf(programme, reference), { programme, reference });
    if (instruction.kind === 'issue' && !isKnown(key)) opening.set(key, { programme, account });
    if (instruction.kind === 'transfer') {
      const to = { programme, account: instruction.to };
      accounts.set(keyOf(programme, instruction.to), to);
      if (instruction.to.startsWith('holder:') && !isKnown(keyOf(programme, instruction.to)))
        opening.set(keyOf(programme, instruction.to), to);
    }
    if ('hold' in instruction) holds.set(`${key}/${instruction.hold}`, { programme, account, hold: instruction.hold });
    if (instruction.kind === 'refund') refunds.set(`${key}/${instruction.of}`, { programme, account, reference: instruction.of });
  }
  return {
    programmes: [...programmes],
    accounts: [...accounts.values()],
    opening: [...opening.values()],
    holds: [...holds.values()],
    references: [...references.values()],
    refunds: [...refunds.values()],
  };
}

function decideAll(requests: readonly DoorRequest[], book: Book, now: Instant): Decided {
  const decided: Decided = { results: [], movements: [], postings: [], events: [] };
  for (const request of requests) {
    const completed = decideOne(request, book, now, decided);
    decided.results.push(completed);
    if (request.announce) decided.events.push(announcement(request, completed, request.announce));
  }
  return decided;
}

function decideOne(request: DoorRequest, book: Book, now: Instant, decided: Decided): Completed {
  const fingerprint = hash('sha256', semanticContent(request), 'base64url').slice(0, fingerprintChars);
  const known = book.postings.get(keyOf(request.programme, request.reference));
  if (known)
    return known.fingerprint === fingerprint
      ? known.completed
      : { outcome: refused({ code: 'reference-reused' }), completedAt: now, repeated: false };

  const { instruction, programme, account } = request;
  const holding = book.account(programme, account);
  const decision = decide(request, {
    programme: book.programmes.get(programme),
    now,
    holding,
    receiver: instruction.kind === 'transfer' ? book.account(programme, instruction.to) : undefined,
    hold: 'hold' in instruction ? holding.holds.get(instruction.hold) : undefined,
    refundable: instruction.kind === 'refund' ? refundableOf(book, request, instruction.of) : undefined,
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

function carryOut(decision: Decision, request: DoorRequest, book: Book, now: Instant, decided: Decided): PostingOutcome {
  if (!decision.ok) return refused(decision.rejection);
  const { programme, account, reference, instruction, actor, reason = null } = request;
  book.apply(programme, account, reference, decision, now);
  if (instruction.kind === 'refund') book.refunded(programme, instruction.of, instruction.amount);
  for (const movement of decision.movements) decided.movements.push({ programme, movement, reference, actor, reason });
  const { effectiveAt, amount, id } = decision;
  return { status: 'posted', posting: id, amount, effectiveAt, ...book.account(programme, account).worth(effectiveAt) };
}

function refundableOf(book: Book, { programme, account }: DoorRequest, of: string) {
  const found = book.refundables.get(keyOf(programme, of));
  return found?.account === account ? found.refundable : undefined;
}

function refused(rejection: Rejection): PostingOutcome {
  return {
    status: 'refused',
    code: rejection.code,
    detail: explain(rejection),
    ...('facts' in rejection && { facts: { ...rejection.facts } }),
  };
}

function announcement(request: DoorRequest, { outcome, completedAt }: Completed, to: NonNullable<DoorRequest['announce']>): OutgoingEvent {
  const { reference, programme, account, instruction } = request;
  return event(
    postingCompletedV1,
    { reference, municipality: tenantOf(programme), programme, account, kind: instruction.kind, outcome, completedAt },
    to,
  );
}

/** Accounts whose refusal might be "lot-expired" if the lots that expiry has emptied were known. */
function refusedWithLapsed(requests: readonly DoorRequest[], results: readonly Completed[], book: Book): Keyed[] {
  const found = new Map<string, Keyed>();
  results.forEach((result, index) => {
    const request = requests[index];
    if (!request || result.repeated || result.outcome.status === 'posted') return;
    if (result.outcome.code !== 'insufficient-points' && result.outcome.code !== 'not-usable-here') return;
    if (book.account(request.programme, request.account).lapsed > points(0)) found.set(keyOf(request.programme, request.account), request);
  });
  return [...found.values()];
}

/** 132 bits: two different requests with one fingerprint are not to be expected in the life of the sun. */
const fingerprintChars = 22;
