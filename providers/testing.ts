/** A plain WebSocket client for the tests: what was received, in order, and waiting for what comes. */
import { WebSocket } from 'ws';
import { encodeMulaw } from './g711.ts';

export interface Received {
  /** Parsed JSON, or the bytes of a binary frame. */
  json?: Record<string, unknown> & { type?: string };
  bytes?: Buffer;
  text?: string;
  atMs: number;
}

export class Client {
  readonly received: Received[] = [];
  readonly webSocket: WebSocket;
  #wakers: (() => void)[] = [];
  #wasOpen = false;
  closed: { code: number; reason: string } | undefined;
  failed: { status?: number; body: string; headers: Record<string, string | string[] | undefined>; error?: string } | undefined;

  constructor(url: string, headers: Record<string, string>) {
    this.webSocket = new WebSocket(url.replace(/^http/, 'ws'), { headers, handshakeTimeout: 3000 });
    this.webSocket.on('message', (data: Buffer, isBinary) => {
      const text = isBinary ? undefined : data.toString();
      let json: Received['json'];
      try {
        json = text === undefined ? undefined : (JSON.parse(text) as Received['json']);
      } catch {
        json = undefined;
      }
      this.received.push({ json, text, bytes: isBinary ? data : undefined, atMs: performance.now() });
      this.#wake();
    });
    this.webSocket.on('open', () => {
      this.#wasOpen = true;
      this.#wake();
    });
    this.webSocket.on('error', (error) => {
      this.failed ??= { body: '', headers: {}, error: String(error) };
      this.#wake();
    });
    this.webSocket.on('unexpected-response', (_request, response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        this.failed = { status: response.statusCode, body: Buffer.concat(parts).toString(), headers: response.headers };
        this.webSocket.terminate();
        this.#wake();
      });
    });
    this.webSocket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.#wake();
    });
  }

  #wake(): void {
    for (const waker of this.#wakers.splice(0)) waker();
  }

  /** Resolves when `done` answers something; rejects after `limitMs`. */
  async until<T>(done: () => T | undefined | false, limitMs = 5000): Promise<T> {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const value = done();
      if (value !== undefined && value !== false) return value;
      const rest = deadline - performance.now();
      if (rest <= 0) throw new Error(`nothing came; received ${JSON.stringify(this.received.map((one) => one.text)).slice(0, 2000)}`);
      await new Promise<void>((resolve) => {
        // Some of what is waited for is in the log, which wakes nobody.
        const timer = setTimeout(resolve, Math.min(rest, 10));
        this.#wakers.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async opened(): Promise<this> {
    await this.until(() => this.#wasOpen);
    return this;
  }

  /** The messages of one type, so far. */
  of(type: string): Record<string, unknown>[] {
    return this.received.flatMap((one) => (one.json?.type === type ? [one.json] : []));
  }

  types(): string[] {
    return this.received.map((one) => (one.bytes ? 'binary' : String(one.json?.type ?? one.text)));
  }

  send(message: object | Uint8Array | string): void {
    this.webSocket.send(message instanceof Uint8Array || typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Sound in 80 ms frames, as fast as it goes. */
  hear(sound: Uint8Array, frame = 640): void {
    for (let at = 0; at < sound.length; at += frame) this.send(sound.subarray(at, at + frame));
  }

  async close(): Promise<void> {
    if (this.webSocket.readyState !== WebSocket.CLOSED) {
      this.webSocket.terminate();
      await this.until(() => this.closed);
    }
  }
}

/** μ-law at 8 kHz: a tone that counts as voice, and silence. */
export function voiced(ms: number): Uint8Array {
  return Uint8Array.from({ length: ms * 8 }, (_, i) => encodeMulaw(Math.round(6000 * Math.sin(i * 0.4))));
}

export function quiet(ms: number): Uint8Array {
  return new Uint8Array(ms * 8).fill(0xff);
}
