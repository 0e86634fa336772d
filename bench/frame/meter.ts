/**
 * CPU time of this process (all its threads, the collector's too), relative to a fixed piece of work: a shared machine
 * gives the same work 20 % more or less from one minute to the next.
 */

/** CPU of {@link calibrationWork} on the reference machine (AMD EPYC, Genoa, 2.6 GHz, quiet), microseconds. */
const REFERENCE_US = 2_000;

const cells = new Int32Array(1 << 18).map((_, i) => Math.imul(i, 2_654_435_761));

/** Arithmetic over 1 MiB, read in an order that caches half like. */
function calibrationWork(): number {
  let sum = 0;
  for (let i = 0; i < 1_000_000; i++) sum = (Math.imul(sum, 31) + cells[(i * 17) & (cells.length - 1)]) | 0;
  return sum;
}

/** Microseconds of CPU so far. */
export function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

let sink = 0;

/** How fast the machine is now: 1 is the reference. */
export function speed(): number {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const from = cpuUs();
    sink ^= calibrationWork();
    times.push(cpuUs() - from);
  }
  return REFERENCE_US / times.toSorted((a, b) => a - b)[2];
}

/** Sums CPU by stage over one round. */
export class Meter {
  readonly spent = new Map<string, number>();

  run(stage: string, work: () => void): void {
    const from = cpuUs();
    work();
    this.spent.set(stage, (this.spent.get(stage) ?? 0) + cpuUs() - from);
  }

  /** What runs until `work` is over, on whatever thread. */
  async wait(stage: string, work: () => Promise<unknown>): Promise<void> {
    const from = cpuUs();
    await work();
    this.spent.set(stage, (this.spent.get(stage) ?? 0) + cpuUs() - from);
  }
}

/** The event loop goes round once. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** `use` of the result, so that nothing is optimised away. */
export const calibrationSink = (): number => sink;
