import { z } from 'zod';
import type { SoundFormat } from '#audio/frame.ts';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { SmartTurnDetector } from './detector.ts';
import { loadModel } from './model.ts';
import { Panel } from './panel.ts';

const settings = z.object({
  model: z.string().trim().min(1).optional().meta({
    env: 'TANDEM_SMART_TURN_MODEL',
    description: 'path of a smart-turn end-of-turn model (ONNX, version 3); needs onnxruntime-node',
  }),
  runtime: z.string().trim().min(1).default('onnxruntime-node').meta({
    env: 'TANDEM_ONNXRUNTIME',
    description: 'the package onnxruntime-node, or the path of its folder when it is installed elsewhere',
  }),
});

/** Usable when a model file is named and onnxruntime-node is installed: neither comes with Tandem. */
export const smartTurn = defineVendor({
  name: 'smart-turn',
  settings,
  endOfTurn: async ({ model, runtime }: z.infer<typeof settings>, kit: Kit) => {
    if (model === undefined) return undefined;
    try {
      const panel = new Panel(await loadModel({ clock: kit.clock, model, runtime }), kit);
      return (format: SoundFormat) => new SmartTurnDetector(panel, format);
    } catch (error) {
      kit.log.warn({ model, error: messageOf(error) }, 'smart-turn is set but cannot be used: turns are judged by silence and words');
      return undefined;
    }
  },
});
