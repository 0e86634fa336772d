/**
 * Many scenarios, a few at a time. Calls on the virtual clock are work for a processor, so that they are spread over worker
 * threads where the rooms name one; calls that wait for a real model are not. Outcomes come in the order of the scenarios.
 */
import { Worker } from 'node:worker_threads';
import { messageOf, TandemError } from '#kit/errors.ts';
import type { SimulatedCall } from './outcome.ts';
import { runScenario, type RunOptions } from './run.ts';
import type { LoadedScenario } from './scenario-files.ts';
import type { Scenario } from './scenario.ts';

/** One call to be played. */
export interface Order extends Pick<RunOptions, 'seed' | 'run' | 'file' | 'folder'> {
  scenario: Scenario;
}

export interface RunAllOptions extends Omit<RunOptions, 'seed' | 'run' | 'file' | 'folder'> {
  /** At once; 1 when absent. */
  jobs?: number;
  /** After each call: how many are done, and what came of the newest. */
  progress?: (done: number, call: SimulatedCall) => void;
}

/** What a worker is told, and what it answers. Sent as it is between threads. */
export type ThreadOrder = { index: number; order: Order; options: Pick<RunOptions, 'level' | 'sound'> };
export type ThreadAnswer = { index: number; call?: SimulatedCall; fault?: { code?: string; message: string } };

/** The orders of loaded scenarios, each `repeat` times with seeds one after the other. `seed`: instead of the scenarios' own. */
export function ordersOf(loaded: readonly LoadedScenario[], { repeat = 1, seed }: { repeat?: number; seed?: number } = {}): Order[] {
  return loaded.flatMap(({ scenario, file, folder }) =>
    Array.from({ length: repeat }, (_, run) => ({ scenario, file, folder, run, ...(seed === undefined ? {} : { seed }) })),
  );
}

/** Rejects as `runScenario` does, after what was begun has ended. */
export async function runAll(orders: readonly Order[], options: RunAllOptions): Promise<SimulatedCall[]> {
  const { jobs = 1, rooms } = options;
  const threads =
    rooms.thread && jobs > 1 && orders.length > 1 && isPlainWork(options) && orders.every(({ scenario }) => !scenario.persona);
  const bound = Math.max(1, Math.min(jobs, orders.length));
  const players = Array.from({ length: bound }, () =>
    threads && rooms.thread ? threadPlayer(rooms.thread, options) : localPlayer(options),
  );
  const calls: SimulatedCall[] = Array.from({ length: orders.length });
  let [next, done] = [0, 0];
  const work = async (player: Player): Promise<void> => {
    while (next < orders.length) {
      options.signal?.throwIfAborted();
      const index = next++;
      calls[index] = await player.play(index, orders[index]);
      options.progress?.(++done, calls[index]);
    }
  };
  try {
    await settled(players.map(work));
    return calls;
  } finally {
    await Promise.all(players.map((player) => player.close()));
  }
}

interface Player {
  play(index: number, order: Order): Promise<SimulatedCall>;
  close(): Promise<unknown>;
}

/** What cannot cross to another thread keeps the work in this one. */
const isPlainWork = ({ languageModel, business, personaModel }: RunAllOptions): boolean => !languageModel && !business && !personaModel;

function localPlayer({ jobs: _jobs, progress: _progress, ...options }: RunAllOptions): Player {
  return { play: (_index, order) => runScenario(order.scenario, { ...options, ...order }), close: () => Promise.resolve() };
}

function threadPlayer(module: URL, { level, sound, signal }: RunAllOptions): Player {
  const worker = new Worker(module);
  const waiting = new Map<number, PromiseWithResolvers<SimulatedCall>>();
  const failed = (error: unknown) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on('message', ({ index, call, fault }: ThreadAnswer) => {
    const answer = waiting.get(index);
    waiting.delete(index);
    if (call) answer?.resolve(call);
    else answer?.reject(new TandemError(fault?.code === 'invalid-input' ? 'invalid-input' : 'internal-error', fault?.message));
  });
  worker.on('error', failed);
  worker.on('exit', () => failed(new TandemError('internal-error', 'A thread of the simulation ended')));
  signal?.addEventListener('abort', () => failed(signal.reason), { once: true });
  return {
    play: (index, order) => {
      const answer = Promise.withResolvers<SimulatedCall>();
      waiting.set(index, answer);
      worker.postMessage({ index, order, options: { level, sound } } satisfies ThreadOrder);
      return answer.promise;
    },
    close: () => worker.terminate(),
  };
}

/** For the worker: plays one order and says how it went. */
export async function answerOrder({ index, order, options }: ThreadOrder, base: Pick<RunOptions, 'kit' | 'rooms'>): Promise<ThreadAnswer> {
  try {
    return { index, call: await runScenario(order.scenario, { ...base, ...options, ...order }) };
  } catch (error) {
    return { index, fault: { message: messageOf(error), ...(error instanceof TandemError ? { code: error.code } : {}) } };
  }
}

/** All of them; then rejects as the first that failed. */
async function settled(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
