/**
 * ElevenLabs text to speech: `wss://api.elevenlabs.io/v1/text-to-speech/{voice}/multi-stream-input`. Text of a context gathers by
 * `chunk_length_schedule` unless `auto_mode=true` or a flush; closing a context lets what was given be spoken, then `isFinal`.
 * At most 5 contexts at a time; the socket closes after `inactivity_timeout` seconds without a message.
 */
import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import { parseJson } from './connection.ts';
import { sameKey } from './deepgram.ts';
import { watchIdle } from './idle.ts';
import { socketOutlet, type Outlet } from './outlet.ts';
import type { Failure, Refusal, Route, RouteContext } from './route.ts';
import { Speaker, type Piece } from './speaker.ts';
import { base64Of, type SoundShape } from './voice.ts';

const CONTEXTS = 5;
const DEFAULT_IDLE_S = 20;
const DEFAULT_SCHEDULE: readonly number[] = [120, 160, 250, 290];
/** The context of messages without an id. */
const DEFAULT_CONTEXT = 'default';

interface Input {
  text?: string;
  context_id?: string;
  contextId?: string;
  flush?: boolean;
  close_context?: boolean;
  close_socket?: boolean;
  generation_config?: { chunk_length_schedule?: number[] };
}

function failure(): Failure {
  const message = { message: 'A scripted failure.', error: 'internal_error', code: 1011 };
  return { message: JSON.stringify(message), code: 1011, reason: 'A scripted failure.' };
}

const errors: Readonly<Record<number, string>> = { 400: 'invalid_parameters', 401: 'invalid_api_key', 429: 'too_many_concurrent_requests' };

function refuse(status: number, why: string): Refusal {
  return { status, body: { detail: { status: errors[status] ?? 'internal_error', message: why } } };
}

function admits(request: IncomingMessage, url: URL, key: string): boolean {
  const given = request.headers['xi-api-key'] ?? url.searchParams.get('authorization');
  return sameKey(typeof given === 'string' ? given : undefined, key);
}

function shapeOf(url: URL): SoundShape | string {
  const format = url.searchParams.get('output_format') ?? 'mp3_44100_128';
  const [, kind = '', rate = ''] = /^(ulaw|alaw|pcm)_(\d+)$/.exec(format) ?? [];
  if (kind === 'pcm' && [8000, 16_000, 22_050, 24_000, 44_100, 48_000].includes(Number(rate)))
    return { encoding: 'pcm', rate: Number(rate) };
  if ((kind === 'ulaw' || kind === 'alaw') && rate === '8000') return { encoding: kind === 'ulaw' ? 'mulaw' : 'alaw', rate: 8000 };
  return `output_format ${format} is not spoken here`;
}

function check({ url }: RouteContext): string | undefined {
  const shape = shapeOf(url);
  return typeof shape === 'string' ? shape : undefined;
}

interface VoiceContext {
  id: string;
  speaker: Speaker;
  outlet: Outlet;
  buffer: string;
  schedule: readonly number[];
  /** Texts spoken so far: the place in the schedule. */
  spoken: number;
  closing: boolean;
}

class ElevenLabsSocket {
  readonly #webSocket: WebSocket;
  readonly #context: RouteContext;
  readonly #shape: SoundShape;
  readonly #autoMode: boolean;
  readonly #contexts = new Map<string, VoiceContext>();
  #closing = false;

  constructor(webSocket: WebSocket, context: RouteContext, shape: SoundShape) {
    const query = context.url.searchParams;
    const idleS = Number(query.get('inactivity_timeout') ?? DEFAULT_IDLE_S);
    this.#webSocket = webSocket;
    this.#context = context;
    this.#shape = shape;
    this.#autoMode = query.get('auto_mode') === 'true';
    const touch = watchIdle(context, idleS * 1000, () => {
      const message = `Have not received a new text input within the timeout of ${idleS.toFixed(1)} seconds.`;
      this.#fail('input_timeout_exceeded', message);
    });
    webSocket.on('message', (data: Buffer) => {
      touch();
      this.#receive(parseJson(data.toString()) as Input | undefined);
    });
  }

  #receive(input: Input | undefined): void {
    if (typeof input !== 'object' || input === null) return this.#fail('invalid_message', 'The message is no JSON object.');
    if (input.close_socket) return this.#closeSocket();
    const id = input.context_id ?? DEFAULT_CONTEXT;
    if (input.close_context) {
      const known = this.#contexts.get(id);
      if (known) this.#closeContext(known);
      return;
    }
    if (typeof input.text !== 'string') return this.#fail('invalid_message', 'text is required');
    const speech = this.#contexts.get(id) ?? this.#open(id, input);
    if (!speech || speech.closing) return;
    // A lone blank opens a context or keeps it; an empty text is no text.
    if (speech.buffer !== '' || input.text.trim() !== '') speech.buffer += input.text;
    if (input.flush || this.#autoMode || speech.buffer.length >= this.#threshold(speech)) this.#speak(speech);
  }

  #threshold(speech: VoiceContext): number {
    return speech.schedule[Math.min(speech.spoken, speech.schedule.length - 1)] ?? 120;
  }

  #open(id: string, input: Input): VoiceContext | undefined {
    if (this.#contexts.size >= CONTEXTS) {
      const message = `Maximum simultaneous contexts per WebSocket connection exceeded (${CONTEXTS}). Please close an existing context before opening a new one.`;
      this.#fail('max_active_conversations', message);
      return undefined;
    }
    const outlet = socketOutlet(this.#webSocket, this.#context);
    const speaker = new Speaker(this.#context, outlet, this.#shape, {
      piece: (piece) => outlet.result(JSON.stringify(audioMessage(piece, id))),
      idle: () => {
        if (speech.closing) this.#final(speech);
      },
    });
    const schedule = input.generation_config?.chunk_length_schedule ?? DEFAULT_SCHEDULE;
    const speech: VoiceContext = { id, speaker, outlet, buffer: '', schedule, spoken: 0, closing: false };
    this.#contexts.set(id, speech);
    return speech;
  }

  #speak(speech: VoiceContext): void {
    if (speech.buffer === '') return;
    const text = speech.buffer;
    speech.buffer = '';
    speech.spoken++;
    speech.speaker.say(text);
  }

  #closeContext(speech: VoiceContext): void {
    if (speech.closing) return;
    speech.closing = true;
    this.#speak(speech);
    if (!speech.speaker.isMaking) this.#final(speech);
  }

  #final(speech: VoiceContext): void {
    if (this.#contexts.get(speech.id) !== speech) return;
    this.#contexts.delete(speech.id);
    speech.outlet.note(JSON.stringify({ isFinal: true, contextId: speech.id }));
    if (this.#closing && this.#contexts.size === 0) this.#webSocket.close(1000);
  }

  #closeSocket(): void {
    this.#closing = true;
    if (this.#contexts.size === 0) this.#webSocket.close(1000);
    for (const speech of this.#contexts.values()) this.#closeContext(speech);
  }

  #fail(error: string, message: string): void {
    this.#webSocket.send(JSON.stringify({ message, error, code: 1008 }));
    this.#webSocket.close(1008, message.slice(0, 120));
  }
}

/** Times of the characters count from the first sound of this message. */
function audioMessage({ sound, text, durationMs, msPerCharacter }: Piece, contextId: string): object {
  const chars = text.split('');
  const leadMs = Math.max(0, durationMs - Math.ceil(chars.length * msPerCharacter));
  const alignment = {
    chars,
    charStartTimesMs: chars.map((_, n) => Math.round(leadMs + n * msPerCharacter)),
    charDurationsMs: chars.map(() => Math.round(msPerCharacter)),
  };
  return { audio: base64Of(sound), alignment, normalizedAlignment: alignment, contextId };
}

export const elevenlabsRoutes: readonly Route[] = [
  {
    path: /^\/v1\/text-to-speech\/(?<voice>[^/]+)\/multi-stream-input$/,
    stage: 'synthesizer',
    admits,
    refuse,
    failure,
    check,
    socket: (webSocket, _request, context) => {
      const shape = shapeOf(context.url);
      if (typeof shape !== 'string') void new ElevenLabsSocket(webSocket, context, shape);
    },
  },
];
