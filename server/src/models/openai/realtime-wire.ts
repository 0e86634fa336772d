/** The Realtime API's events (GA names), as pure functions: what configures a session, and what comes back. */
import type { SoundFormat } from '#audio/frame.ts';
import { type FailureCategory, VendorError } from '#kit/errors.ts';
import { bytesOfBase64 } from '../clause-stream.ts';
import { readMessage } from '../provider-socket.ts';
import type { SpeechSessionOptions, SpeechUsage } from '../speech-to-speech.ts';
import { functionSchema } from '../tool-schema.ts';

export const VENDOR = 'openai';

export type TurnDetection = 'server_vad' | 'semantic_vad';

/** Of the speech models that Realtime has; others are asked for in the default voice. */
const VOICES = /^(?:alloy|ash|ballad|cedar|coral|echo|marin|sage|shimmer|verse|voice_\w+)$/;
const DEFAULT_VOICE = 'marin';
/** A minute of speech: 20 tokens a second. */
const MOST_OUTPUT_TOKENS = 1_200;
/** The silence that ends a turn. */
const SILENCE_MS = { low: 800, medium: 500, high: 300 } as const;

/** µ-law goes as it is; wideband sound at the only linear rate there is. */
const wireFormat = (format: SoundFormat): object =>
  format === 'mulaw-8000' ? { type: 'audio/pcmu' } : { type: 'audio/pcm', rate: 24_000 };

export interface RealtimeSettings {
  model: string;
  /** For a voice that Realtime does not have. */
  voice: string;
  transcriptionModel: string;
  turnDetection: TurnDetection;
}

/** `session.update`: sent once, when the session was created. */
export function sessionUpdate(settings: RealtimeSettings, options: Omit<SpeechSessionOptions, 'listener'>): object {
  const { format, instructions, language, voice, tools, eagerness } = options;
  const answers = { create_response: true, interrupt_response: true };
  return {
    type: 'session.update',
    session: {
      type: 'realtime',
      output_modalities: ['audio'],
      instructions,
      max_output_tokens: MOST_OUTPUT_TOKENS,
      // Only these models think, and thinking is heard as silence.
      ...(/realtime-2/.test(settings.model) ? { reasoning: { effort: 'minimal' } } : {}),
      audio: {
        input: {
          format: wireFormat(format),
          noise_reduction: { type: 'near_field' },
          transcription: { model: settings.transcriptionModel, language: language.split('-')[0].toLowerCase() },
          turn_detection:
            settings.turnDetection === 'semantic_vad'
              ? { type: 'semantic_vad', eagerness, ...answers }
              : { type: 'server_vad', threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: SILENCE_MS[eagerness], ...answers },
        },
        output: { format: wireFormat(format), voice: [voice, settings.voice].find((one) => VOICES.test(one)) ?? DEFAULT_VOICE, speed: 1 },
      },
      tools: tools.map(({ name, description, parameters }) => ({
        type: 'function',
        name,
        description,
        parameters: functionSchema(parameters),
      })),
      tool_choice: 'auto',
      truncation: 'auto',
    },
  };
}

export const append = (bytes: Uint8Array): object => ({
  type: 'input_audio_buffer.append',
  audio: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
});

export const callerText = (text: string): object => ({
  type: 'conversation.item.create',
  item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
});

export const toolOutput = (call_id: string, output: string): object => ({
  type: 'conversation.item.create',
  item: { type: 'function_call_output', call_id, output },
});

export const truncation = (item_id: string, heardMs: number): object => ({
  type: 'conversation.item.truncate',
  item_id,
  content_index: 0,
  audio_end_ms: heardMs,
});

/** An answer whose words are given. Without tools, so that nothing else can happen. */
export const saying = (text: string): object => ({
  type: 'response.create',
  response: {
    instructions: `Say exactly the following words, all of them, and nothing else: ${JSON.stringify(text)}`,
    tool_choice: 'none',
  },
});

export const answering = { type: 'response.create' };
export const cancelling = { type: 'response.cancel' };

export type RealtimeEvent =
  | { type: 'session-created' | 'session-updated' | 'committed' }
  | { type: 'speech-started' | 'speech-stopped'; streamMs: number }
  | { type: 'caller-said'; item: string; text: string; final: boolean }
  | { type: 'response-created'; response: string }
  | { type: 'item-added'; item: string }
  | { type: 'sound'; item: string; bytes: Uint8Array }
  | { type: 'words'; item: string; text: string }
  | { type: 'tool-call'; id: string; name: string; text: string }
  | { type: 'response-done'; how: 'complete' | 'cancelled' | 'failed'; usage: SpeechUsage | undefined; error: VendorError }
  | { type: 'error'; code: string; event: string; error: VendorError };

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);
const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** Undefined for what Tandem does not use. Throws on what is no JSON, and on sound that is no base64. */
export function readRealtime(data: string | Uint8Array): RealtimeEvent | undefined {
  const read = readMessage(VENDOR, data);
  const item = text(read.item_id);
  switch (read.type) {
    case 'session.created':
      return { type: 'session-created' };
    case 'session.updated':
      return { type: 'session-updated' };
    case 'input_audio_buffer.speech_started':
      return { type: 'speech-started', streamMs: number(read.audio_start_ms) };
    case 'input_audio_buffer.speech_stopped':
      return { type: 'speech-stopped', streamMs: number(read.audio_end_ms) };
    case 'input_audio_buffer.committed':
      return { type: 'committed' };
    case 'conversation.item.input_audio_transcription.delta':
      return { type: 'caller-said', item, text: text(read.delta), final: false };
    case 'conversation.item.input_audio_transcription.completed':
      return { type: 'caller-said', item, text: text(read.transcript), final: true };
    case 'response.created':
      return { type: 'response-created', response: text(record(read.response).id) };
    case 'response.output_item.added': {
      const added = record(read.item);
      return added.type === 'message' ? { type: 'item-added', item: text(added.id) } : undefined;
    }
    case 'response.output_audio.delta': {
      const bytes = bytesOfBase64(read.delta);
      if (!bytes) throw new VendorError(VENDOR, 'retryable', 'sound that is no base64');
      return { type: 'sound', item, bytes };
    }
    case 'response.output_audio_transcript.delta':
      return { type: 'words', item, text: text(read.delta) };
    case 'response.output_item.done': {
      // Says all that `response.function_call_arguments.done` does, and the name in every version.
      const { type, call_id, name, arguments: given } = record(read.item);
      return type === 'function_call' ? { type: 'tool-call', id: text(call_id), name: text(name), text: text(given) } : undefined;
    }
    case 'response.done':
      return doneOf(record(read.response));
    case 'error':
      return errorOf(record(read.error));
    default:
      return undefined;
  }
}

function doneOf(response: Record<string, unknown>): RealtimeEvent {
  const details = record(response.status_details);
  const error = record(details.error);
  const reason = [details.reason, error.code, error.message].map(text).filter(Boolean).join(' ').slice(0, 200);
  const { status } = response;
  // `incomplete`: cut at its length; what there is of it was said.
  const how = status === 'cancelled' ? 'cancelled' : status === 'failed' ? 'failed' : 'complete';
  const category = /quota|api_key|rate_limit/.test(reason) ? categoryOf(reason) : 'retryable';
  return {
    type: 'response-done',
    how,
    usage: usageOf(response.usage),
    error: new VendorError(VENDOR, category, `an answer failed: ${reason}`),
  };
}

function usageOf(value: unknown): SpeechUsage | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const usage = record(value);
  const input = record(usage.input_token_details);
  return {
    inputTokens: number(usage.input_tokens),
    cachedTokens: number(input.cached_tokens),
    outputTokens: number(usage.output_tokens),
    inputAudioTokens: number(input.audio_tokens),
    outputAudioTokens: number(record(usage.output_token_details).audio_tokens),
  };
}

function errorOf(error: Record<string, unknown>): RealtimeEvent {
  const code = text(error.code) || text(error.type);
  const message = `${code}: ${text(error.message)}`.slice(0, 250);
  return { type: 'error', code, event: text(error.event_id), error: new VendorError(VENDOR, categoryOf(code), message) };
}

function categoryOf(code: string): FailureCategory {
  if (/quota|api_key|authentication|permission/.test(code)) return 'auth';
  if (/rate_limit/.test(code)) return 'rate-limited';
  if (/session_expired|server_error|overloaded/.test(code)) return 'retryable';
  return 'bad-input';
}
