import { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import { quoted, type BadRow } from './bad-row.js';

export interface CsvLine<Column extends string> {
  readonly line: number;
  readonly values: Readonly<Record<Column, string>>;
}

export interface CsvTable<Column extends string> {
  readonly lines: readonly CsvLine<Column>[];
  readonly badRows: readonly BadRow[];
  /** Columns of the header that the format does not know: they are read over. */
  readonly unknownColumns: readonly string[];
  /** True when no line can be read at all: the header lacks a column, or the file is not text. */
  readonly broken: boolean;
}

/**
 * Reads a CSV file with a header: UTF-8 with or without BOM, LF, CRLF or CR, quoted fields, columns in any order.
 * Each line is parsed by itself, because a quote that is never closed would otherwise take every later line with it; a row of
 * this format never needs a line break inside a field. Empty lines are passed over.
 */
export function readCsvTable<const Column extends string>(file: string, bytes: Uint8Array, columns: readonly Column[]): CsvTable<Column> {
  const broken = (line: number, field: string, reason: string): CsvTable<Column> => ({
    lines: [],
    badRows: [{ file, line, field, reason }],
    unknownColumns: [],
    broken: true,
  });
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    return broken(1, 'line', 'is UTF-16: save the file as UTF-8');
  const [first, ...rest] = splitLines(bytes)
    .map(readLine)
    .filter((one) => one !== undefined);
  if (!first) return broken(1, 'line', `is missing: the file is empty, its header must be ${columns.join(',')}`);
  if ('reason' in first) return broken(first.line, 'line', first.reason);
  const header = first.cells;
  const missing = columns.filter((column) => !header.includes(column));
  if (missing.length) return broken(first.line, missing[0] ?? 'line', `is not in the header: it must hold ${columns.join(',')}`);
  const doubled = header.find((column, at) => header.indexOf(column) !== at);
  if (doubled !== undefined) return broken(first.line, doubled, 'stands twice in the header');

  const lines: CsvLine<Column>[] = [];
  const badRows: BadRow[] = [];
  for (const one of rest) {
    if ('reason' in one) badRows.push({ file, line: one.line, field: 'line', reason: one.reason });
    else if (one.cells.length !== header.length)
      badRows.push({
        file,
        line: one.line,
        field: 'line',
        reason: `has ${one.cells.length} columns, the header has ${header.length}: ${quoted(one.text)}`,
      });
    else {
      const values = Object.fromEntries(columns.map((column) => [column, one.cells[header.indexOf(column)] ?? '']));
      // Every column of the format was found in the header above.
      lines.push({ line: one.line, values: values as Record<Column, string> });
    }
  }
  return { lines, badRows, unknownColumns: header.filter((column) => !(columns as readonly string[]).includes(column)), broken: false };
}

/** Bytes, not text: a line that is not UTF-8 must not make its neighbours unreadable. 0x0A and 0x0D are never part of another character. */
function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let start = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== 0x0a && bytes[at] !== 0x0d) continue;
    lines.push(bytes.subarray(start, at));
    if (bytes[at] === 0x0d && bytes[at + 1] === 0x0a) at++;
    start = at + 1;
  }
  lines.push(bytes.subarray(start));
  return lines;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

type ReadLine =
  { readonly line: number; readonly cells: string[]; readonly text: string } | { readonly line: number; readonly reason: string };

/** Undefined for an empty line. */
function readLine(bytes: Uint8Array, index: number): ReadLine | undefined {
  const line = index + 1;
  if (bytes.length > lineBytesMax) return { line, reason: `is longer than ${lineBytesMax} bytes` };
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { line, reason: 'is not UTF-8 text' };
  }
  if (index === 0) text = text.replace(/^\uFEFF/, '');
  if (text.trim() === '') return undefined;
  try {
    const [cells = []] = parse(text, { trim: true });
    return { line, cells, text };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return {
      line,
      reason:
        error.code === 'CSV_QUOTE_NOT_CLOSED'
          ? 'has a quote that is not closed on the same line'
          : `has a quote in a wrong place: ${quoted(text)}`,
    };
  }
}

/** The longest row of the format needs some 300 bytes. */
const lineBytesMax = 10_000;
