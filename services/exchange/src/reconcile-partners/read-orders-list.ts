import { readTable, type LineError, type TableForm, type TableRow } from '@points/http';
import { paperIdForm } from '../ids.js';
import { listedKinds, type ListedOrder } from '../rules/match-orders.js';
import { dayOf, wholePoints } from './list-cells.js';

/** A partner's month; longer lists are compared by days. */
export const listRowsMax = 20_000;
const columns = ['orderId', 'partnerPoints', 'municipalPoints', 'date', 'kind'] as const;
type Column = (typeof columns)[number];

const form: TableForm<Column> = { columns, required: ['orderId', 'partnerPoints'], rowsMax: listRowsMax };

/** The partner's file, or what is wrong with it by line. */
export function readOrdersList(text: string): { lines: ListedOrder[] } | { errors: LineError[] } {
  return readTable(text, form, readLine);
}

function readLine({ line, cell, wrong }: TableRow<Column>): ListedOrder | undefined {
  const orderId = cell('orderId');
  if (!paperIdForm.test(orderId)) wrong('orderId', 'is no order id: 1 to 64 printable characters, single spaces inside');
  const partnerPoints = wholePoints(cell('partnerPoints'));
  if (partnerPoints === undefined) wrong('partnerPoints', 'is not a whole number of points above zero, in digits alone');
  const municipalPoints = cell('municipalPoints') === '' ? null : wholePoints(cell('municipalPoints'));
  if (municipalPoints === undefined) wrong('municipalPoints', 'is not a whole number of points above zero, in digits alone');
  const date = cell('date') === '' ? null : dayOf(cell('date'));
  if (date === undefined) wrong('date', 'is neither a day, such as 2018-02-28, nor a time with its offset');
  const kind = cell('kind') === '' ? 'order' : listedKinds.find((one) => one === cell('kind'));
  if (!kind) wrong('kind', `is not one of ${listedKinds.join(', ')}`);
  if (partnerPoints === undefined || municipalPoints === undefined || date === undefined || !kind) return undefined;
  return { line, orderId, kind, partnerPoints, municipalPoints, date };
}
