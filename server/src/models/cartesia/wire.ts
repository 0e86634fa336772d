/** Cartesia's messages (`/tts/websocket`): what is asked for, and what comes back, as pure functions. */
import type { WordTime } from '@tandem/contract';
import type { SoundFormat } from '#audio/frame.ts';
import { type FailureCategory, VendorError } from '#kit/errors.ts';
import { bytesOfBase64 } from '../clause-stream.ts';
import type { ContextMessage } from '../context-sockets.ts';
import { readMessage } from '../provider-socket.ts';

export const VENDOR = 'cartesia';
/** The protocol is dated; this one is what the messages below are. */
export const CARTESIA_VERSION = '2025-04-16';

/** What must stay the same in all inputs of a context. */
export interface CartesiaVoice {
  model: string;
  voice: string;
  language: string;
  format: SoundFormat;
}

export type CartesiaMessage =
  | { type: 'sound'; bytes: Uint8Array }
  | { type: 'words'; words: WordTime[] }
  /** All sound of the inputs before the flush has come. */
  | { type: 'flushed' }
  /** The context is over. */
  | { type: 'done' }
  | { type: 'error'; error: VendorError };

/** Text for a context. `more`: the context goes on after it; its texts are joined verbatim. */
export function textInput(context: string, transcript: string, { model, voice, language, format }: CartesiaVoice, more: boolean): object {
  return {
    model_id: model,
    transcript,
    voice: { mode: 'id', id: voice },
    language: language.split('-')[0].toLowerCase(),
    context_id: context,
    continue: more,
    // Clauses come whole: waiting for more text would only be heard as silence.
    max_buffer_delay_ms: 0,
    output_format:
      format === 'mulaw-8000'
        ? { container: 'raw', encoding: 'pcm_mulaw', sample_rate: 8000 }
        : { container: 'raw', encoding: 'pcm_s16le', sample_rate: 16000 },
    add_timestamps: true,
  };
}

/** Marks the end of what was sent so far, without ending the context: answered by `flush_done`. */
export function flushInput(context: string, voice: CartesiaVoice): object {
  return { ...textInput(context, '', voice, true), flush: true };
}

export const cancelInput = (context: string): object => ({ context_id: context, cancel: true });

/** A voice of Cartesia's is named by a UUID (RFC 9562). */
export const isCartesiaVoice = (voice: string): boolean => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(voice);

/** Undefined for what Tandem does not use. Throws on what is no JSON. */
export function readCartesia(data: string | Uint8Array): ContextMessage<CartesiaMessage> | undefined {
  const read = readMessage(VENDOR, data);
  const context = typeof read.context_id === 'string' ? read.context_id : undefined;
  switch (read.type) {
    case 'chunk': {
      const bytes = bytesOfBase64(read.data);
      return { context, message: bytes ? { type: 'sound', bytes } : broken('sound that is no base64'), ended: false };
    }
    case 'timestamps':
      return { context, message: { type: 'words', words: wordsOf(read.word_timestamps) } };
    case 'flush_done':
      return { context, message: { type: 'flushed' } };
    case 'done':
      return { context, message: { type: 'done' }, ended: true };
    case 'error':
      return { context, message: { type: 'error', error: errorOf(read) }, ended: true };
    default:
      return undefined;
  }
}

const broken = (what: string): CartesiaMessage => ({ type: 'error', error: new VendorError(VENDOR, 'retryable', what) });

/** `{words, start, end}` in seconds; as many as all three lists have. */
function wordsOf(timestamps: unknown): WordTime[] {
  const { words, start, end } = (timestamps ?? {}) as { words?: unknown; start?: unknown; end?: unknown };
  if (!Array.isArray(words) || !Array.isArray(start) || !Array.isArray(end)) return [];
  const timed: WordTime[] = [];
  for (let i = 0; i < words.length; i++) {
    const from = Number(start[i]);
    const to = Number(end[i]);
    if (typeof words[i] === 'string' && Number.isFinite(from) && Number.isFinite(to)) {
      timed.push({ text: words[i] as string, fromMs: from * 1000, toMs: to * 1000 });
    }
  }
  return timed;
}

function errorOf(read: Record<string, unknown>): VendorError {
  const status = typeof read.status_code === 'number' ? read.status_code : 0;
  const said = [read.title, read.error, read.message].filter((part) => typeof part === 'string').join(': ');
  return new VendorError(VENDOR, categoryOf(status), `${said.slice(0, 200) || 'an error without words'}${status ? ` (${status})` : ''}`);
}

function categoryOf(status: number): FailureCategory {
  if (status === 401 || status === 402 || status === 403) return 'auth';
  if (status === 429) return 'rate-limited';
  return status >= 400 && status < 500 && status !== 408 ? 'bad-input' : 'retryable';
}
