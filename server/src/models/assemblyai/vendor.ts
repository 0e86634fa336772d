import { z } from 'zod';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { AssemblyAiTranscriber } from './transcriber.ts';

const choice = z.enum(['on', 'off']).default('off');

const settings = z.object({
  apiKey: z.string().trim().min(1).optional().meta({ env: 'ASSEMBLYAI_API_KEY', secret: true, description: 'key of the AssemblyAI API' }),
  baseUrl: z
    .url({ protocol: /^(https?|wss?)$/ })
    .default('https://streaming.assemblyai.com')
    .meta({ env: 'ASSEMBLYAI_BASE_URL', description: 'base URL of the streaming API, such as https://streaming.eu.assemblyai.com' }),
  model: z.string().trim().min(1).default('universal-streaming-english').meta({
    env: 'TANDEM_ASSEMBLYAI_MODEL',
    description: 'model that listens: universal-streaming-english (its multilingual sister for other languages), u3-rt-pro',
  }),
  keyTerms: choice.meta({
    env: 'TANDEM_ASSEMBLYAI_KEY_TERMS',
    description: 'on: the phrases of an assistant are sent as key terms, which AssemblyAI bills extra',
  }),
  forceEndpoint: choice.meta({
    env: 'TANDEM_ASSEMBLYAI_FORCE_ENDPOINT',
    description: "on: Tandem's own voice activity ends the turn, sooner but also in pauses; off: AssemblyAI decides",
  }),
});

/** Usable with a key. Written from AssemblyAI's documentation; never run against the live service. */
export const assemblyai = defineVendor({
  name: 'assemblyai',
  settings,
  transcriber: async ({ apiKey, baseUrl, model, keyTerms, forceEndpoint }: z.infer<typeof settings>, kit: Kit) =>
    apiKey === undefined
      ? undefined
      : new AssemblyAiTranscriber(kit, {
          apiKey,
          baseUrl,
          model,
          keyTerms: keyTerms === 'on',
          forceEndpoint: forceEndpoint === 'on',
        }),
});
