import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ of Linux: the unit of /proc/<pid>/stat on every architecture Node runs on. */
const ticksPerSecond = 100;

/** CPU time of a process and all its living and ended children, in milliseconds: PostgreSQL's work is done by its backends. */
export function cpuMsOf(pid: number): number {
  const children = new Map<number, Usage[]>();
  let own: Usage | undefined;
  for (const name of readdirSync('/proc')) {
    const usage = /^\d+$/.test(name) ? usageOf(Number(name)) : undefined;
    if (!usage) continue;
    if (usage.pid === pid) own = usage;
    const siblings = children.get(usage.parent);
    if (siblings) siblings.push(usage);
    else children.set(usage.parent, [usage]);
  }
  if (!own) throw new Error(`process ${pid} has ended`);
  const sum = (usage: Usage): number => usage.ticks + (children.get(usage.pid) ?? []).reduce((total, child) => total + sum(child), 0);
  return (sum(own) * 1_000) / ticksPerSecond;
}

interface Usage {
  readonly pid: number;
  readonly parent: number;
  /** utime, stime, and those of children that have ended and were waited for (proc(5), fields 14 to 17). */
  readonly ticks: number;
}

function usageOf(pid: number): Usage | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // It ended between the listing and the reading.
  }
  // The name of the program is in brackets and may hold anything, so the fields are counted from the last bracket.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { pid, parent: Number(fields[1]), ticks: [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0) };
}
