/** CPU of a process thread by thread, as the kernel counts it. */
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

/** Seconds of CPU by the thread's name; threads of one name are one. */
export function threadUsage(pid: number): Map<string, number> {
  const usage = new Map<string, number>();
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    try {
      const [, name, rest] = /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${pid}/task/${tid}/stat`, 'utf8')) ?? [];
      const fields = rest.split(' ');
      usage.set(name, (usage.get(name) ?? 0) + (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND);
    } catch {
      // A thread that has ended meanwhile.
    }
  }
  return usage;
}

/** Cores that each thread took between two readings `seconds` apart, the busiest first; idle ones are left out. */
export function coresBetween(before: Map<string, number>, after: Map<string, number>, seconds: number): [name: string, cores: number][] {
  return [...after]
    .map(([name, at]): [string, number] => [name, (at - (before.get(name) ?? 0)) / seconds])
    .filter(([, cores]) => cores >= 0.001)
    .sort(([, a], [, b]) => b - a);
}
