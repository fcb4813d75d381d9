/** A line of a trial folder that cannot be booked. `line` is the line of the file as an editor shows it: the header is line 1. */
export interface BadRow {
  readonly file: string;
  readonly line: number;
  /** The column or JSON field; `line` when the line as a whole is wrong. */
  readonly field: string;
  readonly reason: string;
}

/** One line of text whatever the data holds: a control character in a value must not break the report. */
export function describeBadRow({ file, line, field, reason }: BadRow): string {
  return `${file}:${line} ${field} ${reason}`.replace(
    /[\p{Cc}\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const filesInOrder = ['programme.json', 'partners.csv', 'exchanges.csv', 'conversions.csv', 'expected.json'];

/** By file in the order a reader opens them, then by line. */
export function inReadingOrder(badRows: readonly BadRow[]): BadRow[] {
  return [...badRows].sort((a, b) => filesInOrder.indexOf(a.file) - filesInOrder.indexOf(b.file) || a.line - b.line);
}

/** A value as a message quotes it: long ones are cut, because a broken file may hold a whole book in one cell. */
export function quoted(value: string): string {
  return `"${cut(value)}"`;
}

export function cut(text: string): string {
  return text.length > quotedCharsMax ? `${text.slice(0, quotedCharsMax)}…` : text;
}

const quotedCharsMax = 60;
