import { execFileSync, type ChildProcess } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * What is needed to know a process again later: a pid alone may have been given to another process meanwhile, so the start time
 * (clock ticks since boot, with the boot's id) goes with it. Nothing is ever looked up by a process's name.
 */
export interface ProcessRecord {
  readonly pid: number;
  readonly startTime: string;
  readonly command: string;
}

export function recordProcess(file: string, pid: number, command: string): ProcessRecord {
  const record: ProcessRecord = { pid, startTime: startTimeOf(pid) ?? 'ended', command };
  // Written aside and renamed: a reader, or the next start after a crash, sees a whole record or none.
  writeFileSync(`${file}.${process.pid}`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  renameSync(`${file}.${process.pid}`, file);
  return record;
}

export function readProcessRecord(file: string): ProcessRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(file, 'utf8')) as Partial<ProcessRecord>;
    const { pid, startTime, command } = record;
    return typeof pid === 'number' && typeof startTime === 'string' ? { pid, startTime, command: command ?? '' } : undefined;
  } catch {
    // No file, or one cut short by a full disk: there is nothing that could be stopped by it.
    return undefined;
  }
}

export function isStillRunning(record: ProcessRecord): boolean {
  return startTimeOf(record.pid) === record.startTime;
}

/** Ends the process that the record names, if it is still that one, and removes the record. Answers whether there was one to end. */
export async function endRecordedProcess(file: string, steps: readonly EndStep[] = gently): Promise<boolean> {
  const record = readProcessRecord(file);
  const found = record !== undefined && isStillRunning(record);
  if (found) await endProcess(record, steps);
  rmSync(file, { force: true });
  return found;
}

export interface EndStep {
  readonly signal: NodeJS.Signals;
  readonly waitMs: number;
}

/** A service ends by itself within 5 s of TERM; what has not is broken and is killed. */
export const gently: readonly EndStep[] = [
  { signal: 'SIGTERM', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 2_000 },
];

/** Sends one signal after the other until the process is gone. @throws Error when it outlives all of them. */
export async function endProcess(record: ProcessRecord, steps: readonly EndStep[] = gently): Promise<void> {
  for (const step of steps) {
    if (!isStillRunning(record)) return;
    try {
      process.kill(record.pid, step.signal);
    } catch {
      // It ended between the look and the signal.
    }
    if (await isGone(record, step.waitMs)) return;
  }
  throw new Error(`process ${record.pid} (${record.command}) does not end; end it by hand: kill -9 ${record.pid}`);
}

/** A child of this process must be waited for: until then it is a zombie that still has its start time. */
export async function endChild(child: ChildProcess, steps: readonly EndStep[] = gently): Promise<void> {
  for (const step of steps) {
    if (hasEnded(child)) return;
    child.kill(step.signal);
    if (await endsWithin(child, step.waitMs)) return;
  }
  throw new Error(`process ${child.pid} does not end; end it by hand: kill -9 ${child.pid}`);
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function endsWithin(child: ChildProcess, waitMs: number): Promise<boolean> {
  if (hasEnded(child)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const onExit = () => {
      clearTimeout(timer);
      resolve(true);
    };
    const timer = setTimeout(() => {
      child.off('exit', onExit);
      resolve(false);
    }, waitMs);
    child.once('exit', onExit);
  });
}

async function isGone(record: ProcessRecord, waitMs: number): Promise<boolean> {
  const deadline = Date.now() + waitMs;
  while (Date.now() < deadline) {
    if (!isStillRunning(record)) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return !isStillRunning(record);
}

/** Undefined when there is no such process, or only a zombie of it. */
export function startTimeOf(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux')
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name (field 2) is in brackets and may hold blanks and brackets: fields are counted after the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, ticks] = [fields[0], fields[19]];
    return state === 'Z' || state === 'X' || ticks === undefined ? undefined : `${ticks}@${bootId()}`;
  } catch {
    return undefined;
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown-boot';
  }
}
