import type { CallEvent, CallFact } from '@tandem/contract';
import { expect, test } from 'vitest';
import { mergeEvents } from '../../lib/live.ts';
import { liveStateOf } from './live-state.ts';

const call = (...facts: CallFact[]): CallEvent[] =>
  facts.map((fact, seq) => ({ businessId: 'b', callId: 'c', seq, at: seq * 100, ...fact }));

const greeted: CallFact[] = [
  { type: 'call-answered', ringMs: 0 },
  { type: 'reply-started', turn: 0, epoch: 1, kind: 'greeting' },
  { type: 'speech-played', turn: 0, text: 'Hello.', fromAt: 0, toAt: 400, words: [] },
  { type: 'turn-completed', turn: 0, heard: 'Hello.', interrupted: false, stages: {} },
];

test('words go from heard to certain, and the assistant answers on its own line', () => {
  const partial = liveStateOf(
    call(...greeted, { type: 'speech-started', party: 'caller' }, { type: 'transcript-partial', turn: 1, text: 'are you' }),
  );
  expect(partial.speaking).toBe('caller');
  expect(partial.lines.at(-1)).toMatchObject({ party: 'caller', text: '', tail: 'are you', open: true });

  const committed = liveStateOf(
    call(
      ...greeted,
      { type: 'transcript-partial', turn: 1, text: 'are you' },
      { type: 'transcript-final', turn: 1, text: 'are you open', fromAt: 0, toAt: 1 },
      { type: 'transcript-partial', turn: 1, text: 'on' },
      { type: 'transcript-final', turn: 1, text: 'on Sunday', fromAt: 0, toAt: 1 },
      { type: 'turn-committed', turn: 1, text: 'Are you open on Sunday?', source: 'speech', stages: {} },
      { type: 'reply-started', turn: 1, epoch: 2, kind: 'answer' },
    ),
  );
  expect(committed.speaking).toBe('assistant');
  expect(committed.lines.map(({ party, text }) => [party, text])).toEqual([
    ['assistant', 'Hello.'],
    ['caller', 'Are you open on Sunday?'],
    ['assistant', ''],
  ]);
});

test('an interrupted reply keeps only what was heard; a reply nobody heard leaves no line', () => {
  const state = liveStateOf(
    call(
      ...greeted,
      { type: 'reply-started', turn: 1, epoch: 2, kind: 'answer' },
      { type: 'speech-played', turn: 1, text: 'We are open from', fromAt: 0, toAt: 1, words: [] },
      { type: 'reply-interrupted', turn: 1, cause: 'words', heard: 'We are open' },
      { type: 'reply-started', turn: 2, epoch: 3, kind: 'answer' },
      { type: 'reply-interrupted', turn: 2, cause: 'words', heard: '' },
      { type: 'turn-completed', turn: 2, heard: '', interrupted: true, stages: {}, voiceToVoiceMs: 620 },
    ),
  );
  expect(state.lines.at(-1)).toMatchObject({ text: 'We are open', interrupted: true });
  expect(state.latencies).toEqual([620]);
  expect(state.speaking).toBeUndefined();
});

test('a cough while the assistant speaks gives the floor back to it; one in a silence leads to no search for an answer', () => {
  const cough: CallFact[] = [
    { type: 'speech-started', party: 'caller' },
    { type: 'speech-ended', party: 'caller', durationMs: 60 },
  ];
  const reply: CallFact = { type: 'reply-started', turn: 1, epoch: 2, kind: 'answer' };
  expect(liveStateOf(call(...greeted, reply, ...cough.slice(0, 1))).speaking).toBe('caller');
  expect(liveStateOf(call(...greeted, reply, ...cough)).speaking).toBe('assistant');
  expect(liveStateOf(call(...greeted, ...cough)).speaking).toBeUndefined();
  const asked: CallFact = { type: 'turn-committed', turn: 1, text: 'Hi', source: 'typed', stages: {} };
  expect(liveStateOf(call(...greeted, asked, ...cough)).speaking).toBe('thinking');
});

test('an ending closes everything', () => {
  const state = liveStateOf(call(...greeted, { type: 'call-ended', by: 'caller', reason: 'hung-up', durationMs: 900 }));
  expect(state.ending).toEqual({ by: 'caller', reason: 'hung-up' });
});

test('events that arrive twice or out of order are merged by their number', () => {
  const events = call(...greeted);
  const merged = mergeEvents(events.slice(1, 3), events);
  expect(merged.map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
  expect(mergeEvents(events.slice(0, 2), events.slice(2)).map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
});
