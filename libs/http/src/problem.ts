import { STATUS_CODES } from 'node:http';

/** RFC 9457. `code` is stable; `type` is the same as a URN, so that a client may switch on either. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly facts: Readonly<Record<string, unknown>> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
  }

  get body(): Record<string, unknown> {
    return problemBody(this.status, this.code, this.detail, this.facts);
  }
}

/** Thrown by a use case: rolls its transaction back and is answered as problem+json. */
export function problem(status: number, code: string, detail: string, facts: Readonly<Record<string, unknown>> = {}): Problem {
  return new Problem(status, code, detail, facts);
}

export function problemBody(
  status: number,
  code: string,
  detail: string,
  facts: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return { ...facts, type: `urn:municipal-points:problem:${code}`, title: STATUS_CODES[status] ?? 'Error', status, code, detail };
}
