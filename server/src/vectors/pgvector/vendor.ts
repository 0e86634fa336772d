/** Vectors in a PostgreSQL server with the extension pgvector: one index for all nodes. */
import { z } from 'zod';
import { defineVendor, type SettingMeta } from '#kit/vendor.ts';
import type { VectorVendor } from '../vendor.ts';
import { openPgvectorIndex } from './pgvector-index.ts';
import { openPool } from './vector-database.ts';

const settings = z.object({
  url: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// or postgresql://')
    .optional()
    .meta({ env: 'DATABASE_URL', secret: true, description: 'PostgreSQL server with the extension pgvector' } satisfies SettingMeta),
});

export const pgvector = defineVendor({
  name: 'pgvector',
  settings,
  vectorIndex: async ({ url }: z.infer<typeof settings>, { kit }) =>
    url === undefined ? undefined : openPgvectorIndex(kit, openPool(url, kit)),
} satisfies VectorVendor);
