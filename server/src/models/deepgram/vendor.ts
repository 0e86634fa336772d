import { z } from 'zod';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { DeepgramSynthesizer, deepgramSpeechDeadlines } from './speech.ts';
import { isAuraVoice } from './speech-wire.ts';
import { DeepgramTranscriber } from './transcriber.ts';

const DEFAULT_BASE_URL = 'https://api.deepgram.com';

const settings = z.object({
  apiKey: z.string().trim().min(1).optional().meta({ env: 'DEEPGRAM_API_KEY', secret: true, description: 'key of the Deepgram API' }),
  baseUrl: z
    .url({ protocol: /^(https?|wss?)$/ })
    .default(DEFAULT_BASE_URL)
    .meta({ env: 'DEEPGRAM_BASE_URL', description: 'base URL of the Deepgram API, without its version' }),
  model: z.string().trim().min(1).default('flux-general-en').meta({
    env: 'TANDEM_DEEPGRAM_MODEL',
    description: 'model that listens: flux-general-en (nova-3 for other languages), flux-general-multi, nova-3',
  }),
  endOfTurn: z.coerce
    .number()
    .min(0.5)
    .max(0.9)
    .default(0.7)
    .meta({ env: 'TANDEM_DEEPGRAM_END_OF_TURN', description: 'how sure Flux must be that the caller has finished (0.5-0.9)' }),
  eager: z.coerce
    .number()
    .refine((value) => value === 0 || (value >= 0.3 && value <= 0.9), '0, or from 0.3 to 0.9')
    .default(0.4)
    .meta({
      env: 'TANDEM_DEEPGRAM_EAGER',
      description: 'how sure Flux must be for an answer to be prepared in secret (0.3-0.9); 0: never',
    }),
  voice: z
    .string()
    .trim()
    .refine(isAuraVoice, 'a Deepgram voice is named like aura-2-thalia-en')
    .default('aura-2-thalia-en')
    .meta({ env: 'TANDEM_DEEPGRAM_VOICE', description: 'Deepgram voice for assistants that name none of its own' }),
});
type Settings = z.infer<typeof settings>;

/** Usable with a key. Written from Deepgram's documentation; never run against the live service. */
export const deepgram = defineVendor({
  name: 'deepgram',
  settings,
  transcriber: async ({ apiKey, baseUrl, model, endOfTurn, eager }: Settings, kit: Kit) =>
    apiKey === undefined ? undefined : new DeepgramTranscriber(kit, { apiKey, baseUrl, model, endOfTurn, eager }),
  synthesizer: async ({ apiKey, baseUrl, voice }: Settings, kit: Kit) =>
    apiKey === undefined ? undefined : new DeepgramSynthesizer(kit, { apiKey, baseUrl, voice, deadlines: deepgramSpeechDeadlines }),
});
