/**
 * One HTTP request to a vendor and its streamed answer. Whatever ends it first (deadline, abort, fault) is what its
 * waits throw; after a whole answer the socket goes back to the pool, otherwise it is closed.
 *
 * ```
 *   open ── connectMs ──▶ connected ── firstMs ──▶ first piece ── betweenMs ──▶ next piece … ──▶ complete ── DRAIN_MS ──▶ end of body
 * ```
 * The time that the reader of the stream takes for itself counts towards no deadline.
 */
import http from 'node:http';
import https from 'node:https';
import type { Timer } from '#kit/clock.ts';
import { messageOf, VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { type JudgeRefusal, refusalError } from './provider-failures.ts';

const REFUSAL_BYTES = 4_096; // of a refusal's body that are read
const DRAIN_MS = 100; // from the last piece to the end of the body

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

export interface ExchangeOptions {
  vendor: string;
  deadlines: HttpDeadlines;
  /** Bytes of an answer; more is an endless stream. */
  maxBytes: number;
  key?: string | undefined;
  judge?: JudgeRefusal | undefined;
}

export class Exchange {
  #kit: Kit;
  #options: ExchangeOptions;
  #signal: AbortSignal;
  #request: http.ClientRequest | undefined;
  /** Ends the wait for the head of the answer: a request that waits in the pool says nothing when it is destroyed. */
  #giveUp: ((reason: Error) => void) | undefined;
  #timer: Timer | undefined;
  #ended: Error | undefined;
  /** The whole body was read: the socket is the pool's again. */
  #read = false;
  #onAbort = () => this.#stop(this.#signal.reason as Error);

  constructor(kit: Kit, options: ExchangeOptions, signal: AbortSignal) {
    this.#kit = kit;
    this.#options = options;
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Sends; resolves with the head of the answer. */
  async open(url: URL, agent: http.Agent, headers: http.OutgoingHttpHeaders, body: string): Promise<http.IncomingMessage> {
    this.#within(this.#options.deadlines.connectMs, 'no connection');
    try {
      return await this.#send(url, agent, headers, body);
    } catch (thrown) {
      // A kept socket may be closed by its server in the moment it is used again (RFC 9112 §9.3.1): once more, on a new one.
      // Nothing was answered, and an answer asked for twice has no effect but its price.
      if (!(thrown instanceof StaleSocket)) throw thrown;
      if (this.#ended) throw this.#ended;
      this.#within(this.#options.deadlines.connectMs, 'no connection');
      return await this.#send(url, false, headers, body);
    }
  }

  /** Streams the parts of a 200 whose content type is `accept`; anything else is thrown as a refusal. */
  async *read<Part>(response: http.IncomingMessage, accept: RegExp, sink: AnswerSink<Part>): AsyncGenerator<Part, void, undefined> {
    const status = response.statusCode ?? 0;
    if (status !== 200 || !accept.test(response.headers['content-type'] ?? '')) throw await this.#refusal(response, status);
    const { vendor, deadlines, maxBytes } = this.#options;
    let received = 0;
    let drained = false;
    try {
      for await (const bytes of response as AsyncIterable<Buffer>) {
        if (drained) continue;
        received += bytes.length;
        if (received > maxBytes) throw new VendorError(vendor, 'retryable', `an answer longer than ${maxBytes} bytes`);
        const before = sink.pieces;
        const paused = yield* this.#handOver(sink.take(bytes));
        if (sink.complete) {
          drained = true;
          yield* this.#handOver(sink.end());
          // Read to the end of the body, so that the socket can be used again; not for longer than this.
          this.#within(DRAIN_MS, 'no end of the body');
        } else if (paused || sink.pieces !== before) {
          this.#within(deadlines.betweenMs, 'the answer stalled: nothing');
        }
      }
      this.#read = true;
    } catch (thrown) {
      if (this.#signal.aborted) throw this.#signal.reason;
      // A sink's own verdict at the end of a complete answer is an error; a fault while draining is not.
      if (thrown instanceof VendorError) throw thrown;
      if (drained) return;
      throw this.#ended ?? this.#fault(thrown);
    }
    if (this.#signal.aborted) throw this.#signal.reason;
    if (drained) return;
    if (this.#ended) throw this.#ended;
    yield* this.#handOver(sink.end());
  }

  /** Releases socket, timer and listener. After a whole answer the socket goes back to the pool. */
  close(): void {
    this.#timer?.cancel();
    this.#signal.removeEventListener('abort', this.#onAbort);
    if (!this.#read) this.#request?.destroy();
  }

  /** While its reader has a part, the vendor has no deadline. True when there was any part. */
  async *#handOver<Part>(parts: Iterable<Part>): AsyncGenerator<Part, boolean, undefined> {
    let any = false;
    for (const part of parts) {
      any = true;
      this.#timer?.cancel();
      yield part;
      // The reader of the stream may abort between two parts of one packet.
      if (this.#signal.aborted) throw this.#signal.reason;
    }
    return any;
  }

  #send(url: URL, agent: http.Agent | false, headers: http.OutgoingHttpHeaders, body: string): Promise<http.IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    const secure = url.protocol === 'https:';
    const request = (secure ? https : http).request(url, {
      agent,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
    });
    this.#request = request;
    this.#giveUp = reject;
    const sent = () => this.#within(this.#options.deadlines.firstMs, 'no answer');
    request.once('socket', (socket) => {
      socket.setNoDelay(true);
      if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', sent);
      else sent();
    });
    request.once('response', (response) => {
      // Destroyed while nobody reads it any more, a response still says so.
      response.on('error', () => {});
      resolve(response);
    });
    request.on('error', (cause: NodeJS.ErrnoException) => {
      const stale = request.reusedSocket && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE');
      reject(this.#ended ?? (stale ? new StaleSocket() : this.#fault(cause)));
    });
    request.end(body);
    return promise;
  }

  async #refusal(response: http.IncomingMessage, status: number): Promise<Error> {
    let body = '';
    try {
      for await (const bytes of response as AsyncIterable<Buffer>) {
        body += bytes.toString('utf8');
        if (body.length >= REFUSAL_BYTES) break;
      }
      this.#read = response.readableEnded;
    } catch (thrown) {
      if (this.#ended) return this.#ended;
      body ||= messageOf(thrown);
    }
    const { vendor, key, judge } = this.#options;
    const answer = { status, headers: response.headers, body: body.slice(0, REFUSAL_BYTES) };
    return refusalError(vendor, answer, this.#kit.clock.wall(), { ...(key ? { key } : {}), ...(judge ? { judge } : {}) });
  }

  #within(ms: number, what: string): void {
    this.#timer?.cancel();
    if (this.#ended) return;
    this.#timer = this.#kit.clock.after(ms, () =>
      this.#stop(new VendorError(this.#options.vendor, 'retryable', `${what} within ${ms} ms`)),
    );
  }

  #stop(reason: Error): void {
    this.#ended ??= reason;
    this.#timer?.cancel();
    this.#giveUp?.(this.#ended);
    if (!this.#read) this.#request?.destroy();
  }

  #fault(cause: unknown): VendorError {
    return new VendorError(this.#options.vendor, 'retryable', `connection failed: ${messageOf(cause)}`, { cause });
  }
}

class StaleSocket extends Error {}
