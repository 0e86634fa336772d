/** The models that this installation can use, best first, and how an assistant's choice falls on them. */
import type { EndOfTurnDetectorFactory } from '#models/end-of-turn.ts';
import type { LanguageModel } from '#models/language-model.ts';
import type { SpeechToSpeech } from '#models/speech-to-speech.ts';
import type { Synthesizer } from '#models/synthesizer.ts';
import type { Transcriber } from '#models/transcriber.ts';
import type { VoiceActivityDetectorFactory } from '#models/voice-activity.ts';

export interface InstalledModels {
  voiceActivity: VoiceActivityDetectorFactory;
  /** May be empty: then only callers whose device recognises speech, types or presses digits are understood. */
  transcribers: Transcriber[];
  languageModels: LanguageModel[];
  synthesizers: Synthesizer[];
  /** Absent or empty: none is installed. */
  speechToSpeech?: SpeechToSpeech[];
  endOfTurn?: EndOfTurnDetectorFactory;
}

/** The named one when it is installed, else the best. */
export function pick<Part extends { name: string }>(parts: readonly Part[], name: string | undefined): Part | undefined {
  return parts.find((part) => part.name === name) ?? parts[0];
}

/** The named one first, then the fallbacks in their order, then whatever else is installed. */
export function order<Part extends { name: string }>(
  parts: readonly Part[],
  name: string | undefined,
  fallbacks: readonly string[],
): Part[] {
  const wanted = [...(name === undefined ? [] : [name]), ...fallbacks].flatMap((one) => parts.filter((part) => part.name === one));
  return [...new Set([...wanted, ...parts])];
}
