/** Deepgram's speech messages (`/v1/speak`, Aura): text up as JSON, sound down as plain bytes. Pure functions. */
import type { SoundFormat } from '#audio/frame.ts';
import { type FailureCategory, VendorError } from '#kit/errors.ts';
import { readMessage } from '../provider-socket.ts';

const VENDOR = 'deepgram';

export type AuraMessage =
  | { type: 'sound'; bytes: Uint8Array }
  /** All sound of the text before the flush has come. */
  | { type: 'flushed' }
  /** Nothing of what was said before the clear will come any more. */
  | { type: 'cleared' }
  | { type: 'warning'; text: string }
  | { type: 'error'; error: VendorError };

export const speakInput = (text: string): object => ({ type: 'Speak', text });
export const flushInput = { type: 'Flush' };
export const clearInput = { type: 'Clear' };
export const closeInput = { type: 'Close' };

/** The voice is the model, and with the format belongs to the socket. */
export function speakUrl(baseUrl: string, voice: string, format: SoundFormat): string {
  const query = new URLSearchParams({
    model: voice,
    encoding: format === 'mulaw-8000' ? 'mulaw' : 'linear16',
    sample_rate: format === 'mulaw-8000' ? '8000' : '16000',
  });
  return `${baseUrl.replace(/\/+$/, '').replace(/^http/, 'ws')}/v1/speak?${query.toString()}`;
}

/** A voice of Deepgram's is named like `aura-2-thalia-en`. */
export const isAuraVoice = (voice: string): boolean => /^aura-[a-z0-9-]{2,60}$/.test(voice);

/** Undefined for what Tandem does not use. Throws on text that is no JSON. */
export function readAura(data: string | Uint8Array): AuraMessage | undefined {
  if (typeof data !== 'string') return { type: 'sound', bytes: data };
  const read = readMessage(VENDOR, data);
  switch (read.type) {
    case 'Flushed':
      return { type: 'flushed' };
    case 'Cleared':
      return { type: 'cleared' };
    case 'Warning':
      return { type: 'warning', text: wordsOf(read) };
    case 'Error':
      return { type: 'error', error: new VendorError(VENDOR, categoryOf(wordsOf(read)), wordsOf(read)) };
    default:
      return undefined;
  }
}

function wordsOf(read: Record<string, unknown>): string {
  const words = [read.code ?? read.warn_code ?? read.err_code, read.description ?? read.warn_msg ?? read.err_msg];
  return words
    .filter((part) => typeof part === 'string')
    .join(': ')
    .slice(0, 200);
}

function categoryOf(words: string): FailureCategory {
  if (/auth|permission|credential|INSUFFICIENT/i.test(words)) return 'auth';
  if (/rate|too many|TOO_MANY/i.test(words)) return 'rate-limited';
  return /invalid|unsupported|too long|unparsable|DATA-0001/i.test(words) ? 'bad-input' : 'retryable';
}
