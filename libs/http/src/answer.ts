import { problemBody } from './problem.js';

/** What an idempotent operation answers: stored with the key, and given again for the same key. */
export interface Answer<T = unknown> {
  readonly status: number;
  readonly body: T;
  readonly headers?: Readonly<Record<string, string>>;
}

export function answer<T>(status: number, body: T, headers?: Readonly<Record<string, string>>): Answer<T> {
  return new StoredAnswer(status, body, headers);
}

/** A refusal that is part of the story: it is stored, its transaction commits, and a repeated request hears it again. */
export function refusal(status: number, code: string, detail: string, facts: Readonly<Record<string, unknown>> = {}): Answer<never> {
  const body = problemBody(status, code, detail, facts);
  // A problem stands in for any body: the status says which of the two it is.
  return new StoredAnswer(status, body as never, { 'content-type': 'application/problem+json' });
}

/** A class, so that the interceptor can tell an Answer from a plain body that happens to have a `status`. */
export class StoredAnswer<T> implements Answer<T> {
  declare readonly headers?: Readonly<Record<string, string>>;
  constructor(
    readonly status: number,
    readonly body: T,
    headers?: Readonly<Record<string, string>>,
  ) {
    if (headers) this.headers = headers;
  }
}
