/**
 * The call thread's own port for the WebSockets of carriers and browsers, so that their frames never pass through the
 * office's event loop. It takes upgrades to `/gateways/<name>/…` and hands them to their gateway; everything else is 404.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Kit } from '#kit/kit.ts';
import { TandemError } from '#kit/errors.ts';
import type { Gateway } from './gateway.ts';
import { refuseUpgrade } from './web-socket.ts';

/** From connection to a complete upgrade request. */
const HANDSHAKE_MS = 5_000;

export interface MediaServerOptions {
  host: string;
  /** 0 takes any free port (tests). */
  port: number;
  gateways: readonly Gateway[];
  kit: Kit;
  /** Connections of one address at a time; a reverse proxy is one address too. Default 4,000. */
  maxPerAddress?: number;
  /** Of these, how many may not have asked for an upgrade yet. Default 256. */
  maxWaitingPerAddress?: number;
}

interface Presence {
  connections: number;
  waiting: number;
}

export class MediaServer {
  readonly #options: MediaServerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #addresses = new Map<string, Presence>();
  readonly #waiting = new WeakSet<Socket>();
  readonly #counts = { connections: 0, connections_refused: 0, upgrades: 0, upgrades_refused: 0, requests_refused: 0, malformed: 0 };

  constructor(options: MediaServerOptions) {
    this.#options = options;
    this.#server = createServer({
      headersTimeout: HANDSHAKE_MS,
      requestTimeout: HANDSHAKE_MS,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 16 * 1024,
      keepAlive: false,
    });
    this.#server.maxHeadersCount = 64;
    this.#server.on('connection', (socket: Socket) => this.#welcome(socket));
    this.#server.on('request', (_request, response) => {
      this.#counts.requests_refused++;
      response.writeHead(404, { connection: 'close' }).end();
    });
    this.#server.on('clientError', (_error, socket) => {
      this.#counts.malformed++;
      socket.destroy();
    });
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head));
  }

  /** The port in use, once started. */
  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? this.#options.port;
  }

  /** Rejects with `port-taken`, naming the port and TANDEM_MEDIA_PORT. */
  start(): Promise<void> {
    const { host, port } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onError = (error: NodeJS.ErrnoException) => {
      const what = error.code === 'EADDRINUSE' ? 'is in use already' : `cannot be opened (${error.code ?? error.message})`;
      reject(new TandemError('port-taken', `Port ${port} on ${host} ${what}; set TANDEM_MEDIA_PORT to another one`, { port, host }, error));
    };
    this.#server.once('error', onError);
    this.#server.listen({ host, port, backlog: 1_024 }, () => {
      this.#server.off('error', onError);
      this.#server.on('error', (error) => this.#options.kit.log.error({ error }, 'the media port failed'));
      resolve();
    });
    return promise;
  }

  /** Closes the port and every connection; gateways have said their goodbyes before. */
  stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const socket of this.#sockets) socket.destroy();
    return promise;
  }

  counters(): Record<string, number> {
    return { ...this.#counts, connections_open: this.#sockets.size };
  }

  #welcome(socket: Socket): void {
    this.#counts.connections++;
    const address = socket.remoteAddress ?? 'unknown';
    const presence = this.#addresses.get(address) ?? { connections: 0, waiting: 0 };
    const { maxPerAddress = 4_000, maxWaitingPerAddress = 256 } = this.#options;
    if (presence.connections >= maxPerAddress || presence.waiting >= maxWaitingPerAddress) {
      this.#counts.connections_refused++;
      socket.destroy();
      return;
    }
    presence.connections++;
    presence.waiting++;
    this.#addresses.set(address, presence);
    this.#waiting.add(socket);
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {}); // `close` follows
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#noLongerWaiting(socket, presence);
      if (--presence.connections === 0) this.#addresses.delete(address);
    });
    socket.once('upgraded', () => this.#noLongerWaiting(socket, presence));
  }

  #noLongerWaiting(socket: Socket, presence: Presence): void {
    if (this.#waiting.delete(socket)) presence.waiting--;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.emit('upgraded');
    const [, name, rest] = /^\/gateways\/([a-z0-9-]{1,32})(\/[^?#]*|)(?:\?.*)?$/.exec(request.url ?? '') ?? [];
    const gateway = this.#options.gateways.find((candidate) => candidate.name === name);
    if (!gateway?.upgrade) {
      this.#counts.upgrades_refused++;
      refuseUpgrade(socket, 404);
      return;
    }
    this.#counts.upgrades++;
    try {
      gateway.upgrade(request, socket, head, rest === '' ? '/' : rest);
    } catch (error) {
      this.#options.kit.log.error({ error, gateway: name }, 'an upgrade failed');
      socket.destroy();
    }
  }
}
