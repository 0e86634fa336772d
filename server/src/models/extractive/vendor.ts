import { z } from 'zod';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { ExtractiveLanguageModel } from './language-model.ts';

const settings = z.object({});

/** Needs no key and no setting: always usable. */
export const extractive = defineVendor({
  name: 'extractive',
  settings,
  languageModel: async (_settings: z.infer<typeof settings>, kit: Kit) => new ExtractiveLanguageModel(kit),
});
