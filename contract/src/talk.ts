/**
 * The browser's call protocol on the WebSocket at `/gateways/browser`. Binary messages are 16 kHz linear PCM16LE mono,
 * 20 ms (640 bytes) each, both ways; text messages are these JSON objects.
 */
import { z } from 'zod';

/** POST /gateways/browser/session → where to connect, and the one-time token that names business and assistant. */
export const talkSessionInput = z.object({ assistant: z.string().max(64) });
export const talkSession = z.object({ token: z.string(), url: z.string(), assistantName: z.string() });
export type TalkSession = z.infer<typeof talkSession>;

export const talkFromBrowser = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    token: z.string(),
    recognises: z.boolean().describe("true when the browser's own speech recognition will send `transcript`s"),
  }),
  z.object({ type: z.literal('digit'), digit: z.string().regex(/^[0-9A-D*#]$/) }),
  z.object({ type: z.literal('typed'), text: z.string().min(1).max(500) }),
  z.object({ type: z.literal('transcript'), text: z.string().max(2_000), final: z.boolean(), confidence: z.number().optional() }),
  z.object({ type: z.literal('played'), ms: z.number() }).describe('milliseconds of sound the worklet has played in all'),
  z.object({ type: z.literal('hang-up') }),
]);
export type TalkFromBrowser = z.infer<typeof talkFromBrowser>;

export const talkToBrowser = z.discriminatedUnion('type', [
  z.object({ type: z.literal('answered'), callId: z.string() }),
  z.object({ type: z.literal('clear') }).describe('drop queued sound now: the caller interrupted'),
  z.object({ type: z.literal('caption'), party: z.enum(['caller', 'assistant']), turn: z.number(), text: z.string(), final: z.boolean() }),
  z.object({ type: z.literal('ended'), by: z.string(), reason: z.string() }),
  z.object({ type: z.literal('refused'), code: z.string(), message: z.string() }),
]);
export type TalkToBrowser = z.infer<typeof talkToBrowser>;
