import { basename } from 'node:path';
import { z } from 'zod';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { modelFilesIn } from './model-files.ts';
import { startSherpa } from './transcriber.ts';

const count = (least: number, most: number) => z.coerce.number().int().min(least).max(most);

const settings = z.object({
  model: z.string().trim().min(1).optional().meta({
    env: 'TANDEM_SHERPA_MODEL',
    description: 'folder of a streaming sherpa-onnx model (tokens.txt and its .onnx files); needs sherpa-onnx-node',
  }),
  runtime: z.string().trim().min(1).default('sherpa-onnx-node').meta({
    env: 'TANDEM_SHERPA_ONNX',
    description: 'the package sherpa-onnx-node, or the path of its folder when it is installed elsewhere',
  }),
  streams: count(1, 256).default(4).meta({ env: 'TANDEM_SHERPA_STREAMS', description: 'calls that sherpa-onnx hears at once' }),
  threads: count(1, 64).default(1).meta({ env: 'TANDEM_SHERPA_THREADS', description: 'threads that sherpa-onnx computes with' }),
});
type Settings = z.infer<typeof settings>;

/** Usable when a model is named and sherpa-onnx-node is installed: neither comes with Tandem. Tested against its API, not a model. */
export const sherpa = defineVendor({
  name: 'sherpa',
  settings,
  transcriber: async ({ model, runtime, streams, threads }: Settings, kit: Kit) => {
    if (model === undefined) return undefined;
    try {
      return await startSherpa(kit, { files: await modelFilesIn(model), runtime, threads, model: basename(model), mostStreams: streams });
    } catch (error) {
      kit.log.warn({ model, error: messageOf(error) }, 'sherpa-onnx is set but cannot be used: the next transcriber is taken');
      return undefined;
    }
  },
});
