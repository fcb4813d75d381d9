// Settable failures: what networks and partners' systems do on a bad day.
export const steps = ['reserve', 'commit', 'cancel', 'read', 'account', 'token'] as const;
export type Step = (typeof steps)[number];

export const failureKinds = ['time-out', 'lost-answer', 'error', 'error-after', 'duplicate', 'late', 'slow', 'refuse'] as const;
/**
 * time-out: nothing is done and nothing answered. lost-answer: done, then the connection is cut. error: 500, nothing done. error-after: done,
 * then 500. duplicate: done twice at the same time, as a network would deliver twice. late: done and answered only after the delay.
 * slow: done at once, answered after the delay. refuse: the partner's no (reserve: refused; commit: the reservation has lapsed).
 */
export type FailureKind = (typeof failureKinds)[number];

export interface Failure {
  /** Absent: every step. */
  readonly step?: Step;
  readonly kind: FailureKind;
  /** Absent: reservations of every account. */
  readonly account?: string;
  /** How often; null: until it is taken away. */
  readonly times: number | null;
  /** True: the first time for each step of each reservation, `times` then counts per step and reservation. */
  readonly each: boolean;
  readonly delayMs: number;
}

export const delayMsMax = 120_000;

export class Failures {
  private list: { readonly failure: Failure; left: number | null; readonly seen: Map<string, number> }[] = [];

  add(failure: Failure): void {
    this.list.push({ failure, left: failure.times, seen: new Map() });
  }

  clear(): void {
    this.list = [];
  }

  all(): readonly (Failure & { readonly left: number | null })[] {
    return this.list.map(({ failure, left }) => ({ ...failure, left }));
  }

  /** The failure that this request meets, which is used up by it. */
  take(step: Step, id: string, account?: string): Failure | undefined {
    for (const one of this.list) {
      const { failure, seen } = one;
      if (failure.step !== undefined && failure.step !== step) continue;
      if (failure.account !== undefined && failure.account !== account) continue;
      if (failure.kind === 'refuse' && step !== 'reserve' && step !== 'commit') continue;
      if (failure.each) {
        const key = `${step} ${id}`;
        const times = seen.get(key) ?? 0;
        if (times >= (failure.times ?? Infinity)) continue;
        seen.set(key, times + 1);
        return failure;
      }
      if (one.left === 0) continue;
      if (one.left !== null) one.left -= 1;
      return failure;
    }
    return undefined;
  }
}

/** @returns a sentence when the failure is not understood */
export function readFailure(body: unknown): Failure | string {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'the body must be an object';
  const { step, kind, account, times = 1, each = false, delayMs = 0, ...rest } = body as Record<string, unknown>;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) return `${unknown}: no such field`;
  if (step !== undefined && !steps.some((one) => one === step)) return `step: one of ${steps.join(', ')}`;
  if (!failureKinds.some((one) => one === kind)) return `kind: one of ${failureKinds.join(', ')}`;
  if (account !== undefined && typeof account !== 'string') return 'account: the id of a member';
  if (times !== null && !(Number.isInteger(times) && (times as number) >= 1)) return 'times: a whole number from 1, or null for always';
  if (typeof each !== 'boolean') return 'each: true or false';
  if (!(Number.isInteger(delayMs) && (delayMs as number) >= 0 && (delayMs as number) <= delayMsMax))
    return `delayMs: a whole number up to ${delayMsMax}`;
  // Each was just checked.
  return {
    ...(step !== undefined && { step: step as Step }),
    kind: kind as FailureKind,
    ...(account !== undefined && { account }),
    times: times as number | null,
    each,
    delayMs: delayMs as number,
  };
}
