/**
 * A client's WebSocket to a vendor: deadlines on everything, bounded both ways, and one way to fail. It connects when it is
 * made. What is sent before it is open waits: control messages up to a number (then they are refused), sound up to a number
 * of bytes (then the oldest is dropped).
 *
 *   connecting ──opened──▶ open ──close()──▶ closed
 *        └──────── failed ───┴──────────────────▲
 */
import type { IncomingMessage } from 'node:http';
import { type RawData, WebSocket } from 'ws';
import type { Timer } from '#kit/clock.ts';
import { type FailureCategory, messageOf, VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { categoryOfClose, safeText, secretsOf, upgradeFailure } from './socket-failures.ts';

/** Synchronous; the socket survives what these throw only by failing: a thrown VendorError becomes the failure. */
export interface SocketListener {
  opened?(): void;
  /** A text message as a string, a binary one as bytes that belong to the listener. */
  message(data: string | Uint8Array): void;
  /** Once, and the last: refused, closed by the vendor, silent too long, or a listener threw. */
  failed(error: VendorError): void;
}

/** Who keeps a socket warm hears of these two before, and besides, any listener. */
export interface SocketKeeper {
  opened(): void;
  /** Not called when the socket is closed by us. */
  failed(error: VendorError): void;
}

export interface ProviderSocketOptions {
  vendor: string;
  /** `ws:`, `wss:`, `http:` or `https:`. */
  url: string;
  headers: Readonly<Record<string, string>>;
  /** From being made to being open; 5 s unless said otherwise. */
  connectMs?: number;
  /** The vendor may send nothing at all (pongs included) for this long while there is a listener; no bound when absent. */
  idleMs?: number;
  /** A WebSocket ping this often, whose pong counts against `idleMs`. */
  pingEveryMs?: number;
  /** Sent when nothing else was for `everyMs`. */
  keepAlive?: { everyMs: number; message: string };
  /** Sound that may wait for the socket to open: 2 s of linear 16 kHz unless said otherwise. */
  soundQueueBytes?: number;
  /** Close codes of the vendor's own; undefined: as the RFC has it. */
  categoryOf?: (code: number, reason: string) => FailureCategory | undefined;
  keeper?: SocketKeeper;
}

const CONNECT_MS = 5_000;
const CLOSE_MS = 2_000;
const SOUND_QUEUE_BYTES = 64_000;
const MOST_WAITING = 64;
const MOST_MESSAGE_BYTES = 1024 * 1024;
/** What the kernel and the vendor have not taken yet: 8 s of linear 16 kHz. Beyond it messages are refused. */
const MOST_UNSENT_BYTES = 256 * 1024;
/** Messages kept for a listener that attaches later (greetings of a warm socket). */
const MOST_UNHEARD = 16;
const BODY_BYTES = 2_048;
const BODY_MS = 1_000;

interface Waiting {
  data: string | Uint8Array;
  sound: boolean;
}

export class ProviderSocket {
  readonly vendor: string;
  /** When it began to connect. */
  readonly madeAtMs: number;
  readonly #kit: Kit;
  readonly #options: ProviderSocketOptions;
  readonly #socket: WebSocket | undefined;
  readonly #secrets: readonly string[];
  #state: 'connecting' | 'open' | 'closed' = 'connecting';
  #listener: SocketListener | undefined;
  /** Heard before a listener came. */
  #unheard: (string | Uint8Array)[] = [];
  #failure: VendorError | undefined;
  readonly #out = { waiting: [] as Waiting[], soundBytes: 0, droppedBytes: 0 };
  /** Times of the last traffic each way and the timers that look at them. */
  readonly #watch = {
    heardMs: 0,
    sentMs: 0,
    connect: undefined as Timer | undefined,
    idle: undefined as Timer | undefined,
    ping: undefined as Timer | undefined,
    alive: undefined as Timer | undefined,
  };

  /** Connects at once. Without a `listener`, messages wait for {@link attach}. */
  constructor(kit: Kit, options: ProviderSocketOptions, listener?: SocketListener) {
    this.vendor = options.vendor;
    this.#kit = kit;
    this.#options = options;
    this.#listener = listener;
    this.#secrets = secretsOf(options.headers);
    this.madeAtMs = kit.clock.now();
    const connectMs = options.connectMs ?? CONNECT_MS;
    this.#watch.connect = kit.clock.after(connectMs, () => this.#fail(this.#error('retryable', `not connected within ${connectMs} ms`)));
    try {
      this.#socket = new WebSocket(options.url, {
        headers: options.headers,
        // 20 ms of sound does not shrink, and each socket would pay a window of memory.
        perMessageDeflate: false,
        maxPayload: MOST_MESSAGE_BYTES,
        followRedirects: false,
      });
    } catch (error) {
      // Told later, because whoever makes the socket has not got it yet.
      const failure = this.#error('permanent', messageOf(error));
      queueMicrotask(() => this.#fail(failure));
      return;
    }
    this.#socket.on('open', () => this.#opened());
    this.#socket.on('message', (data, binary) => this.#heard(data, binary));
    this.#socket.on('pong', () => (this.#watch.heardMs = kit.clock.now()));
    this.#socket.on('ping', () => (this.#watch.heardMs = kit.clock.now()));
    this.#socket.on('unexpected-response', (_request, response) => this.#refused(response));
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#broke(error));
    this.#socket.on('close', (code, reason) => this.#closedByVendor(code, reason.toString()));
  }

  get state(): 'connecting' | 'open' | 'closed' {
    return this.#state;
  }

  /** Why it is closed; undefined while it is not, or when it was closed by us. */
  get failure(): VendorError | undefined {
    return this.#failure;
  }

  /** Sound that never left because the socket opened too late. */
  get droppedBytes(): number {
    return this.#out.droppedBytes;
  }

  /** Takes over a warm socket: what happened before is told in the next microtask, in order. */
  attach(listener: SocketListener): void {
    queueMicrotask(() => {
      if (this.#state === 'closed') {
        if (this.#failure) listener.failed(this.#failure);
        return;
      }
      this.#listener = listener;
      if (this.#state === 'open') {
        this.#watch.heardMs = this.#kit.clock.now();
        this.#watchIdle();
        this.#open(listener);
      }
      for (const data of this.#unheard.splice(0)) this.#hand(listener, data);
    });
  }

  /** A control message. False when it was refused: closed, too many wait, or the vendor does not take what was sent. */
  send(message: string | Uint8Array): boolean {
    if (this.#state === 'open') return this.#write(message);
    if (this.#state === 'closed' || this.#out.waiting.length >= MOST_WAITING + this.#soundsWaiting()) return false;
    this.#out.waiting.push({ data: message, sound: false });
    return true;
  }

  /** Sound; `bytes` are copied. Before it is open the oldest makes room. False when refused, as in {@link send}. */
  sendSound(bytes: Uint8Array): boolean {
    if (this.#state === 'open') return this.#write(bytes);
    if (this.#state === 'closed') return false;
    const { waiting } = this.#out;
    waiting.push({ data: new Uint8Array(bytes), sound: true });
    this.#out.soundBytes += bytes.length;
    while (this.#out.soundBytes > (this.#options.soundQueueBytes ?? SOUND_QUEUE_BYTES)) {
      const [oldest] = waiting.splice(
        waiting.findIndex(({ sound }) => sound),
        1,
      );
      this.#out.soundBytes -= oldest.data.length;
      this.#out.droppedBytes += oldest.data.length;
    }
    return true;
  }

  /** Sends `last` if it can, and closes; cut off when the vendor has not closed within 2 s. Nothing is told after it. */
  close(last?: string | Uint8Array): void {
    if (this.#state === 'closed') return;
    if (last !== undefined && this.#state === 'open') this.#write(last);
    this.#end();
    const socket = this.#socket;
    if (!socket) return;
    if (socket.readyState === WebSocket.CONNECTING) return socket.terminate();
    socket.close(1000);
    if (socket.readyState === WebSocket.CLOSED) return;
    const cut = this.#kit.clock.after(CLOSE_MS, () => socket.terminate());
    socket.once('close', () => cut.cancel());
  }

  #soundsWaiting(): number {
    return this.#out.soundBytes === 0 ? 0 : this.#out.waiting.reduce((count, { sound }) => count + (sound ? 1 : 0), 0);
  }

  #write(data: string | Uint8Array): boolean {
    const socket = this.#socket;
    if (!socket || socket.readyState !== WebSocket.OPEN || socket.bufferedAmount > MOST_UNSENT_BYTES) return false;
    this.#watch.sentMs = this.#kit.clock.now();
    socket.send(data);
    return true;
  }

  #opened(): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'open';
    this.#watch.connect?.cancel();
    this.#watch.heardMs = this.#watch.sentMs = this.#kit.clock.now();
    if (this.#listener) this.#watchIdle();
    this.#ping();
    this.#keepAlive();
    for (const { data } of this.#out.waiting.splice(0)) this.#write(data);
    this.#out.soundBytes = 0;
    this.#options.keeper?.opened();
    if (this.#listener) this.#open(this.#listener);
  }

  #heard(data: RawData, binary: boolean): void {
    if (this.#state !== 'open') return;
    this.#watch.heardMs = this.#kit.clock.now();
    const bytes = Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? Buffer.from(data) : data;
    const message = binary ? bytes : bytes.toString('utf8');
    const listener = this.#listener;
    if (listener) this.#hand(listener, message);
    else if (this.#unheard.push(message) > MOST_UNHEARD) this.#unheard.shift();
  }

  #open(listener: SocketListener): void {
    try {
      listener.opened?.();
    } catch (error) {
      this.#threw(error);
    }
  }

  #hand(listener: SocketListener, message: string | Uint8Array): void {
    if (this.#state === 'closed') return;
    try {
      listener.message(message);
    } catch (error) {
      this.#threw(error);
    }
  }

  #threw(error: unknown): void {
    this.#fail(error instanceof VendorError ? error : this.#error('permanent', messageOf(error), error));
  }

  #refused(response: IncomingMessage): void {
    const { statusCode: status = 0, headers } = response;
    let body = '';
    const told = () => {
      late.cancel();
      response.destroy();
      this.#fail(upgradeFailure(this.vendor, { status, headers, body }, this.#kit.clock.wall(), this.#secrets));
    };
    const late = this.#kit.clock.after(BODY_MS, told);
    response.on('data', (chunk: Buffer) => {
      body += chunk.toString('utf8');
      if (body.length > BODY_BYTES) told();
    });
    response.on('close', told);
    response.on('error', () => {});
  }

  #broke(error: NodeJS.ErrnoException): void {
    // A name that does not exist or a wrong certificate will not get better by trying again.
    const permanent = error.code === 'ENOTFOUND' || error.code?.startsWith('ERR_TLS') || error.code?.includes('CERT');
    const tooBig = error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
    const code = error.code ? `${error.code} ` : '';
    this.#fail(
      this.#error(permanent ? 'permanent' : 'retryable', tooBig ? 'a message of more than 1 MB' : `${code}${error.message}`, error),
    );
  }

  #closedByVendor(code: number, reason: string): void {
    const category = this.#options.categoryOf?.(code, reason) ?? categoryOfClose(code);
    this.#fail(this.#error(category, `the connection was closed (${code}${reason ? ` ${reason}` : ''})`));
  }

  #fail(error: VendorError): void {
    if (this.#state === 'closed') return;
    const listener = this.#listener;
    this.#failure = error;
    this.#end();
    this.#socket?.terminate();
    this.#options.keeper?.failed(error);
    listener?.failed(error);
  }

  #end(): void {
    this.#state = 'closed';
    const { connect, idle, ping, alive } = this.#watch;
    for (const timer of [connect, idle, ping, alive]) timer?.cancel();
    this.#out.waiting = [];
    this.#unheard = [];
    this.#listener = undefined;
  }

  #error(category: FailureCategory, message: string, cause?: unknown): VendorError {
    return new VendorError(this.vendor, category, safeText(message, this.#secrets), cause === undefined ? {} : { cause });
  }

  /** Looks when the silence could be too long, not at every message. */
  #watchIdle(): void {
    const { idleMs } = this.#options;
    if (idleMs === undefined) return;
    const leftMs = this.#watch.heardMs + idleMs - this.#kit.clock.now();
    if (leftMs <= 0) this.#fail(this.#error('retryable', `nothing was heard for ${idleMs} ms`));
    else this.#watch.idle = this.#kit.clock.after(leftMs, () => this.#watchIdle());
  }

  #ping(): void {
    const { pingEveryMs } = this.#options;
    if (pingEveryMs === undefined) return;
    this.#watch.ping = this.#kit.clock.after(pingEveryMs, () => {
      if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.ping();
      this.#ping();
    });
  }

  #keepAlive(): void {
    const { keepAlive } = this.#options;
    if (!keepAlive) return;
    const leftMs = this.#watch.sentMs + keepAlive.everyMs - this.#kit.clock.now();
    if (leftMs <= 0) this.#write(keepAlive.message);
    this.#watch.alive = this.#kit.clock.after(leftMs > 0 ? leftMs : keepAlive.everyMs, () => this.#keepAlive());
  }
}

/** A JSON object, or a retryable failure that shows how the message begins. */
export function readMessage(vendor: string, data: string | Uint8Array): Record<string, unknown> {
  const text = typeof data === 'string' ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8');
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read === 'object' && read !== null && !Array.isArray(read)) return read as Record<string, unknown>;
  } catch {
    // said below
  }
  throw new VendorError(vendor, 'retryable', `a message that is no JSON object: ${safeText(text.slice(0, 120), [])}`);
}
