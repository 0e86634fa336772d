import { z } from 'zod';
import { messageOf, VendorError } from '#kit/errors.ts';
import type { Tool } from '#models/tool.ts';
import type { Leg } from '#telephony/leg.ts';

/** `send_digits`: presses telephone keys on the caller's line, as for a menu that answers a call of ours. */
export function sendDigits(leg: Pick<Leg, 'sendDigits'>): Tool {
  return {
    name: 'send_digits',
    description: 'Presses telephone keys on this line, for a menu or an extension. Only when a machine on the line asks for it.',
    schema: z.object({ digits: z.string().regex(/^[0-9A-D*#]{1,32}$/, 'is not 1 to 32 of 0-9, A-D, * and #') }),
    sideEffect: true,
    interruptible: false,
    timeoutMs: 8_000,
    async run(input) {
      const { digits } = input as { digits: string };
      try {
        await leg.sendDigits(digits);
      } catch (error) {
        throw new VendorError('send_digits', 'permanent', messageOf(error), { cause: error });
      }
      return { sent: digits.length };
    },
  };
}
