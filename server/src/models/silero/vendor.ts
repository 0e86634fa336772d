import { z } from 'zod';
import type { SoundFormat } from '#audio/frame.ts';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { Batcher } from './batcher.ts';
import { SileroVoiceActivityDetector } from './detector.ts';
import { loadModel } from './model.ts';

const settings = z.object({
  model: z.string().trim().min(1).optional().meta({
    env: 'TANDEM_SILERO_MODEL',
    description: 'path of a Silero voice activity model (ONNX, version 5 or 6); needs onnxruntime-node',
  }),
  runtime: z.string().trim().min(1).default('onnxruntime-node').meta({
    env: 'TANDEM_ONNXRUNTIME',
    description: 'the package onnxruntime-node, or the path of its folder when it is installed elsewhere',
  }),
});

/** Usable when a model file is named and onnxruntime-node is installed: neither comes with Tandem. */
export const silero = defineVendor({
  name: 'silero',
  settings,
  voiceActivity: async ({ model, runtime }: z.infer<typeof settings>, kit: Kit) => {
    if (model === undefined) return undefined;
    try {
      const batcher = new Batcher(await loadModel({ clock: kit.clock, model, runtime }), kit);
      return (format: SoundFormat) => new SileroVoiceActivityDetector(batcher.open(), format);
    } catch (error) {
      kit.log.warn({ model, error: messageOf(error) }, 'Silero is set but cannot be used: the next voice activity detector is taken');
      return undefined;
    }
  },
});
