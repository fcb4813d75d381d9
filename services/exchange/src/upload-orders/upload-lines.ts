import type { Database } from '@points/database';
import { lineReader, readHeader, type LineReader } from './read-orders.js';
import { splitLines, type RawLine } from './split-lines.js';
import { storedFile } from './stored-file.js';
import type { UploadRow } from './upload.js';

export interface Place {
  readonly byte: number;
  readonly lines: number;
}

export interface OpenFile {
  readonly read: LineReader;
  /** Where the first line with an order begins. */
  readonly first: Place;
}

type Stored = Pick<UploadRow, 'id' | 'tenant' | 'format'>;

/** What is needed to read an upload's lines, or why they cannot be. */
export async function openUpload(database: Database, upload: Stored): Promise<OpenFile | { readonly reason: string }> {
  if (upload.format === 'jsonl') return { read: lineReader('jsonl', []), first: { byte: 0, lines: 0 } };
  const [line] = await take(linesFrom(database, upload, { byte: 0, lines: 0 }), 1);
  const header = readHeader(line);
  if ('reason' in header || !line) return { reason: 'reason' in header ? header.reason : 'the file is empty' };
  return { read: lineReader('csv', header.columns), first: { byte: line.end, lines: line.n } };
}

export function linesFrom(database: Database, upload: Stored, from: Place): AsyncGenerator<RawLine> {
  return splitLines(storedFile(database, upload, from.byte), from);
}

/** The next lines; fewer than asked for at the end of the file only. */
export async function take(lines: AsyncGenerator<RawLine>, count: number): Promise<RawLine[]> {
  const taken: RawLine[] = [];
  while (taken.length < count) {
    const next = await lines.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}
