import { isRecord } from './trial/json-document.js';

export interface ReportLine {
  readonly field: string;
  readonly ours: unknown;
  readonly published: unknown;
  readonly equal: boolean;
}

/** Every field of either side, in the order of ours; a field that one side lacks is a difference. */
export function compareReports(ours: unknown, published: unknown): ReportLine[] {
  const [left, right] = [leavesOf(ours), leavesOf(published)];
  return [...new Set([...left.keys(), ...right.keys()])].map((field) => {
    const [mine, theirs] = [left.get(field), right.get(field)];
    return { field, ours: mine, published: theirs, equal: left.has(field) && right.has(field) && Object.is(mine, theirs) };
  });
}

function leavesOf(value: unknown, path = ''): Map<string, unknown> {
  const entries: [string, unknown][] = Array.isArray(value)
    ? value.map((item, index) => [String(index), item])
    : isRecord(value)
      ? Object.entries(value)
      : [];
  if (entries.length === 0) return new Map([[path, isRecord(value) || Array.isArray(value) ? JSON.stringify(value) : value]]);
  return new Map(entries.flatMap(([name, inner]) => [...leavesOf(inner, path ? `${path}.${name}` : name)]));
}

/** The table that a person reads. */
export function describeComparison(lines: readonly ReportLine[], hasPublished: boolean): string[] {
  const show = (value: unknown) =>
    value === undefined
      ? '—'
      : typeof value === 'number'
        ? value.toLocaleString('en-US')
        : typeof value === 'string'
          ? value
          : JSON.stringify(value);
  const rows = [
    ['', 'ledger', ...(hasPublished ? ['expected', ''] : [])],
    ...lines.map((line) => [
      line.field,
      show(line.ours),
      ...(hasPublished ? [show(line.published), line.equal ? 'equal' : 'DIFFERENT'] : []),
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => widthOf(row[column] ?? ''))));
  return rows.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0, column === 1 || column === 2))
      .join('  ')
      .trimEnd(),
  );
}

function pad(cell: string, width: number, isRight: boolean): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(cell)));
  return isRight ? space + cell : cell + space;
}

/** A terminal gives kanji and kana two columns. */
function widthOf(text: string): number {
  return Array.from(text).reduce(
    (sum, character) => sum + (/[\u1100-\u115f\u2e80-\uffdc]/u.test(character) && !/[\uff61-\uffdc]/u.test(character) ? 2 : 1),
    0,
  );
}
