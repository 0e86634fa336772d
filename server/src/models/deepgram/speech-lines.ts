/**
 * Sockets that speak one clause at a time. A line that is done is kept for the next clause in the same voice; one that was
 * interrupted is cleared first, and dropped when the vendor does not confirm that.
 *
 *   free ──take──▶ speaking ──flushed──▶ free
 *                     └──stopped──▶ clearing ──cleared──▶ free
 *                                      └──2 s──▶ closed
 */
import { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { ProviderSocket } from '../provider-socket.ts';
import { SocketPool, type SocketPoolOptions } from '../socket-pool.ts';
import { type AuraMessage, clearInput, closeInput, flushInput, readAura, speakInput } from './speech-wire.ts';

export interface SpeechLineListener {
  sound(bytes: Uint8Array): void;
  /** The clause is complete. */
  flushed(): void;
  failed(error: VendorError): void;
}

const MOST_LINES = 256;
const MOST_FREE = 32;
const CLEAR_MS = 2_000;
/** Deepgram takes 20 flushes in 60 s from a socket. */
const MOST_FLUSHES = 20;
const FLUSH_WINDOW_MS = 60_000;

export class SpeechLine {
  readonly url: string;
  readonly #kit: Kit;
  readonly #lines: SpeechLines;
  readonly #socket: ProviderSocket;
  /** When it was flushed, oldest first. */
  readonly #flushes: number[] = [];
  #listener: SpeechLineListener | undefined;
  #clearing: { cancel(): void } | undefined;

  constructor(kit: Kit, lines: SpeechLines, pool: SocketPool, url: string) {
    this.#kit = kit;
    this.#lines = lines;
    this.url = url;
    this.#socket = pool.take(url, { message: (data) => this.#heard(readAura(data)), failed: (error) => this.#failed(error) });
  }

  get madeAtMs(): number {
    return this.#socket.madeAtMs;
  }

  get alive(): boolean {
    return this.#socket.state !== 'closed';
  }

  get free(): boolean {
    return this.alive && !this.#listener && !this.#clearing;
  }

  /** Flushes that the vendor takes now. */
  get flushesLeft(): number {
    const since = this.#kit.clock.now() - FLUSH_WINDOW_MS;
    while (this.#flushes.length > 0 && this.#flushes[0] <= since) this.#flushes.shift();
    return MOST_FLUSHES - this.#flushes.length;
  }

  /** Throws a retryable `VendorError` when the socket does not take it. */
  speak(text: string, listener: SpeechLineListener): void {
    this.#listener = listener;
    this.#flushes.push(this.#kit.clock.now());
    if (this.#send(speakInput(text)) && this.#send(flushInput)) return;
    this.#listener = undefined;
    this.close();
    throw new VendorError(this.#socket.vendor, 'retryable', 'the connection does not take more');
  }

  /** The clause is not wanted any more. */
  stop(): void {
    if (!this.#listener) return;
    this.#listener = undefined;
    if (!this.#send(clearInput)) {
      this.close();
      return;
    }
    this.#clearing = this.#kit.clock.after(CLEAR_MS, () => this.close());
  }

  close(): void {
    this.#clearing?.cancel();
    const listener = this.#listener;
    this.#listener = undefined;
    this.#socket.close(JSON.stringify(closeInput));
    this.#lines.gone(this);
    listener?.failed(new VendorError(this.#socket.vendor, 'permanent', 'the synthesizer is closed'));
  }

  #send(message: object): boolean {
    return this.#socket.send(JSON.stringify(message));
  }

  #heard(message: AuraMessage | undefined): void {
    const listener = this.#listener;
    switch (message?.type) {
      case 'sound':
        listener?.sound(message.bytes);
        break;
      case 'flushed':
        // One that was on its way when the clause was stopped belongs to nobody.
        if (!listener) return;
        this.#listener = undefined;
        listener.flushed();
        this.#lines.freed(this);
        break;
      case 'cleared':
        this.#clearing?.cancel();
        this.#clearing = undefined;
        this.#lines.freed(this);
        break;
      case 'warning':
        this.#kit.log.warn({ vendor: this.#socket.vendor, reason: message.text }, 'the voice warns');
        break;
      case 'error':
        throw message.error;
      case undefined:
        break;
    }
  }

  #failed(error: VendorError): void {
    this.#clearing?.cancel();
    const listener = this.#listener;
    this.#listener = undefined;
    this.#lines.gone(this);
    listener?.failed(error);
  }
}

export class SpeechLines {
  readonly #kit: Kit;
  readonly #pool: SocketPool;
  readonly #options: SocketPoolOptions;
  #lines: SpeechLine[] = [];

  constructor(kit: Kit, options: SocketPoolOptions) {
    this.#kit = kit;
    this.#options = options;
    this.#pool = new SocketPool(kit, options);
  }

  get size(): number {
    return this.#lines.length;
  }

  /** A free one, else a new one. Throws rate-limited when there are too many. */
  take(url: string): SpeechLine {
    const youngest = this.#kit.clock.now() - this.#options.maxAgeMs;
    for (const line of this.#lines.filter((old) => old.free && old.madeAtMs < youngest)) line.close();
    const kept = this.#lines.find((line) => line.url === url && line.free && line.flushesLeft > 0);
    if (kept) return kept;
    if (this.#lines.length >= MOST_LINES) this.#lines.find((line) => line.free)?.close();
    if (this.#lines.length >= MOST_LINES) {
      throw new VendorError(this.#options.vendor, 'rate-limited', `${MOST_LINES} connections are speaking`);
    }
    const line = new SpeechLine(this.#kit, this, this.#pool, url);
    this.#lines.push(line);
    return line;
  }

  warm(url: string): Promise<void> {
    return this.#pool.warm(url);
  }

  close(): void {
    for (const line of this.#lines) line.close();
    this.#pool.close();
  }

  freed(line: SpeechLine): void {
    const free = this.#lines.filter((other) => other.free);
    if (free.length > MOST_FREE) line.close();
  }

  gone(line: SpeechLine): void {
    this.#lines = this.#lines.filter((other) => other !== line);
  }
}
