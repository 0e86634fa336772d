/**
 * The one way out for tools: HTTP requests whose address a business has written. A name is resolved once, every address
 * it has is checked, and the connection goes to one of exactly those; each redirect is checked again. Sizes, headers and
 * times are bounded. Messages name the host only: paths, queries and headers may hold secrets.
 */
import { lookup as resolveName } from 'node:dns/promises';
import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Readable } from 'node:stream';
import { childOf, isCancelled, untilAborted } from '#kit/abort.ts';
import type { Clock } from '#kit/clock.ts';
import { messageOf, VendorError } from '#kit/errors.ts';
import { addressFault, type EgressExceptions, hostAndPort, parseExceptions, urlFault } from './egress-rules.ts';

const MAX_BYTES = 256 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_REQUEST_BYTES = 256 * 1024;
const MAX_REDIRECTS = 3;
const CONNECT_WITHIN_MS = 3_000;
/** Connections kept for the next request: shorter than servers usually keep theirs. */
const KEEP_FOR_MS = 4_000;
const MAX_SOCKETS = 256;

/** All addresses of a name. Rejects when it has none. */
export type Resolve = (host: string) => Promise<string[]>;

export interface EgressOptions {
  clock: Clock;
  /** Comma-separated `host:port` and CIDR ranges that the operator allows besides public addresses. */
  allow?: string;
  /** Ports besides 80, 443, 8080 and 8443. */
  ports?: readonly number[];
  /** Of an answer's body; 256 kB when absent. */
  maxBytes?: number;
  /** The system's resolver when absent. */
  resolve?: Resolve;
  /** Addresses of this machine; asked of the system when absent. */
  ownAddresses?: () => string[];
}

export interface EgressRequest {
  method: string;
  url: string;
  headers?: Record<string, string>;
  body?: string;
  /** From here to the last byte of the answer. */
  deadlineMs: number;
  signal?: AbortSignal;
}

export interface EgressResponse {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
  /** The body was longer than `maxBytes`: this is its beginning. */
  truncated: boolean;
}

type Sent = { response: http.IncomingMessage; url: URL };

/** Headers that mean the same to every server; whatever else a request carries may be a credential. */
const HARMLESS = new Set(['accept', 'accept-language', 'user-agent']);

export class Egress {
  readonly #clock: Clock;
  readonly #exceptions: EgressExceptions;
  readonly #ports: readonly number[];
  readonly #maxBytes: number;
  readonly #resolve: Resolve;
  readonly #own: () => string[];
  /** GET may be sent again when a kept connection turns out dead; anything else starts on one of its own. */
  readonly #agents = {
    'http:': { kept: new http.Agent(agentOptions(true)), fresh: new http.Agent(agentOptions(false)) },
    'https:': { kept: new https.Agent(agentOptions(true)), fresh: new https.Agent(agentOptions(false)) },
  };

  /** Throws `setting-invalid` for an `allow` that cannot be read. */
  constructor(options: EgressOptions) {
    this.#clock = options.clock;
    this.#exceptions = parseExceptions(options.allow ?? '');
    this.#ports = options.ports ?? [];
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
    this.#resolve = options.resolve ?? systemResolve;
    this.#own = options.ownAddresses ?? ownAddresses;
  }

  /**
   * Sends a request and reads the answer, following at most 3 redirects. Rejects with `VendorError` of the category
   * `bad-input` where it was not allowed, `permanent` where nothing was sent, `retryable` where nobody knows what became
   * of it.
   */
  async send(request: EgressRequest): Promise<EgressResponse> {
    const scope = childOf(request.signal);
    const timer = this.#clock.after(request.deadlineMs, () => scope.abort('deadline'));
    try {
      const { response } = await this.#follow(request, scope.signal);
      return await readBody(response, this.#maxBytes, scope.signal);
    } catch (error) {
      throw failureOf(error, request.url);
    } finally {
      timer.cancel();
    }
  }

  /**
   * One exchange as a `fetch` would do it, for clients that bring their own protocol: never follows a redirect (3xx is
   * handed back), the body is a stream of at most `maxBytes`. `init.signal` is the only deadline.
   */
  readonly fetch = async (input: string | URL, init: RequestInit = {}): Promise<Response> => {
    const url = String(input);
    const headers = Object.fromEntries(new Headers(init.headers));
    const signal = init.signal ?? new AbortController().signal;
    try {
      if (init.body !== undefined && init.body !== null && typeof init.body !== 'string')
        throw new VendorError('egress', 'bad-input', 'only text can be sent');
      const body = init.body ?? undefined;
      const { response } = await this.#exchange({ method: init.method ?? 'GET', url: readUrl(url), headers, body }, signal);
      const status = response.statusCode ?? 502;
      const empty = status === 204 || status === 205 || status === 304;
      if (empty) response.resume();
      const stream = empty
        ? null
        : (Readable.toWeb(Readable.from(capped(response, this.#maxBytes))) as unknown as ReadableStream<Uint8Array>);
      return new Response(stream, { status, headers: headersOf(response) });
    } catch (error) {
      throw failureOf(error, url);
    }
  };

  /** Closes kept connections. */
  close(): void {
    for (const { kept, fresh } of Object.values(this.#agents)) {
      kept.destroy();
      fresh.destroy();
    }
  }

  async #follow(request: EgressRequest, signal: AbortSignal): Promise<Sent> {
    let { method, body } = request;
    let headers = request.headers ?? {};
    let url = readUrl(request.url);
    for (let hop = 0; ; hop++) {
      const sent = await this.#exchange({ method, url, headers, body }, signal);
      const { response } = sent;
      const status = response.statusCode ?? 0;
      const { location } = response.headers;
      if (location === undefined || ![301, 302, 303, 307, 308].includes(status)) return sent;
      response.destroy();
      if (hop === MAX_REDIRECTS) throw new VendorError(url.host, 'bad-input', 'sent on too often');
      const next = readUrl(location, url);
      const sameOrigin = next.origin === url.origin;
      // RFC 9110 §15.4: 303 always, and 301 and 302 by custom, turn a POST into a GET.
      if (status === 303 || (status < 303 && method === 'POST')) {
        method = 'GET';
        body = undefined;
      }
      if (!sameOrigin) {
        if (url.protocol === 'https:' && next.protocol === 'http:') throw new VendorError(url.host, 'bad-input', 'sent on to plain http');
        if (body !== undefined) throw new VendorError(url.host, 'bad-input', 'sent the request on to another host');
        headers = Object.fromEntries(Object.entries(headers).filter(([name]) => HARMLESS.has(name.toLowerCase())));
      }
      url = next;
    }
  }

  async #exchange(
    request: { method: string; url: URL; headers: Record<string, string>; body: string | undefined },
    signal: AbortSignal,
  ): Promise<Sent> {
    const { method, url, headers, body } = request;
    if (body !== undefined && Buffer.byteLength(body) > MAX_REQUEST_BYTES)
      throw new VendorError(url.host, 'bad-input', 'the request is too large');
    const addresses = await this.#addressesOf(url, signal);
    const agents = this.#agents[url.protocol as 'http:' | 'https:'];
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    const connecting = childOf(signal);
    const sending = (url.protocol === 'https:' ? https : http).request({
      method,
      protocol: url.protocol,
      // An IPv6 address stands in brackets in a URL only.
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? undefined : url.port,
      path: `${url.pathname}${url.search}`,
      headers: { 'user-agent': 'Tandem', ...lowerCase(headers), 'accept-encoding': 'identity', host: url.host, ...lengthOf(body) },
      agent: method === 'GET' ? agents.kept : agents.fresh,
      lookup: only(addresses),
      maxHeaderSize: MAX_HEADER_BYTES,
      signal: connecting.signal,
    });
    const tooSlow = this.#clock.after(CONNECT_WITHIN_MS, () => sending.destroy(new NotSent('no connection in time')));
    let connected = false;
    const onConnected = () => {
      connected = true;
      tooSlow.cancel();
    };
    sending.once('socket', (socket) => {
      if (sending.reusedSocket) onConnected();
      else socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', onConnected);
    });
    sending.once('response', resolve);
    sending.on('error', (error) => reject(connected ? error : new NotSent(messageOf(error), error)));
    sending.end(body);
    try {
      return { response: await promise, url };
    } finally {
      tooSlow.cancel();
    }
  }

  /** Every address of the host, all of them allowed. */
  async #addressesOf(url: URL, signal: AbortSignal): Promise<string[]> {
    const fault = urlFault(url, this.#exceptions, this.#ports);
    if (fault) throw new VendorError(url.host, 'bad-input', fault);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const addresses = isIP(host) ? [host] : await untilAborted(this.#resolved(host), signal);
    if (this.#exceptions.hosts.has(hostAndPort(url))) return addresses;
    const own = this.#own();
    for (const address of addresses) {
      const refused = addressFault(address, this.#exceptions, own);
      if (refused) throw new VendorError(url.host, 'bad-input', refused);
    }
    return addresses;
  }

  async #resolved(host: string): Promise<string[]> {
    const addresses = await this.#resolve(host).catch((error: unknown) => {
      throw new NotSent(`the name could not be resolved (${(error as NodeJS.ErrnoException).code ?? 'failed'})`);
    });
    if (addresses.length === 0) throw new NotSent('the name has no address');
    return addresses.slice(0, 16);
  }
}

/** Nothing of the request can have reached the far end. */
class NotSent extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'NotSent';
  }
}

function agentOptions(keepAlive: boolean): https.AgentOptions {
  return { keepAlive, timeout: KEEP_FOR_MS, maxSockets: 64, maxTotalSockets: MAX_SOCKETS, maxFreeSockets: 8 };
}

/** Node asks this instead of the system's resolver: the addresses that were checked, and no others. */
function only(addresses: readonly string[]): LookupFunction {
  const entries = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, callback) => {
    if (options.all) callback(null, entries);
    else callback(null, entries[0].address, entries[0].family);
  };
}

async function systemResolve(host: string): Promise<string[]> {
  const found = await resolveName(host, { all: true, order: 'ipv4first' });
  return found.map(({ address }) => address);
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
}

function readUrl(text: string, from?: URL): URL {
  try {
    return new URL(text, from);
  } catch {
    throw new VendorError('egress', 'bad-input', 'the address could not be read');
  }
}

function lengthOf(body: string | undefined): Record<string, string> {
  return body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
}

function lowerCase(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function headersOf(response: http.IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );
}

async function readBody(response: http.IncomingMessage, maxBytes: number, signal: AbortSignal): Promise<EgressResponse> {
  const encoding = response.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    response.destroy();
    throw new VendorError('egress', 'retryable', 'the answer is compressed, which was not asked for');
  }
  const onAbort = () => response.destroy(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  const pieces: Buffer[] = [];
  let size = 0;
  let truncated = false;
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      pieces.push(size + piece.length > maxBytes ? piece.subarray(0, maxBytes - size) : piece);
      size += piece.length;
      if (size <= maxBytes) continue;
      truncated = true;
      break; // leaving the loop destroys the connection
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  return { status: response.statusCode ?? 0, headers: headersOf(response), body: Buffer.concat(pieces), truncated };
}

async function* capped(response: http.IncomingMessage, maxBytes: number): AsyncGenerator<Buffer, void, undefined> {
  let size = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > maxBytes) throw new VendorError('egress', 'permanent', 'the answer is too large');
    yield piece;
  }
}

function failureOf(error: unknown, url: string): unknown {
  if (error instanceof VendorError) return error;
  const host = URL.canParse(url) ? new URL(url).host : 'egress';
  if (error instanceof NotSent) return new VendorError(host, 'permanent', `could not be reached: ${error.message}`, { cause: error });
  if (isCancelled(error)) return new VendorError(host, 'retryable', 'did not answer in time', { cause: error });
  return new VendorError(host, 'retryable', `the connection failed: ${messageOf(error)}`, { cause: error });
}
