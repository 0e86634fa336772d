/**
 * Soniox real-time speech to text: `wss://stt-rt.soniox.com/transcribe-websocket`. The first text frame configures, sound follows,
 * an empty frame ends. A final token comes once; tokens that are not final come again, changed or not, with every response.
 */
import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import { parseJson } from './connection.ts';
import { sameKey } from './deepgram.ts';
import { Hearing, type FinalWords, type TimedWord } from './hearing.ts';
import { watchIdle } from './idle.ts';
import { socketOutlet } from './outlet.ts';
import type { Failure, Refusal, Route, RouteContext } from './route.ts';
import type { Encoding, SoundShape } from './voice.ts';

const IDLE_MS = 20_000;
const encodings: Readonly<Record<string, Encoding>> = { mulaw: 'mulaw', alaw: 'alaw', pcm_s16le: 'pcm' };

interface Start {
  model?: string;
  audio_format?: string;
  sample_rate?: number;
  num_channels?: number;
  enable_endpoint_detection?: boolean;
}

function errorMessage(code: number, message: string): object {
  return { tokens: [], error_code: code, error_message: message };
}

/** All errors are a response, then a close. */
function failure(): Failure {
  return { message: JSON.stringify(errorMessage(503, 'Cannot continue request (code 1). Please restart the request.')), code: 1000 };
}

function refuse(status: number, why: string): Refusal {
  const message = errorMessage(status, why);
  return { status, body: message, socket: { message, code: 1000, reason: '' } };
}

/** `Authorization: Bearer KEY` of the connection; a key in the first message alone is not enough any more. */
function admits(request: IncomingMessage, _url: URL, key: string): boolean {
  return sameKey(request.headers.authorization?.replace(/^bearer\s+/i, ''), key);
}

function shapeOf(start: Start | undefined): SoundShape | string {
  if (typeof start !== 'object' || start === null) return 'Invalid start request: no JSON object.';
  if (!start.model) return 'Invalid model specified.';
  const encoding = encodings[start.audio_format ?? ''];
  if (!encoding) return `Invalid audio format: ${start.audio_format}`;
  if (!start.sample_rate || start.num_channels !== 1) return 'sample_rate and num_channels must be specified for raw audio.';
  return { encoding, rate: start.sample_rate };
}

class SonioxSession {
  readonly #webSocket: WebSocket;
  readonly #context: RouteContext;
  readonly #outlet: ReturnType<typeof socketOutlet>;
  #hearing: Hearing | undefined;
  #endpoints = false;
  #finalMs = 0;
  /** Final words have been sent: the next ones begin with a blank. */
  #spoken = false;
  #ending = false;
  #finalizing = false;

  constructor(webSocket: WebSocket, context: RouteContext) {
    this.#webSocket = webSocket;
    this.#context = context;
    this.#outlet = socketOutlet(webSocket, context);
    const touch = watchIdle(context, IDLE_MS, () => this.#fail(408, 'Request timeout.'));
    webSocket.on('message', (data: Buffer, isBinary) => {
      touch();
      this.#receive(data, isBinary);
    });
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (data.length === 0) return this.#finish();
    if (!this.#hearing) return this.#start(parseJson(data.toString()) as Start | undefined);
    if (isBinary) {
      if (!this.#ending) this.#hearing.push(data);
      return;
    }
    const message = parseJson(data.toString()) as { type?: string } | undefined;
    if (message?.type === 'keepalive') return;
    if (message?.type !== 'finalize') return this.#fail(400, 'Invalid control message.');
    this.#finalizing = true;
    if (!this.#hearing.flush()) this.#finalized();
  }

  #start(start: Start | undefined): void {
    const shape = shapeOf(start);
    if (typeof shape === 'string') return this.#fail(400, shape);
    this.#endpoints = start?.enable_endpoint_detection === true;
    this.#hearing = new Hearing(this.#context, this.#outlet, shape, {
      tick: (heard) => {
        if (!heard) return;
        this.#context.log('partial');
        this.#outlet.result(this.#response(heard.words, false));
      },
      final: (heard) => this.#settle(heard),
    });
  }

  #settle(heard: FinalWords): void {
    this.#finalMs = Math.max(this.#finalMs, heard.endMs);
    const ends = this.#endpoints && heard.endsTurn && !heard.asked;
    this.#outlet.result(this.#response(heard.words, true, ends ? ['<end>'] : []));
    this.#spoken ||= heard.words.length > 0;
    if (ends || heard.asked) this.#context.log('end-of-turn');
    if (this.#hearing?.isBusy) return;
    if (this.#finalizing) this.#finalized();
    if (this.#ending) this.#finished();
  }

  #finalized(): void {
    this.#finalizing = false;
    this.#outlet.note(this.#response([], true, ['<fin>']));
  }

  #finish(): void {
    this.#ending = true;
    if (!this.#hearing?.flush()) this.#finished();
  }

  #finished(): void {
    const total = Math.round(this.#hearing?.receivedMs ?? 0);
    this.#outlet.note(JSON.stringify({ tokens: [], final_audio_proc_ms: total, total_audio_proc_ms: total, finished: true }));
    if (this.#outlet.isOpen) this.#webSocket.close(1000);
  }

  #response(words: readonly TimedWord[], isFinal: boolean, marks: readonly string[] = []): string {
    const tokens: object[] = words.map((word, n) => ({
      text: n === 0 && !this.#spoken ? word.text : ` ${word.text}`,
      start_ms: Math.round(word.startMs),
      end_ms: Math.round(word.endMs),
      confidence: 0.97,
      is_final: isFinal,
    }));
    for (const text of marks) tokens.push({ text, confidence: 1, is_final: true });
    const total = Math.round(this.#hearing?.receivedMs ?? 0);
    return JSON.stringify({ tokens, final_audio_proc_ms: Math.round(this.#finalMs), total_audio_proc_ms: total });
  }

  #fail(code: number, why: string): void {
    this.#outlet.note(JSON.stringify(errorMessage(code, why)));
    this.#webSocket.close(1000);
  }
}

export const sonioxRoutes: readonly Route[] = [
  {
    path: /^\/transcribe-websocket$/,
    stage: 'transcriber',
    admits,
    refuse,
    failure,
    socket: (webSocket, _request, context) => void new SonioxSession(webSocket, context),
  },
];
