/** What a process costs, as the kernel counts it. */
import { readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

export interface ProcessUsage {
  /** Of all its threads, user and system. */
  cpuSeconds: number;
  rssMb: number;
}

export function processUsage(pid: number): ProcessUsage {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND, rssMb: Number(rss) / 1024 };
}
