/**
 * HTTP to a vendor: one pool of kept connections per base URL, opened ahead while the phone rings; every request with
 * its deadlines on the injected clock, aborted at once with its signal. A room makes one of these and speaks its own
 * words through it.
 */
import http from 'node:http';
import https from 'node:https';
import { urlToHttpOptions } from 'node:url';
import type { Kit } from '#kit/kit.ts';
import { type EventReader, EventSink } from './event-stream.ts';
import { type AnswerSink, Exchange, type HttpDeadlines } from './provider-exchange.ts';
import type { JudgeRefusal } from './provider-failures.ts';

export type { HttpDeadlines } from './provider-exchange.ts';

/** What a caller can bear to wait for in silence. */
export const httpDeadlines: HttpDeadlines = { connectMs: 3_000, firstMs: 8_000, betweenMs: 5_000 };
export const DEFAULT_MAX_SOCKETS = 100;

const WARM_EVERY_MS = 30_000;
const IDLE_SOCKET_MS = 55_000; // below the 60 s after which common load balancers drop one silently
const EVENT_BYTES = 8 << 20;
const MOST_ADDRESSES = 16;

export interface ProviderHttpOptions {
  /** Named in every error. */
  vendor: string;
  /** With or without a slash at its end; paths are appended. */
  baseUrl: string;
  /** Sent with every request: the vendor's authentication among them. */
  headers: Record<string, string>;
  /** Never shown in a message, even if the vendor quotes it. */
  key?: string | undefined;
  deadlines?: HttpDeadlines | undefined;
  /** Connections at once; a request that finds none free waits for one until its `connectMs`. */
  maxSockets?: number | undefined;
  judge?: JudgeRefusal | undefined;
}

export interface ProviderPost {
  /** Behind the base URL: `/chat/completions`. */
  path: string;
  /** Sent as JSON. */
  body: object;
  signal: AbortSignal;
}

export class ProviderHttp {
  #kit: Kit;
  #options: ProviderHttpOptions;
  #base: string;
  #agent: http.Agent;
  readonly #addresses = new Map<string, https.RequestOptions>();
  #usedAt = Number.NEGATIVE_INFINITY;
  #warming: Promise<void> | undefined;

  constructor(kit: Kit, options: ProviderHttpOptions) {
    this.#kit = kit;
    this.#options = options;
    this.#base = options.baseUrl.replace(/\/+$/, '');
    const settings = {
      keepAlive: true,
      keepAliveMsecs: 15_000,
      maxSockets: options.maxSockets ?? DEFAULT_MAX_SOCKETS,
      maxFreeSockets: 64,
      timeout: IDLE_SOCKET_MS,
    };
    this.#agent = this.#base.startsWith('https:') ? new https.Agent(settings) : new http.Agent(settings);
  }

  /** Server-sent events, read by `reader` into parts. Throws `VendorError`, or the signal's reason. */
  postForEvents<Part>(post: ProviderPost, reader: EventReader<Part>): AsyncIterableIterator<Part, void, undefined> {
    const sink = new EventSink(this.#options.vendor, reader);
    return this.#post(post, 'text/event-stream', /text\/event-stream/i, sink, EVENT_BYTES);
  }

  /**
   * A binary body as it comes, in pieces of any size (odd ones too). `accept` matches the content type that is an answer;
   * more than `maxBytes` is an endless stream. Throws `VendorError`, or the signal's reason.
   */
  postForBytes(post: ProviderPost, answer: { accept: RegExp; maxBytes: number }): AsyncIterableIterator<Buffer, void, undefined> {
    return this.#post(post, '*/*', answer.accept, new ByteSink(), answer.maxBytes);
  }

  /**
   * Opens a connection and keeps it, unless one was used in the last 30 s. Asks the base URL for its OPTIONS (Node does not
   * keep the socket of every HEAD), without a key; the answer does not matter. Never rejects.
   */
  warm(): Promise<void> {
    if (this.#warming) return this.#warming;
    if (this.#kit.clock.now() - this.#usedAt < WARM_EVERY_MS) return Promise.resolve();
    this.#usedAt = this.#kit.clock.now();
    this.#warming = this.#knock().finally(() => {
      this.#warming = undefined;
    });
    return this.#warming;
  }

  /** Ends every connection, those in use too. */
  close(): void {
    this.#agent.destroy();
  }

  #post<Part>(
    { path, body, signal }: ProviderPost,
    acceptHeader: string,
    accept: RegExp,
    sink: AnswerSink<Part>,
    maxBytes: number,
  ): Exchange<Part> {
    const { vendor, key, judge, headers, deadlines = httpDeadlines } = this.#options;
    const text = JSON.stringify(body);
    const length = Buffer.byteLength(text);
    return new Exchange(this.#kit, {
      request: {
        ...this.#addressOf(path),
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': length, accept: acceptHeader, ...headers },
      },
      body: text,
      agent: this.#agent,
      vendor,
      key,
      judge,
      deadlines,
      accept,
      sink,
      maxBytes,
      signal,
      whole: () => {
        this.#usedAt = this.#kit.clock.now();
      },
    });
  }

  /** A room has few paths: each URL is read once. */
  #addressOf(path: string): https.RequestOptions {
    let address = this.#addresses.get(path);
    if (!address) {
      address = urlToHttpOptions(new URL(this.#base + path));
      if (this.#addresses.size < MOST_ADDRESSES) this.#addresses.set(path, address);
    }
    return address;
  }

  #knock(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { connectMs } = this.#options.deadlines ?? httpDeadlines;
    const url = new URL(this.#base);
    const request = (url.protocol === 'https:' ? https : http).request(url, { agent: this.#agent, method: 'OPTIONS' });
    const timer = this.#kit.clock.after(connectMs, () => request.destroy());
    request.once('response', (response) => {
      response.on('error', () => {});
      response.resume();
    });
    // A socket that goes back to the pool ends its request with `close` as well.
    request.once('close', () => {
      timer.cancel();
      resolve();
    });
    request.on('error', () => {});
    request.end();
    return promise;
  }
}

/** Bytes as they are. */
class ByteSink implements AnswerSink<Buffer> {
  readonly complete = false;
  pieces = 0;

  *take(bytes: Buffer): Iterable<Buffer> {
    this.pieces++;
    yield bytes;
  }

  *end(): Iterable<Buffer> {}
}
