import { isUtf8 } from 'node:buffer';
import { compileShape, IsInstant, IsMyKeyId, IsPoints } from '@points/http';
import { IsOptional, Matches } from 'class-validator';
import { CsvError, parse } from 'csv-parse/sync';
import { paperIdForm } from '../ids.js';
import type { RawLine } from './split-lines.js';

export const uploadFormats = ['csv', 'jsonl'] as const;
export type UploadFormat = (typeof uploadFormats)[number];

/** One line of a file. The partner is in the address, because a file is signed by one. */
export class OrderLine {
  @Matches(paperIdForm)
  orderId!: string;

  @IsMyKeyId()
  myKeyId!: string;

  @IsPoints()
  partnerPoints!: number;

  /** What the partner expects the rate to give; checked when given. */
  @IsOptional()
  @IsPoints()
  municipalPoints?: number;

  /** Only to bring history in (scope history:write). */
  @IsOptional()
  @IsInstant()
  acceptedAt?: string;
}

export interface LineError {
  readonly field: string;
  readonly reason: string;
}

export interface BadLine {
  readonly line: number;
  /** As far as it could be read. */
  readonly orderId?: string;
  /** Stable. */
  readonly code: string;
  readonly errors: readonly LineError[];
}

export type OrderOfLine = { readonly line: number; readonly order: OrderLine } | BadLine;

export type LineReader = (line: RawLine) => OrderOfLine | undefined;

/** Undefined for a blank line. */
export function lineReader(format: UploadFormat, columns: readonly Column[]): LineReader {
  return (raw) => {
    if (!raw.bytes) return bad(raw.n, 'line', 'is too long: an order has at most 700 bytes');
    if (!isUtf8(raw.bytes)) return bad(raw.n, 'line', 'is not UTF-8; save the file as UTF-8');
    const text = raw.bytes
      .toString('utf8')
      .replace(/^\uFEFF/, '')
      .trim();
    if (text === '') return undefined;
    const value = format === 'jsonl' ? ofJson(text) : ofCells(text, columns);
    if ('reason' in value) return bad(raw.n, 'line', value.reason);
    const errors = shape.problemsOf(value.order);
    const { orderId } = value.order as { orderId?: unknown };
    if (errors.length > 0)
      return {
        line: raw.n,
        code: 'invalid-line',
        errors,
        ...(typeof orderId === 'string' && { orderId: orderId.slice(0, orderIdCharsShown) }),
      };
    // Just checked.
    return { line: raw.n, order: value.order as unknown as OrderLine };
  };
}

const shape = compileShape(OrderLine, 'body');
const orderIdCharsShown = 64;

function bad(line: number, field: string, reason: string): BadLine {
  return { line, code: 'invalid-line', errors: [{ field, reason }] };
}

type Read = { readonly order: Readonly<Record<string, unknown>> } | { readonly reason: string };

function ofJson(text: string): Read {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { reason: 'is not JSON' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { reason: 'is not a JSON object' };
  return { order: value as Readonly<Record<string, unknown>> };
}

export const columns = ['orderId', 'myKeyId', 'partnerPoints', 'municipalPoints', 'acceptedAt'] as const;
export type Column = (typeof columns)[number];
const numbers: ReadonlySet<Column> = new Set(['partnerPoints', 'municipalPoints']);

function ofCells(text: string, header: readonly Column[]): Read {
  const cells = cellsOf(text);
  if (!cells) return { reason: 'cannot be read as CSV: a quote is open or stands where none may; one line is one order' };
  if (cells.length !== header.length) return { reason: `has ${cells.length} fields, the header has ${header.length}` };
  const order: Record<string, unknown> = {};
  for (const [index, column] of header.entries()) {
    const cell = cells[index] ?? '';
    if (cell === '') continue;
    order[column] = numbers.has(column) && /^\d{1,16}$/.test(cell) ? Number(cell) : cell;
  }
  return { order };
}

/** Undefined where the quotes are wrong. */
function cellsOf(text: string): string[] | undefined {
  // The library sets itself up anew for each text, which takes 20 µs; few files have quotes.
  if (!text.includes('"')) return text.split(',').map((cell) => cell.trim());
  try {
    const [record] = parse(text, { trim: true, relax_column_count: true });
    return record;
  } catch (error) {
    if (error instanceof CsvError) return undefined;
    throw error;
  }
}

/** The columns that the first line names, or what is wrong with it. */
export function readHeader(first: RawLine | undefined): { readonly columns: readonly Column[] } | { readonly reason: string } {
  const known = `columns: ${columns.join(', ')}`;
  if (!first) return { reason: 'the file is empty' };
  if (!first.bytes || !isUtf8(first.bytes)) return { reason: `the first line is no header in UTF-8; ${known}` };
  const names =
    cellsOf(
      first.bytes
        .toString('utf8')
        .replace(/^\uFEFF/, '')
        .trim(),
    ) ?? [];
  const found = names.flatMap((name) => columns.find((one) => one.toLowerCase() === name.toLowerCase()) ?? []);
  const unknown = names.find((name) => !columns.some((one) => one.toLowerCase() === name.toLowerCase()));
  if (unknown !== undefined) return { reason: `the column "${unknown.slice(0, 40)}" is not known; ${known}` };
  const twice = found.find((one, index) => found.indexOf(one) !== index);
  if (twice) return { reason: `the column ${twice} comes twice` };
  const missing = (['orderId', 'myKeyId', 'partnerPoints'] as const).find((one) => !found.includes(one));
  if (missing) return { reason: `the column ${missing} is missing; ${known}` };
  return { columns: found };
}
