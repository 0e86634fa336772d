/** Vectors in this process: the default, nothing to install. */
import { z } from 'zod';
import { defineVendor, type SettingMeta } from '#kit/vendor.ts';
import type { VectorVendor } from '../vendor.ts';
import { openMemoryIndex } from './memory-index.ts';

const MIB = 1 << 20;

const settings = z.object({
  maxMb: z.coerce
    .number()
    .int()
    .min(16)
    .max(1_000_000)
    .default(1_024)
    .meta({
      env: 'TANDEM_VECTORS_MEMORY_MB',
      description: 'memory for vectors, in MiB; the least recently used knowledge bases are put away on disk beyond it',
    } satisfies SettingMeta),
});

export const memory = defineVendor({
  name: 'memory',
  settings,
  vectorIndex: ({ maxMb }: z.infer<typeof settings>, { kit, folder }) => openMemoryIndex({ kit, folder, maxBytes: maxMb * MIB }),
} satisfies VectorVendor);
