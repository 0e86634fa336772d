/**
 * Questions and answers over a message port between two threads, both ways. Every question has a deadline, how many may be
 * open is bounded, and a failure keeps its code on the way back.
 */
import type { ErrorCode } from '@tandem/contract';
import type { Transferable } from 'node:worker_threads';
import type { Clock, Timer } from './clock.ts';
import { type FailureCategory, messageOf, TandemError, VendorError } from './errors.ts';

/** Names of questions with what each brings and what each answers; all of it can be cloned. */
export type Questions = Record<string, { input: unknown; output: unknown }>;
export type Handlers<Q extends Questions> = { [N in keyof Q]: (input: Q[N]['input']) => Q[N]['output'] | Promise<Q[N]['output']> };

/** What passes over the port. */
export type Message =
  | { type: 'ask'; id: number; name: string; input: unknown }
  | { type: 'answer'; id: number; output: unknown }
  | { type: 'refusal'; id: number; code: ErrorCode; message: string; vendor?: VendorFailure };

/** What of a vendor's failure whoever asked must know to decide whether to ask again. */
interface VendorFailure {
  name: string;
  category: FailureCategory;
  retryAfterMs: number | undefined;
}

type Refusal = Extract<Message, { type: 'refusal' }>;

/** A `MessagePort`, or the `Worker` behind one. */
export interface RemotePort {
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
  on(event: 'message', listener: (message: Message) => void): unknown;
  off(event: 'message', listener: (message: Message) => void): unknown;
}

export interface AskOptions {
  /** 5 s when absent. */
  deadlineMs?: number;
  signal?: AbortSignal;
  transfer?: readonly Transferable[];
}

interface Waiting {
  resolve: (output: never) => void;
  reject: (error: unknown) => void;
  deadline: Timer;
  signal: AbortSignal | undefined;
  onAbort: () => void;
}

/** More open questions than this are refused at once: the other side does not keep up. */
const MAX_OPEN = 2_000;
const DEADLINE_MS = 5_000;

/** One end of the port: asks `Asked`, answers `Answered`. */
export class Remote<Asked extends Questions, Answered extends Questions = Record<never, never>> {
  readonly #port: RemotePort;
  readonly #clock: Clock;
  readonly #handlers: Handlers<Answered>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #take = (message: Message) => this.#receive(message);
  #next = 1;
  #closed = false;

  constructor(port: RemotePort, clock: Clock, handlers: Handlers<Answered>) {
    this.#port = port;
    this.#clock = clock;
    this.#handlers = handlers;
    port.on('message', this.#take);
  }

  /** Questions that wait for their answers. */
  get open(): number {
    return this.#waiting.size;
  }

  /** Rejects with the other side's own code or its vendor's failure, `unavailable` when it does not answer in time, or the signal's reason. */
  ask<N extends keyof Asked & string>(name: N, input: Asked[N]['input'], options: AskOptions = {}): Promise<Asked[N]['output']> {
    const { deadlineMs = DEADLINE_MS, signal, transfer } = options;
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (this.#closed) return Promise.reject(new TandemError('unavailable', 'The other side has stopped'));
    if (this.#waiting.size >= MAX_OPEN) return Promise.reject(new TandemError('unavailable', 'Too many questions are open'));
    const id = this.#next++;
    const { promise, resolve, reject } = Promise.withResolvers<Asked[N]['output']>();
    const onAbort = () => this.#settle(id)?.reject(signal?.reason);
    const deadline = this.#clock.after(deadlineMs, () =>
      this.#settle(id)?.reject(new TandemError('unavailable', `No answer to ${name} in time`)),
    );
    this.#waiting.set(id, { resolve, reject, deadline, signal, onAbort });
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#port.postMessage({ type: 'ask', id, name, input } satisfies Message, transfer);
    return promise;
  }

  /** Every open question fails, and every later one; nothing is answered any more. */
  close(): void {
    this.#closed = true;
    this.#port.off('message', this.#take);
    for (const id of this.#waiting.keys()) this.#settle(id)?.reject(new TandemError('unavailable', 'The other side has stopped'));
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    if (!waiting) return undefined;
    this.#waiting.delete(id);
    waiting.deadline.cancel();
    waiting.signal?.removeEventListener('abort', waiting.onAbort);
    return waiting;
  }

  #receive(message: Message): void {
    if (message.type === 'ask') void this.#answer(message.id, message.name, message.input);
    else if (message.type === 'answer') this.#settle(message.id)?.resolve(message.output as never);
    else if (message.type === 'refusal') this.#settle(message.id)?.reject(errorOf(message));
  }

  async #answer(id: number, name: string, input: unknown): Promise<void> {
    let reply: Message;
    try {
      const handler = Object.hasOwn(this.#handlers, name) ? this.#handlers[name] : undefined;
      if (!handler) throw new TandemError('bad-request', `Nobody answers ${name}`);
      reply = { type: 'answer', id, output: await handler(input as never) };
    } catch (error) {
      reply = refusalOf(id, error);
    }
    if (!this.#closed) this.#port.postMessage(reply);
  }
}

function refusalOf(id: number, error: unknown): Refusal {
  const code = error instanceof TandemError ? error.code : 'internal-error';
  if (!(error instanceof VendorError)) return { type: 'refusal', id, code, message: messageOf(error) };
  const { vendor, category, retryAfterMs, message } = error;
  const bare = message.startsWith(`${vendor}: `) ? message.slice(vendor.length + 2) : message;
  return { type: 'refusal', id, code: 'unavailable', message: bare, vendor: { name: vendor, category, retryAfterMs } };
}

function errorOf({ code, message, vendor }: Refusal): Error {
  return vendor
    ? new VendorError(vendor.name, vendor.category, message, { retryAfterMs: vendor.retryAfterMs })
    : new TandemError(code, message);
}
