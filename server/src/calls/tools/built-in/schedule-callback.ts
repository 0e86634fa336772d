import { z } from 'zod';
import { type Clock, rfc3339 } from '#kit/clock.ts';
import { VendorError } from '#kit/errors.ts';
import type { Tool } from '#models/tool.ts';
import { spokenTime } from '../spoken-time.ts';
import type { NoteParts } from './take-message.ts';

export interface CallbackParts extends NoteParts {
  clock: Clock;
  language: string;
  /** IANA zone of the business: "at three" is three o'clock there. */
  timeZone: string;
}

/** `schedule_callback`: a promise to call back, as a fact of the call. */
export function scheduleCallback({ ids, callerNumber, record, clock, language, timeZone }: CallbackParts): Tool {
  return {
    name: 'schedule_callback',
    description: 'Notes that the business will call back. Ask when it suits and why they call, and read it back.',
    schema: z.object({
      name: z.string().trim().max(120).default(''),
      number: z.string().trim().max(40).default('').describe('leave it out for the number they call from'),
      when: z.string().trim().min(1).max(200).describe("in the caller's words, with day and time, such as: tomorrow at 3 pm"),
      reason: z.string().trim().max(1_000).default(''),
    }),
    sideEffect: true,
    interruptible: false,
    timeoutMs: 1_000,
    async run(input) {
      const { name, number, when, reason } = input as { name: string; number: string; when: string; reason: string };
      const time = spokenTime(when, { nowMs: clock.wall(), timeZone, language });
      if (time !== undefined && time < clock.wall())
        throw new VendorError('schedule_callback', 'bad-input', `${when} has passed; ask for another time`);
      const noted = time === undefined ? when : rfc3339(time);
      record({
        type: 'callback-scheduled',
        callbackId: ids.make('callback'),
        name,
        number: number === '' ? callerNumber : number,
        when: noted,
        reason,
      });
      return { scheduled: true, when: noted };
    },
  };
}
