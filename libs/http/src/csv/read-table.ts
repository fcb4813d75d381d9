import { CsvError, parse } from 'csv-parse/sync';

/** What a list must look like before its lines are read. */
export interface TableForm<Column extends string> {
  readonly columns: readonly Column[];
  readonly required: readonly Column[];
  readonly rowsMax: number;
  /** What else is wrong with a header, where single columns do not tell. */
  readonly headerTrouble?: (header: readonly string[]) => readonly string[];
}

export interface TableRow<Column extends string> {
  /** Counts from 1, the header too: as an editor shows it. */
  readonly line: number;
  /** Empty where the column is not in the list. */
  readonly cell: (column: Column) => string;
  /** Writes down what is wrong and would be right; the cell is added. */
  readonly wrong: (column: Column, reason: string) => void;
}

export interface LineError {
  readonly line: number;
  readonly field: string;
  readonly reason: string;
}

/** What a person mends in one go. */
const lineErrorsMax = 100;
const rowCharsMax = 2_000;
const cellCharsShown = 40;

/**
 * Reads a whole list by its header, in any order of columns and whatever the case of their names, or says of each line what is wrong
 * with it (the first hundred errors): a list with holes would mean something else.
 */
export function readTable<Column extends string, T>(
  text: string,
  form: TableForm<Column>,
  read: (row: TableRow<Column>) => T | undefined,
): { lines: T[] } | { errors: LineError[] } {
  const { columns, rowsMax } = form;
  const table = recordsOf(text, rowsMax);
  if ('errors' in table) return table;
  const [head, ...body] = table.records;
  if (!head) return { errors: [{ line: 1, field: 'header', reason: `is missing; columns: ${columns.join(', ')}` }] };
  const header = head.cells.map((cell) => columns.find((one) => one.toLowerCase() === cell.toLowerCase()) ?? cell);
  const headErrors = headerProblems(header, form).map((reason) => ({ line: head.line, field: 'header', reason }));
  if (headErrors.length > 0) return { errors: headErrors };
  if (body.length > rowsMax)
    return { errors: [{ line: body[rowsMax]?.line ?? 0, field: 'list', reason: `has more than ${rowsMax} lines` }] };

  const lines: T[] = [];
  const errors: LineError[] = [];
  for (const { line, cells } of body) {
    if (errors.length >= lineErrorsMax) break;
    if (cells.length !== header.length) {
      errors.push({ line, field: 'line', reason: `has ${cells.length} fields, the header has ${header.length}` });
      continue;
    }
    const odd = cells.findIndex((one) => one.includes('\0'));
    if (odd >= 0) {
      errors.push({ line, field: header[odd] ?? 'line', reason: 'holds U+0000, which is no text' });
      continue;
    }
    const cell = (column: Column): string => cells[header.indexOf(column)] ?? '';
    const wrong = (field: Column, reason: string) => {
      errors.push({ line, field, reason: `${reason}${cell(field) === '' ? '' : `: ${cell(field).slice(0, cellCharsShown)}`}` });
    };
    const known = errors.length;
    const one = read({ line, cell, wrong });
    if (one !== undefined && errors.length === known) lines.push(one);
  }
  return errors.length > 0 ? { errors: errors.slice(0, lineErrorsMax) } : { lines };
}

function headerProblems<Column extends string>(
  header: readonly string[],
  { columns, required, headerTrouble }: TableForm<Column>,
): string[] {
  const known: readonly string[] = columns;
  return [
    ...header
      .filter((one) => !known.includes(one))
      .map((one) => `the column "${one.slice(0, cellCharsShown)}" is not known; columns: ${columns.join(', ')}`),
    ...header.filter((one, index) => header.indexOf(one) !== index).map((one) => `the column ${one} comes twice`),
    ...required.filter((one) => !header.includes(one)).map((one) => `the column ${one} is missing`),
    ...(headerTrouble?.(header) ?? []),
  ];
}

interface TextRow {
  readonly line: number;
  readonly cells: readonly string[];
}

function recordsOf(text: string, rowsMax: number): { records: TextRow[] } | { errors: LineError[] } {
  try {
    const parsed = parse(text, {
      bom: true,
      info: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      max_record_size: rowCharsMax,
      // One more than allowed, to see that there are too many, and the header.
      to: rowsMax + 2,
    }) as unknown as { record: string[]; info: { lines: number } }[];
    return { records: parsed.map(({ record, info }) => ({ line: info.lines, cells: record })) };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { lines } = error as unknown as { lines?: number };
    return { errors: [{ line: lines ?? 1, field: 'line', reason: `cannot be read as CSV: ${error.code}` }] };
  }
}
