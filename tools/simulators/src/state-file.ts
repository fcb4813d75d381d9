import { existsSync, readFileSync, truncateSync } from 'node:fs';

/** The JSON lines of a simulator's own file. A crash may leave half a line at the end, which nobody was told of: it is cut off. */
export function readLines<T>(file: string): T[] {
  if (!existsSync(file)) return [];
  const text = readFileSync(file, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) truncateSync(file, Buffer.byteLength(whole));
  // Written by these programs only.
  return whole
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}
