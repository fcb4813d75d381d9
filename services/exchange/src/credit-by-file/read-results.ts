import { readTable, type LineError, type TableForm, type TableRow } from '@points/http';
import { listRowsMax } from '../reconcile-partners/read-orders-list.js';
import { wholePoints } from '../reconcile-partners/list-cells.js';
import { creditIdForm, creditIdHelp } from '../reconcile-schemes/read-credits-list.js';
import { detailCharactersMax, receiptCharactersMax } from '../rules/kept-words.js';
import { schemeResults, type ListedResult } from '../rules/scheme-result.js';

const columns = ['creditId', 'result', 'reason', 'receipt', 'points'] as const;
type Column = (typeof columns)[number];

const form: TableForm<Column> = { columns, required: ['creditId', 'result'], rowsMax: listRowsMax };

/** The scheme's results file, or what is wrong with it by line. */
export function readResults(text: string): { lines: ListedResult[] } | { errors: LineError[] } {
  return readTable(text, form, readLine);
}

function readLine({ line, cell, wrong }: TableRow<Column>): ListedResult | undefined {
  const creditId = cell('creditId');
  if (!creditIdForm.test(creditId)) wrong('creditId', creditIdHelp);
  const result = schemeResults.find((one) => one === cell('result'));
  if (!result) wrong('result', `is not one of ${schemeResults.join(', ')}`);
  const [reason, receipt] = [cell('reason') || null, cell('receipt') || null];
  if (reason !== null && reason.length > detailCharactersMax) wrong('reason', `has more than ${detailCharactersMax} characters`);
  if (receipt !== null && receipt.length > receiptCharactersMax) wrong('receipt', `has more than ${receiptCharactersMax} characters`);
  if (receipt !== null && result === 'refused') wrong('receipt', 'is of a credit; what is refused has none');
  const points = cell('points') === '' ? null : wholePoints(cell('points'));
  if (points === undefined) wrong('points', 'is not a whole number of points above zero, in digits alone');
  if (!result || points === undefined) return undefined;
  return { line, creditId, result, points, receipt, reason };
}
