/** Whatever caller, model and tools do, and whenever the session dies: no lost call, no invented word, nothing left behind. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type ScriptedSession, ScriptedSpeech } from '#models/scripted/speech-to-speech.ts';
import type { Tool } from '#models/tool.ts';
import { talkOf } from './hand-over.ts';
import { Stage } from './testing.ts';

const move = fc.oneof(
  fc.record({ do: fc.constant('voice' as const), ms: fc.integer({ min: 20, max: 2_500 }) }),
  fc.record({ do: fc.constant('digit' as const), digit: fc.constantFrom('1', '7', '#') }),
  fc.record({ do: fc.constant('typed' as const) }),
  fc.record({ do: fc.constantFrom('fails' as const, 'stalls' as const, 'calls' as const, 'ends' as const) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 20, max: 4_000 }) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 20, max: 4_000 }) }),
);

const tool: Tool = {
  name: 'book',
  description: 'Books.',
  schema: z.object({}),
  sideEffect: true,
  interruptible: false,
  timeoutMs: 1_000,
  run: async () => 'booked',
};

test('any story ends as it should', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(move, { maxLength: 14 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 1_500 }),
      fc.boolean(),
      async (moves, protectedGreeting, readyMs, fillers) => {
        let speech: ScriptedSpeech | undefined;
        const received = new Map<string, number>();
        const stage = await Stage.set({
          tools: [tool],
          answers: () => 'Nine to five.',
          plan: { greetingProtected: protectedGreeting, policy: { fillers } },
          talk: (given, kit) => {
            speech = new ScriptedSpeech(kit, {
              heard: ['When are you open?', 'And on Sunday?'],
              rules: [
                { when: /Sunday/, call: { name: 'book', arguments: {} }, andThen: 'It is booked.' },
                { say: 'We are open from nine to five.' },
              ],
              firstMs: 150,
              wordsMs: 400,
              readyMs,
            });
            return talkOf(given, speech);
          },
        });
        const session: ScriptedSession | undefined = speech?.sessions[0];
        for (const [i, one] of moves.entries()) {
          if (one.do === 'voice') await stage.noise(stage.now, one.ms);
          else if (one.do === 'digit') stage.conversation.digit(one.digit);
          else if (one.do === 'typed') stage.conversation.typed('And on Sunday?');
          else if (one.do === 'fails') session?.fails();
          else if (one.do === 'stalls') session?.stalls();
          else if (one.do === 'calls') session?.calls(`call_${i}`, 'book', {}, 'Done.');
          else if (one.do === 'ends') session?.calls(`end_${i}`, 'end_call', {}, 'Goodbye.');
          await stage.until(stage.now + (one.do === 'wait' ? one.ms : 20));
        }
        for (const asked of session?.asked ?? []) if ('truncatedMs' in asked) received.set(asked.item, asked.truncatedMs);
        for (const ms of received.values()) expect(ms).toBeGreaterThanOrEqual(0);
        // Nobody does anything more: somebody asks, and says goodbye.
        await stage.until(stage.now + 120_000);
        expect(stage.ending).toBeDefined();
        expect(stage.ending?.reason).toMatch(/idle|goodbye/);
        const completed = stage.of('turn-completed').map(({ turn }) => turn);
        expect(completed).toEqual([...new Set(completed)]);
        expect(completed).toEqual(completed.toSorted((a, b) => a - b));
        const told = stage.conversation.messages.flatMap((message) => (message.role === 'assistant' ? [message.text] : []));
        const played = stage.of('speech-played');
        const answered = played.flatMap(({ text, filler }) => (filler ? [] : [text])).join(' ');
        const times = (whole: string, part: string) => whole.split(part).length - 1;
        for (const { text, fromAt, toAt, filler } of played) {
          // Told no more often than other lines said it: a filler that was cut after "I" has no word of its own.
          if (filler) expect(times(told.join(' '), text)).toBeLessThanOrEqual(times(answered, text));
          expect(text).not.toBe('');
          expect(toAt).toBeGreaterThanOrEqual(fromAt);
        }
        const keys = stage.of('tool-called').map(({ idempotencyKey }) => idempotencyKey);
        expect(keys).toEqual([...new Set(keys)]);
        expect(stage.of('tool-returned')).toHaveLength(keys.length);
        expect(await stage.strike()).toBe(0);
        expect(speech?.sessions).toEqual([]);
      },
    ),
    { numRuns: 60 },
  );
});
