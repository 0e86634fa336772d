import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { PocketSphinxTranscriber } from './transcriber.ts';

const settings = z.object({
  program: z
    .string()
    .default('/usr/bin/pocketsphinx_batch')
    .meta({ env: 'TANDEM_POCKETSPHINX', description: 'the program pocketsphinx_batch (Debian package pocketsphinx)' }),
  models: z
    .string()
    .default('/usr/share/pocketsphinx/model/en-us')
    .meta({ env: 'TANDEM_POCKETSPHINX_MODELS', description: 'folder with en-us/ and cmudict-en-us.dict (package pocketsphinx-en-us)' }),
  lanes: z.coerce
    .number()
    .int()
    .min(1)
    .max(64)
    .default(2)
    .meta({ env: 'TANDEM_POCKETSPHINX_LANES', description: 'utterances that PocketSphinx decodes side by side' }),
});
type Settings = z.infer<typeof settings>;

const QUEUE_LIMIT = 32;
const DEADLINE_MS = 3_000;
const IDLE_MS = 60_000;

/** The transcriber, or undefined where the program or its English model is not installed. */
export async function pocketSphinxOf({ program, models, lanes }: Settings, kit: Kit): Promise<PocketSphinxTranscriber | undefined> {
  const model = join(models, 'en-us');
  const cmuDictionary = join(models, 'cmudict-en-us.dict');
  try {
    await Promise.all([access(program, constants.X_OK), access(join(model, 'mdef')), access(cmuDictionary)]);
  } catch {
    return undefined;
  }
  const log = kit.log.with({ vendor: 'pocketsphinx' });
  return new PocketSphinxTranscriber(
    { ...kit, log },
    { program, model, cmuDictionary, lanes, queueLimit: QUEUE_LIMIT, deadlineMs: DEADLINE_MS, idleMs: IDLE_MS },
  );
}

export const pocketsphinx = defineVendor({ name: 'pocketsphinx', settings, transcriber: pocketSphinxOf });
