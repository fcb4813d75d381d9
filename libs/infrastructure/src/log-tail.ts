import { readFileSync } from 'node:fs';

/** The last lines of a log in one line, for a sentence on the console. */
export function lastLines(file: string, count = 3): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join(' | ') || '(nothing)';
  } catch {
    return '(no log was written)';
  }
}
