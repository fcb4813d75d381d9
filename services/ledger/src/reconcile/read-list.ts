import { readTable, type LineError, type TableForm, type TableRow } from '@points/http';
import { isInstant, isLocalDate, isUuid, parseInstant, points, type Instant, type LocalDate, type Points } from '@points/kernel';

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

/** A year's postings of one large merchant; some seconds of comparing. */
export const listRowsMax = 20_000;
const columns = ['reference', 'holder', 'amount', 'kind', 'time'] as const;
type Column = (typeof columns)[number];

const form: TableForm<Column> = {
  columns,
  required: ['amount', 'kind'],
  rowsMax: listRowsMax,
  headerTrouble: (header) => (header.includes('reference') || header.includes('holder') ? [] : ['a column reference or holder is needed']),
};

/** Reads the whole list, or says of each line what is wrong with it. */
export function readList(text: string, kinds: readonly ListedKind[]): { lines: ListedLine[] } | { errors: LineError[] } {
  return readTable(text, form, (row) => readLine(row, kinds));
}

function readLine({ line, cell, wrong }: TableRow<Column>, kinds: readonly ListedKind[]): ListedLine | undefined {
  const [reference, holder, time] = [
    cell('reference') || null,
    cell('holder')
      .toLowerCase()
      .replace(/^holder:/, '') || null,
    cell('time'),
  ];
  if (reference === null && holder === null) wrong('reference', 'is missing, and so is holder; one of them is needed');
  if (reference !== null && reference.length > 200) wrong('reference', 'has more than 200 characters');
  if (holder !== null && !isUuid(holder)) wrong('holder', 'is no holder id (a UUID)');
  if (reference === null && time === '') wrong('time', 'is missing; without a reference the time tells the posting');
  const amount =
    /^[1-9][0-9]{0,15}$/.test(cell('amount')) && Number.isSafeInteger(Number(cell('amount'))) ? points(Number(cell('amount'))) : null;
  if (amount === null) wrong('amount', 'is not a whole number of points above zero, in digits alone');
  const kind = listedKinds.find((one) => one === cell('kind'));
  if (!kind) wrong('kind', `is not one of ${listedKinds.join(', ')}`);
  else if (!kinds.includes(kind)) wrong('kind', `is not among the kinds that were asked for (${kinds.join(', ')})`);
  const when = time === '' ? null : timeOf(time);
  if (when === undefined) wrong('time', 'is neither a time with its offset, such as 2018-02-28T09:00:00+09:00, nor a day');
  // A line of which something was wrong is not taken.
  return amount !== null && kind && when !== undefined ? { line, reference, holder, amount, kind, time: when } : undefined;
}

function timeOf(text: string): ListedLine['time'] | undefined {
  if (isLocalDate(text)) return { on: text };
  try {
    return { at: isInstant(text) ? text : parseInstant(text) };
  } catch {
    return undefined;
  }
}
