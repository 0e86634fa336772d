import { z } from 'zod';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { SonioxTranscriber } from './transcriber.ts';

const settings = z.object({
  apiKey: z.string().trim().min(1).optional().meta({ env: 'SONIOX_API_KEY', secret: true, description: 'key of the Soniox API' }),
  baseUrl: z
    .url({ protocol: /^(https?|wss?)$/ })
    .default('https://stt-rt.soniox.com')
    .meta({ env: 'SONIOX_BASE_URL', description: 'base URL of the real-time API' }),
  model: z.string().trim().min(1).default('stt-rt-v5').meta({ env: 'TANDEM_SONIOX_MODEL', description: 'model that listens' }),
});

/** Usable with a key. Written from Soniox's documentation; never run against the live service. */
export const soniox = defineVendor({
  name: 'soniox',
  settings,
  transcriber: async ({ apiKey, baseUrl, model }: z.infer<typeof settings>, kit: Kit) =>
    apiKey === undefined ? undefined : new SonioxTranscriber(kit, { apiKey, baseUrl, model }),
});
