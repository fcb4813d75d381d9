import { failuresInARow, restartDelayMs } from './backoff.js';

describe('backoff', () => {
  it('doubles from 1 s to 30 s', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 50].map(restartDelayMs)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('begins anew after a minute of health', () => {
    expect(failuresInARow(4, 59_999)).toBe(5);
    expect(failuresInARow(4, 60_000)).toBe(1);
  });
});
