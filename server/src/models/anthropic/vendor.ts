import { z } from 'zod';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { DEFAULT_MAX_SOCKETS } from '../provider-http.ts';
import { AnthropicLanguageModel } from './language-model.ts';

const settings = z.object({
  apiKey: z.string().trim().min(1).optional().meta({ env: 'ANTHROPIC_API_KEY', secret: true, description: 'key of the Anthropic API' }),
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .default('https://api.anthropic.com')
    .meta({ env: 'ANTHROPIC_BASE_URL', description: 'base URL of the Anthropic API, or of a server that speaks it' }),
  model: z
    .string()
    .trim()
    .min(1)
    .default('claude-haiku-4-5')
    .meta({ env: 'TANDEM_ANTHROPIC_MODEL', description: 'Anthropic model to ask' }),
  maxSockets: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(DEFAULT_MAX_SOCKETS)
    .meta({ env: 'TANDEM_ANTHROPIC_MAX_SOCKETS', description: 'connections to its base URL at once' }),
});

/** Usable with a key. */
export const anthropic = defineVendor({
  name: 'anthropic',
  settings,
  languageModel: async ({ apiKey, ...options }: z.infer<typeof settings>, kit: Kit) =>
    apiKey === undefined ? undefined : new AnthropicLanguageModel(kit, { ...options, apiKey }),
});
