import { z } from 'zod';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { WebRtcVoiceActivityDetector } from './detector.ts';
import { type Aggressiveness, Fvad } from './fvad.ts';

const settings = z.object({
  aggressiveness: z.coerce
    .number()
    .int()
    .min(0)
    .max(3)
    .default(2)
    .meta({ env: 'TANDEM_VAD_AGGRESSIVENESS', description: 'how strictly noise is told from speech, 0 (hears most) to 3 (strictest)' }),
});

/** The default voice activity detector: needs no key and no model file. */
export const webrtcVad = defineVendor({
  name: 'webrtc-vad',
  settings,
  voiceActivity: async ({ aggressiveness }: z.infer<typeof settings>, _kit: Kit) => {
    const fvad = await Fvad.load();
    return (format: 'mulaw-8000' | 'linear-16000') => new WebRtcVoiceActivityDetector(fvad, format, aggressiveness as Aggressiveness);
  },
});
