import { createHash } from 'node:crypto';
import { answer, problem, refusal, type Answer, type Cause } from '@points/http';
import { DoorFull, type Door } from './door.js';
import type { DryRunView, PostedView } from './posting-bodies.js';
import type { AnyRequest, Completed, Unit } from './request.js';

/** One request through the door, for a caller who waits. @throws Problem 503 `door-full` */
export async function postOne(door: Door, request: AnyRequest, how: Pick<Unit, 'dryRun'> = {}): Promise<Completed> {
  const [completed] = await orFull(how.dryRun ? door.postTogether({ requests: [request], ...how }) : door.post([request]));
  if (!completed) throw new Error('assertion failed: one request has one outcome');
  return completed;
}

/** @throws Problem 503 `door-full` */
export async function orFull<T>(posted: Promise<T>): Promise<T> {
  try {
    return await posted;
  } catch (error) {
    if (error instanceof DoorFull) throw problem(503, 'door-full', 'more postings wait than can be remembered; ask again shortly');
    throw error;
  }
}

/** Names the client too, so that two clients with one key do not meet. A long pair is cut to its hash: a reference has 200 characters. */
export function referenceOf({ client }: Pick<Cause, 'client'>, key: string): string {
  const plain = `http:${client}/${key}`;
  return plain.length <= referenceCharsMax ? plain : `http:${createHash('sha256').update(plain).digest('base64url')}`;
}

const referenceCharsMax = 200;

export function toAnswer(reference: string, { outcome, repeated }: Completed): Answer<PostedView> {
  const headers = repeated ? { 'idempotency-replayed': 'true' } : undefined;
  if (outcome.status === 'posted') {
    const { posting, amount, effectiveAt, balance, available } = outcome;
    return answer(201, { reference, posting, amount, effectiveAt, balance, available }, headers);
  }
  return refused(outcome);
}

/** What a dry run found: nothing has an id, because nothing was written. */
export function toDryAnswer({ outcome }: Completed): Answer<DryRunView> {
  if (outcome.status !== 'posted') return refused(outcome);
  const { amount, effectiveAt, balance, available } = outcome;
  return answer(200, { dryRun: true, amount, effectiveAt, balance, available });
}

function refused(outcome: Extract<Completed['outcome'], { status: 'refused' }>): Answer<never> {
  return refusal(outcome.code === 'unknown-programme' ? 404 : 422, outcome.code, outcome.detail, outcome.facts);
}
