const firstDelayMs = 1_000;
const delayMsMax = 30_000;
/** A part that ran this long was healthy: its next failure is a new story. */
const resetAfterMs = 60_000;

/** 1 s, 2 s, 4 s … 30 s. */
export function restartDelayMs(failures: number): number {
  return Math.min(delayMsMax, firstDelayMs * 2 ** (failures - 1));
}

/** The number of failures in a row, this one included. */
export function failuresInARow(before: number, ranMs: number): number {
  return ranMs >= resetAfterMs ? 1 : before + 1;
}
