/** Keeps the embedded database's worker thread alive: starts it, restarts it when it dies, stops it in order. */
import { Worker } from 'node:worker_threads';
import { messageOf, TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { WorkerMessage, WorkerOptions, WorkerRequest } from './worker.ts';

/** initdb in WebAssembly takes 3-8 s on a fresh folder, longer on a busy machine. */
const START_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 10_000;
/** A database that dies this often within the window stays down. */
const RESTARTS = 5;
const RESTART_WINDOW_MS = 60_000;

export interface EmbeddedServer {
  stop(): Promise<void>;
  dump(): Promise<Uint8Array>;
}

/** Resolves when the socket answers. Rejects with `database-unavailable`. */
export async function startServer(kit: Kit, options: WorkerOptions): Promise<EmbeddedServer> {
  const log = kit.log.with({ part: 'store' });
  const restarts: number[] = [];
  let stopping = false;
  let worker: Worker | undefined;
  worker = await startWorker();

  function startWorker(): Promise<Worker> {
    const started = new Worker(new URL('./worker.ts', import.meta.url), { workerData: options });
    started.on('error', (error: Error) => log.error({ reason: error.message }, 'the embedded database threw'));
    started.on('exit', (code) => {
      if (!stopping && started === worker) void restart(code);
    });
    return answer(started, 'ready', START_WITHIN_MS).then(
      () => started,
      async (thrown: unknown) => {
        await started.terminate();
        throw thrown;
      },
    );
  }

  async function restart(code: number): Promise<void> {
    log.error({ code, restarts: restarts.length }, 'the embedded database died');
    for (;;) {
      if (stopping) return;
      const now = kit.clock.now();
      while (restarts.length > 0 && now - (restarts[0] ?? now) > RESTART_WINDOW_MS) restarts.shift();
      if (restarts.length >= RESTARTS) return log.error({}, 'the embedded database keeps dying and stays down');
      restarts.push(now);
      try {
        worker = await startWorker();
        return log.warn({}, 'the embedded database is back');
      } catch (thrown) {
        log.error({ reason: messageOf(thrown) }, 'the embedded database did not start');
      }
    }
  }

  /** Waits for one message of the worker; its death or `withinMs` rejects. */
  function answer<Type extends WorkerMessage['type']>(from: Worker, type: Type, withinMs: number) {
    const { promise, resolve, reject } = Promise.withResolvers<Extract<WorkerMessage, { type: Type }>>();
    const fail = (reason: string) => reject(new TandemError('database-unavailable', `The embedded database failed: ${reason}`));
    const onMessage = (message: WorkerMessage) => {
      if (message.type === type) resolve(message as Extract<WorkerMessage, { type: Type }>);
    };
    const onError = (error: Error) => fail(error.message);
    const onExit = (code: number) => fail(`its thread ended with code ${code}`);
    const timer = kit.clock.after(withinMs, () => fail(`no answer within ${withinMs} ms`));
    from.on('message', onMessage).on('error', onError).on('exit', onExit);
    return promise.finally(() => {
      timer.cancel();
      from.off('message', onMessage).off('error', onError).off('exit', onExit);
    });
  }

  async function request<Type extends WorkerMessage['type']>(message: WorkerRequest, type: Type, withinMs: number) {
    if (!worker) throw new TandemError('database-unavailable', 'The embedded database is not running');
    const awaited = answer(worker, type, withinMs);
    worker.postMessage(message);
    return awaited;
  }

  return {
    stop: async () => {
      stopping = true;
      try {
        await request({ type: 'close' }, 'closed', STOP_WITHIN_MS);
      } catch (thrown) {
        log.error({ reason: messageOf(thrown) }, 'the embedded database did not stop in order');
      }
      await worker?.terminate();
    },
    dump: async () => (await request({ type: 'dump' }, 'dumped', START_WITHIN_MS)).bytes,
  };
}
