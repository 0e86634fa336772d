import { z } from 'zod';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { DEFAULT_MAX_SOCKETS } from '../provider-http.ts';
import { GeminiLanguageModel } from './language-model.ts';
import { GeminiLive, geminiLiveDeadlines } from './live.ts';

const settings = z.object({
  apiKey: z.string().trim().min(1).optional().meta({ env: 'GEMINI_API_KEY', secret: true, description: 'key of the Gemini API' }),
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .default('https://generativelanguage.googleapis.com')
    .meta({ env: 'GEMINI_BASE_URL', description: 'base URL of the Gemini API, or of a server that speaks it' }),
  model: z.string().trim().min(1).default('gemini-2.5-flash').meta({ env: 'TANDEM_GEMINI_MODEL', description: 'Gemini model to ask' }),
  liveModel: z
    .string()
    .trim()
    .min(1)
    .default('gemini-live-2.5-flash-preview')
    .meta({ env: 'TANDEM_GEMINI_LIVE_MODEL', description: 'Gemini model that hears and speaks' }),
  maxSockets: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(DEFAULT_MAX_SOCKETS)
    .meta({ env: 'TANDEM_GEMINI_MAX_SOCKETS', description: 'connections to its base URL at once' }),
});

/** Usable with a key. */
export const gemini = defineVendor({
  name: 'gemini',
  settings,
  languageModel: async ({ apiKey, liveModel: _live, ...options }: z.infer<typeof settings>, kit: Kit) =>
    apiKey === undefined ? undefined : new GeminiLanguageModel(kit, { ...options, apiKey }),
  speechToSpeech: async ({ apiKey, baseUrl, liveModel }: z.infer<typeof settings>, kit: Kit) =>
    apiKey === undefined ? undefined : new GeminiLive(kit, { apiKey, baseUrl, model: liveModel, deadlines: geminiLiveDeadlines }),
});
