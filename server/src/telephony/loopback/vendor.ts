import { z } from 'zod';
import { defineVendor } from '#kit/vendor.ts';
import type { GatewayContext } from '../gateway.ts';
import { LoopbackGateway } from './gateway.ts';

/** Calls in memory, for demonstrations, simulations and tests. Needs no setting. */
export const loopback = defineVendor({
  name: 'loopback',
  settings: z.object({}),
  gateway: (_settings: object, context: GatewayContext) => new LoopbackGateway(context),
});
