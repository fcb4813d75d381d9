import { isInstant, isLocalDate, isUuid, parseInstant, points, type Instant, type LocalDate, type Points } from '@points/kernel';
import { CsvError, parse } from 'csv-parse/sync';

/** The kinds that another system can have a list of: each is one posting with a reference. */
export const listedKinds = ['issue', 'spend', 'convert', 'donate', 'refund'] as const;
export type ListedKind = (typeof listedKinds)[number];

/** One line of another system's list. It names a reference, or a holder with a time. */
export interface ListedLine {
  readonly line: number;
  readonly reference: string | null;
  readonly holder: string | null;
  readonly amount: Points;
  readonly kind: ListedKind;
  /** An instant, or a day in Tokyo where the other system keeps no more. */
  readonly time: { readonly at: Instant } | { readonly on: LocalDate } | null;
}

export interface LineError {
  readonly line: number;
  readonly field: string;
  readonly reason: string;
}

/** A year's postings of one large merchant; some seconds of comparing. */
export const listRowsMax = 20_000;
const lineErrorsMax = 100;
const rowCharsMax = 2_000;
const columns = ['reference', 'holder', 'amount', 'kind', 'time'] as const;
type Column = (typeof columns)[number];

/** Reads the whole list, or says of each line what is wrong with it (the first hundred errors): a list with holes would compare wrongly. */
export function readList(text: string, kinds: readonly ListedKind[]): { lines: ListedLine[] } | { errors: LineError[] } {
  const table = tableOf(text);
  if ('errors' in table) return table;
  const [head, ...body] = table.records;
  if (!head) return { errors: [{ line: 1, field: 'header', reason: `is missing; columns: ${columns.join(', ')}` }] };
  const header = head.cells.map((cell) => cell.toLowerCase());
  const headErrors = headerProblems(header).map((reason) => ({ line: head.line, field: 'header', reason }));
  if (headErrors.length > 0) return { errors: headErrors };
  if (body.length > listRowsMax)
    return { errors: [{ line: body[listRowsMax]?.line ?? 0, field: 'list', reason: `has more than ${listRowsMax} lines` }] };

  const lines: ListedLine[] = [];
  const errors: LineError[] = [];
  for (const { line, cells } of body) {
    if (errors.length >= lineErrorsMax) break;
    if (cells.length !== header.length) {
      errors.push({ line, field: 'line', reason: `has ${cells.length} fields, the header has ${header.length}` });
      continue;
    }
    const cell = (column: Column): string => cells[header.indexOf(column)] ?? '';
    const wrong = (field: Column, reason: string) =>
      errors.push({ line, field, reason: `${reason}${cell(field) === '' ? '' : `: ${cell(field).slice(0, 40)}`}` });
    const read = readLine(line, cell, kinds, wrong);
    if (read) lines.push(read);
  }
  return errors.length > 0 ? { errors: errors.slice(0, lineErrorsMax) } : { lines };
}

function readLine(
  line: number,
  cell: (column: Column) => string,
  kinds: readonly ListedKind[],
  wrong: (field: Column, reason: string) => void,
): ListedLine | undefined {
  let isGood = true;
  const refuse = (field: Column, reason: string): null => {
    isGood = false;
    wrong(field, reason);
    return null;
  };
  const [reference, holder, time] = [
    cell('reference') || null,
    cell('holder')
      .toLowerCase()
      .replace(/^holder:/, '') || null,
    cell('time'),
  ];
  if (reference === null && holder === null) refuse('reference', 'is missing, and so is holder; one of them is needed');
  if (reference !== null && reference.length > 200) refuse('reference', 'has more than 200 characters');
  if (holder !== null && !isUuid(holder)) refuse('holder', 'is no holder id (a UUID)');
  if (reference === null && time === '') refuse('time', 'is missing; without a reference the time tells the posting');
  const amount =
    /^[1-9][0-9]{0,15}$/.test(cell('amount')) && Number.isSafeInteger(Number(cell('amount'))) ? points(Number(cell('amount'))) : null;
  if (amount === null) refuse('amount', 'is not a whole number of points above zero, in digits alone');
  const kind = listedKinds.find((one) => one === cell('kind'));
  if (!kind) refuse('kind', `is not one of ${listedKinds.join(', ')}`);
  else if (!kinds.includes(kind)) refuse('kind', `is not among the kinds that were asked for (${kinds.join(', ')})`);
  const when =
    time === ''
      ? null
      : (timeOf(time) ?? refuse('time', 'is neither a time with its offset, such as 2018-02-28T09:00:00+09:00, nor a day'));
  // Where a cell was refused, so is the line.
  return isGood && amount !== null && kind ? { line, reference, holder, amount, kind, time: when } : undefined;
}

function timeOf(text: string): ListedLine['time'] | undefined {
  if (isLocalDate(text)) return { on: text };
  try {
    return { at: isInstant(text) ? text : parseInstant(text) };
  } catch {
    return undefined;
  }
}

function headerProblems(header: readonly string[]): string[] {
  const known: readonly string[] = columns;
  return [
    ...header
      .filter((one) => !known.includes(one))
      .map((one) => `the column "${one.slice(0, 40)}" is not known; columns: ${columns.join(', ')}`),
    ...header.filter((one, index) => header.indexOf(one) !== index).map((one) => `the column ${one} comes twice`),
    ...['amount', 'kind'].filter((one) => !header.includes(one)).map((one) => `the column ${one} is missing`),
    ...(header.includes('reference') || header.includes('holder') ? [] : ['a column reference or holder is needed']),
  ];
}

interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

function tableOf(text: string): { records: Row[] } | { errors: LineError[] } {
  try {
    const parsed = parse(text, {
      bom: true,
      info: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      max_record_size: rowCharsMax,
      // One more than allowed, to see that there are too many, and the header.
      to: listRowsMax + 2,
    }) as unknown as { record: string[]; info: { lines: number } }[];
    return { records: parsed.map(({ record, info }) => ({ line: info.lines, cells: record })) };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { lines } = error as unknown as { lines?: number };
    return { errors: [{ line: lines ?? 1, field: 'line', reason: `cannot be read as CSV: ${error.code}` }] };
  }
}
