import type { CallEvent } from '@tandem/contract';
import { expect, test } from 'vitest';
import { type Heard, measure } from './measures.ts';

const event = (seq: number, at: number, fact: Record<string, unknown>) =>
  ({ businessId: 'b', callId: 'c', seq, at, ...fact }) as unknown as CallEvent;
const caller = (fromMs: number, toMs: number, kind?: string) => ({ who: 'caller' as const, text: 'words', fromMs, toMs, kind });
const heard = (change: Partial<Heard>): Heard => ({
  stretches: [{ fromMs: 200, toMs: 2_000 }],
  lines: [],
  pauses: [],
  events: [event(0, 100, { type: 'call-answered', ringMs: 100 })],
  endedMs: 20_000,
  ...change,
});

test('voice to voice counts from the last sample of a line to the first audible one of the answer', () => {
  const { voiceToVoiceMs, longestDeadAirMs } = measure(
    heard({
      stretches: [
        { fromMs: 200, toMs: 2_000 },
        { fromMs: 4_650, toMs: 6_000 },
        { fromMs: 9_000, toMs: 10_000 },
      ],
      lines: [caller(3_000, 4_000), caller(7_000, 8_000)],
    }),
  );
  expect(voiceToVoiceMs).toEqual([650, 1_000]);
  expect(longestDeadAirMs).toBe(1_000);
});

test('what is never answered is dead air, and no turn gap', () => {
  const { voiceToVoiceMs, longestDeadAirMs } = measure(heard({ lines: [caller(3_000, 4_000)], endedMs: 9_000 }));
  expect(voiceToVoiceMs).toEqual([]);
  expect(longestDeadAirMs).toBe(5_000);
});

test('a silence inside an answer is dead air while the turn is not complete', () => {
  const stretches = [
    { fromMs: 4_500, toMs: 5_000 },
    { fromMs: 8_000, toMs: 9_000 },
  ];
  const completed = event(1, 9_100, { type: 'turn-completed', turn: 1, heard: 'words', interrupted: false, stages: {} });
  const events = [event(0, 0, { type: 'call-answered', ringMs: 0 }), completed];
  expect(measure(heard({ stretches, lines: [caller(3_000, 4_000)], events })).longestDeadAirMs).toBe(4_500);
  expect(measure(heard({ stretches: stretches.slice(0, 1), lines: [caller(3_000, 4_000)], events })).longestDeadAirMs).toBe(4_500);
});

test('speech of the assistant in a pause of the caller is a cut-off', () => {
  const pauses = [{ fromMs: 3_500, toMs: 4_100 }];
  expect(measure(heard({ pauses, stretches: [{ fromMs: 4_000, toMs: 5_000 }] })).cutOffs).toBe(1);
  expect(measure(heard({ pauses, stretches: [{ fromMs: 4_700, toMs: 5_000 }] })).cutOffs).toBe(0);
});

test('a backchannel that stops the assistant for good is a false interruption; one after which it goes on is not', () => {
  const lines = [caller(3_000, 4_000), caller(5_000, 5_300, 'backchannel')];
  const answered = event(0, 100, { type: 'call-answered', ringMs: 100 });
  const interrupted = event(1, 5_600, { type: 'reply-interrupted', turn: 1, cause: 'words', heard: '' });
  const resumed = event(2, 5_900, { type: 'reply-resumed', turn: 1 });
  const stopped = heard({ lines, stretches: [{ fromMs: 4_500, toMs: 5_500 }], events: [answered, interrupted] });
  expect(measure(stopped).falseInterruptions).toBe(1);
  expect(measure({ ...stopped, events: [answered, interrupted, resumed] }).falseInterruptions).toBe(0);
  expect(measure({ ...stopped, events: [answered] }).falseInterruptions).toBe(0);
});
