import fc from 'fast-check';
import { lineBytesMax, splitLines, type RawLine } from './split-lines.js';

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}
const split = async (text: string, size: number, from = { byte: 0, lines: 0 }): Promise<RawLine[]> => {
  const lines = [];
  for await (const line of splitLines(inPieces(Buffer.from(text).subarray(from.byte), size), from)) lines.push(line);
  return lines;
};

describe('the lines of a file', () => {
  it('are the same wherever the pieces are cut, with CRLF, and with no end of the last', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.stringMatching(/^[a-z金点,]{0,9}$/)),
        fc.constantFrom('\n', '\r\n'),
        fc.integer({ min: 1, max: 9 }),
        async (texts, end, size) => {
          const expected = texts.at(-1) === '' ? texts.slice(0, -1) : texts;

          const lines = await split(texts.join(end), size);

          expect(lines.map((line) => line.bytes?.toString())).toEqual(expected);
          expect(lines.map((line) => line.n)).toEqual(expected.map((_, index) => index + 1));
        },
      ),
    );
  });

  it('go on from the end of any line as if they had been read from the first', async () => {
    const text = 'one\r\n\nthree\nfour';
    const all = await split(text, 4);

    for (const [index, line] of all.entries())
      expect(await split(text, 3, { byte: line.end, lines: line.n })).toEqual(all.slice(index + 1));
  });

  it('are told without their text when they are too long, and the next one is whole', async () => {
    const lines = await split(
      `${'x'.repeat(lineBytesMax + 1)}\n${'y'.repeat(lineBytesMax)}\r\n${'z'.repeat(10 * lineBytesMax)}\nlast`,
      1_000,
    );

    expect(lines.map((line) => line.bytes?.length)).toEqual([undefined, lineBytesMax, undefined, 4]);
    expect(lines.map((line) => line.n)).toEqual([1, 2, 3, 4]);
  });
});
