import { z } from 'zod';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { ElevenLabsSynthesizer, elevenLabsDeadlines } from './synthesizer.ts';
import { isElevenLabsVoice } from './wire.ts';

const DEFAULT_BASE_URL = 'https://api.elevenlabs.io';

const settings = z.object({
  apiKey: z.string().trim().min(1).optional().meta({ env: 'ELEVENLABS_API_KEY', secret: true, description: 'key of the ElevenLabs API' }),
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .default(DEFAULT_BASE_URL)
    .meta({ env: 'ELEVENLABS_BASE_URL', description: 'base URL of the ElevenLabs API' }),
  model: z
    .string()
    .trim()
    .min(1)
    .default('eleven_flash_v2_5')
    .meta({ env: 'TANDEM_ELEVENLABS_MODEL', description: 'ElevenLabs voice model' }),
  voice: z
    .string()
    .trim()
    .refine(isElevenLabsVoice, 'an ElevenLabs voice is 20 letters and digits')
    .default('21m00Tcm4TlvDq8ikWAM')
    .meta({ env: 'TANDEM_ELEVENLABS_VOICE', description: 'ElevenLabs voice for assistants that name none of its own' }),
});

/** Usable with a key. */
export const elevenlabs = defineVendor({
  name: 'elevenlabs',
  settings,
  synthesizer: async ({ apiKey, ...rest }: z.infer<typeof settings>, kit: Kit) =>
    apiKey === undefined ? undefined : new ElevenLabsSynthesizer(kit, { apiKey, ...rest, deadlines: elevenLabsDeadlines }),
});
