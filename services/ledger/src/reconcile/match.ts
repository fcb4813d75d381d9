import { jstDateOf, sumPoints, type Instant, type Points } from '@points/kernel';
import type { ListedLine } from './read-list.js';

/** One posting of the ledger. */
export interface OwnLine {
  readonly posting: string;
  readonly reference: string | null;
  readonly holder: string;
  readonly kind: string;
  readonly amount: Points;
  readonly effectiveAt: Instant;
}

/** What the ledger knows of a reference that has no posting among those compared. */
export type Elsewhere =
  /** At another time, or of another kind. */
  { readonly state: 'posted'; readonly own: OwnLine } | { readonly state: 'refused'; readonly code: string };

export interface Reconciliation {
  readonly matched: { readonly lines: number; readonly points: Points };
  /** In the list and not in the ledger. */
  readonly missingHere: readonly { readonly listed: ListedLine; readonly reason: string }[];
  /** In the ledger and not in the list. */
  readonly missingThere: readonly { readonly own: OwnLine; readonly reason: string }[];
  readonly different: readonly { readonly listed: ListedLine; readonly own: OwnLine; readonly reasons: readonly string[] }[];
  readonly there: { readonly lines: number; readonly points: Points };
  readonly here: { readonly lines: number; readonly points: Points };
}

/**
 * Compares line by line. A line with a reference is the posting with that reference. One without is the nearest posting of the same
 * holder, kind and amount within the tolerance (or on the same day); failing that, one of another amount, which is told as different.
 */
export function match(
  listed: readonly ListedLine[],
  own: readonly OwnLine[],
  elsewhere: ReadonlyMap<string, Elsewhere>,
  toleranceMs: number,
): Reconciliation {
  const open = new Set(own);
  const byReference = new Map(own.flatMap((one) => (one.reference === null ? [] : [[one.reference, one] as const])));
  const seen = new Map<string, number>();
  const matched: ListedLine[] = [];
  const missingHere: { listed: ListedLine; reason: string }[] = [];
  const different: { listed: ListedLine; own: OwnLine; reasons: string[] }[] = [];

  const compare = (line: ListedLine, mine: OwnLine) => {
    open.delete(mine);
    const reasons = differences(line, mine, toleranceMs);
    if (reasons.length === 0) matched.push(line);
    else different.push({ listed: line, own: mine, reasons });
  };

  for (const line of listed) {
    const { reference } = line;
    if (reference === null) continue;
    const first = seen.get(reference);
    if (first !== undefined) {
      missingHere.push({ listed: line, reason: `repeats the reference of line ${first}` });
      continue;
    }
    seen.set(reference, line.line);
    const mine = byReference.get(reference);
    if (mine) {
      compare(line, mine);
      continue;
    }
    const other = elsewhere.get(reference);
    if (!other) missingHere.push({ listed: line, reason: 'no posting has this reference' });
    else if (other.state === 'refused') missingHere.push({ listed: line, reason: `the posting was refused: ${other.code}` });
    else
      different.push({
        listed: line,
        own: other.own,
        reasons: ['outside: the posting lies outside the period or the kinds compared', ...differences(line, other.own, toleranceMs)],
      });
  }

  const candidates = new Map<string, OwnLine[]>();
  for (const mine of open) {
    const key = `${mine.holder} ${mine.kind}`;
    const known = candidates.get(key);
    if (known) known.push(mine);
    else candidates.set(key, [mine]);
  }
  const free = (line: ListedLine) =>
    (candidates.get(`${line.holder} ${line.kind}`) ?? []).filter((mine) => open.has(mine) && isNear(line, mine, toleranceMs));
  // First those that agree in everything, so that a wrong amount takes no posting from a right one.
  const unmatched = listed.filter((line) => {
    if (line.reference !== null) return false;
    const mine = nearest(
      line,
      free(line).filter((one) => one.amount === line.amount),
    );
    if (mine) compare(line, mine);
    return !mine;
  });
  for (const line of unmatched) {
    const mine = nearest(line, free(line));
    if (mine) compare(line, mine);
    else missingHere.push({ listed: line, reason: 'no posting of this holder, kind and time' });
  }

  const missingThere = [...open].map((mine) => ({
    own: mine,
    reason: mine.reference === null ? 'not in the list' : 'no line has its reference, and none its holder, kind and time',
  }));
  return {
    matched: { lines: matched.length, points: sumPoints(matched.map((one) => one.amount)) },
    missingHere: missingHere.sort((a, b) => a.listed.line - b.listed.line),
    missingThere,
    different: different.sort((a, b) => a.listed.line - b.listed.line),
    there: { lines: listed.length, points: sumPoints(listed.map((one) => one.amount)) },
    here: { lines: own.length, points: sumPoints(own.map((one) => one.amount)) },
  };
}

/** Each as `field: there …, here …`. */
function differences(line: ListedLine, mine: OwnLine, toleranceMs: number): string[] {
  const say = (field: string, there: string | number, here: string | number) => `${field}: there ${there}, here ${here}`;
  return [
    ...(line.amount === mine.amount ? [] : [say('amount', line.amount, mine.amount)]),
    ...(line.kind === mine.kind ? [] : [say('kind', line.kind, mine.kind)]),
    ...(line.holder === null || line.holder === mine.holder ? [] : [say('holder', line.holder, mine.holder)]),
    ...(isNear(line, mine, toleranceMs) ? [] : [say('time', timeText(line), mine.effectiveAt)]),
  ];
}

function isNear({ time }: ListedLine, { effectiveAt }: OwnLine, toleranceMs: number): boolean {
  if (time === null) return true;
  if ('on' in time) return jstDateOf(effectiveAt) === time.on;
  return Math.abs(Date.parse(time.at) - Date.parse(effectiveAt)) <= toleranceMs;
}

/** Of a day, the earliest; of an instant, the closest; of two as close, the earlier. */
function nearest({ time }: ListedLine, candidates: readonly OwnLine[]): OwnLine | undefined {
  const distance = (mine: OwnLine) => (time && 'at' in time ? Math.abs(Date.parse(time.at) - Date.parse(mine.effectiveAt)) : 0);
  return candidates.reduce<OwnLine | undefined>((best, mine) => {
    if (!best) return mine;
    const closer = distance(mine) - distance(best);
    return closer < 0 || (closer === 0 && mine.effectiveAt < best.effectiveAt) ? mine : best;
  }, undefined);
}

export function timeText({ time }: ListedLine): string {
  if (time === null) return '';
  return 'on' in time ? time.on : time.at;
}
