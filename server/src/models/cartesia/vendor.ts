import { z } from 'zod';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { CartesiaSynthesizer, cartesiaDeadlines } from './synthesizer.ts';
import { isCartesiaVoice } from './wire.ts';

const DEFAULT_BASE_URL = 'https://api.cartesia.ai';

const settings = z.object({
  apiKey: z.string().trim().min(1).optional().meta({ env: 'CARTESIA_API_KEY', secret: true, description: 'key of the Cartesia API' }),
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .default(DEFAULT_BASE_URL)
    .meta({ env: 'CARTESIA_BASE_URL', description: 'base URL of the Cartesia API' }),
  model: z.string().trim().min(1).default('sonic-3').meta({ env: 'TANDEM_CARTESIA_MODEL', description: 'Cartesia voice model' }),
  voice: z
    .string()
    .trim()
    .refine(isCartesiaVoice, 'a Cartesia voice is a UUID')
    .default('6ccbfb76-1fc6-48f7-b71d-91ac6298247b')
    .meta({ env: 'TANDEM_CARTESIA_VOICE', description: 'Cartesia voice (UUID) for assistants that name none of its own' }),
});

/** Usable with a key. */
export const cartesia = defineVendor({
  name: 'cartesia',
  settings,
  synthesizer: async ({ apiKey, ...rest }: z.infer<typeof settings>, kit: Kit) =>
    apiKey === undefined ? undefined : new CartesiaSynthesizer(kit, { apiKey, ...rest, deadlines: cartesiaDeadlines }),
});
