import { readTable, type LineError, type TableForm, type TableRow } from '@points/http';
import { dayOf, wholePoints } from '../reconcile-partners/list-cells.js';
import { listRowsMax } from '../reconcile-partners/read-orders-list.js';
import type { ListedCredit } from '../rules/match-credits.js';
import { receiptCharactersMax } from '../rules/kept-words.js';

const columns = ['creditId', 'points', 'receipt', 'date'] as const;
type Column = (typeof columns)[number];

const form: TableForm<Column> = { columns, required: ['creditId', 'points'], rowsMax: listRowsMax };
export const creditIdForm = /^[^\s:]{1,64}:[^\p{Cc}]{1,64}$/u;

export const creditIdHelp = 'is not the id that the credit was asked under: programme, a colon, conversion id';

/** The scheme's file, or what is wrong with it by line. */
export function readCreditsList(text: string): { lines: ListedCredit[] } | { errors: LineError[] } {
  return readTable(text, form, readLine);
}

function readLine({ line, cell, wrong }: TableRow<Column>): ListedCredit | undefined {
  const creditId = cell('creditId');
  if (!creditIdForm.test(creditId)) wrong('creditId', creditIdHelp);
  const points = wholePoints(cell('points'));
  if (points === undefined) wrong('points', 'is not a whole number of points above zero, in digits alone');
  const receipt = cell('receipt') === '' ? null : cell('receipt');
  if (receipt !== null && receipt.length > receiptCharactersMax) wrong('receipt', `has more than ${receiptCharactersMax} characters`);
  const date = cell('date') === '' ? null : dayOf(cell('date'));
  if (date === undefined) wrong('date', 'is neither a day, such as 2018-02-28, nor a time with its offset');
  if (points === undefined || date === undefined) return undefined;
  return { line, creditId, points, receipt, date };
}
