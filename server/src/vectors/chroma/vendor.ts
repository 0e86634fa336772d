/** Vectors on a ChromaDB server of the user's own. */
import { z } from 'zod';
import { defineVendor, type SettingMeta } from '#kit/vendor.ts';
import type { VectorVendor } from '../vendor.ts';
import { ChromaIndex } from './chroma-index.ts';

const settings = z.object({
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .meta({ env: 'CHROMA_URL', description: 'ChromaDB server for vectors, such as http://localhost:8000' } satisfies SettingMeta),
  apiKey: z
    .string()
    .min(1)
    .optional()
    .meta({ env: 'CHROMA_API_KEY', secret: true, description: 'sent to ChromaDB as x-chroma-token' } satisfies SettingMeta),
  tenant: z
    .string()
    .min(1)
    .default('default_tenant')
    .meta({ env: 'CHROMA_TENANT', description: "ChromaDB's own tenant" } satisfies SettingMeta),
  database: z
    .string()
    .min(1)
    .default('default_database')
    .meta({ env: 'CHROMA_DATABASE', description: 'database of that tenant' } satisfies SettingMeta),
});

export const chroma = defineVendor({
  name: 'chroma',
  settings,
  vectorIndex: async ({ url, ...rest }: z.infer<typeof settings>, { kit }) =>
    url === undefined ? undefined : new ChromaIndex(kit, { url, ...rest }),
} satisfies VectorVendor);
