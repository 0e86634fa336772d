import type { CallFact } from '@tandem/contract';
import { z } from 'zod';
import type { Ids } from '#kit/ids.ts';
import type { Tool } from '#models/tool.ts';

export interface NoteParts {
  ids: Ids;
  /** The caller's own number; used when they leave no other. */
  callerNumber: string;
  record: (fact: CallFact) => void;
}

/** `take_message`: the message is a fact of the call; the business finds it in its list of messages. */
export function takeMessage({ ids, callerNumber, record }: NoteParts): Tool {
  return {
    name: 'take_message',
    description: 'Takes a message for the business. Ask for the name and the message first, and read them back.',
    schema: z.object({
      name: z.string().trim().max(120).default('').describe('who is calling'),
      number: z.string().trim().max(40).default('').describe('where to reach them; leave it out for the number they call from'),
      text: z.string().trim().min(1).max(2_000).describe('the message, in full sentences'),
      urgent: z.boolean().default(false),
    }),
    sideEffect: true,
    interruptible: false,
    timeoutMs: 1_000,
    async run(input) {
      const { name, number, text, urgent } = input as { name: string; number: string; text: string; urgent: boolean };
      record({ type: 'message-taken', messageId: ids.make('message'), name, number: number === '' ? callerNumber : number, text, urgent });
      return { taken: true };
    },
  };
}
