// What a tester may set and see while the partner's site runs. No partner has this part.
import type { IncomingMessage } from 'node:http';
import { problem, readJson, type Answer } from '../json-http.ts';
import type { AccountTerms, Books } from './books.ts';
import { readFailure, type Failures } from './failures.ts';
import { visit } from './visit.ts';

export interface Controlled {
  readonly books: Books;
  readonly failures: Failures;
  readonly clock: () => Date;
  readonly issuer: string;
  addRedirectUri(uri: string): readonly string[];
}

export async function control(request: IncomingMessage, path: readonly string[], controlled: Controlled): Promise<Answer> {
  const { books, failures, clock, issuer } = controlled;
  const [what, id = ''] = path;
  const body = request.method === 'GET' || request.method === 'DELETE' ? undefined : await readJson(request);
  switch (`${request.method} ${what}`) {
    case 'GET failures':
      return ok({ failures: failures.all() });
    case 'POST failures': {
      const failure = readFailure(body);
      if (typeof failure === 'string') return problem(422, 'failure-wrong', failure);
      failures.add(failure);
      return { status: 201, body: failure };
    }
    case 'DELETE failures':
      failures.clear();
      return ok({ failures: [] });
    case 'GET books':
      return ok(books.all(clock()));
    case 'POST lapse':
      books.lapseNow(id);
      return ok(books.read(id, clock()) ?? null);
    case 'POST reinstate':
      books.reinstate(id, clock());
      return ok(books.read(id, clock()) ?? null);
    case 'PUT accounts': {
      const account = readAccount(id, body);
      if (typeof account === 'string') return problem(422, 'account-wrong', account);
      books.putAccount(account);
      return ok(books.balance(id, clock()));
    }
    case 'POST redirect-uris': {
      const { redirectUri } = (body ?? {}) as { redirectUri?: unknown };
      if (!isAddress(redirectUri)) return problem(422, 'redirect-uri-wrong', 'redirectUri: an http(s) address');
      const redirectUris = controlled.addRedirectUri(redirectUri);
      return ok({ redirectUris });
    }
    case 'POST visits': {
      const { url, account, allow = true } = (body ?? {}) as { url?: unknown; account?: unknown; allow?: unknown };
      if (typeof url !== 'string' || !url.startsWith(`${issuer}/`)) return problem(422, 'visit-wrong', `url: an address of ${issuer}`);
      if (typeof account !== 'string' || typeof allow !== 'boolean')
        return problem(422, 'visit-wrong', 'account: a member; allow: true or false');
      const came = await visit({ url, account, isAllowed: allow });
      return 'location' in came ? ok(came) : problem(422, 'visit-failed', came.problem);
    }
    default:
      return problem(404, 'not-found', 'there is no such control');
  }
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && URL.canParse(value) && /^https?:/.test(value);
}

/** @returns a sentence when it is not understood */
export function readAccount(id: string, body: unknown): AccountTerms | string {
  const { granted, reservationMax = null, isBlocked = false } = (body ?? {}) as Record<string, unknown>;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) return 'the id of a member: 1 to 64 letters, digits, hyphens or underscores';
  if (!isWhole(granted)) return 'granted: a whole number of points';
  if (reservationMax !== null && !isWhole(reservationMax)) return 'reservationMax: a whole number of points, or null';
  if (typeof isBlocked !== 'boolean') return 'isBlocked: true or false';
  return { id, granted, reservationMax, isBlocked };
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
