import type { TransferTarget } from '@tandem/contract';
import { z } from 'zod';
import { VendorError } from '#kit/errors.ts';
import type { Tool } from '#models/tool.ts';

const CONNECTING: Record<string, string> = {
  en: 'One moment, I am connecting you.',
  de: 'Einen Moment, ich verbinde Sie.',
  fr: 'Un instant, je vous mets en relation.',
  es: 'Un momento, le paso la llamada.',
  pt: 'Um momento, vou transferir a chamada.',
};

/** Longer than a target rings. */
const WITHIN_MS = 28_000;

/** `transfer_call`: the model names one of the targets the business has configured; what callers say is never dialled. */
export function transferCall(
  targets: readonly TransferTarget[],
  language: string,
  connect: (target: TransferTarget, signal: AbortSignal) => Promise<void>,
): Tool {
  const names = targets.map(({ name }) => name) as [string, ...string[]];
  const say = CONNECTING[language.split('-')[0].toLowerCase()];
  const list = targets.map(({ name, description }) => (description === '' ? name : `${name} (${description})`)).join('; ');
  return {
    name: 'transfer_call',
    description: `Connects the caller to a person. Targets: ${list}. If nobody answers, offer to take a message.`,
    schema: z.object({ target: z.enum(names) }),
    sideEffect: true,
    interruptible: false,
    timeoutMs: WITHIN_MS,
    ...(say === undefined ? {} : { say }),
    async run(input, { signal }) {
      const { target } = input as { target: string };
      const found = targets.find(({ name }) => name === target);
      if (!found) throw new VendorError('transfer_call', 'bad-input', 'there is no such target');
      await connect(found, signal);
      return { connected: true };
    },
  };
}
