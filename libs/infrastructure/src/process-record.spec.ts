import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endRecordedProcess, hasEnded, isStillRunning, readProcessRecord, recordProcess } from './process-record.js';

const folder = mkdtempSync(join(tmpdir(), 'points-record-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function sleeper(script = 'process.stdout.write("up"); setInterval(() => {}, 1000)') {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  return { child, pid: child.pid ?? NaN, closed: once(child, 'close') };
}

describe('a process record', () => {
  it('finds the process again and ends it', async () => {
    const { child, pid, closed } = await sleeper();
    const file = join(folder, 'one.json');
    recordProcess(file, pid, 'sleeper');

    expect(await endRecordedProcess(file)).toBe(true);

    await closed;
    expect(child.signalCode).toBe('SIGTERM');
    expect(existsSync(file)).toBe(false);
  });

  it('kills a process that does not listen to TERM', async () => {
    const { child, pid, closed } = await sleeper(
      'process.on("SIGTERM", () => {}); process.stdout.write("up"); setInterval(() => {}, 1000)',
    );
    const file = join(folder, 'deaf.json');
    recordProcess(file, pid, 'deaf');

    await endRecordedProcess(file, [
      { signal: 'SIGTERM', waitMs: 100 },
      { signal: 'SIGKILL', waitMs: 5_000 },
    ]);

    await closed;
    expect(child.signalCode).toBe('SIGKILL');
  });

  it('leaves a process alone that was given the pid of an ended one', async () => {
    const { child, pid, closed } = await sleeper();
    const file = join(folder, 'reused.json');
    const record = recordProcess(file, pid, 'sleeper');
    writeFileSync(file, JSON.stringify({ ...record, startTime: `1${record.startTime}` }));

    expect(await endRecordedProcess(file)).toBe(false);

    expect(hasEnded(child)).toBe(false);
    expect(isStillRunning(record)).toBe(true);
    child.kill('SIGKILL');
    await closed;
    expect(isStillRunning(record)).toBe(false);
  });

  it('reads half a file, written when the disk was full, as none', () => {
    const file = join(folder, 'half.json');
    writeFileSync(file, '{"pid": 1, "start');

    expect(readProcessRecord(file)).toBeUndefined();
  });
});
