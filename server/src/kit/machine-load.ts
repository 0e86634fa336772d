/** How busy the machine, this thread and its disk are: what admission is decided by. Read at leisure, never while a call waits. */
import { readFileSync } from 'node:fs';
import { readdir, readFile, statfs } from 'node:fs/promises';
import { cpus } from 'node:os';
import { type EventLoopUtilization, monitorEventLoopDelay, performance } from 'node:perf_hooks';

export interface MachineLoad {
  /** Part of all cores that anybody used since the last reading, 0 to 1. */
  machineBusy: number;
  /** Part of the time that this thread's event loop was at work, 0 to 1. */
  threadBusy: number;
  /**
   * Part of the time that this thread had work and no core to do it on, 0 to 1: what others on the machine take from it.
   * Undefined where the system does not tell.
   */
  threadWaiting: number | undefined;
  /** How late this thread's event loop was, milliseconds. */
  loopDelayP50Ms: number;
  loopDelayP99Ms: number;
  loopDelayMaxMs: number;
  /** File descriptors that the process may still open; undefined where the system does not tell. */
  descriptorsFree: number | undefined;
  /** Bytes that may still be written where `folder` lies; undefined where the system does not tell. */
  diskFreeBytes: number | undefined;
}

/** The monitor looks every so often; what it reports contains this wait. */
const RESOLUTION_MS = 10;

interface CpuTimes {
  all: number;
  idle: number;
}

function cpuTimes(): CpuTimes {
  const times = { all: 0, idle: 0 };
  for (const { times: one } of cpus()) {
    times.all += one.user + one.nice + one.sys + one.idle + one.irq;
    times.idle += one.idle;
  }
  return times;
}

/** The soft limit of open files; undefined off Linux. */
async function descriptorLimit(): Promise<number | undefined> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const soft = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1]);
  return Number.isFinite(soft) ? soft : undefined;
}

/**
 * Nanoseconds that this thread has waited for a core so far (Documentation/scheduler/sched-stats.rst). Read synchronously,
 * some 10 µs: another thread would read its own.
 */
function runDelayNs(): number | undefined {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[1]);
  } catch {
    return undefined;
  }
}

/** One per thread: event-loop figures are the thread's that made it. */
export class MachineLoadMeter {
  readonly #folder: string;
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #cpu = cpuTimes();
  #loop: EventLoopUtilization = performance.eventLoopUtilization();
  #runDelayNs = runDelayNs();
  #readAt = performance.now();
  #limit: Promise<number | undefined> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.#delay.enable();
  }

  /** Since the reading before. Never rejects. */
  async read(): Promise<MachineLoad> {
    const cpu = cpuTimes();
    const all = cpu.all - this.#cpu.all;
    const machineBusy = all > 0 ? 1 - (cpu.idle - this.#cpu.idle) / all : 0;
    this.#cpu = cpu;
    const loop = performance.eventLoopUtilization();
    const threadBusy = performance.eventLoopUtilization(loop, this.#loop).utilization;
    this.#loop = loop;
    const [waited, now] = [runDelayNs(), performance.now()];
    const threadWaiting =
      waited === undefined || this.#runDelayNs === undefined
        ? undefined
        : Math.min(1, (waited - this.#runDelayNs) / 1e6 / Math.max(1, now - this.#readAt));
    this.#runDelayNs = waited;
    this.#readAt = now;
    const delay = this.#delay;
    const late = (nanoseconds: number) => (delay.count > 0 ? Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS) : 0);
    const loopDelay = {
      loopDelayP50Ms: late(delay.percentile(50)),
      loopDelayP99Ms: late(delay.percentile(99)),
      loopDelayMaxMs: late(delay.max),
    };
    delay.reset();
    const [limit, open, disk] = await Promise.all([
      (this.#limit ??= descriptorLimit()),
      readdir('/proc/self/fd').then(
        (names) => names.length,
        () => undefined,
      ),
      statfs(this.#folder).catch(() => undefined),
    ]);
    return {
      machineBusy,
      threadBusy,
      threadWaiting,
      ...loopDelay,
      descriptorsFree: limit === undefined || open === undefined ? undefined : limit - open,
      diskFreeBytes: disk && disk.bavail * disk.bsize,
    };
  }

  stop(): void {
    this.#delay.disable();
  }
}
