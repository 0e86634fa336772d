/**
 * Cartesia text to speech: `wss://api.cartesia.ai/tts/websocket`. Many contexts share a socket; the texts of a context are spoken
 * one after the other as they come, and everything but `transcript` and `continue` stays the same in it. docs.cartesia.ai, 2026-08.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import { parseJson } from './connection.ts';
import { sameKey } from './deepgram.ts';
import { socketOutlet, type Outlet } from './outlet.ts';
import type { Failure, Refusal, Route, RouteContext } from './route.ts';
import { Speaker } from './speaker.ts';
import { base64Of, type Encoding, type SoundShape } from './voice.ts';

/** After its last sound, unless more text came. */
const CONTEXT_EXPIRES_MS = 1000;
/** How long text may wait for the rest of its sentence. */
const DEFAULT_BUFFER_MS = 3000;
const STRUCTURED_ERRORS_SINCE = '2026-03-01';

const encodings: Readonly<Record<string, Encoding>> = { pcm_mulaw: 'mulaw', pcm_alaw: 'alaw', pcm_s16le: 'pcm' };

interface Generation {
  model_id?: string;
  transcript?: string;
  voice?: unknown;
  language?: string;
  context_id?: string;
  continue?: boolean;
  cancel?: boolean;
  flush?: boolean;
  max_buffer_delay_ms?: number;
  output_format?: { container?: string; encoding?: string; sample_rate?: number };
  add_timestamps?: boolean;
}

function admits(request: IncomingMessage, url: URL, key: string): boolean {
  const bearer = request.headers.authorization?.replace(/^bearer\s+/i, '');
  const given = request.headers['x-api-key'] ?? url.searchParams.get('api_key') ?? bearer;
  return sameKey(typeof given === 'string' ? given : undefined, key);
}

const errorCodes: Readonly<Record<number, string>> = { 401: 'invalid_api_key', 429: 'concurrency_limited' };

function refuse(status: number, why: string): Refusal {
  return { status, body: { error_code: errorCodes[status] ?? null, title: 'Request refused', message: why, request_id: randomUUID() } };
}

function versionOf(request: IncomingMessage, url: URL): string {
  return String(request.headers['cartesia-version'] ?? url.searchParams.get('cartesia_version') ?? '');
}

/** The error event of the version asked for: structured since 2026-03-01, one line of text before. */
function errorEvent(version: string, status: number, message: string, contextId?: string): string {
  const text =
    version >= STRUCTURED_ERRORS_SINCE
      ? {
          error_code: errorCodes[status] ?? null,
          title: status < 500 ? 'Invalid request' : 'Server error',
          message,
          request_id: randomUUID(),
        }
      : { error: `${status < 500 ? 'Invalid request' : 'Server error'}: ${message}` };
  return JSON.stringify({ type: 'error', done: true, status_code: status, ...text, context_id: contextId });
}

function failure(): Failure {
  return { message: errorEvent('', 500, 'A scripted failure.') };
}

/** What must stay the same in a context. */
function constants(message: Generation): string {
  return JSON.stringify([message.model_id, message.voice, message.language, message.output_format, message.add_timestamps ?? false]);
}

function shapeOf(message: Generation): SoundShape | string {
  const format = message.output_format;
  if (format?.container !== 'raw') return 'output_format.container must be raw for WebSockets';
  const encoding = encodings[format.encoding ?? ''];
  if (!encoding) return `output_format.encoding '${format.encoding}' is not supported`;
  if (!format.sample_rate || format.sample_rate < 8000 || format.sample_rate > 48_000) return 'output_format.sample_rate is not supported';
  return { encoding, rate: format.sample_rate };
}

interface SpeechContext {
  id: string;
  constants: string;
  speaker: Speaker;
  outlet: Outlet;
  /** Text that waits for the rest of its sentence. */
  buffer: string;
  stopBuffering: () => void;
  stopExpiry: () => void;
  /** No more text comes: `done` follows the last sound. */
  complete: boolean;
  flushes: number;
  flushing: boolean;
}

class CartesiaSocket {
  readonly #webSocket: WebSocket;
  readonly #context: RouteContext;
  readonly #version: string;
  readonly #contexts = new Map<string, SpeechContext>();

  constructor(webSocket: WebSocket, request: IncomingMessage, context: RouteContext) {
    this.#webSocket = webSocket;
    this.#context = context;
    this.#version = versionOf(request, context.url);
    webSocket.on('message', (data: Buffer) => this.#receive(parseJson(data.toString()) as Generation | undefined));
  }

  #receive(message: Generation | undefined): void {
    if (typeof message !== 'object' || message === null) return this.#refuse('The message is no JSON object.');
    const id = message.context_id;
    const known = id === undefined ? undefined : this.#contexts.get(id);
    if (message.cancel) return this.#cancel(known);
    if (known && message.flush && (message.transcript ?? '') === '') return this.#flush(known);
    if (typeof message.transcript !== 'string') return this.#refuse('transcript is required', id);
    if (!message.model_id || !message.voice) return this.#refuse('model_id and voice are required', id);
    if (known && known.constants !== constants(message)) return this.#refuse('Only transcript and continue may change in a context', id);
    if (known?.complete) return this.#refuse('The context has been completed', id);
    const speech = known ?? this.#open(message, id ?? randomUUID());
    if (!speech) return;
    speech.stopExpiry();
    speech.stopBuffering();
    speech.buffer += message.transcript;
    speech.complete = message.continue !== true;
    const waitMs = message.max_buffer_delay_ms ?? DEFAULT_BUFFER_MS;
    if (speech.complete || waitMs === 0 || /[.!?…。]["')\]]*\s*$/.test(speech.buffer)) this.#speak(speech);
    else speech.stopBuffering = this.#context.after(waitMs, () => this.#speak(speech));
    if (message.flush) this.#flush(speech);
  }

  #refuse(why: string, id?: string): void {
    this.#webSocket.send(errorEvent(this.#version, 400, why, id));
  }

  #open(message: Generation, id: string): SpeechContext | undefined {
    const shape = shapeOf(message);
    if (typeof shape === 'string') {
      this.#refuse(shape, id);
      return undefined;
    }
    const outlet = socketOutlet(this.#webSocket, this.#context, () => ({
      message: errorEvent(this.#version, 500, 'A scripted failure.', id),
    }));
    const head = { status_code: 206, context_id: id };
    const chunk = JSON.stringify({ type: 'chunk', data: '', done: false, step_time: 12.5, ...head });
    const dataAt = chunk.indexOf('""') + 1;
    const [before, behind] = [chunk.slice(0, dataAt), chunk.slice(dataAt)];
    const speaker = new Speaker(this.#context, outlet, shape, {
      piece: ({ sound }) => outlet.result(before + base64Of(sound) + behind),
      words: ({ words, startMs, endMs }) => {
        if (!message.add_timestamps) return;
        const times = { words, start: startMs.map(toSeconds), end: endMs.map(toSeconds) };
        outlet.note(JSON.stringify({ type: 'timestamps', word_timestamps: times, done: false, ...head }));
      },
      idle: () => this.#idle(speech),
    });
    const speech: SpeechContext = {
      id,
      constants: constants(message),
      speaker,
      outlet,
      buffer: '',
      stopBuffering: () => {},
      stopExpiry: () => {},
      complete: false,
      flushes: 0,
      flushing: false,
    };
    this.#contexts.set(id, speech);
    return speech;
  }

  #speak(speech: SpeechContext): void {
    const text = speech.buffer;
    speech.buffer = '';
    speech.speaker.say(text);
  }

  #flush(speech: SpeechContext): void {
    speech.stopBuffering();
    speech.flushing = true;
    this.#speak(speech);
  }

  /** All sound of the texts so far has been sent. */
  #idle(speech: SpeechContext): void {
    if (speech.buffer !== '') return;
    if (speech.flushing) {
      speech.flushing = false;
      const flush = { type: 'flush_done', done: false, flush_done: true, flush_id: ++speech.flushes };
      speech.outlet.note(JSON.stringify({ ...flush, status_code: 206, context_id: speech.id }));
    }
    if (speech.complete) this.#done(speech);
    else {
      speech.stopExpiry();
      speech.stopExpiry = this.#context.after(CONTEXT_EXPIRES_MS, () => this.#done(speech));
    }
  }

  #done(speech: SpeechContext): void {
    if (this.#contexts.get(speech.id) !== speech) return;
    this.#contexts.delete(speech.id);
    speech.outlet.note(JSON.stringify({ type: 'done', done: true, status_code: 206, context_id: speech.id }));
  }

  #cancel(speech: SpeechContext | undefined): void {
    if (!speech) return;
    speech.stopBuffering();
    speech.stopExpiry();
    speech.speaker.stop();
    this.#done(speech);
  }
}

function toSeconds(ms: number): number {
  return Math.round(ms) / 1000;
}

export const cartesiaRoutes: readonly Route[] = [
  {
    path: /^\/tts\/websocket$/,
    stage: 'synthesizer',
    admits,
    refuse,
    failure,
    socket: (webSocket, request, context) => {
      if (versionOf(request, context.url) === '') webSocket.close(1008, 'Cartesia-Version is required');
      else void new CartesiaSocket(webSocket, request, context);
    },
  },
];
