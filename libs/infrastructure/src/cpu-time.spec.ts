import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpuMsOf } from './cpu-time.js';

describe('cpuMsOf', () => {
  it('counts what a child does to its parent, while it lives and after', async () => {
    const before = cpuMsOf(process.pid);
    const child = spawn(
      process.execPath,
      ['-e', 'const end = Date.now() + 300; while (Date.now() < end); console.log("done"); process.stdin.resume()'],
      {
        stdio: ['pipe', 'pipe', 'ignore'],
      },
    );
    await once(child.stdout, 'data');

    const living = cpuMsOf(process.pid) - before;
    child.kill();
    await once(child, 'exit');
    const ended = cpuMsOf(process.pid) - before;

    expect(living).toBeGreaterThan(50);
    expect(ended).toBeGreaterThan(50);
  });

  it('says so when the process has ended', () => {
    expect(() => cpuMsOf(2 ** 22 + 1)).toThrow('has ended');
  });
});
