/** A line of a file, without its end. */
export interface RawLine {
  /** Counted from 1, blank lines too, as an editor counts. */
  readonly n: number;
  /** Absent: longer than `lineBytesMax`. */
  readonly bytes?: Buffer;
  /** Where the next line begins. */
  readonly end: number;
}

/** An order takes about 60 bytes and never more than 700. */
export const lineBytesMax = 4_096;

/**
 * Cuts the bytes of a file into lines, from a place in its middle on if need be. One line is one order: no field may hold a line break,
 * so a place in the file is the beginning of a line and nothing else.
 */
export async function* splitLines(
  pieces: AsyncIterable<Buffer>,
  from: { readonly byte: number; readonly lines: number },
): AsyncGenerator<RawLine> {
  let [rest, offset, n, isSkipping]: [Buffer, number, number, boolean] = [Buffer.alloc(0), from.byte, from.lines, false];
  for await (const piece of pieces) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let begin = 0;
    for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, begin)) {
      yield lineOf(bytes.subarray(begin, end), { n: ++n, end: offset + end + 1, isSkipping });
      isSkipping = false;
      begin = end + 1;
    }
    rest = bytes.subarray(begin);
    offset += begin;
    if (rest.length > lineBytesMax + 1) {
      // No end in sight: only its length matters now.
      isSkipping = true;
      offset += rest.length;
      rest = Buffer.alloc(0);
    }
  }
  if (rest.length > 0 || isSkipping) yield lineOf(rest, { n: n + 1, end: offset + rest.length, isSkipping });
}

function lineOf(bytes: Buffer, { n, end, isSkipping }: { n: number; end: number; isSkipping: boolean }): RawLine {
  const text = bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes;
  return isSkipping || text.length > lineBytesMax ? { n, end } : { n, end, bytes: text };
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
