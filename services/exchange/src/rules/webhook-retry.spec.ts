import { afterAttempt, retryAfterMsMax, triedForMsMax, type AttemptFacts } from './webhook-retry.js';

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
const failed = (facts: Partial<AttemptFacts> = {}): AttemptFacts => ({
  outcome: { kind: 'failed' },
  attempt: 1,
  triedForMs: 0,
  failingForMs: 0,
  isPing: false,
  random: 0.5,
  ...facts,
});

it.each([
  [1, 5 * second],
  [2, 15 * second],
  [3, 45 * second],
  [4, 135 * second],
  [5, 405 * second],
  [6, 1_215 * second],
  [7, 3_645 * second],
  [8, 10_935 * second],
  [9, 32_805 * second],
  [10, 12 * hour],
  [15, 12 * hour],
  [1_000, 12 * hour],
])('repeats attempt %i after %i ms', (attempt, delayMs) => {
  expect(afterAttempt(failed({ attempt }))).toEqual({ delivery: 'waiting', delayMs });
});

it('spreads repetitions over 10 % before and after', () => {
  expect(afterAttempt(failed({ random: 0 }))).toEqual({ delivery: 'waiting', delayMs: 4_500 });
  expect(afterAttempt(failed({ random: 0.999_999 }))).toEqual({ delivery: 'waiting', delayMs: 5_500 });
});

it.each([0, 0.5, 0.999_999])('ends between 3 days and 3 days and 14 hours, after 14 to 16 attempts (random %f)', (random) => {
  let [attempt, triedForMs] = [1, 0];
  for (let after = afterAttempt(failed({ random })); after.delivery === 'waiting'; attempt++) {
    triedForMs += after.delayMs;
    after = afterAttempt(failed({ attempt: attempt + 1, triedForMs, failingForMs: triedForMs, random }));
  }

  expect(attempt).toBeGreaterThanOrEqual(14);
  expect(attempt).toBeLessThanOrEqual(16);
  expect(triedForMs).toBeGreaterThanOrEqual(3 * day);
  expect(triedForMs).toBeLessThan(3 * day + 14 * hour);
});

it.each([
  ['a later time, which holds', 30 * minute, 30 * minute],
  ['an earlier time, which does not', 1 * second, 5 * second],
  ['a year, of which a day holds', 365 * day, retryAfterMsMax],
])('is asked by Retry-After for %s', (_, retryAfterMs, delayMs) => {
  expect(afterAttempt(failed({ outcome: { kind: 'failed', retryAfterMs } }))).toEqual({ delivery: 'waiting', delayMs });
});

it('gives an event up alone when the endpoint took others meanwhile', () => {
  expect(afterAttempt(failed({ triedForMs: triedForMsMax, failingForMs: triedForMsMax - 1 }))).toEqual({ delivery: 'failed' });
});

it('disables an endpoint that took nothing for 3 days', () => {
  expect(afterAttempt(failed({ triedForMs: triedForMsMax, failingForMs: triedForMsMax }))).toEqual({
    delivery: 'failed',
    disable: 'failing',
  });
});

it('disables an endpoint at once that is gone, also when a ping finds out', () => {
  for (const isPing of [false, true])
    expect(afterAttempt(failed({ outcome: { kind: 'gone' }, isPing }))).toEqual({ delivery: 'failed', disable: 'gone' });
});

it('tries a ping once and disables nothing for it', () => {
  expect(afterAttempt(failed({ isPing: true, failingForMs: 9 * day }))).toEqual({ delivery: 'failed' });
});

it('is sent again at once when we stopped in the middle, a ping too', () => {
  for (const isPing of [false, true])
    expect(afterAttempt(failed({ outcome: { kind: 'interrupted' }, attempt: 9, isPing, triedForMs: 9 * day }))).toEqual({
      delivery: 'waiting',
      delayMs: 0,
    });
});

it('is over when it is delivered, however late', () => {
  expect(afterAttempt(failed({ outcome: { kind: 'delivered' }, triedForMs: 9 * day }))).toEqual({ delivery: 'delivered' });
});
