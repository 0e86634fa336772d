/**
 * One HTTP request to a vendor and its streamed answer. Whatever ends it first (deadline, abort, fault) is what its
 * waits throw; after a whole answer the socket goes back to the pool, otherwise it is closed.
 *
 * ```
 *   new ── connectMs ──▶ connected ── firstMs ──▶ first piece ── betweenMs ──▶ next piece … ──▶ complete ── DRAIN_MS ──▶ end of body
 * ```
 * The time that the reader of the stream takes for itself counts towards no deadline. Parts are made as the bytes come and
 * handed over by one promise each: a stream of generators costs several times the rest of a token.
 */
import http from 'node:http';
import https from 'node:https';
import { messageOf, VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { MovingDeadline } from './moving-deadline.ts';
import { type JudgeRefusal, refusalError } from './provider-failures.ts';

const REFUSAL_BYTES = 4_096; // of a refusal's body that are read
const DRAIN_MS = 100; // from the last piece to the end of the body
const MOST_UNREAD = 256; // parts that wait for their reader before the vendor is made to wait

export interface HttpDeadlines {
  /** To a connected socket, TLS and a place in the pool included. */
  connectMs: number;
  /** From there to the first piece of the answer. */
  firstMs: number;
  /** Between two pieces of it. */
  betweenMs: number;
}

/** Makes parts of an answer's bytes. */
export interface AnswerSink<Part> {
  /** The parts that these bytes complete. Throws `VendorError`, behind the parts that came before the fault. */
  take(bytes: Buffer): Iterable<Part>;
  /** The body has ended: what is still held. Throws when the answer was cut off. */
  end(): Iterable<Part>;
  /** Nothing more will come, even if the connection stays open. */
  readonly complete: boolean;
  /** Pieces of the answer so far; what merely keeps a connection alive is none. */
  readonly pieces: number;
}

export interface ExchangeOptions<Part> {
  vendor: string;
  deadlines: HttpDeadlines;
  /** Where to: host, port and path, method and headers. */
  request: https.RequestOptions;
  body: string;
  agent: http.Agent;
  /** The content type of a 200 that is an answer; anything else is a refusal. */
  accept: RegExp;
  sink: AnswerSink<Part>;
  /** Bytes of an answer; more is an endless stream. */
  maxBytes: number;
  signal: AbortSignal;
  key?: string | undefined;
  judge?: JudgeRefusal | undefined;
  /** A whole answer was read. */
  whole: () => void;
}

/** The parts of the answer, once. Nothing is sent before the first is asked for; one wait at a time. */
export class Exchange<Part> implements AsyncIterableIterator<Part, void, undefined> {
  readonly #kit: Kit;
  readonly #options: ExchangeOptions<Part>;
  readonly #deadline: MovingDeadline;
  #state: 'new' | 'asked' | 'refused' | 'reading' | 'draining' | 'over' = 'new';
  #request: http.ClientRequest | undefined;
  #response: http.IncomingMessage | undefined;
  readonly #unread: Part[] = [];
  #waiting: PromiseWithResolvers<IteratorResult<Part, void>> | undefined;
  #received = 0;
  /** Told behind what is still unread. */
  #failure: { error: unknown } | undefined;
  readonly #onAbort = (): void => this.#stop(this.#options.signal.reason);

  constructor(kit: Kit, options: ExchangeOptions<Part>) {
    this.#kit = kit;
    this.#options = options;
    this.#deadline = new MovingDeadline(kit.clock, (ms, what) => this.#stop(this.#error(`${what} within ${ms} ms`)));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Part, void>> {
    const { signal } = this.#options;
    // Also where all of it has come already.
    if (signal.aborted) return this.return().then(() => Promise.reject(signal.reason as Error));
    if (this.#state === 'new') this.#begin();
    if (this.#unread.length > 0) return Promise.resolve({ value: this.#unread.shift() as Part, done: false });
    if (this.#state === 'over') return this.#ended();
    this.#waiting = Promise.withResolvers();
    if (this.#state === 'reading') {
      if (!this.#deadline.running) this.#deadline.set(this.#options.deadlines.betweenMs, 'the answer stalled: nothing');
      this.#response?.resume();
    }
    return this.#waiting.promise;
  }

  /** Nobody wants the rest. */
  return(): Promise<IteratorResult<Part, void>> {
    this.#unread.length = 0;
    this.#failure = undefined;
    this.#end();
    return Promise.resolve({ value: undefined, done: true });
  }

  #begin(): void {
    const { signal, deadlines } = this.#options;
    this.#state = 'asked';
    signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#deadline.set(deadlines.connectMs, 'no connection');
    this.#send(this.#options.agent);
  }

  #send(agent: http.Agent | false): void {
    try {
      this.#write(agent);
    } catch (thrown) {
      // A header that HTTP cannot carry: a key that was pasted with an invisible character.
      this.#stop(this.#fault(thrown));
    }
  }

  /** Throws what `request` throws. */
  #write(agent: http.Agent | false): void {
    const { request: how, body, deadlines } = this.#options;
    const secure = how.protocol === 'https:';
    const request = (secure ? https : http).request({ ...how, agent });
    this.#request = request;
    const sent = () => {
      if (this.#state === 'asked') this.#deadline.set(deadlines.firstMs, 'no answer');
    };
    request.once('socket', (socket) => {
      socket.setNoDelay(true);
      if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', sent);
      else sent();
    });
    request.once('response', (response) => {
      // Destroyed while nobody reads it any more, a response still says so.
      response.on('error', () => {});
      if (this.#state === 'asked') this.#answered(response);
    });
    request.on('error', (cause: NodeJS.ErrnoException) => {
      if (this.#state !== 'asked' || request !== this.#request) return;
      const stale = request.reusedSocket && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE');
      if (!stale) return this.#stop(this.#fault(cause));
      // A kept socket may be closed by its server in the moment it is used again (RFC 9112 §9.3.1): once more, on a new one.
      // Nothing was answered, and an answer asked for twice has no effect but its price.
      this.#deadline.set(deadlines.connectMs, 'no connection');
      this.#send(false);
    });
    request.end(body);
  }

  #answered(response: http.IncomingMessage): void {
    const status = response.statusCode ?? 0;
    if (status !== 200 || !this.#options.accept.test(response.headers['content-type'] ?? '')) {
      // From now on whatever becomes of the connection: it was answered.
      this.#state = 'refused';
      return void this.#refused(response, status);
    }
    this.#state = 'reading';
    this.#response = response;
    response.on('data', (bytes: Buffer) => this.#take(bytes));
    response.once('end', () => this.#bodyEnded());
    response.once('error', (cause) => this.#broke(cause));
    response.once('close', () => this.#broke(new Error('closed')));
  }

  #take(bytes: Buffer): void {
    if (this.#state !== 'reading') return;
    const { maxBytes, sink, deadlines } = this.#options;
    this.#received += bytes.length;
    if (this.#received > maxBytes) return this.#fail(this.#error(`an answer longer than ${maxBytes} bytes`));
    const before = sink.pieces;
    const any = this.#handOver(() => sink.take(bytes));
    if (this.#state !== 'reading') return;
    if (sink.complete) {
      this.#state = 'draining';
      this.#handOver(() => sink.end());
      // Read to the end of the body, so that the socket can be used again; not for longer than this.
      this.#deadline.set(DRAIN_MS, 'no end of the body');
    } else if (this.#waiting && !any && sink.pieces !== before) this.#deadline.set(deadlines.betweenMs, 'the answer stalled: nothing');
    else if (this.#unread.length > MOST_UNREAD) this.#response?.pause();
  }

  /** While its reader has a part, read or not, the vendor has no deadline: the next wait sets it. True when there was any part. */
  #handOver(make: () => Iterable<Part>): boolean {
    let any = false;
    try {
      for (const part of make()) {
        if (!any) this.#deadline.suspend();
        any = true;
        const waiting = this.#waiting;
        this.#waiting = undefined;
        if (waiting) waiting.resolve({ value: part, done: false });
        else this.#unread.push(part);
      }
    } catch (error) {
      // A sink's own verdict at the end of a complete answer is an error; a fault while draining is not.
      this.#fail(error);
    }
    return any;
  }

  #bodyEnded(): void {
    if (this.#state === 'over') return;
    const drained = this.#state === 'draining';
    // The socket is the pool's again.
    this.#request = undefined;
    if (!drained) this.#handOver(() => this.#options.sink.end());
    if (!this.#failure) this.#options.whole();
    this.#end();
  }

  #broke(cause: unknown): void {
    if (this.#state === 'over') return;
    if (this.#state === 'draining') this.#end();
    else this.#fail(this.#fault(cause));
  }

  async #refused(response: http.IncomingMessage, status: number): Promise<void> {
    const { vendor, key, judge } = this.#options;
    let body = '';
    try {
      for await (const bytes of response as AsyncIterable<Buffer>) {
        body += bytes.toString('utf8');
        if (body.length >= REFUSAL_BYTES) break;
      }
      if (response.readableEnded) this.#request = undefined;
    } catch (thrown) {
      body ||= messageOf(thrown);
    }
    const answer = { status, headers: response.headers, body: body.slice(0, REFUSAL_BYTES) };
    this.#fail(refusalError(vendor, answer, this.#kit.clock.wall(), { ...(key ? { key } : {}), ...(judge ? { judge } : {}) }));
  }

  /** It ends with `error`, behind what is still unread. */
  #fail(error: unknown): void {
    if (this.#state === 'over') return;
    this.#failure = { error };
    this.#end();
  }

  /** A deadline or an abort: at once. */
  #stop(reason: unknown): void {
    if (this.#state === 'over') return;
    if (this.#state === 'draining' && !this.#options.signal.aborted) return this.#end();
    this.#unread.length = 0;
    this.#fail(reason);
  }

  /** Releases socket, timer and listener. After a whole answer the socket goes back to the pool. */
  #end(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#deadline.clear();
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#request?.destroy();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(this.#ended());
  }

  /** Once with the failure. */
  #ended(): Promise<IteratorResult<Part, void>> {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure ? Promise.reject(failure.error) : Promise.resolve({ value: undefined, done: true });
  }

  #error(message: string): VendorError {
    return new VendorError(this.#options.vendor, 'retryable', message);
  }

  #fault(cause: unknown): VendorError {
    return new VendorError(this.#options.vendor, 'retryable', `connection failed: ${messageOf(cause)}`, { cause });
  }
}
