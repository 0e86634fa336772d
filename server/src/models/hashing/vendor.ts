import { z } from 'zod';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { HashingEmbedder } from './embedder.ts';

const settings = z.object({});

/** Always there: no key, no download, no process. */
export const hashing = defineVendor({
  name: 'hashing',
  settings,
  embedder: async (_settings: z.infer<typeof settings>, _kit: Kit) => new HashingEmbedder(),
});
