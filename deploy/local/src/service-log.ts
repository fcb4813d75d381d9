import { closeSync, copyFileSync, existsSync, openSync, readSync, renameSync, statSync, truncateSync } from 'node:fs';

/** Per service there are at most two files of this size. */
const logMaxBytes = 20_000_000;
const lookEveryMs = 500;
/** More than this at once is not for the console. */
const readMaxBytes = 256_000;

export interface ServiceLog {
  readonly file: string;
  /** What the service's standard output and error are connected to. */
  readonly descriptor: number;
  close(): void;
}

/**
 * The service writes to the file itself: no line passes through the supervisor, and a service outlives a killed one without
 * noticing. Lines of level error and fatal, and what is no JSON at all (a crash), are shown as they appear.
 */
export function openLog(file: string, onTrouble: (line: string) => void): ServiceLog {
  if (existsSync(file)) renameSync(file, `${file}.1`);
  const descriptor = openSync(file, 'a', 0o640);
  const reader = openSync(file, 'r');
  let seen = 0;
  let rest = '';
  const look = () => {
    const { size } = statSync(file);
    if (size > seen) {
      // Behind by more than one reading: only the end is looked at.
      const from = Math.max(seen, size - readMaxBytes);
      const buffer = Buffer.alloc(size - from);
      const length = readSync(reader, buffer, 0, buffer.length, from);
      seen = from + length;
      const lines = (rest + buffer.toString('utf8', 0, length)).split('\n');
      rest = lines.pop() ?? '';
      lines.filter(isTrouble).slice(0, troubleLinesMax).map(readable).forEach(onTrouble);
    }
    if (size > logMaxBytes) {
      // The file stays open in the service, which appends: it goes on at the beginning. Lines written in between are lost.
      copyFileSync(file, `${file}.1`);
      truncateSync(file);
      seen = 0;
    }
  };
  const timer = setInterval(look, lookEveryMs);
  return {
    file,
    descriptor,
    close: () => {
      clearInterval(timer);
      look();
      if (rest && isTrouble(rest)) onTrouble(readable(rest));
      closeSync(reader);
      closeSync(descriptor);
    },
  };
}

const troubleLinesMax = 10;
const lineMaxChars = 300;

function isTrouble(line: string): boolean {
  return line !== '' && (!line.startsWith('{') || /"level":"(error|fatal)"/.test(line)) && !/^\s+at /.test(line);
}

function readable(line: string): string {
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } };
    return [msg, err?.message].filter(Boolean).join(': ').slice(0, lineMaxChars);
  } catch {
    return line.slice(0, lineMaxChars);
  }
}
