/** Callers as the talk page makes them: a session by HTTP, then a WebSocket with 16 kHz linear sound (contract/src/talk.ts). */
import { talkSession, talkToBrowser, type TalkFromBrowser } from '@tandem/contract';
import { WebSocket } from 'ws';
import { MULAW_TO_LINEAR } from '#audio/g711.ts';
import type { Kit } from '#kit/kit.ts';
import { Lateness } from './lateness.ts';
import { HOP, HOP_MS } from './onset.ts';
import { openSocket } from './socket-opening.ts';
import { requireAllowed } from './target.ts';
import { type DialRequest, FRAME, FRAME_MS, type LineCounts, type LineListener, type LoadLine, type LoadWire, Refused } from './wire.ts';

const SESSION_WITHIN_MS = 10_000;
const ANSWER_WITHIN_MS = 30_000;
/** Bytes of 20 ms at 16 kHz, and samples of 10. */
const FRAME_BYTES = 4 * FRAME;
const WIDE_HOP = 2 * HOP;
/** The server is silent by sending nothing: what comes after such a pause begins anew. */
const PAUSE_MS = 100;

export interface BrowserWireOptions {
  kit: Kit;
  /** The server's address, e.g. `http://127.0.0.1:3000`. */
  url: string;
  /** Slug of the assistant. */
  assistant: string;
  anywhere: boolean;
}

export class BrowserWire implements LoadWire {
  readonly #options: BrowserWireOptions;
  readonly #open = new Set<BrowserLine>();

  constructor(options: BrowserWireOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async dial({ listener, own }: DialRequest): Promise<LoadLine> {
    const { kit, anywhere } = this.#options;
    const session = await this.#session();
    requireAllowed(session.url, anywhere);
    const webSocket = await openSocket(session.url, kit.clock);
    const line = new BrowserLine({ webSocket, listener, kit, lateness: new Lateness(own) }, () => this.#open.delete(line));
    this.#open.add(line);
    await line.begin(session.token);
    return line;
  }

  stop(): Promise<void> {
    for (const line of this.#open) line.hangUp();
    return Promise.resolve();
  }

  async #session() {
    const { url, assistant } = this.#options;
    const response = await fetch(`${url.replace(/\/$/, '')}/gateways/browser/session`, {
      method: 'POST',
      redirect: 'error',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ assistant }),
      signal: AbortSignal.timeout(SESSION_WITHIN_MS),
    });
    if (response.status !== 201) throw new Refused(String(response.status), 'answered the request for a session');
    return talkSession.parse(await response.json());
  }
}

interface BrowserLineOptions {
  webSocket: WebSocket;
  listener: LineListener;
  kit: Kit;
  lateness: Lateness;
}

class BrowserLine implements LoadLine {
  readonly #options: BrowserLineOptions;
  readonly #closed: () => void;
  readonly #answer = Promise.withResolvers<void>();
  readonly #received = { frames: 0, lastAt: Number.NEGATIVE_INFINITY };
  #last = 0;
  #over = false;

  constructor(options: BrowserLineOptions, closed: () => void) {
    this.#options = options;
    this.#closed = closed;
    options.webSocket.on('message', (data: Buffer, isBinary) => (isBinary ? this.#hear(data) : this.#told(data)));
    options.webSocket.on('close', (code) => this.#end(`the server closed the connection: ${code}`));
  }

  /** Resolves when the call is answered. */
  async begin(token: string): Promise<void> {
    const timer = this.#options.kit.clock.after(ANSWER_WITHIN_MS, () => this.#answer.reject(new Error('not answered in time')));
    this.#tell({ type: 'hello', token, recognises: false });
    try {
      await this.#answer.promise;
    } catch (error) {
      this.hangUp();
      throw error;
    } finally {
      timer.cancel();
    }
  }

  send(sound: Uint8Array | undefined, offset: number): void {
    const { webSocket } = this.#options;
    if (webSocket.readyState !== WebSocket.OPEN) return;
    // A message of its own: the socket keeps it until the network takes it.
    const message = Buffer.alloc(FRAME_BYTES);
    if (sound) {
      for (let i = 0; i < FRAME; i++) {
        const sample = MULAW_TO_LINEAR[sound[offset + i]];
        message.writeInt16LE((this.#last + sample) >> 1, 4 * i);
        message.writeInt16LE(sample, 4 * i + 2);
        this.#last = sample;
      }
    } else this.#last = 0;
    webSocket.send(message);
  }

  press(digits: string): void {
    for (const digit of digits) this.#tell({ type: 'digit', digit });
  }

  counts(): LineCounts {
    const { lateness } = this.#options;
    return { frames: this.#received.frames, lost: 0, judged: lateness.judged, late: lateness.late };
  }

  hangUp(): void {
    if (this.#over) return;
    this.#tell({ type: 'hang-up' });
    this.#end(undefined);
    this.#options.webSocket.close(1000);
  }

  #hear(data: Buffer): void {
    const { kit, lateness, listener } = this.#options;
    const at = kit.clock.now();
    const received = this.#received;
    if (at - received.lastAt > PAUSE_MS) lateness.restart();
    received.lastAt = at;
    received.frames++;
    lateness.arrived(1, at, false);
    for (let hop = 0; (hop + 1) * WIDE_HOP * 2 <= data.length; hop++) {
      let sum = 0;
      for (let i = hop * WIDE_HOP; i < (hop + 1) * WIDE_HOP; i++) sum += data.readInt16LE(2 * i) ** 2;
      listener.heard(sum / WIDE_HOP, at + hop * HOP_MS);
    }
    if (received.frames % (1_000 / FRAME_MS) === 0) this.#tell({ type: 'played', ms: received.frames * FRAME_MS });
  }

  #told(data: Buffer): void {
    const message = talkToBrowser.safeParse(JSON.parse(data.toString('utf8')));
    if (!message.success) return;
    const { type } = message.data;
    if (type === 'answered') this.#answer.resolve();
    else if (type === 'refused') this.#answer.reject(new Refused(message.data.code, message.data.message));
    else if (type === 'ended') this.#end(`ended by ${message.data.by}: ${message.data.reason}`);
  }

  #tell(message: TalkFromBrowser): void {
    const { webSocket } = this.#options;
    if (webSocket.readyState === WebSocket.OPEN) webSocket.send(JSON.stringify(message));
  }

  #end(why: string | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#closed();
    if (why === undefined) return;
    this.#answer.reject(new Error(why));
    this.#options.listener.ended(why);
  }
}
