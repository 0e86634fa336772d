/**
 * Sockets on which many requests talk at once, told apart by a context id, shared by all calls: a clause neither waits for a
 * handshake nor for another call's clause. A new socket is opened when all are full, up to a bound.
 */
import { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { ProviderSocket } from './provider-socket.ts';
import { SocketPool, type SocketPoolOptions } from './socket-pool.ts';

/** Synchronous. Nothing is called after `leave`. */
export interface ContextListener<Message> {
  message(message: Message): void;
  /** The socket is dead, and every context with it. */
  failed(error: VendorError): void;
}

export interface ContextSocketsOptions<Message> extends Omit<SocketPoolOptions, 'size'> {
  /** Contexts a socket carries at once. */
  perSocket: number;
  mostSockets: number;
  /** Undefined to ignore the message. Throws a VendorError to fail the socket. */
  read: (data: string | Uint8Array) => ContextMessage<Message> | undefined;
}

export interface ContextMessage<Message> {
  /** Absent: it is meant for all. */
  context: string | undefined;
  message: Message;
  /** The vendor has ended this context. */
  ended?: boolean;
}

/** A cancelled context may still count for the vendor until it says so; not for longer than this. */
const LINGER_MS = 2_000;

export class ContextSocket<Message> {
  readonly url: string;
  readonly #kit: Kit;
  readonly #read: ContextSocketsOptions<Message>['read'];
  readonly #perSocket: number;
  readonly #contexts = new Map<string, ContextListener<Message>>();
  /** Left, not yet ended by the vendor: until when they count. */
  readonly #lingering = new Map<string, number>();
  readonly #socket: ProviderSocket;
  readonly #left: (socket: ContextSocket<Message>) => void;

  constructor(
    kit: Kit,
    parts: { url: string; pool: SocketPool; options: ContextSocketsOptions<Message>; left: (socket: ContextSocket<Message>) => void },
  ) {
    this.url = parts.url;
    this.#kit = kit;
    this.#read = parts.options.read;
    this.#perSocket = parts.options.perSocket;
    this.#left = parts.left;
    this.#socket = parts.pool.take(parts.url, {
      message: (data) => this.#heard(data),
      failed: (error) => this.#failed(error),
    });
  }

  get madeAtMs(): number {
    return this.#socket.madeAtMs;
  }

  get alive(): boolean {
    return this.#socket.state !== 'closed';
  }

  /** Nothing is under way. */
  get idle(): boolean {
    return this.#contexts.size === 0;
  }

  get free(): number {
    const now = this.#kit.clock.now();
    for (const [id, untilMs] of this.#lingering) if (untilMs <= now) this.#lingering.delete(id);
    return this.#perSocket - this.#contexts.size - this.#lingering.size;
  }

  /** What comes for `id` goes to `listener` from now on. */
  enter(id: string, listener: ContextListener<Message>): void {
    this.#lingering.delete(id);
    this.#contexts.set(id, listener);
  }

  /** What still comes for `id` is dropped. `ended`: the vendor has ended it; otherwise its place stays taken for a while. */
  leave(id: string, ended: boolean): void {
    if (!this.#contexts.delete(id)) return;
    if (!ended) this.#lingering.set(id, this.#kit.clock.now() + LINGER_MS);
    this.#left(this);
  }

  /** Throws a retryable `VendorError` when the socket does not take it. */
  send(message: object): void {
    if (!this.#socket.send(JSON.stringify(message))) {
      throw new VendorError(this.#socket.vendor, 'retryable', 'the connection does not take more');
    }
  }

  close(): void {
    const contexts = [...this.#contexts.values()];
    this.#contexts.clear();
    this.#socket.close();
    for (const context of contexts) context.failed(new VendorError(this.#socket.vendor, 'permanent', 'the synthesizer is closed'));
  }

  #heard(data: string | Uint8Array): void {
    const read = this.#read(data);
    if (!read) return;
    if (read.context !== undefined) {
      if (read.ended) this.#lingering.delete(read.context);
      this.#contexts.get(read.context)?.message(read.message);
    } else for (const context of this.#contexts.values()) context.message(read.message);
  }

  #failed(error: VendorError): void {
    const contexts = [...this.#contexts.values()];
    this.#contexts.clear();
    this.#left(this);
    for (const context of contexts) context.failed(error);
  }
}

export class ContextSockets<Message> {
  readonly #kit: Kit;
  readonly #options: ContextSocketsOptions<Message>;
  readonly #pool: SocketPool;
  #sockets: ContextSocket<Message>[] = [];

  constructor(kit: Kit, options: ContextSocketsOptions<Message>) {
    this.#kit = kit;
    this.#options = options;
    this.#pool = new SocketPool(kit, { ...options, size: 1 });
  }

  /** Sockets in use. */
  get size(): number {
    return this.#sockets.length;
  }

  /** One with room, the fullest first, so that the others fall empty; a new one otherwise. Throws rate-limited at the bound. */
  take(url: string): ContextSocket<Message> {
    const youngest = this.#kit.clock.now() - this.#options.maxAgeMs;
    let best: ContextSocket<Message> | undefined;
    for (const socket of this.#sockets) {
      if (socket.url !== url || !socket.alive || socket.madeAtMs < youngest || socket.free <= 0) continue;
      if (!best || socket.free < best.free) best = socket;
    }
    this.#sweep(best);
    if (best) return best;
    if (this.#sockets.length >= this.#options.mostSockets) {
      throw new VendorError(this.#options.vendor, 'rate-limited', `all ${this.#options.mostSockets} connections are full`);
    }
    const socket = new ContextSocket(this.#kit, {
      url,
      pool: this.#pool,
      options: this.#options,
      left: (left) => {
        if (!left.alive) this.#sockets = this.#sockets.filter((other) => other !== left);
      },
    });
    this.#sockets.push(socket);
    return socket;
  }

  /** Opens a spare for the URL. */
  warm(url: string): Promise<void> {
    return this.#pool.warm(url);
  }

  close(): void {
    for (const socket of this.#sockets.splice(0)) socket.close();
    this.#pool.close();
  }

  /** Closes what is empty and old, or in the way of another URL at the bound. */
  #sweep(needed: ContextSocket<Message> | undefined): void {
    const youngest = this.#kit.clock.now() - this.#options.maxAgeMs;
    const full = !needed && this.#sockets.length >= this.#options.mostSockets;
    for (const socket of this.#sockets) {
      if (socket === needed || !socket.idle || (socket.madeAtMs >= youngest && !full)) continue;
      this.#sockets = this.#sockets.filter((other) => other !== socket);
      socket.close();
    }
  }
}
