import { z } from 'zod';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { HashEmbedder } from './embedder.ts';
import { ScriptedLanguageModel } from './language-model.ts';
import { ScriptedSpeech } from './speech-to-speech.ts';
import { ScriptedSynthesizer } from './synthesizer.ts';
import { ScriptedTranscriber } from './transcriber.ts';
import { levelVoiceActivity } from './voice-activity.ts';

const settings = z.object({
  enabled: z
    .stringbool()
    .default(false)
    .meta({ env: 'TANDEM_SCRIPTED', description: 'offers deterministic doubles of every model, for demonstrations and load tests' }),
  lines: z
    .string()
    .default('When are you open?|How much does it cost?|Thank you, goodbye.')
    .meta({ env: 'TANDEM_SCRIPTED_LINES', description: 'what the scripted transcriber hears, one line per utterance, separated by |' }),
  endOfTurn: z
    .stringbool()
    .default(false)
    .meta({ env: 'TANDEM_SCRIPTED_END_OF_TURN', description: 'the scripted transcriber says itself when the caller has finished' }),
  answer: z
    .string()
    .optional()
    .meta({ env: 'TANDEM_SCRIPTED_ANSWER', description: "what the scripted language model answers; the caller's own words when absent" }),
});
type Settings = z.infer<typeof settings>;

const linesOf = (lines: string): string[] =>
  lines
    .split('|')
    .map((line) => line.trim())
    .filter(Boolean);

/** Deterministic doubles for every seam. Off unless asked for, so that no call is answered by them by accident. */
export const scripted = defineVendor({
  name: 'scripted',
  settings,
  voiceActivity: async ({ enabled }: Settings, _kit: Kit) => (enabled ? levelVoiceActivity() : undefined),
  transcriber: async ({ enabled, lines, endOfTurn }: Settings, _kit: Kit) =>
    enabled
      ? new ScriptedTranscriber({
          endOfTurn,
          lines: linesOf(lines),
        })
      : undefined,
  languageModel: async ({ enabled, answer }: Settings, kit: Kit) =>
    enabled ? new ScriptedLanguageModel(kit, { wordsPerPart: 4, rules: answer === undefined ? [] : [{ say: answer }] }) : undefined,
  synthesizer: async ({ enabled }: Settings, kit: Kit) => (enabled ? new ScriptedSynthesizer(kit) : undefined),
  speechToSpeech: async ({ enabled, lines, answer }: Settings, kit: Kit) =>
    enabled ? new ScriptedSpeech(kit, { heard: linesOf(lines), rules: answer === undefined ? [] : [{ say: answer }] }) : undefined,
  embedder: async ({ enabled }: Settings, _kit: Kit) => (enabled ? new HashEmbedder() : undefined),
});
