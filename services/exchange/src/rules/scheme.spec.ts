import { retryDelayMs, schemeAttemptsMax } from './retry.js';
import { readSchemeAnswer } from './scheme-answer.js';

describe('an answer of the card scheme', () => {
  it.each([
    [200, { receipt: 'R-1' }, { kind: 'acknowledged', receipt: 'R-1' }],
    [201, { receipt: 'R-2', more: true }, { kind: 'acknowledged', receipt: 'R-2' }],
    [422, { code: 'unknown-member', detail: 'no such card' }, { kind: 'refused', code: 'unknown-member', detail: 'no such card' }],
    [422, { code: 'later', detail: '\u0000 \ud83d' }, { kind: 'refused', code: 'later', detail: '\ufffd' }],
    [422, 'nonsense', { kind: 'refused', code: 'not-said', detail: 'the scheme gave no reason' }],
  ])('%i with %j is its last word', (status, body, meaning) => {
    expect(readSchemeAnswer(status, body)).toEqual(meaning);
  });

  it.each([
    [200, {}],
    [200, { receipt: 7 }],
    [200, { receipt: '' }],
    [200, { receipt: 'R\u0000' }],
    [200, { receipt: '\ud83d' }],
    [200, null],
    [400, { code: 'bad' }],
    [401, {}],
    [404, {}],
    [409, { code: 'credit-exists' }],
    [429, {}],
    [500, {}],
    [503, '<html>'],
  ])('%i with %j says nothing about the credit and is asked again', (status, body) => {
    expect(readSchemeAnswer(status, body).kind).toBe('failed');
  });
});

describe('the wait before the next attempt', () => {
  it.each([
    [1, 0, 500],
    [1, 1, 250],
    [2, 0, 1_000],
    [10, 0, 256_000],
    [11, 0, 300_000],
    [schemeAttemptsMax - 1, 0, 300_000],
    [schemeAttemptsMax, 0, undefined],
    [schemeAttemptsMax + 1, 0, undefined],
  ])('after attempt %i with chance %d is %s ms', (attempt, random, ms) => {
    expect(retryDelayMs(attempt, random)).toBe(ms);
  });
});
