import { z } from 'zod';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { FliteSynthesizer } from './synthesizer.ts';

const settings = z.object({
  cacheMb: z.coerce
    .number()
    .min(1)
    .max(4096)
    .default(64)
    .meta({ env: 'TANDEM_FLITE_CACHE_MB', description: 'megabytes of rendered speech kept by the built-in voice' }),
});

export const flite = defineVendor({
  name: 'flite',
  settings,
  synthesizer: async ({ cacheMb }: z.infer<typeof settings>, kit: Kit) =>
    new FliteSynthesizer(kit, { queueLimit: 256, deadlineMs: 5_000, cacheBytes: cacheMb * 1024 * 1024 }),
});
