/** ElevenLabs' messages (`multi-stream-input`), as pure functions. The client writes snake_case, the server camelCase. */
import type { WordTime } from '@tandem/contract';
import type { SoundFormat } from '#audio/frame.ts';
import { type FailureCategory, VendorError } from '#kit/errors.ts';
import { bytesOfBase64 } from '../clause-stream.ts';
import type { ContextMessage } from '../context-sockets.ts';
import { readMessage } from '../provider-socket.ts';

export const VENDOR = 'elevenlabs';

/** When each character is spoken, in milliseconds of the message's or the context's sound. */
export interface CharacterTimes {
  chars: string[];
  startsMs: number[];
  durationsMs: number[];
}

export interface ElevenLabsMessage {
  sound?: Uint8Array;
  characters?: CharacterTimes;
  /** The context is over. */
  final?: boolean;
  error?: VendorError;
}

export interface ElevenLabsVoice {
  baseUrl: string;
  model: string;
  voice: string;
  language: string;
  format: SoundFormat;
}

/** Voice, model and format belong to the socket. Without `auto_mode` a short clause would wait for 120 characters. */
export function socketUrl({ baseUrl, model, voice, language, format }: ElevenLabsVoice): string {
  const query = new URLSearchParams({
    model_id: model,
    output_format: format === 'mulaw-8000' ? 'ulaw_8000' : 'pcm_16000',
    auto_mode: 'true',
    inactivity_timeout: '180',
    sync_alignment: 'true',
  });
  // Only these models take a language; the others refuse the parameter.
  if (model.endsWith('_v2_5')) query.set('language_code', language.split('-')[0].toLowerCase());
  return `${baseUrl.replace(/\/+$/, '').replace(/^http/, 'ws')}/v1/text-to-speech/${voice}/multi-stream-input?${query.toString()}`;
}

/** Opens a context, says the text, and has it spoken at once. */
export function clauseInputs(context: string, text: string): object[] {
  return [
    { text: ' ', voice_settings: { stability: 0.5, similarity_boost: 0.8 }, context_id: context },
    // ElevenLabs wants a blank behind the last word.
    { text: `${text} `, context_id: context },
    { text: '', context_id: context, flush: true },
  ];
}

export const closeInput = (context: string): object => ({ context_id: context, close_context: true });

/** A voice of ElevenLabs' is named by 20 letters and digits. */
export const isElevenLabsVoice = (voice: string): boolean => /^[A-Za-z0-9]{20}$/.test(voice);

/** Undefined for what Tandem does not use. Throws on what is no JSON. */
export function readElevenLabs(data: string | Uint8Array): ContextMessage<ElevenLabsMessage> | undefined {
  const read = readMessage(VENDOR, data);
  const named = read.contextId ?? read.context_id;
  const context = typeof named === 'string' ? named : undefined;
  if (read.error !== undefined && read.error !== null) return { context, message: { error: errorOf(read) }, ended: true };
  const message: ElevenLabsMessage = {};
  if (typeof read.audio === 'string' && read.audio !== '') {
    message.sound = bytesOfBase64(read.audio);
    if (!message.sound) {
      return { context, message: { error: new VendorError(VENDOR, 'retryable', 'sound that is no base64') } };
    }
  }
  message.characters = charactersOf(read.alignment);
  if (read.isFinal === true || read.is_final === true) message.final = true;
  // Without a context nothing but an error can be meant for everybody.
  if (context === undefined || (!message.sound && !message.characters && !message.final)) return undefined;
  return { context, message, ended: message.final === true };
}

function charactersOf(alignment: unknown): CharacterTimes | undefined {
  const { chars, charStartTimesMs, charDurationsMs, charsDurationsMs } = (alignment ?? {}) as Record<string, unknown>;
  const durations = charDurationsMs ?? charsDurationsMs;
  if (!Array.isArray(chars) || !Array.isArray(charStartTimesMs) || !Array.isArray(durations)) return undefined;
  const length = Math.min(chars.length, charStartTimesMs.length, durations.length);
  return {
    chars: chars.slice(0, length).map(String),
    startsMs: charStartTimesMs.slice(0, length).map(Number),
    durationsMs: durations.slice(0, length).map(Number),
  };
}

function errorOf(read: Record<string, unknown>): VendorError {
  const said = [read.error, read.message].filter((part) => typeof part === 'string').join(': ');
  return new VendorError(VENDOR, categoryOfWords(said) ?? 'retryable', said.slice(0, 200) || 'an error without words');
}

/** ElevenLabs names its errors; undefined when the name says nothing. */
export function categoryOfWords(words: string): FailureCategory | undefined {
  if (/quota|credit|payment|api_key|unauthori[sz]ed|permission|authenticat/i.test(words)) return 'auth';
  if (/max_active|maximum|too_many|rate_limit|concurren|busy/i.test(words)) return 'rate-limited';
  if (/voice|invalid|input|unsupported|model|validation/i.test(words)) return 'bad-input';
  return undefined;
}

/** Characters to words, across messages: a word may begin in one and end in the next. */
export class CharacterWords {
  #word: WordTime | undefined;
  #count = 0;

  /** Characters so far, blanks not counted. */
  get count(): number {
    return this.#count;
  }

  /** The words that ended. `soundMs` came before this message: where its times are the message's own, they begin there. */
  push({ chars, startsMs, durationsMs }: CharacterTimes, soundMs: number): WordTime[] {
    const words: WordTime[] = [];
    // The first time of a message is near 0 or near the sound before it.
    const fromMs = startsMs.length > 0 && startsMs[0] > soundMs / 2 ? 0 : soundMs;
    for (let i = 0; i < chars.length; i++) {
      const start = startsMs[i] + fromMs;
      const end = start + durationsMs[i];
      if (/^\s*$/.test(chars[i])) words.push(...this.end());
      else {
        this.#count += chars[i].replace(/\s/g, '').length;
        this.#word ??= { text: '', fromMs: start, toMs: end };
        this.#word.text += chars[i];
        this.#word.toMs = end;
      }
    }
    return words;
  }

  /** The word that no blank followed. */
  end(): WordTime[] {
    const word = this.#word;
    this.#word = undefined;
    return word ? [word] : [];
  }
}
