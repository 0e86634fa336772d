/** Gemini Live's messages (`BidiGenerateContent`), as pure functions. It takes 16 kHz and gives 24 kHz linear sound. */
import { VendorError } from '#kit/errors.ts';
import { bytesOfBase64 } from '../clause-stream.ts';
import type { ModelToolCall } from '../language-model.ts';
import { readMessage } from '../provider-socket.ts';
import type { SpeechSessionOptions, SpeechUsage } from '../speech-to-speech.ts';
import { geminiParameters } from './tool-schema.ts';

export const VENDOR = 'gemini';
export const INPUT_RATE = 16_000;
export const OUTPUT_RATE = 24_000;

const VOICES = /^(?:Puck|Charon|Kore|Fenrir|Aoede|Leda|Orus|Zephyr)$/;
const DEFAULT_VOICE = 'Kore';
/** The silence that ends a turn. */
const SILENCE_MS = { low: 800, medium: 500, high: 300 } as const;

/** The first message, once. */
export function setup(model: string, options: Omit<SpeechSessionOptions, 'listener'>): object {
  const { instructions, language, voice, tools, eagerness } = options;
  const functionDeclarations = tools.map(({ name, description, parameters }) => ({
    name,
    description,
    parameters: geminiParameters(parameters),
  }));
  return {
    setup: {
      model: `models/${model.replace(/^models\//, '')}`,
      generationConfig: {
        responseModalities: ['AUDIO'],
        speechConfig: {
          voiceConfig: { prebuiltVoiceConfig: { voiceName: VOICES.test(voice) ? voice : DEFAULT_VOICE } },
          // Only a language with its country is taken.
          ...(/^[a-z]{2}-[A-Z]{2}$/.test(language) ? { languageCode: language } : {}),
        },
      },
      systemInstruction: { parts: [{ text: instructions }] },
      ...(functionDeclarations.length > 0 ? { tools: [{ functionDeclarations }] } : {}),
      realtimeInputConfig: { automaticActivityDetection: { prefixPaddingMs: 300, silenceDurationMs: SILENCE_MS[eagerness] } },
      inputAudioTranscription: {},
      outputAudioTranscription: {},
      // Without it a session of sound ends after 15 minutes.
      contextWindowCompression: { slidingWindow: {} },
    },
  };
}

export const soundInput = (bytes: Uint8Array): object => ({
  realtimeInput: {
    audio: {
      mimeType: `audio/pcm;rate=${INPUT_RATE}`,
      data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
    },
  },
});

export const textInput = (text: string): object => ({
  clientContent: { turns: [{ role: 'user', parts: [{ text }] }], turnComplete: true },
});

/** The result as an object, which is all that Gemini takes. */
export function toolResponse(id: string, name: string, result: string): object {
  let response: unknown;
  try {
    response = JSON.parse(result);
  } catch {
    response = undefined;
  }
  const isObject = typeof response === 'object' && response !== null && !Array.isArray(response);
  return { toolResponse: { functionResponses: [{ id, name, response: isObject ? response : { result } }] } };
}

/** What one message says; any of it may come together. */
export interface LiveMessage {
  ready: boolean;
  sounds: Uint8Array[];
  callerText: string;
  answerText: string;
  interrupted: boolean;
  turnComplete: boolean;
  calls: ModelToolCall[];
  usage: SpeechUsage | undefined;
  /** The vendor will close soon. */
  goingAway: boolean;
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);
const list = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.map(record) : []);

/** Throws on what is no JSON, and on sound that is no base64. */
export function readLive(data: string | Uint8Array): LiveMessage {
  const read = readMessage(VENDOR, data);
  const content = record(read.serverContent);
  const sounds = list(record(content.modelTurn).parts).flatMap(({ inlineData }) => {
    const { data: sound, mimeType } = record(inlineData);
    if (sound === undefined || !text(mimeType).startsWith('audio/')) return [];
    const bytes = bytesOfBase64(sound);
    if (!bytes) throw new VendorError(VENDOR, 'retryable', 'sound that is no base64');
    return [bytes];
  });
  return {
    ready: read.setupComplete !== undefined,
    sounds,
    callerText: text(record(content.inputTranscription).text),
    answerText: text(record(content.outputTranscription).text),
    interrupted: content.interrupted === true,
    turnComplete: content.turnComplete === true,
    calls: list(record(read.toolCall).functionCalls).map(({ id, name, args }) => ({
      id: text(id),
      name: text(name),
      arguments: args ?? {},
    })),
    usage: usageOf(read.usageMetadata),
    goingAway: read.goAway !== undefined,
  };
}

function usageOf(value: unknown): SpeechUsage | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const usage = record(value);
  const spoken = (details: unknown) =>
    list(details)
      .filter(({ modality }) => modality === 'AUDIO')
      .reduce((sum, { tokenCount }) => sum + number(tokenCount), 0);
  return {
    inputTokens: number(usage.promptTokenCount),
    cachedTokens: number(usage.cachedContentTokenCount),
    outputTokens: number(usage.responseTokenCount),
    inputAudioTokens: spoken(usage.promptTokensDetails),
    outputAudioTokens: spoken(usage.responseTokensDetails),
  };
}
