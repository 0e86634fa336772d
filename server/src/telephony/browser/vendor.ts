import { z } from 'zod';
import { defineVendor } from '#kit/vendor.ts';
import type { GatewayContext } from '../gateway.ts';
import { BrowserGateway } from './gateway.ts';

/** Calls from a browser page over a WebSocket. Needs no setting of its own. */
export const browser = defineVendor({
  name: 'browser',
  settings: z.object({}),
  gateway: (_settings: object, context: GatewayContext) => new BrowserGateway(context),
});
