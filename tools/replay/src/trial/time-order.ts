import type { TrialRow } from './trial.js';

/** Time, then exchanges before conversions, then id, then place in the file: the order of a trial's README. */
export function inTimeOrder(rows: readonly TrialRow[]): TrialRow[] {
  return [...rows].sort(
    (a, b) =>
      compare(a.at, b.at) || Number(a.kind === 'conversion') - Number(b.kind === 'conversion') || compare(a.id, b.id) || a.line - b.line,
  );
}

/** Code units, not a locale: the same order on every machine. Instants are canonical texts and sort by time. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
