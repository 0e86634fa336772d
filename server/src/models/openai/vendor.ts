import { z } from 'zod';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { OpenAiLanguageModel, openAiDeadlines } from './language-model.ts';

const DEFAULT_BASE_URL = 'https://api.openai.com/v1';

const settings = z.object({
  apiKey: z
    .string()
    .trim()
    .min(1)
    .optional()
    .meta({ env: 'OPENAI_API_KEY', secret: true, description: 'key of the OpenAI API or a compatible one' }),
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .meta({
      env: 'OPENAI_BASE_URL',
      description: `base URL with its version, such as http://127.0.0.1:11434/v1; ${DEFAULT_BASE_URL} when absent`,
    }),
  model: z.string().trim().min(1).default('gpt-4.1-mini').meta({ env: 'TANDEM_OPENAI_MODEL', description: 'chat model to ask' }),
});

/** Usable with a key, or with a base URL of a server that wants none. */
export const openai = defineVendor({
  name: 'openai',
  settings,
  languageModel: async ({ apiKey, baseUrl, model }: z.infer<typeof settings>, kit: Kit) =>
    apiKey === undefined && baseUrl === undefined
      ? undefined
      : new OpenAiLanguageModel(kit, { apiKey, baseUrl: baseUrl ?? DEFAULT_BASE_URL, model, ...openAiDeadlines }),
});
