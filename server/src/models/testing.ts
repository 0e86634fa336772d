/** For the tests of rooms behind a WebSocket: a vendor on loopback that hears where sound is, and a clock that really runs. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type WebSocket, WebSocketServer } from 'ws';
import { rateOf, type Sound, type SoundFormat } from '#audio/frame.ts';
import { linearToMulaw, mulawToLinear } from '#audio/g711.ts';
import { SystemClock } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { testKit } from '#kit/testing.ts';

/** A test kit on real time, for real sockets. */
export const liveKit = (): Kit => ({ ...testKit(), clock: new SystemClock() });

/** Polls, because what happens on a socket has no event of ours. */
export async function waitFor(condition: () => boolean, patienceMs = 10_000): Promise<void> {
  const clock = new SystemClock();
  const until = clock.now() + patienceMs;
  while (!condition()) {
    if (clock.now() > until) throw new Error(`waited ${patienceMs} ms in vain`);
    await sleep(2);
  }
}

export interface FakeVendor {
  /** http://127.0.0.1:PORT */
  url: string;
  requests: IncomingMessage[];
  sockets: WebSocket[];
  close(): Promise<void>;
}

/** `accept` is called for each WebSocket, whatever its path. */
export async function startFakeVendor(accept: (webSocket: WebSocket, request: IncomingMessage) => void): Promise<FakeVendor> {
  const server = createServer((_request, response) => response.writeHead(404).end());
  const webSockets = new WebSocketServer({ server, perMessageDeflate: false });
  const vendor: Omit<FakeVendor, 'url' | 'close'> = { requests: [], sockets: [] };
  webSockets.on('connection', (webSocket, request) => {
    vendor.requests.push(request);
    vendor.sockets.push(webSocket);
    webSocket.on('error', () => {});
    accept(webSocket, request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    ...vendor,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      for (const webSocket of vendor.sockets) webSocket.terminate();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export interface Voiced {
  fromMs: number;
  toMs: number;
}

const LOUD = 400;

/** Finds the stretch of voice in the sound of one stream, and tells it once `silentMs` of silence followed. */
export class VoiceFinder {
  readonly #mulaw: boolean;
  readonly #silentMs: number;
  #samples = 0;
  #voiced: { from: number; to: number } | undefined;

  constructor(mulaw: boolean, silentMs = 400) {
    this.#mulaw = mulaw;
    this.#silentMs = silentMs;
  }

  get heardMs(): number {
    return (this.#samples * 1000) / (this.#mulaw ? 8_000 : 16_000);
  }

  push(bytes: Buffer): Voiced | undefined {
    const count = this.#mulaw ? bytes.length : bytes.length / 2;
    const linear = new Int16Array(count);
    if (this.#mulaw) mulawToLinear(bytes, linear);
    else for (let i = 0; i < count; i++) linear[i] = bytes.readInt16LE(2 * i);
    const perMs = this.#mulaw ? 8 : 16;
    let found: Voiced | undefined;
    for (const sample of linear) {
      this.#samples++;
      if (Math.abs(sample) > LOUD) {
        this.#voiced ??= { from: this.#samples, to: this.#samples };
        this.#voiced.to = this.#samples;
      } else if (this.#voiced && this.#samples - this.#voiced.to > this.#silentMs * perMs) {
        found = { fromMs: this.#voiced.from / perMs, toMs: this.#voiced.to / perMs };
        this.#voiced = undefined;
      }
    }
    return found;
  }
}

/** `text` spread evenly over the voice. */
export function wordsOver(text: string, { fromMs, toMs }: Voiced): { text: string; fromMs: number; toMs: number }[] {
  const words = text.split(' ');
  const each = (toMs - fromMs) / words.length;
  return words.map((word, index) => ({ text: word, fromMs: fromMs + index * each, toMs: fromMs + (index + 1) * each }));
}

/** One stretch of voice without a pause: a hum of 180 Hz. */
export function humming(format: SoundFormat, durationMs = 1_500): Sound {
  const rate = rateOf(format);
  const linear = Int16Array.from({ length: (rate * durationMs) / 1000 }, (_, i) => 8_000 * Math.sin((2 * Math.PI * 180 * i) / rate));
  if (format === 'linear-16000') return linear;
  const bytes = new Uint8Array(linear.length);
  linearToMulaw(linear, bytes);
  return bytes;
}
