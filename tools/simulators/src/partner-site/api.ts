// The partner's endpoint: the contract of docs/guides/partner-endpoint.md over the books, with the failures that are set.
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { problem, readText, type Answer } from '../json-http.ts';
import type { Books, Outcome, Reservation } from './books.ts';
import type { Failures, Step } from './failures.ts';
import { accountScope, clientScope, type SignIn } from './sign-in.ts';

export interface Endpoint {
  readonly books: Books;
  readonly failures: Failures;
  readonly signIn: SignIn;
  readonly clock: () => Date;
  readonly stopped: AbortSignal;
}

/** `path`: what follows the endpoint's own address. */
export async function answerToPartnerCall(request: IncomingMessage, path: readonly string[], endpoint: Endpoint): Promise<Answer> {
  const asked = askedOf(request.method ?? '', path);
  if (!asked) return problem(404, 'not-found', 'there is nothing at this address');
  const text = await readText(request);
  const { books, failures, stopped } = endpoint;
  const authorization = request.headers.authorization;
  const failure = failures.take(asked.step, asked.id, await accountOf(asked, authorization, endpoint));
  const act = (refused = failure?.kind === 'refuse') => perform(asked, { text, authorization, isRefused: refused }, endpoint);
  const wait = (ms: number) => delay(ms, undefined, { signal: stopped, ref: false });
  if (books.has('slow')) await wait(slowMs);
  switch (failure?.kind) {
    case 'time-out':
      await wait(holdMsMax);
      return undefined;
    case 'lost-answer':
      await act();
      return undefined;
    case 'error':
      return problem(500, 'internal-error', 'something went wrong here');
    case 'error-after':
      await act();
      return problem(500, 'internal-error', 'something went wrong here');
    case 'duplicate': {
      const [, second] = await Promise.all([act(), act()]);
      return second;
    }
    case 'late':
      await wait(failure.delayMs);
      return act();
    case 'slow': {
      const answer = await act();
      await wait(failure.delayMs);
      return answer;
    }
    case 'refuse':
    case undefined:
      return act();
  }
}

/** One second more than the contract allows an answer to take. */
const slowMs = 11_000;
/** Longer than any caller waits. */
const holdMsMax = 120_000;
const pointsMax = 1_000_000_000;
const idForm = /^[A-Za-z0-9_-]{1,64}$/;

interface Asked {
  readonly step: Exclude<Step, 'token'>;
  readonly id: string;
}

function askedOf(method: string, [first, id = '', action, ...rest]: readonly string[]): Asked | undefined {
  if (rest.length) return undefined;
  if (first === 'account' && id === '' && method === 'GET') return { step: 'account', id: '' };
  if (first !== 'reservations' || id === '') return undefined;
  if (action === undefined && method === 'PUT') return { step: 'reserve', id };
  if (action === undefined && method === 'GET') return { step: 'read', id };
  if (method === 'POST' && (action === 'commit' || action === 'cancel')) return { step: action, id };
  return undefined;
}

/** Whose reservation it is, or is to be: failures may be set for one account. */
async function accountOf(
  { id }: Asked,
  authorization: string | undefined,
  { books, signIn, clock }: Endpoint,
): Promise<string | undefined> {
  const whose = await signIn.whose(authorization?.replace(/^Bearer /i, '') ?? '');
  return whose?.account ?? books.read(id, clock())?.account ?? undefined;
}

interface Call {
  readonly text: string | undefined;
  readonly authorization: string | undefined;
  /** By a failure that is set. */
  readonly isRefused: boolean;
}

async function perform(asked: Asked, call: Call, { books, signIn, clock }: Endpoint): Promise<Answer> {
  const { step, id } = asked;
  const isOfAccount = step === 'reserve' || step === 'account';
  const caller = await authorize(call, isOfAccount ? accountScope : clientScope, books, signIn);
  if (typeof caller !== 'string') return caller;
  if (step === 'account') {
    const { account, available } = books.balance(caller, clock());
    return { status: 200, body: { account, availablePoints: available } };
  }
  if (!idForm.test(id)) return problem(400, 'id-wrong', 'the id of a reservation: 1 to 64 letters, digits, hyphens or underscores');
  switch (step) {
    case 'read': {
      const found = books.read(id, clock());
      if (!found && books.has('read-unknown')) return { status: 200, body: { id, state: 'reserved', points: 1 } };
      return found ? { status: 200, body: viewOf(found) } : unknown;
    }
    case 'reserve': {
      const points = readPoints(call.text, books);
      return typeof points === 'number' ? reserve(id, caller, points, call.isRefused, books, clock) : points;
    }
    case 'commit':
      if (call.isRefused) books.lapseNow(id);
      return answerOf(books.commit(id, clock()));
    case 'cancel':
      return answerOf(books.cancel(id, clock()));
  }
}

async function reserve(id: string, account: string, points: number, isRefused: boolean, books: Books, clock: () => Date): Promise<Answer> {
  const refuse = isRefused ? ('account-blocked' as const) : undefined;
  if (!books.has('racing-duplicates') || books.read(id, clock())) return answerOf(books.reserve(id, account, points, clock(), refuse));
  // Looks first, writes later: what comes between is not seen.
  await delay(50);
  return answerOf(books.reserveNew(books.read(id, clock()) ? books.freeId(id) : id, account, points, clock(), refuse), id);
}

/** The account that calls, or an empty text for the client itself. */
async function authorize({ authorization }: Call, scope: string, books: Books, signIn: SignIn): Promise<string | Answer> {
  const [, token] = /^Bearer (\S+)$/i.exec(authorization ?? '') ?? [];
  const anybody = books.all(new Date()).balances[0]?.account ?? '';
  if (token === undefined)
    return books.has('no-authorization')
      ? anybody
      : problem(401, 'token-missing', 'send Authorization: Bearer <token>', { 'www-authenticate': 'Bearer' });
  const whose = await signIn.whose(token);
  if (!whose)
    return books.has('any-token')
      ? anybody
      : problem(401, 'token-invalid', 'the token is none of ours, or it is over', { 'www-authenticate': 'Bearer error="invalid_token"' });
  if (!whose.scopes.includes(scope) && !books.has('any-scope'))
    return problem(403, 'scope-missing', `this needs a token with the scope ${scope}`, {
      'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"`,
    });
  return whose.account ?? (books.has('any-scope') ? anybody : '');
}

function readPoints(text: string | undefined, books: Books): number | Answer {
  let body: unknown;
  try {
    body = JSON.parse(text ?? '');
  } catch {
    return books.has('malformed-crashes')
      ? problem(500, 'internal-error', 'something went wrong here')
      : problem(400, 'body-wrong', 'the body must be JSON: {"points": 500}');
  }
  const { points } = (typeof body === 'object' && body !== null ? body : {}) as { points?: unknown };
  if (books.has('any-amount') && typeof points === 'number') return points;
  if (typeof points !== 'number' || !Number.isInteger(points) || points < 1 || points > pointsMax)
    return problem(400, 'points-wrong', `points: a whole number from 1 to ${pointsMax}`);
  return points;
}

/** `as`: the id that the caller knows it by, where a broken endpoint has made two of it. */
function answerOf(outcome: Outcome, as?: string): Answer {
  switch (outcome.kind) {
    case 'unknown':
      return unknown;
    case 'conflict':
      return conflict(outcome.code, outcome.reservation);
    case 'refused': {
      const { refusal } = outcome.reservation;
      return problem(422, refusal?.code ?? 'account-blocked', refusal?.detail ?? 'refused');
    }
    case 'new':
    case 'known':
      return {
        status: outcome.kind === 'new' && outcome.reservation.state === 'reserved' ? 201 : 200,
        body: viewOf(outcome.reservation, as),
      };
  }
}

function conflict(code: string, { id, state }: Reservation): Answer {
  return { status: 409, body: { status: 409, code, detail: conflictDetails[code] ?? 'not possible any more', id: clean(id), state } };
}

const conflictDetails: Readonly<Record<string, string>> = {
  'reservation-exists': 'another reservation was asked for under this id',
  'already-committed': 'the points are taken',
  'already-cancelled': 'the reservation was cancelled',
  lapsed: 'the time of the reservation is over, the points went back',
  refused: 'the reservation was refused',
};

const unknown: Answer = problem(404, 'unknown-reservation', 'there is no reservation with this id');

function viewOf({ id, state, points, lapsesAt, receipt, refusal }: Reservation, as?: string) {
  return {
    id: as ?? clean(id),
    state,
    points,
    ...(state === 'reserved' && lapsesAt !== null && { lapsesAt }),
    ...(receipt !== undefined && { receipt }),
    ...(refusal && { refusal }),
  };
}

/** What a broken endpoint has made twice it does not show as two. */
function clean(id: string): string {
  return id.replace(/#\d+$/, '');
}
