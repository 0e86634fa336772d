import { z } from 'zod';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { OnnxEmbedder } from './embedder.ts';

const settings = z.object({
  folder: z.string().trim().min(1).optional().meta({
    env: 'TANDEM_EMBEDDER_PATH',
    description: 'folder of a sentence model: model.onnx (or onnx/model.onnx) and tokenizer.json; needs onnxruntime-node',
  }),
  pooling: z.enum(['mean', 'cls', 'last']).optional().meta({
    env: 'TANDEM_EMBEDDER_POOLING',
    description: "how its tokens become one vector; as the folder's 1_Pooling/config.json says when absent, mean without one",
  }),
  runtime: z.string().trim().min(1).default('onnxruntime-node').meta({
    env: 'TANDEM_ONNXRUNTIME',
    description: 'the package onnxruntime-node, or the path of its folder when it is installed elsewhere',
  }),
});

/** Usable when a folder is named and onnxruntime-node is installed: neither comes with Tandem. */
export const onnxEmbedder = defineVendor({
  name: 'onnx-embedder',
  settings,
  embedder: async ({ folder, pooling, runtime }: z.infer<typeof settings>, kit: Kit) => {
    if (folder === undefined) return undefined;
    try {
      return await OnnxEmbedder.load(kit, { folder, pooling, runtime });
    } catch (error) {
      kit.log.warn({ folder, error: messageOf(error) }, 'the embedder of TANDEM_EMBEDDER_PATH cannot be used: the next one is taken');
      return undefined;
    }
  },
});
