/** A table for a spreadsheet: numbers stay numbers, text is text whatever it begins with. */
export interface CsvTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export type Cell = string | number | boolean | null | undefined;

/**
 * RFC 4180: CRLF after every line, quotes where they are needed. It begins with a byte order mark, without which Excel reads UTF-8
 * as Shift_JIS and shows 店 as garbage.
 */
export function csvOf({ header, rows }: CsvTable): string {
  return `\uFEFF${[header, ...rows].map((row) => `${row.map(csvCell).join(',')}\r\n`).join('')}`;
}

/**
 * Text that a spreadsheet would run as a formula (a merchant may be named =HYPERLINK(…)) gets an apostrophe in front, which shows it
 * as text; OWASP names these first characters, the wide ones because Japanese Excel takes them too. A negative number is a number.
 */
export function csvCell(value: Cell): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string') return String(value);
  const safe = /^[=+\-@\t\r\n＝＋－＠]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
