// The file of a day with all credits that a card scheme is asked for, and the scheme's results file.
import { parse } from 'csv-parse/sync';

export interface DayLine {
  /** The header is line 1. */
  readonly line: number;
  readonly id: string;
  readonly member: string;
  readonly points: number;
}

export interface ResultLine {
  readonly creditId: string;
  readonly result: 'accepted' | 'refused';
  readonly reason: string;
  readonly receipt: string;
  readonly points: number;
}

/** 100,000 lines of 160 characters. */
export const fileCharactersMax = 16_000_000;

/** `undefined` for a text that is no such file. */
export function readDayFile(text: string): DayLine[] | undefined {
  try {
    const [header, ...rows] = parse(text, { bom: true });
    if (header?.join() !== 'creditId,member,points,requestedAt') return undefined;
    return rows.map(([id = '', member = '', points = ''], index) => ({ line: index + 2, id, member, points: Number(points || NaN) }));
  } catch {
    return undefined;
  }
}

/** Always in quotes, as many old systems write it. */
export function resultsFile(lines: readonly ResultLine[]): string {
  const rows = lines.map(({ creditId, result, reason, receipt, points }) => [creditId, result, reason, receipt, String(points)]);
  return [['creditId', 'result', 'reason', 'receipt', 'points'], ...rows].map((row) => `${row.map(quoted).join(',')}\r\n`).join('');
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
