import { z } from 'zod';
import { defineVendor } from '#kit/vendor.ts';
import type { GatewayContext } from '../gateway.ts';
import { TwilioGateway } from './gateway.ts';

const settings = z.object({
  accountSid: z
    .string()
    .regex(/^AC[0-9a-fA-F]{32}$/, 'is AC and 32 hexadecimal digits')
    .optional()
    .meta({ env: 'TWILIO_ACCOUNT_SID', description: 'Account of the Twilio numbers' }),
  authToken: z.string().min(8).optional().meta({
    env: 'TWILIO_AUTH_TOKEN',
    secret: true,
    description: "The account's auth token; without it every request of Twilio's is refused",
  }),
  apiUrl: z
    .url({ protocol: /^https?$/ })
    .default('https://api.twilio.com/2010-04-01')
    .meta({ env: 'TWILIO_API_URL', description: "Twilio's REST interface" }),
  from: z
    .string()
    .regex(/^\+[1-9][0-9]{1,14}$/, 'is an E.164 number')
    .optional()
    .meta({ env: 'TWILIO_FROM', description: 'Number shown when a call out names none' }),
});

/** Twilio numbers over the media-stream protocol: TwiML webhook, WebSocket, status callbacks, calls out by REST. */
export const twilio = defineVendor({
  name: 'twilio',
  settings,
  gateway: (own: z.infer<typeof settings>, context: GatewayContext) => new TwilioGateway(own, context),
});
