/**
 * Looks into the server's threads through Node's own inspector (started with `--inspect` for the bench alone): garbage
 * collection, heap, and a profile of one thread. Nothing of it is in the product.
 */
import type { Profiler } from 'node:inspector';
import { WebSocket } from 'ws';

type Params = Record<string, unknown>;
interface Reply {
  id?: number;
  method?: string;
  params?: Params;
  result?: unknown;
  error?: { message: string };
}

/** One thread of the server. */
export interface Thread {
  /** File that it runs. */
  name: string;
  send: <T>(method: string, params?: Params) => Promise<T>;
}

const ANSWER_WITHIN_MS = 60_000;
/** Milliseconds and times of garbage collection since this was evaluated. */
const WATCH_GC = `(() => {
  if (globalThis.__benchGc) return;
  const gc = (globalThis.__benchGc = { ms: 0, times: 0, longestMs: 0 });
  const { PerformanceObserver } = process.getBuiltinModule('node:perf_hooks');
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      gc.ms += duration;
      gc.times++;
      gc.longestMs = Math.max(gc.longestMs, duration);
    }
  }).observe({ entryTypes: ['gc'] });
})()`;

/** Requests in flight by id, each with a deadline. */
class Requests {
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  #ids = 0;

  ask(method: string, params: Params, post: (message: string) => void): Promise<unknown> {
    const id = ++this.#ids;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(() => reject(new Error(`the inspector did not answer ${method}`)), ANSWER_WITHIN_MS);
    this.#waiting.set(id, { resolve, reject });
    post(JSON.stringify({ id, method, params }));
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(id);
    });
  }

  answered({ id, result, error }: Reply): void {
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (error) waiting?.reject(new Error(error.message));
    else waiting?.resolve(result);
  }
}

export class Inspector {
  readonly threads: Thread[] = [];
  readonly #webSocket: WebSocket;
  readonly #main = new Requests();
  readonly #workers = new Map<string, Requests>();

  private constructor(webSocket: WebSocket) {
    this.#webSocket = webSocket;
    webSocket.on('message', (data: Buffer) => this.#receive(JSON.parse(data.toString()) as Reply));
  }

  /** `output`: what the server printed; it holds the inspector's address. */
  static async open(output: string): Promise<Inspector> {
    const url = /Debugger listening on (ws:\/\/\S+)/.exec(output)?.[1];
    if (url === undefined) throw new Error('the server was not started with --inspect');
    const webSocket = new WebSocket(url, { perMessageDeflate: false, maxPayload: 1 << 29 });
    await new Promise<void>((resolve, reject) => {
      webSocket.once('open', resolve);
      webSocket.once('error', reject);
    });
    const inspector = new Inspector(webSocket);
    const post = (message: string) => webSocket.send(message);
    inspector.threads.push({
      name: 'main.ts',
      send: <T>(method: string, params = {}) => inspector.#main.ask(method, params, post) as Promise<T>,
    });
    await inspector.threads[0].send('NodeWorker.enable', { waitForDebuggerOnStart: false });
    return inspector;
  }

  thread(name: string): Thread {
    const thread = this.threads.find((one) => one.name === name);
    if (!thread) throw new Error(`there is no thread ${name}; there are ${this.threads.map((one) => one.name).join(', ')}`);
    return thread;
  }

  async watchGc(): Promise<void> {
    await Promise.all(this.threads.map(({ send }) => send('Runtime.evaluate', { expression: WATCH_GC })));
  }

  /** By thread, since {@link watchGc}. */
  async gc(): Promise<Record<string, { ms: number; times: number; longestMs: number }>> {
    const told = await Promise.all(
      this.threads.map(async ({ name, send }) => {
        const { result } = await send<{ result: { value: { ms: number; times: number; longestMs: number } } }>('Runtime.evaluate', {
          expression: 'globalThis.__benchGc',
          returnByValue: true,
        });
        return [name, result.value] as const;
      }),
    );
    return Object.fromEntries(told);
  }

  /** Bytes in use on each thread's heap, after everything that can be collected was. */
  async heapAfterGc(): Promise<Record<string, number>> {
    const heaps: Record<string, number> = {};
    for (const { name, send } of this.threads) {
      // Twice: finalizers of the first round free more.
      for (let round = 0; round < 2; round++) await send('HeapProfiler.collectGarbage');
      const { usedSize } = await send<{ usedSize: number }>('Runtime.getHeapUsage');
      heaps[name] = (heaps[name] ?? 0) + usedSize;
    }
    return heaps;
  }

  async profile(name: string, seconds: number): Promise<Profiler.Profile> {
    const { send } = this.thread(name);
    await send('Profiler.enable');
    await send('Profiler.setSamplingInterval', { interval: 1_000 });
    await send('Profiler.start');
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    const { profile } = await send<{ profile: Profiler.Profile }>('Profiler.stop');
    return profile;
  }

  close(): void {
    this.#webSocket.terminate();
  }

  #receive(reply: Reply): void {
    if (reply.method === 'NodeWorker.attachedToWorker') this.#attached(reply.params as unknown as Attached);
    else if (reply.method === 'NodeWorker.receivedMessageFromWorker') {
      const { sessionId, message } = reply.params as { sessionId: string; message: string };
      this.#workers.get(sessionId)?.answered(JSON.parse(message) as Reply);
    } else this.#main.answered(reply);
  }

  #attached({ sessionId, workerInfo }: Attached): void {
    const requests = new Requests();
    this.#workers.set(sessionId, requests);
    const post = (message: string) => void this.threads[0].send('NodeWorker.sendMessageToWorker', { sessionId, message });
    const name = /([^/]+)$/.exec(workerInfo.url)?.[1] ?? workerInfo.title;
    this.threads.push({ name, send: <T>(method: string, params = {}) => requests.ask(method, params, post) as Promise<T> });
  }
}

interface Attached {
  sessionId: string;
  workerInfo: { url: string; title: string };
}
