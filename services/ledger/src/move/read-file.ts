import { createReadStream } from 'node:fs';
import { checkLine, type LineError } from './check-line.js';
import type { Line } from './lines.js';

/** The file has lines that cannot be read; the first of them are named. */
export class FileErrors extends Error {
  constructor(readonly errors: readonly LineError[]) {
    super(errors.map(({ line, field, reason }) => `line ${line}, field ${field}: ${reason}`).join('\n'));
  }
}

/** The lines of an export, one after the other. @throws FileErrors once the first errors are known; a bad line is never handed out */
export async function* readFile(path: string): AsyncGenerator<Line> {
  const errors: LineError[] = [];
  let number = 0;
  for await (const text of textLines(path)) {
    const checked = checkLine(text, ++number);
    if ('errors' in checked) errors.push(...checked.errors);
    else if (errors.length === 0) yield checked.line;
    if (errors.length >= errorsMax) break;
  }
  if (number === 0) errors.push({ line: 1, field: 'file', reason: 'is empty' });
  if (errors.length > 0) throw new FileErrors(errors.slice(0, errorsMax));
}

/** readline would also cut at a lone CR and keeps no limit on what one line may take. */
async function* textLines(path: string): AsyncGenerator<string> {
  let rest = '';
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > lineCharsMax) throw new FileErrors([{ line: 0, field: 'line', reason: `has more than ${lineCharsMax} characters` }]);
    yield* lines;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}

const errorsMax = 100;
/** A block of 4,096 leaves has 270,000 characters; sixteen times that. */
const lineCharsMax = 4_194_304;
