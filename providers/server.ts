/**
 * One HTTP server on loopback that is all the providers: `/deepgram/v1/listen`, `/openai/v1/chat/completions`, … It checks the key
 * and the limits, lets faults happen before a handler sees the request, and hands each request to its route.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { Connection } from './connection.ts';
import { Delays } from './delay.ts';
import { EventLog, nowMs } from './event-log.ts';
import { FaultBook } from './faults.ts';
import { takeWholeMessages } from './frames.ts';
import { closeSocket } from './outlet.ts';
import type { Providers, ProvidersOptions } from './providers.ts';
import { RateLimit } from './rate-limit.ts';
import type { Refusal } from './route.ts';
import { routes } from './routes.ts';
import { defaultScenario, providerNames, type Fault, type ProviderName, type Scenario } from './scenario.ts';

const BODY_BYTES = 20_000_000;
const MESSAGE_BYTES = 20_000_000;
const TRICKLE_EVERY_MS = 1000;
const page = '<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>';

/** Starts listening; rejects when the port is taken. */
export async function startProviders(options: ProvidersOptions = {}): Promise<Providers> {
  const house = new House(options);
  return await house.listen();
}

class House {
  readonly #options: ProvidersOptions;
  readonly #key: string;
  readonly #log: EventLog;
  readonly #delays: Delays;
  readonly #faults: FaultBook;
  readonly #limits = new Map<ProviderName, RateLimit>(providerNames.map((name) => [name, new RateLimit()]));
  readonly #marks = new Map<ProviderName, number>();
  readonly #open = new Set<Connection>();
  readonly #server = createServer({ keepAlive: true }, (request, response) => void this.#answer(request, response));
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES, perMessageDeflate: false });
  readonly #raw = new Set<Duplex>();
  #scenario: Scenario;
  #connections = 0;

  constructor(options: ProvidersOptions) {
    this.#options = options;
    this.#key = options.key ?? 'local-provider-key';
    this.#scenario = { ...defaultScenario, ...options.scenario };
    this.#log = new EventLog(options.onEvent, options.keepEvents);
    this.#delays = new Delays(this.#scenario.seed);
    this.#faults = new FaultBook(this.#scenario.seed);
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.on('connection', (socket) => {
      this.#raw.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => this.#raw.delete(socket));
    });
  }

  async listen(): Promise<Providers> {
    const host = this.#options.host ?? '127.0.0.1';
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port ?? 0, host, resolve);
    });
    const { port } = this.#server.address() as AddressInfo;
    const origin = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
    return {
      urls: Object.fromEntries(providerNames.map((name) => [name, `${origin}/${name}`])) as Record<ProviderName, string>,
      log: this.#log.events,
      key: this.#key,
      tell: (change) => this.#tell(change),
      close: () => this.#close(),
    };
  }

  #tell(change: Partial<Scenario>): void {
    this.#scenario = { ...this.#scenario, ...change };
    if (change.seed !== undefined || change.delays || change.delaysOf) this.#delays.restart(this.#scenario.seed);
    if (change.seed !== undefined || change.faults) this.#faults.restart(this.#scenario.seed);
  }

  async #close(): Promise<void> {
    for (const connection of this.#open) connection.end();
    for (const client of this.#sockets.clients) client.terminate();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    for (const socket of this.#raw) socket.destroy();
    this.#sockets.close();
    await closed;
  }

  /** The provider, route and connection of a request; undefined when no path fits. */
  #find(request: IncomingMessage, isSocket: boolean): Connection | ProviderName | undefined {
    const asked = URL.parse(request.url ?? '/', 'http://provider');
    if (!asked) return undefined;
    const [, prefix = '', rest = ''] = /^\/([^/]*)(\/.*)?$/.exec(asked.pathname) ?? [];
    const provider = providerNames.find((name) => name === prefix);
    if (!provider) return undefined;
    const url = new URL(`${rest || '/'}${asked.search}`, 'http://provider');
    for (const route of routes[provider]) {
      const match = route.path.exec(url.pathname);
      if (!match || !((isSocket ? 'socket' : 'http') in route)) continue;
      const params = { ...match.groups };
      const connection = new Connection({
        provider,
        connection: ++this.#connections,
        route,
        url,
        params,
        scenario: () => this.#scenario,
        takeFault: () => this.#faults.take(this.#scenario, provider, route.stage, 'stream'),
        draw: (stage, orMs) => this.#delays.draw(this.#scenario, provider, stage, orMs),
        log: (event) => this.#log.add(event),
        nextMark: () => this.#nextMark(provider),
      });
      this.#open.add(connection);
      connection.signal.addEventListener('abort', () => this.#open.delete(connection), { once: true });
      return connection;
    }
    return provider;
  }

  #nextMark(provider: ProviderName): number {
    const mark = ((this.#marks.get(provider) ?? -1) + 1) & 15;
    this.#marks.set(provider, mark);
    return mark;
  }

  /** The refusal that a request earns by its key or by the limits. */
  #refusal(request: IncomingMessage, connection: Connection, isStream: boolean): Refusal | undefined {
    const { route } = connection;
    if (!route.admits(request, connection.url, this.#key)) return route.refuse(401, 'The API key is missing or wrong.');
    const retryAfterS = this.#limits.get(connection.provider)?.admit(nowMs(), isStream, this.#scenario.limits);
    if (retryAfterS !== undefined) return withRetryAfter(route.refuse(429, 'Too many requests.'), retryAfterS);
    const wrong = isStream ? route.check?.(connection) : undefined;
    return wrong === undefined ? undefined : route.refuse(400, wrong);
  }

  #connectFault(connection: Connection): Fault | undefined {
    const fault = this.#faults.take(this.#scenario, connection.provider, connection.route.stage, 'connect');
    if (fault) connection.log('fault', { detail: fault.kind });
    return fault;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const connection = this.#find(request, false);
    if (!(connection instanceof Connection)) {
      sendJson(response, { status: 404, body: { error: { message: `Nothing is served at ${request.method} ${request.url}` } } });
      return;
    }
    response.once('close', () => connection.end());
    const text = await readBody(request).catch(() => undefined);
    if (text === undefined) return void response.destroy();
    connection.setBody(text);
    connection.log('request', { body: connection.body ?? text });
    const fault = this.#connectFault(connection);
    if (fault) return this.#failRequest(response, connection, fault);
    const refusal = this.#refusal(request, connection, false);
    if (refusal) return sendJson(response, refusal);
    try {
      await connection.route.http?.(request, response, connection);
    } catch (error) {
      connection.log('closed', { detail: String(error) });
      if (!response.headersSent) sendJson(response, connection.route.refuse(500, String(error)));
      else response.destroy();
    }
  }

  #failRequest(response: ServerResponse, connection: Connection, fault: Fault): void {
    const { route } = connection;
    switch (fault.kind) {
      case 'reset':
        response.socket?.resetAndDestroy();
        return;
      case 'close':
        response.socket?.destroy();
        return;
      case 'trickle':
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        return trickle(connection, (byte) => response.write(byte), ': waiting for capacity');
      case 'html':
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
        return;
      case 'status':
        return sendJson(response, withRetryAfter(route.refuse(fault.status ?? 500, 'A scripted failure.'), fault.retryAfterS));
      case 'error-message':
        return sendJson(response, route.refuse(500, 'A scripted failure.'));
      default: // a stall: the request is never answered
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {});
    const connection = this.#find(request, true);
    if (!(connection instanceof Connection)) {
      return sendHead(socket, 404, 'application/json', JSON.stringify({ error: { message: `Nothing is served at ${request.url}` } }));
    }
    connection.log('request', { detail: `${connection.url.pathname}${connection.url.search}` });
    socket.once('close', () => connection.end());
    const fault = this.#connectFault(connection);
    if (fault) return this.#failUpgrade(request, socket, head, connection, fault);
    const refusal = this.#refusal(request, connection, true);
    if (refusal) return this.#refuseUpgrade(request, socket, head, refusal);
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#serve(webSocket, request, connection));
  }

  #serve(webSocket: WebSocket, request: IncomingMessage, connection: Connection): void {
    const limit = this.#limits.get(connection.provider);
    limit?.streamOpened();
    connection.log('opened');
    webSocket.on('error', () => {});
    webSocket.once('close', (code) => {
      limit?.streamClosed();
      connection.log('closed', { detail: String(code) });
      connection.end();
    });
    takeWholeMessages(webSocket);
    connection.route.socket?.(webSocket, request, connection);
  }

  #refuseUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, refusal: Refusal): void {
    const inside = refusal.socket;
    if (!inside) return sendHead(socket, refusal.status, 'application/json', JSON.stringify(refusal.body), refusal.headers);
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', () => {});
      if (inside.message !== undefined) webSocket.send(JSON.stringify(inside.message));
      webSocket.close(inside.code, inside.reason);
    });
  }

  #failUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, connection: Connection, fault: Fault): void {
    const { route } = connection;
    switch (fault.kind) {
      case 'reset':
        if ('resetAndDestroy' in socket) (socket as Duplex & { resetAndDestroy(): void }).resetAndDestroy();
        else socket.destroy();
        return;
      case 'trickle':
        return trickle(connection, (byte) => socket.write(byte), 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n');
      case 'html':
        return sendHead(socket, 200, 'text/html; charset=utf-8', page);
      case 'status': {
        // As an HTTP answer even where the provider refuses inside the socket: a proxy in front of it would.
        const refusal = withRetryAfter(route.refuse(fault.status ?? 500, 'A scripted failure.'), fault.retryAfterS);
        return sendHead(socket, refusal.status, 'application/json', JSON.stringify(refusal.body), refusal.headers);
      }
      case 'close':
      case 'error-message':
        this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
          webSocket.on('error', () => {});
          if (fault.kind === 'close') return closeSocket(webSocket, fault.code ?? 1011, 'scripted');
          const failure = route.failure();
          webSocket.send(failure.message);
          closeSocket(webSocket, failure.code ?? 1011, failure.reason ?? '');
        });
        return;
      default: // a stall: the upgrade is never answered
    }
  }
}

function withRetryAfter(refusal: Refusal, seconds: number | undefined): Refusal {
  return seconds === undefined ? refusal : { ...refusal, headers: { ...refusal.headers, 'retry-after': String(seconds) } };
}

function sendJson(response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(refusal.status, { 'content-type': 'application/json', ...refusal.headers }).end(JSON.stringify(refusal.body));
}

/** A whole HTTP answer to an upgrade. */
function sendHead(socket: Duplex, status: number, type: string, body: string, headers: Record<string, string> = {}): void {
  const lines = [`HTTP/1.1 ${status} ${status < 300 ? 'OK' : 'Refused'}`, `content-type: ${type}`];
  lines.push(`content-length: ${Buffer.byteLength(body)}`, 'connection: close');
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

/** One byte a second, the text again and again. */
function trickle(connection: Connection, write: (byte: string) => void, text: string): void {
  let at = 0;
  const next = (): void => {
    write(text[at++ % text.length] ?? '');
    connection.after(TRICKLE_EVERY_MS, next);
  };
  next();
}

function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    request.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > BODY_BYTES) reject(new Error('the body is too large'));
      else parts.push(part);
    });
    request.once('end', () => resolve((parts.length === 1 ? parts[0] : Buffer.concat(parts)).toString('utf8')));
    request.once('error', reject);
    request.once('close', () => {
      if (!request.complete) reject(new Error('the client has gone'));
    });
  });
}
