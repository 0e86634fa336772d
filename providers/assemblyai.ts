/**
 * AssemblyAI streaming speech to text, v3: `wss://streaming.assemblyai.com/v3/ws`. A turn grows in place; `transcript` holds only
 * words that do not change any more. Errors come as an `Error` message, then the close with the same code. assemblyai.com/docs, 2026-08.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import { parseJson } from './connection.ts';
import { sameKey } from './deepgram.ts';
import { nowMs } from './event-log.ts';
import { Hearing, plainWord, type FinalWords, type TimedWord } from './hearing.ts';
import { watchIdle } from './idle.ts';
import { socketOutlet } from './outlet.ts';
import type { Failure, Refusal, Route, RouteContext } from './route.ts';
import { bytesOf, type SoundShape } from './voice.ts';

const SESSION_MS = 3 * 3600 * 1000;
const CLOSE_REASON = 'See Error message for details';
const SHORTEST_MS = 50;
const LONGEST_MS = 1000;

function errorMessage(code: number, error: string): string {
  return JSON.stringify({ type: 'Error', error_code: code, error });
}

function failure(): Failure {
  return { message: errorMessage(3005, 'Session Cancelled: An error occurred'), code: 3005, reason: CLOSE_REASON };
}

/** Credentials are checked after the upgrade: the refusal comes inside the socket. */
function refuse(status: number, why: string): Refusal {
  const codes: Readonly<Record<number, number>> = { 400: 3006, 401: 1008, 429: 3009 };
  const code = codes[status] ?? 3005;
  const text = status === 401 ? `Unauthorized Connection: ${why}` : why;
  return {
    status,
    body: { error: text },
    socket: { message: { type: 'Error', error_code: code, error: text }, code, reason: CLOSE_REASON },
  };
}

/** The bare key in `Authorization`, or a temporary token in the query. */
function admits(request: IncomingMessage, url: URL, key: string): boolean {
  return sameKey(request.headers.authorization ?? url.searchParams.get('token'), key);
}

function shapeOf(url: URL): SoundShape | string {
  const encoding = url.searchParams.get('encoding') ?? 'pcm_s16le';
  const rate = Number(url.searchParams.get('sample_rate') ?? '16000');
  if (encoding !== 'pcm_s16le' && encoding !== 'pcm_mulaw') return `Invalid encoding: ${encoding}`;
  if (!Number.isInteger(rate) || rate < 8000 || rate > 48_000) return 'Invalid sample_rate';
  return { encoding: encoding === 'pcm_mulaw' ? 'mulaw' : 'pcm', rate };
}

function check({ url }: RouteContext): string | undefined {
  const shape = shapeOf(url);
  return typeof shape === 'string' ? shape : undefined;
}

interface Settings {
  min_turn_silence: number;
  max_turn_silence: number;
}

class AssemblySession {
  readonly #webSocket: WebSocket;
  readonly #context: RouteContext;
  readonly #outlet: ReturnType<typeof socketOutlet>;
  readonly #hearing: Hearing;
  readonly #shape: SoundShape;
  readonly #openedMs = nowMs();
  readonly #formats: boolean;
  #settings: Settings;
  /** Words of the turn whose stretches are over. */
  #said: TimedWord[] = [];
  #order = 0;
  #terminating = false;
  #touch = (): void => {};

  constructor(webSocket: WebSocket, context: RouteContext, shape: SoundShape) {
    const query = context.url.searchParams;
    const number = (name: string, older: string, or: number): number => Number(query.get(name) ?? query.get(older) ?? or);
    this.#webSocket = webSocket;
    this.#context = context;
    this.#shape = shape;
    this.#outlet = socketOutlet(webSocket, context);
    this.#formats = query.get('format_turns') === 'true';
    this.#settings = {
      min_turn_silence: number('min_turn_silence', 'min_end_of_turn_silence_when_confident', context.scenario.endOfTurnMs),
      max_turn_silence: number('max_turn_silence', 'max_turn_silence', 1280),
    };
    const idleS = query.get('inactivity_timeout');
    if (idleS !== null) {
      this.#touch = watchIdle(context, Number(idleS) * 1000, () => this.#fail(3008, 'Session Expired: Inactivity timeout exceeded'));
    }
    this.#hearing = new Hearing(
      context,
      this.#outlet,
      shape,
      {
        voiceStarted: (atMs) => this.#outlet.note(JSON.stringify({ type: 'SpeechStarted', timestamp: Math.round(atMs) })),
        tick: (heard) => {
          if (!heard) return;
          context.log('partial');
          this.#outlet.result(this.#turn(heard.words, 'partial'));
        },
        final: (heard) => this.#settle(heard),
        passed: (_atMs, silentMs) => {
          if (this.#said.length > 0 && !this.#hearing.isBusy && silentMs >= this.#settings.max_turn_silence) this.#end(false);
        },
      },
      () => this.#settings.min_turn_silence,
    );
    this.#outlet.note(JSON.stringify({ type: 'Begin', id: randomUUID(), expires_at: Math.round((nowMs() + SESSION_MS) / 1000) }));
    webSocket.on('message', (data: Buffer, isBinary) => this.#receive(data, isBinary));
  }

  #receive(data: Buffer, isBinary: boolean): void {
    this.#touch();
    if (isBinary) return this.#hear(data);
    const message = parseJson(data.toString()) as ({ type?: string } & Partial<Settings>) | undefined;
    switch (message?.type) {
      case 'UpdateConfiguration':
        for (const name of ['min_turn_silence', 'max_turn_silence'] as const) {
          if (typeof message[name] === 'number') this.#settings[name] = message[name];
        }
        return;
      case 'ForceEndpoint':
        if (!this.#hearing.flush() && this.#said.length > 0) this.#end(false);
        return;
      case 'KeepAlive':
        return;
      case 'Terminate':
        this.#terminating = true;
        if (!this.#hearing.flush()) this.#terminate();
        return;
      default:
        this.#fail(3006, message === undefined ? 'Invalid JSON' : `Invalid Message Type: ${message.type}`);
    }
  }

  #hear(sound: Buffer): void {
    if (this.#terminating) return;
    const ms = (sound.length * 1000) / bytesOf(1000, this.#shape);
    if (ms < SHORTEST_MS || ms > LONGEST_MS) {
      return this.#fail(3007, `Input Duration Violation: ${ms} ms. Expected between ${SHORTEST_MS} and ${LONGEST_MS} ms`);
    }
    this.#hearing.push(sound);
  }

  #settle(heard: FinalWords): void {
    if (heard.again) {
      this.#order--;
      this.#said = heard.words;
      this.#end(false);
      return;
    }
    this.#said.push(...heard.words);
    if (heard.endsTurn || heard.asked) this.#end(true);
    else this.#outlet.result(this.#turn([], 'chunk'));
    if (this.#terminating && !this.#hearing.isBusy) this.#terminate();
  }

  #end(confident: boolean): void {
    this.#context.log('end-of-turn');
    this.#outlet.result(this.#turn([], confident ? 'end' : 'timeout'));
    if (this.#formats) this.#outlet.result(this.#turn([], 'formatted'));
    this.#order++;
    this.#said = [];
  }

  #turn(growing: TimedWord[], state: 'partial' | 'chunk' | 'end' | 'timeout' | 'formatted'): string {
    const formatted = state === 'formatted';
    const write = (word: TimedWord): string => (formatted ? word.text : plainWord(word.text));
    const all = [...this.#said, ...growing];
    // The newest word of a growing turn may still change.
    const settled = growing.length > 0 ? all.slice(0, -1) : all;
    const text = settled.map(write).join(' ');
    return JSON.stringify({
      type: 'Turn',
      turn_order: this.#order,
      turn_is_formatted: formatted,
      end_of_turn: state === 'end' || state === 'timeout' || formatted,
      transcript: text,
      utterance: state === 'partial' ? '' : text,
      end_of_turn_confidence: state === 'end' || formatted ? 0.92 : 0.21,
      words: all.map((word, n) => ({
        text: write(word),
        start: Math.round(word.startMs),
        end: Math.round(word.endMs),
        confidence: 0.98,
        word_is_final: n < settled.length,
      })),
    });
  }

  #terminate(): void {
    const audio = Math.round(this.#hearing.receivedMs / 1000);
    const session = Math.round((nowMs() - this.#openedMs) / 1000);
    this.#outlet.note(JSON.stringify({ type: 'Termination', audio_duration_seconds: audio, session_duration_seconds: session }));
    if (this.#outlet.isOpen) this.#webSocket.close(1000);
  }

  #fail(code: number, why: string): void {
    this.#outlet.note(errorMessage(code, why));
    this.#webSocket.close(code, CLOSE_REASON);
  }
}

export const assemblyaiRoutes: readonly Route[] = [
  {
    path: /^\/v3\/ws$/,
    stage: 'transcriber',
    admits,
    refuse,
    failure,
    check,
    socket: (webSocket, _request, context) => {
      const shape = shapeOf(context.url);
      if (typeof shape !== 'string') void new AssemblySession(webSocket, context, shape);
    },
  },
];
