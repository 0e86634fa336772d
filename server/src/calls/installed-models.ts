/** The models that this installation can use, best first, and how an assistant's choice falls on them. */
import type { LanguageModel } from '#models/language-model.ts';
import type { Synthesizer } from '#models/synthesizer.ts';
import type { Transcriber } from '#models/transcriber.ts';
import type { VoiceActivityDetectorFactory } from '#models/voice-activity.ts';

export interface InstalledModels {
  voiceActivity: VoiceActivityDetectorFactory;
  /** May be empty: then only callers whose device recognises speech, types or presses digits are understood. */
  transcribers: Transcriber[];
  languageModels: LanguageModel[];
  synthesizers: Synthesizer[];
}

/** The named one when it is installed, else the best. */
export function pick<Part extends { name: string }>(parts: readonly Part[], name: string | undefined): Part | undefined {
  return parts.find((part) => part.name === name) ?? parts[0];
}
