// Commands that an interrupt ends, with all that they have started: by INT, TERM or HUP, or when their time is over.
import { spawn } from 'node:child_process';
import { clearTimeout, setTimeout } from 'node:timers';

/** After TERM, until what is still there is killed. */
const endWithinMs = 10_000;

/** @param onInterrupt told the reason, once */
export function interruptible({ root, limitMs, onInterrupt }) {
  const running = new Map();
  let isInterrupted = false;
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, interrupt);
  const limit = setTimeout(() => interrupt(`the limit of ${limitMs / 60_000} minutes`), limitMs);
  return { run, end, isInterrupted: () => isInterrupted };

  /** Answers its exit code. */
  function run(command, args, { quiet = false, environment = {} } = {}) {
    if (isInterrupted) return Promise.resolve(130);
    const child = spawn(command, args, {
      cwd: root,
      // Its own process group: an interrupt ends jest with all its workers.
      detached: true,
      stdio: ['ignore', quiet ? 'ignore' : 'inherit', quiet ? 'ignore' : 'inherit'],
      env: { ...process.env, ...environment },
    });
    const ended = new Promise((resolve) => {
      child.once('error', () => resolve(127));
      child.once('exit', (code) => resolve(code ?? 1));
    });
    running.set(child, ended);
    return ended.finally(() => running.delete(child));
  }

  function interrupt(reason) {
    if (isInterrupted) return;
    isInterrupted = true;
    onInterrupt(reason);
    signalAll('SIGTERM');
  }

  /** When it answers, none of the commands is there any more. A second interrupt changes nothing: what is left is being ended. */
  async function end() {
    clearTimeout(limit);
    signalAll('SIGTERM');
    const hard = setTimeout(() => signalAll('SIGKILL'), endWithinMs);
    await Promise.all(running.values());
    clearTimeout(hard);
  }

  function signalAll(signal) {
    for (const child of running.keys())
      try {
        process.kill(-child.pid, signal);
      } catch {
        // It ended by itself in this moment.
      }
  }
}
