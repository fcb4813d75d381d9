import { randomBytes } from 'node:crypto';

export interface Target {
  /** The partner's endpoint, to which `/reservations/…` and `/account` are added. */
  readonly url: string;
  /** Of one linked account that nobody else uses meanwhile: it reserves. */
  readonly accountToken: string;
  /** The points service's own: it commits, cancels and reads. */
  readonly clientToken: string;
  /** An answer that takes longer is none. */
  readonly answerWithinMs: number;
}

export interface Said {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export type Authorization = 'account' | 'client' | 'none' | { readonly token: string };

/** The endpoint as the points service calls it. Remembers what all answers have in common: their time and the form of problems. */
export class Partner {
  slowestMs = 0;
  /** Calls that had no answer in time. */
  readonly unanswered: string[] = [];
  /** Refusals that were no problem details with a code. */
  readonly formless: string[] = [];
  private readonly run = randomBytes(5).toString('hex');
  private readonly open: string[] = [];
  private count = 0;

  constructor(private readonly target: Target) {}

  /** Never used before, so that a run does not meet the reservations of an earlier one. */
  newId(): string {
    const id = `conformance-${this.run}-${++this.count}`;
    this.open.push(id);
    return id;
  }

  reserve(id: string, points: unknown, as: Authorization = 'account'): Promise<Said> {
    return this.call('PUT', `/reservations/${id}`, as, JSON.stringify({ points }));
  }

  /** With a body that is sent as it stands. */
  reserveWith(id: string, body: string): Promise<Said> {
    return this.call('PUT', `/reservations/${id}`, 'account', body);
  }

  commit(id: string, as: Authorization = 'client'): Promise<Said> {
    return this.call('POST', `/reservations/${id}/commit`, as);
  }

  cancel(id: string, as: Authorization = 'client'): Promise<Said> {
    return this.call('POST', `/reservations/${id}/cancel`, as);
  }

  read(id: string, as: Authorization = 'client'): Promise<Said> {
    return this.call('GET', `/reservations/${id}`, as);
  }

  account(as: Authorization = 'account'): Promise<Said> {
    return this.call('GET', '/account', as);
  }

  /** Gives back what a check has left reserved; what it committed is taken. */
  async cleanUp(): Promise<void> {
    for (const id of this.open.splice(0)) await this.cancel(id).catch(() => undefined);
  }

  private async call(method: string, path: string, as: Authorization, body?: string): Promise<Said> {
    const { url, answerWithinMs } = this.target;
    const token = this.tokenOf(as);
    const started = performance.now();
    let status: number, text: string, type: string;
    try {
      const response = await fetch(`${url.replace(/\/$/, '')}${path}`, {
        method,
        redirect: 'manual',
        headers: {
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        ...(body !== undefined && { body }),
        signal: AbortSignal.timeout(answerWithinMs),
      });
      text = await response.text();
      [status, type] = [response.status, response.headers.get('content-type') ?? ''];
    } catch (error) {
      const isLate = error instanceof Error && error.name === 'TimeoutError';
      const why = isLate ? `no answer within ${answerWithinMs} ms` : 'no answer';
      this.unanswered.push(`${method} ${path}: ${why}`);
      throw new CheckFailed(`${method} ${path}: ${why}`);
    }
    this.slowestMs = Math.max(this.slowestMs, performance.now() - started);
    const parsed = parse(text);
    if (status >= 400 && (!type.startsWith('application/problem+json') || typeof parsed?.code !== 'string'))
      this.formless.push(`${method} ${path}: ${status} with ${type || 'no content type'}`);
    return { status, body: parsed ?? {} };
  }

  private tokenOf(as: Authorization): string | undefined {
    if (as === 'none') return undefined;
    if (typeof as === 'object') return as.token;
    return as === 'account' ? this.target.accountToken : this.target.clientToken;
  }
}

/** What a check found: a sentence for the partner's developer. */
export class CheckFailed extends Error {}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
