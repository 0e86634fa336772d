/**
 * SIP over TCP (RFC 3261 §18, RFC 5626 §3.5.1 keep-alives): listens, dials, and uses a connection again in both directions.
 * A connection must bring an acceptable message soon, may not idle for ever, and a source may open only so many.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock, Timer } from '#kit/clock.ts';
import type { Log } from '#kit/log.ts';
import type { SipPeer } from './message.ts';
import { SipStreamParser } from './parse.ts';
import type { ListenOptions, SendFailure, SipReceiver, SipTransport } from './transport.ts';
import { portError } from './udp-transport.ts';

export interface TcpLimits {
  /** Connections in all. */
  connections: number;
  /** Connections that one source address may have open to us. */
  connectionsPerSource: number;
  /** Silence after which a connection is closed; longer than any registration or session refresh. */
  idleMs: number;
  /** A fresh incoming connection must have brought an acceptable message by then. */
  firstMessageMs: number;
  /** How long a dial may take. */
  dialMs: number;
  /** Bytes waiting for a slow reader before the connection is given up. */
  pendingBytes: number;
}

const DEFAULT_LIMITS: TcpLimits = {
  connections: 2000,
  connectionsPerSource: 200,
  idleMs: 3_600_000,
  firstMessageMs: 10_000,
  dialMs: 4000,
  pendingBytes: 1024 * 1024,
};

interface Connection {
  readonly id: number;
  readonly socket: Socket;
  readonly address: string;
  readonly port: number;
  readonly incoming: boolean;
  readonly failures: SendFailure[];
  /** It has brought something that was not a stranger's. */
  known: boolean;
  /** Guards dialling, the first message, then idleness. */
  deadline: Timer | undefined;
  lastUsedAt: number;
}

const KEEP_ALIVE_PONG = Buffer.from('\r\n');

export class TcpTransport implements SipTransport {
  readonly name = 'TCP';
  readonly reliable = true;
  readonly #options: ListenOptions;
  readonly #limits: TcpLimits;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #connections = new Map<number, Connection>();
  /** `address port` of connections we dialled. */
  readonly #dialled = new Map<string, Connection>();
  readonly #perSource = new Map<string, number>();
  readonly #counts = {
    tcpReceived: 0,
    tcpSent: 0,
    tcpRefused: 0,
    tcpFaults: 0,
    tcpKeepAlives: 0,
    tcpSendErrors: 0,
    tcpAccepted: 0,
    tcpDialled: 0,
    tcpClosedIdle: 0,
  };
  #server: Server | undefined;
  #receiver: SipReceiver | undefined;
  #nextId = 1;

  constructor(options: ListenOptions, clock: Clock, log: Log, limits: Partial<TcpLimits> = {}) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  get address(): string {
    return this.#options.host;
  }

  get port(): number {
    const address = this.#server?.address();
    return address && typeof address === 'object' ? address.port : 0;
  }

  async start(receiver: SipReceiver): Promise<void> {
    const { host, port } = this.#options;
    this.#receiver = receiver;
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    server.maxConnections = this.#limits.connections;
    server.on('drop', () => this.#counts.tcpRefused++);
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(portError(error, 'TCP', this.#options)));
      server.listen({ host, port }, () => {
        server.removeAllListeners('error');
        resolve();
      });
    });
    server.on('error', (error) => this.#log.warn({ error }, 'sip tcp listener error'));
    this.#server = server;
  }

  #accept(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    const open = this.#perSource.get(address) ?? 0;
    if (open >= this.#limits.connectionsPerSource || !this.#receiver?.admits(address, 'TCP')) {
      this.#counts.tcpRefused++;
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    this.#counts.tcpAccepted++;
    this.#perSource.set(address, open + 1);
    const connection = this.#adopt(socket, address, socket.remotePort ?? 0, true);
    connection.deadline = this.#clock.after(this.#limits.firstMessageMs, () => {
      if (connection.known) this.#watchIdle(connection);
      else {
        this.#counts.tcpClosedIdle++;
        socket.destroy();
      }
    });
  }

  #adopt(socket: Socket, address: string, port: number, incoming: boolean): Connection {
    const connection: Connection = {
      id: this.#nextId++,
      socket,
      address,
      port,
      incoming,
      failures: [],
      known: !incoming,
      deadline: undefined,
      lastUsedAt: this.#clock.now(),
    };
    this.#connections.set(connection.id, connection);
    const parser = new SipStreamParser();
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#read(connection, parser, chunk));
    socket.on('error', (error) => this.#failWaiting(connection, error));
    socket.on('end', () => socket.end());
    socket.on('close', () => this.#forget(connection));
    return connection;
  }

  #read(connection: Connection, parser: SipStreamParser, chunk: Uint8Array): void {
    const receiver = this.#receiver;
    const { socket } = connection;
    connection.lastUsedAt = this.#clock.now();
    const from: SipPeer = { transport: 'TCP', address: connection.address, port: connection.port, connection: connection.id };
    for (const item of parser.push(chunk)) {
      if (!receiver || socket.destroyed) return;
      if (item.kind === 'keep-alive') {
        this.#counts.tcpKeepAlives++;
        if (connection.known) socket.write(KEEP_ALIVE_PONG);
      } else if (!receiver.admits(connection.address, 'TCP')) {
        this.#counts.tcpRefused++;
        socket.destroy();
      } else if (item.kind === 'fault') {
        this.#counts.tcpFaults++;
        receiver.fault(item, from);
        if (item.fatal) socket.end();
      } else {
        this.#counts.tcpReceived++;
        if (receiver.message(item, from)) connection.known = true;
        else if (!connection.known) socket.destroy();
      }
    }
  }

  /** Uses `peer.connection` while it is open, else a connection dialled to the same address and port, else dials. */
  send(bytes: Uint8Array, peer: SipPeer, onFailure?: SendFailure): void {
    if (!this.#server) {
      queueMicrotask(() => onFailure?.(new Error('the TCP transport is closed')));
      return;
    }
    const named = peer.connection === undefined ? undefined : this.#connections.get(peer.connection);
    const connection = named ?? this.#dialled.get(`${peer.address} ${peer.port}`) ?? this.#dial(peer);
    const { socket } = connection;
    if (socket.destroyed || socket.writableLength > this.#limits.pendingBytes) {
      this.#counts.tcpSendErrors++;
      socket.destroy();
      queueMicrotask(() => onFailure?.(new Error('the TCP connection does not take more')));
      return;
    }
    connection.lastUsedAt = this.#clock.now();
    this.#counts.tcpSent++;
    if (onFailure) connection.failures.push(onFailure);
    socket.write(bytes, (error) => {
      if (!onFailure) return;
      const at = connection.failures.indexOf(onFailure);
      if (at >= 0) connection.failures.splice(at, 1);
      else return;
      if (error) onFailure(error);
    });
  }

  #dial(peer: SipPeer): Connection {
    this.#counts.tcpDialled++;
    const socket = connect({ host: peer.address, port: peer.port });
    const connection = this.#adopt(socket, peer.address, peer.port, false);
    const key = `${peer.address} ${peer.port}`;
    this.#dialled.set(key, connection);
    connection.deadline = this.#clock.after(this.#limits.dialMs, () => socket.destroy(new Error('the TCP dial timed out')));
    socket.on('connect', () => {
      connection.deadline?.cancel();
      this.#watchIdle(connection);
    });
    return connection;
  }

  #watchIdle(connection: Connection): void {
    const idleMs = this.#clock.now() - connection.lastUsedAt;
    if (idleMs >= this.#limits.idleMs) {
      this.#counts.tcpClosedIdle++;
      connection.socket.destroy();
      return;
    }
    connection.deadline = this.#clock.after(this.#limits.idleMs - idleMs, () => this.#watchIdle(connection));
  }

  #failWaiting(connection: Connection, error: Error): void {
    const failures = connection.failures.splice(0);
    this.#counts.tcpSendErrors += failures.length;
    for (const failed of failures) failed(error);
  }

  #forget(connection: Connection): void {
    connection.deadline?.cancel();
    this.#connections.delete(connection.id);
    const key = `${connection.address} ${connection.port}`;
    if (this.#dialled.get(key) === connection) this.#dialled.delete(key);
    if (connection.incoming) {
      const open = (this.#perSource.get(connection.address) ?? 1) - 1;
      if (open > 0) this.#perSource.set(connection.address, open);
      else this.#perSource.delete(connection.address);
    }
    this.#failWaiting(connection, new Error('the TCP connection closed'));
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = [...this.#connections.values()].map(
      ({ socket }) =>
        new Promise<void>((resolve) => {
          socket.once('close', () => resolve());
          // What was written (a last BYE) leaves before the close; a peer that does not read may not hold us up.
          socket.end(() => socket.destroy());
          if (socket.connecting || socket.writableLength === 0) socket.destroy();
        }),
    );
    const grace = this.#clock.after(500, () => {
      for (const { socket } of this.#connections.values()) socket.destroy();
    });
    await Promise.all([...closed, new Promise<void>((resolve) => server.close(() => resolve()))]);
    grace.cancel();
  }

  counters(): Record<string, number> {
    return { ...this.#counts };
  }

  /** Connections open now. */
  get openConnections(): number {
    return this.#connections.size;
  }
}

/** An IPv4 address that came over a dual-stack socket, without its IPv6 dress. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
