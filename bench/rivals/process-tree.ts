/** What a process and everything that it started cost, as the kernel counts it. */
import { readdirSync, readFileSync } from 'node:fs';
import { processUsage } from '../load/process-usage.ts';

export interface TreeUsage {
  cpuSeconds: number;
  /** Sum of resident memory: pages that processes share are counted for each. */
  rssMb: number;
  /** Sum of proportional memory: shared pages are counted once in all. */
  pssMb: number;
  processes: number;
}

function childrenByParent(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const parent = Number(readFileSync(`/proc/${entry}/stat`, 'utf8').split(') ')[1].split(' ')[1]);
      const known = children.get(parent);
      if (known) known.push(Number(entry));
      else children.set(parent, [Number(entry)]);
    } catch {
      // A process that has ended meanwhile.
    }
  }
  return children;
}

/** `root` and its descendants that live now. */
export function treeOf(root: number): number[] {
  const children = childrenByParent();
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

const pssMbOf = (pid: number): number => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1_024;

/** `withMemory` reads page tables and takes a millisecond or more a process. */
export function treeUsage(root: number, withMemory: boolean): TreeUsage {
  const usage: TreeUsage = { cpuSeconds: 0, rssMb: 0, pssMb: 0, processes: 0 };
  for (const pid of treeOf(root)) {
    try {
      const { cpuSeconds, rssMb } = processUsage(pid);
      usage.cpuSeconds += cpuSeconds;
      usage.rssMb += rssMb;
      if (withMemory) usage.pssMb += pssMbOf(pid);
      usage.processes++;
    } catch {
      // A process that has ended meanwhile.
    }
  }
  return usage;
}
