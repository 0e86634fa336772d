import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { VendorError } from '#kit/errors.ts';
import type { ModelMessage } from '#models/language-model.ts';
import type { Tool } from '#models/tool.ts';
import { END_CALL } from './answer.ts';
import { MS_PER_CHAR, Stage } from './testing.ts';

const HOURS = 'We are open from nine to five, Monday to Friday. On Saturday we close at noon. We are closed on Sunday.';
const endCall = { type: 'tool-call', call: { id: 'tool_1', name: END_CALL, arguments: {} } } as const;

/** The greeting is over after this. */
const GREETED = 2_000;

describe('taking turns', () => {
  test('greets, hears a question, answers it, and remembers both', async () => {
    const stage = await Stage.set({ answers: () => 'We are open from nine to five.' });
    await stage.says('When are you open?', GREETED);
    await stage.until(8_000);
    expect(stage.of('reply-started').map(({ turn, kind }) => [turn, kind])).toEqual([
      [0, 'greeting'],
      [1, 'answer'],
    ]);
    expect(stage.of('turn-committed')).toMatchObject([{ turn: 1, text: 'When are you open?', source: 'speech' }]);
    expect(stage.requests[0].messages).toEqual([
      { role: 'assistant', text: 'Hello, this is the test line.' },
      { role: 'user', text: 'When are you open?' },
    ]);
    expect(stage.of('turn-completed').at(-1)).toMatchObject({ turn: 1, heard: 'We are open from nine to five.', interrupted: false });
    expect(stage.conversation.messages.at(-1)).toEqual({ role: 'assistant', text: 'We are open from nine to five.' });
    expect(await stage.strike()).toBe(0);
  });

  test('facts come in the order of the story', async () => {
    const stage = await Stage.set();
    await stage.says('Good morning', GREETED);
    await stage.until(5_000);
    const types = stage.facts.map(({ type }) => type).filter((type) => type !== 'transcript-partial');
    expect(types).toEqual([
      'conversation-began',
      'reply-started',
      'speech-played',
      'speech-played',
      'turn-completed',
      'usage-counted',
      'decisions-taken',
      'speech-started',
      'transcript-final',
      'speech-ended',
      'turn-committed',
      'decisions-taken',
      'retrieval-done',
      'reply-started',
      'speech-played',
      'turn-completed',
      'usage-counted',
      'decisions-taken',
    ]);
    await stage.strike();
  });

  test('the endpoint comes minDelay after the last voiced frame, and voice to voice is counted from there', async () => {
    for (const [eagerness, minDelay] of [
      ['low', 900],
      ['medium', 600],
      ['high', 350],
    ] as const) {
      const stage = await Stage.set({ plan: { policy: { eagerness } } });
      await stage.says('When are you open', GREETED, { ms: 1_000 });
      await stage.until(6_000);
      const [commit] = stage.of('turn-committed');
      const { speechEndAt = 0, endpointAt = 0, firstPacketAt = 0 } = { ...commit.stages, ...stage.of('turn-completed').at(-1)?.stages };
      expect(endpointAt - speechEndAt).toBeCloseTo(minDelay, 0);
      expect(Math.abs(speechEndAt - (GREETED + 1_000))).toBeLessThanOrEqual(60);
      expect(stage.of('turn-completed').at(-1)?.voiceToVoiceMs).toBe(firstPacketAt - speechEndAt);
      await stage.strike();
    }
  });

  test("the transcriber's own end of turn commits at once", async () => {
    const stage = await Stage.set();
    await stage.says('When are you open', GREETED, { ms: 1_000, finalMs: 120 });
    await stage.until(GREETED + 1_130);
    stage.transcripts?.endOfTurn?.();
    await stage.until(GREETED + 1_200);
    expect(stage.of('turn-committed')[0].at).toBe(GREETED + 1_130);
    await stage.strike();
  });

  test('a sentence that is not finished is waited for', async () => {
    const stage = await Stage.set();
    await stage.says('I would like to', GREETED, { ms: 900 });
    await stage.says('cancel my order.', GREETED + 2_500, { ms: 900 });
    await stage.until(8_000);
    expect(stage.of('turn-committed').map(({ text }) => text)).toEqual(['I would like to cancel my order.']);
    await stage.strike();
  });

  test('the same seed gives the same facts, bit for bit', async () => {
    const run = async () => {
      const stage = await Stage.set({ seed: 5, answers: () => ['We are open ', 30, 'from nine to five.'] });
      await stage.says('When are you open?', GREETED);
      await stage.says('wait wait', 5_200);
      await stage.until(12_000);
      await stage.strike();
      return JSON.stringify(stage.facts);
    };
    expect(await run()).toBe(await run());
  });

  test('two clauses follow each other without a gap, although each takes a while to make', async () => {
    const stage = await Stage.set({ answers: () => HOURS, speechDelayMs: 150 });
    await stage.says('When are you open?', GREETED);
    await stage.until(16_000);
    const played = stage.of('speech-played').filter(({ turn }) => turn === 1);
    expect(played.length).toBeGreaterThan(2);
    for (const [i, line] of played.slice(1).entries()) expect(line.fromAt - played[i].toAt).toBeLessThanOrEqual(20);
    expect(played.map(({ text }) => text).join(' ')).toBe(HOURS);
    await stage.strike();
  });
});

describe('being interrupted', () => {
  test('words stop the assistant at once, and history holds only what was heard', async () => {
    const stage = await Stage.set({ answers: ({ messages }) => (messages.length < 3 ? HOURS : 'Of course.') });
    await stage.says('When are you open?', GREETED);
    await stage.until(4_000);
    const from = 6_000;
    await stage.says('No, I mean on holidays', from, { ms: 1_500 });
    await stage.until(12_000);
    const [cut] = stage.of('reply-interrupted');
    expect(cut).toMatchObject({ turn: 1, cause: 'words' });
    const paused = stage.sounds.find(([start, end]) => start < from && end > from);
    // Onset to last audible frame: 250 ms of voice, plus at most two frames of the line.
    expect((paused?.[1] ?? 0) - from).toBeLessThanOrEqual(300);
    expect(HOURS.startsWith(cut.heard)).toBe(true);
    expect(cut.heard.length).toBeGreaterThan(20);
    const told = stage.requests[1].messages;
    expect(told.at(-2)).toEqual({ role: 'assistant', text: cut.heard, interrupted: true });
    expect(told.at(-1)).toEqual({ role: 'user', text: 'No, I mean on holidays' });
    const played = stage.of('speech-played').filter(({ turn }) => turn === 1);
    expect(played.map(({ text }) => text).join(' ')).toBe(cut.heard);
    expect(stage.of('turn-completed').find(({ turn }) => turn === 1)).toMatchObject({ heard: cut.heard, interrupted: true });
    expect(await stage.strike()).toBe(0);
  });

  test('heard words are those whose sound had left, a cut word not among them', async () => {
    const stage = await Stage.set({ answers: () => 'One two three four five six seven eight nine ten eleven twelve.' });
    await stage.says('Count please.', GREETED);
    await stage.until(4_000);
    const started = stage.of('reply-started').at(-1)?.at ?? 0;
    stage.far.type('thanks');
    await stage.until(4_020);
    const heardMs = stage.of('reply-interrupted')[0].at - started;
    const text = 'One two three four five six seven eight nine ten eleven twelve.';
    const expected = text.slice(0, Math.floor(heardMs / MS_PER_CHAR)).split(' ');
    const { heard } = stage.of('reply-interrupted')[0];
    expect(Math.abs(heard.split(' ').length - (expected.length - 1))).toBeLessThanOrEqual(1);
    expect(text.startsWith(heard)).toBe(true);
    await stage.strike();
  });

  test('the voice is ducked as soon as somebody speaks, before anything is decided', async () => {
    const stage = await Stage.set({ answers: () => HOURS });
    await stage.says('When are you open?', GREETED);
    await stage.until(5_000);
    await stage.noise(5_000, 180);
    await stage.until(6_500);
    const ducked = stage.heard.filter(({ at, quiet }) => quiet && at > 5_000 && at < 6_000);
    expect(ducked.length).toBeGreaterThan(4);
    expect(stage.of('reply-interrupted')).toEqual([]);
    expect(stage.of('reply-resumed')).toEqual([]);
    expect(stage.heard.at(-1)?.loud).toBe(true);
    await stage.strike();
  });

  test('a backchannel does not stop it', async () => {
    const stage = await Stage.set({ answers: () => HOURS });
    await stage.says('When are you open?', GREETED);
    await stage.says('uh-huh', 5_500, { ms: 220 });
    await stage.says('okay', 7_000, { ms: 240, partials: false });
    await stage.until(16_000);
    expect(stage.of('reply-interrupted')).toEqual([]);
    expect(stage.of('turn-completed').at(-1)).toMatchObject({ turn: 1, heard: HOURS, interrupted: false });
    expect(stage.requests).toHaveLength(1);
    expect(await stage.strike()).toBe(0);
  });

  test('"yes" into the last word of a question is its answer', async () => {
    const stage = await Stage.set({ answers: ({ messages }) => (messages.length < 3 ? 'Shall I book that for you now?' : 'Booked.') });
    await stage.says('A table please.', GREETED);
    const endsAt = 5_200;
    await stage.says('yes', endsAt - 600, { ms: 220 });
    await stage.until(9_000);
    expect(stage.of('turn-completed').find(({ turn }) => turn === 1)).toMatchObject({ interrupted: false });
    expect(stage.of('turn-committed').at(-1)).toMatchObject({ turn: 2, text: 'yes' });
    await stage.strike();
  });

  test('a cough pauses it; it goes on from the start of the clause', async () => {
    const stage = await Stage.set({ answers: () => HOURS });
    await stage.says('When are you open?', GREETED);
    await stage.until(6_300);
    await stage.noise(6_300, 300);
    await stage.until(20_000);
    expect(stage.of('reply-interrupted')).toEqual([]);
    expect(stage.of('reply-resumed')).toHaveLength(1);
    const resumedAt = stage.of('reply-resumed')[0].at;
    expect(resumedAt - 6_300).toBeLessThan(1_700);
    const lines = stage.of('speech-played').filter(({ turn }) => turn === 1);
    const cut = lines.find(({ at }) => at === resumedAt);
    const again = lines[lines.indexOf(cut as (typeof lines)[number]) + 1];
    expect(again.text.startsWith(cut?.text ?? '?')).toBe(true);
    expect(again.fromAt).toBe(resumedAt);
    expect(stage.of('turn-completed').at(-1)?.heard).toBe(HOURS);
    // Quiet from the pause until it goes on.
    const silent = stage.heard.filter(({ at, loud, quiet }) => at > 6_600 && at < resumedAt && (loud || quiet));
    expect(silent).toEqual([]);
    expect(await stage.strike()).toBe(0);
  });

  test('a voice that insists interrupts without words', async () => {
    const stage = await Stage.set({ answers: () => HOURS });
    await stage.says('When are you open?', GREETED);
    await stage.noise(6_000, 1_800);
    await stage.until(7_200);
    expect(stage.of('reply-interrupted')).toMatchObject([{ cause: 'speech' }]);
    await stage.strike();
  });

  test('its own echo, transcribed, is not the caller', async () => {
    const stage = await Stage.set({ answers: () => HOURS });
    await stage.says('When are you open?', GREETED);
    await stage.says('open from nine to five', 5_400, { ms: 900 });
    await stage.until(20_000);
    expect(stage.of('reply-interrupted')).toEqual([]);
    expect(stage.of('turn-completed').at(-1)?.heard).toBe(HOURS);
    await stage.strike();
  });

  test('digits interrupt and are one turn', async () => {
    const stage = await Stage.set({ answers: () => HOURS });
    await stage.says('When are you open?', GREETED);
    await stage.until(6_000);
    const sent = stage.far.sendDigits('42');
    await stage.until(10_000);
    await sent;
    expect(stage.of('reply-interrupted')).toMatchObject([{ cause: 'digits' }]);
    expect(stage.of('turn-committed').at(-1)).toMatchObject({ turn: 2, text: '42', source: 'digits' });
    await stage.strike();
  });

  test('a hash ends an entry at once', async () => {
    const stage = await Stage.set();
    await stage.until(GREETED);
    stage.conversation.digit('7');
    stage.conversation.digit('#');
    await stage.until(GREETED + 20);
    expect(stage.of('turn-committed')).toMatchObject([{ text: '7', source: 'digits' }]);
    await stage.strike();
  });

  test('typed text interrupts and is answered at once', async () => {
    const stage = await Stage.set();
    await stage.until(500);
    stage.far.type('What does it cost?');
    await stage.until(520);
    expect(stage.of('reply-interrupted')).toMatchObject([{ turn: 0, cause: 'typed' }]);
    expect(stage.of('turn-committed')).toMatchObject([{ turn: 1, text: 'What does it cost?', source: 'typed' }]);
    await stage.strike();
  });

  test('a legal notice is heard to its end; what was said over it is answered after it', async () => {
    const greeting = 'This call is recorded and you speak with an AI assistant.';
    const stage = await Stage.set({ plan: { greeting, greetingProtected: true } });
    await stage.says('I want to cancel my order', 1_000, { ms: 1_200 });
    await stage.until(8_000);
    expect(stage.of('reply-interrupted')).toEqual([]);
    expect(stage.of('turn-completed')[0]).toMatchObject({ turn: 0, heard: greeting });
    expect(stage.of('turn-committed')).toMatchObject([{ text: 'I want to cancel my order' }]);
    await stage.strike();
  });

  test('"hello?" into the start of the greeting is answered by the greeting', async () => {
    const stage = await Stage.set();
    await stage.says('hello?', 0, { ms: 500 });
    await stage.until(4_000);
    expect(stage.of('turn-committed')).toEqual([]);
    expect(stage.of('turn-completed')).toMatchObject([{ turn: 0, heard: 'Hello, this is the test line.', interrupted: false }]);
    await stage.strike();
  });
});

describe('words that come late or never', () => {
  test('a caller who goes on before the answer is heard is answered once, to all of it', async () => {
    const stage = await Stage.set({ answers: () => [700, 'Very well.'] });
    await stage.says('I want to cancel.', GREETED, { ms: 900 });
    await stage.says('My order of Monday.', GREETED + 1_900, { ms: 900 });
    await stage.until(10_000);
    expect(stage.of('turn-committed').map(({ turn, text }) => [turn, text])).toEqual([
      [1, 'I want to cancel.'],
      [1, 'I want to cancel. My order of Monday.'],
    ]);
    expect(stage.of('reply-started').filter(({ kind }) => kind === 'answer')).toHaveLength(1);
    expect(stage.of('turn-completed').filter(({ turn }) => turn === 1)).toHaveLength(1);
    expect(stage.requests.at(-1)?.messages.filter(({ role }) => role === 'user')).toEqual([
      { role: 'user', text: 'I want to cancel. My order of Monday.' },
    ]);
    expect(await stage.strike()).toBe(0);
  });

  test('a final that was owed joins the words that go on', async () => {
    const stage = await Stage.set({ answers: () => [700, 'Very well.'] });
    await stage.says('I want to cancel.', GREETED, { ms: 900, finalMs: 1_400 });
    await stage.says('My order of Monday.', GREETED + 1_900, { ms: 900 });
    await stage.until(10_000);
    expect(stage.of('turn-committed').map(({ turn, text }) => [turn, text])).toEqual([
      [1, 'I want to cancel.'],
      [1, 'I want to cancel. My order of Monday.'],
    ]);
    expect(stage.of('transcript-final').map(({ turn }) => turn)).toEqual([1, 1]);
    await stage.strike();
  });

  test('a final that never comes does not stall the floor: the partial is the turn', async () => {
    const stage = await Stage.set();
    await stage.says('When do you open', GREETED, { ms: 1_000, finalMs: undefined });
    await stage.until(8_000);
    const [commit] = stage.of('turn-committed');
    expect(commit.text).toBe('When do you open');
    expect(commit.at - (GREETED + 1_000)).toBeLessThanOrEqual(2_560);
    await stage.strike();
  });

  test('a late final with other words, before anything is heard, is what gets answered', async () => {
    const stage = await Stage.set({ answers: () => [1_500, 'Fine.'] });
    await stage.says('Book a table.', GREETED, { ms: 900, finalMs: undefined });
    await stage.until(GREETED + 1_900);
    stage.transcripts?.final({ text: 'Book a cable.', fromAt: GREETED, toAt: GREETED + 900, confidence: 1, words: undefined });
    await stage.until(9_000);
    expect(stage.of('turn-committed').map(({ turn, text }) => [turn, text])).toEqual([
      [1, 'Book a table.'],
      [1, 'Book a cable.'],
    ]);
    expect(stage.of('turn-completed').filter(({ turn }) => turn === 1)).toHaveLength(1);
    await stage.strike();
  });

  test('a late final while the answer is heard only corrects the record', async () => {
    const stage = await Stage.set({ answers: () => HOURS });
    await stage.says('Book a table.', GREETED, { ms: 900, finalMs: undefined });
    await stage.until(GREETED + 3_000);
    expect(stage.of('reply-started').at(-1)?.kind).toBe('answer');
    stage.transcripts?.final({ text: 'Book a cable.', fromAt: GREETED, toAt: GREETED + 900, confidence: 1, words: undefined });
    await stage.until(14_000);
    expect(stage.of('turn-committed')).toHaveLength(1);
    expect(stage.of('transcript-final')).toMatchObject([{ turn: 1, text: 'Book a cable.' }]);
    expect(stage.of('reply-interrupted')).toEqual([]);
    expect(stage.conversation.messages).toContainEqual({ role: 'user', text: 'Book a cable.' });
    await stage.strike();
  });

  test('a voice without words is asked again, three times at most', async () => {
    const stage = await Stage.set();
    for (const at of [GREETED, 9_000, 17_000, 25_000]) await stage.noise(at, 900);
    await stage.until(29_000);
    const lines = stage.of('speech-played').filter(({ at }) => at > GREETED);
    expect(lines.filter(({ text }) => text.startsWith('Could you'))).toHaveLength(3);
    const [reprompt] = stage.of('reply-started').filter(({ kind }) => kind === 'reprompt');
    expect(reprompt.at - (GREETED + 900)).toBeLessThan(1_700);
    await stage.strike();
  });

  test('a short noise in the silence is not answered', async () => {
    const stage = await Stage.set();
    await stage.noise(GREETED, 250);
    await stage.until(6_000);
    expect(stage.of('reply-started')).toHaveLength(1);
    await stage.strike();
  });

  test("words of the caller's own device need no transcriber", async () => {
    const stage = await Stage.set({ recognises: true });
    await stage.until(GREETED);
    expect(stage.streams).toBe(0);
    stage.far.recognise('When are', false);
    stage.far.recognise('When are you open', true, 0.8);
    await stage.until(5_000);
    expect(stage.of('turn-committed')).toMatchObject([{ text: 'When are you open' }]);
    await stage.strike();
  });

  test('a transcriber that dies is opened again, and when it stays dead the call says so and ends', async () => {
    const stage = await Stage.set();
    for (const at of [3_000, 4_000, 7_000]) {
      await stage.until(at);
      stage.transcripts?.failed(new VendorError('told', 'retryable', 'gone'));
    }
    await stage.until(20_000);
    expect(stage.of('reply-started').at(-1)?.kind).toBe('apology');
    expect(stage.ending).toEqual({ by: 'assistant', reason: 'model-failed' });
    expect(stage.streams).toBe(0);
    expect(await stage.strike()).toBe(0);
  });
});

describe('models that fail', () => {
  const failing = (category: 'retryable' | 'auth', failures: number) => {
    let n = 0;
    return () => (n++ < failures ? [50, new VendorError('told', category, 'no')] : 'Here you are.');
  };

  test('one failure before anything is heard is tried again', async () => {
    const stage = await Stage.set({ answers: failing('retryable', 1) });
    await stage.says('Hello there', GREETED);
    await stage.until(7_000);
    expect(stage.requests).toHaveLength(2);
    expect(stage.of('turn-completed').at(-1)).toMatchObject({ turn: 1, heard: 'Here you are.' });
    expect(stage.ending).toBeUndefined();
    await stage.strike();
  });

  test('a second failure is a spoken apology and an ending with a cause', async () => {
    const stage = await Stage.set({ answers: failing('retryable', 2) });
    await stage.says('Hello there', GREETED);
    await stage.until(15_000);
    expect(stage.requests).toHaveLength(2);
    expect(stage.of('reply-started').map(({ kind }) => kind)).toEqual(['greeting', 'apology']);
    expect(stage.of('turn-completed').at(-1)).toMatchObject({ turn: 1, heard: expect.stringContaining('technical problem') });
    expect(stage.ending).toEqual({ by: 'assistant', reason: 'model-failed' });
    expect(await stage.strike()).toBe(0);
  });

  test('what cannot be repaired is not tried again', async () => {
    const stage = await Stage.set({ answers: failing('auth', 9) });
    await stage.says('Hello there', GREETED);
    await stage.until(15_000);
    expect(stage.requests).toHaveLength(1);
    expect(stage.ending?.reason).toBe('model-failed');
    await stage.strike();
  });

  test('a model that never answers is given up after its deadline, twice', async () => {
    const stage = await Stage.set({ answers: () => [60_000, 'too late'], plan: { policy: { firstTokenMs: 3_000 } } });
    await stage.says('Hello there', GREETED);
    await stage.until(20_000);
    expect(stage.requests).toHaveLength(2);
    expect(stage.ending?.reason).toBe('model-failed');
    expect(await stage.strike()).toBe(0);
  });

  test('a model that fails in the middle and cannot go on: what was made is heard, then the apology', async () => {
    const stage = await Stage.set({
      answers: ({ continueFrom }) =>
        continueFrom === undefined
          ? ['We are open today. And then ', 1_500, new VendorError('told', 'retryable', 'no')]
          : [new VendorError('told', 'retryable', 'no')],
    });
    await stage.says('Hello there', GREETED);
    await stage.until(20_000);
    expect(stage.requests.map(({ continueFrom }) => continueFrom)).toEqual([undefined, 'We are open today.']);
    expect(stage.of('turn-completed').at(-1)?.heard).toMatch(/^We are open today\. I am sorry/);
    expect(stage.ending?.reason).toBe('model-failed');
    await stage.strike();
  });

  test('when there is no voice at all, a tone is heard before the end', async () => {
    const stage = await Stage.set({ speechFails: () => true });
    await stage.until(10_000);
    expect(stage.sounds.length).toBe(1);
    expect(stage.sounds[0][1] - stage.sounds[0][0]).toBeGreaterThan(800);
    expect(stage.ending).toEqual({ by: 'assistant', reason: 'model-failed' });
    expect(await stage.strike()).toBe(0);
  });

  test('retrieval that fails or hangs leaves an answer without passages', async () => {
    for (const retrieve of [() => Promise.reject(new Error('no')), () => new Promise<never>(() => {})]) {
      const stage = await Stage.set({ retrieve });
      await stage.says('Hello there', GREETED);
      await stage.until(8_000);
      expect(stage.of('retrieval-done')).toMatchObject([{ passages: [], answerable: false }]);
      expect(stage.of('turn-completed').at(-1)).toMatchObject({ turn: 1, heard: 'All right.' });
      expect(await stage.strike()).toBe(0);
    }
  });
});

describe('the end', () => {
  test('end_call ends the call when its answer was heard', async () => {
    const stage = await Stage.set({ answers: () => ['You are welcome. Goodbye.', endCall] });
    await stage.says('Thank you, bye', GREETED);
    await stage.until(10_000);
    expect(stage.ending).toEqual({ by: 'assistant', reason: 'goodbye' });
    expect(stage.of('turn-completed').at(-1)?.heard).toBe('You are welcome. Goodbye.');
    expect(await stage.strike()).toBe(0);
  });

  test('end_call without words says the goodbye of the plan', async () => {
    const stage = await Stage.set({ answers: () => [endCall] });
    await stage.says('Bye', GREETED);
    await stage.until(10_000);
    expect(stage.of('speech-played').at(-1)?.text).toBe('Goodbye then.');
    expect(stage.ending?.reason).toBe('goodbye');
    await stage.strike();
  });

  test('a caller who speaks over the goodbye has something more to say', async () => {
    const stage = await Stage.set({
      answers: ({ messages }) => (messages.length < 3 ? ['Goodbye and have a very nice day.', endCall] : 'Yes?'),
    });
    await stage.says('Thank you, bye', GREETED);
    await stage.says('wait one more thing', 4_400, { ms: 1_000 });
    await stage.until(9_000);
    expect(stage.ending).toBeUndefined();
    expect(stage.of('turn-completed').at(-1)).toMatchObject({ turn: 2, heard: 'Yes?' });
    await stage.strike();
  });

  test('silence is asked about twice, then goodbye', async () => {
    const stage = await Stage.set();
    await stage.until(60_000);
    expect(stage.of('reply-started').map(({ kind }) => kind)).toEqual(['greeting', 'reprompt', 'reprompt', 'goodbye']);
    const [, first] = stage.of('reply-started');
    expect(first.at - stage.of('turn-completed')[0].at).toBeLessThanOrEqual(8_100);
    expect(stage.ending).toEqual({ by: 'assistant', reason: 'idle' });
    expect(await stage.strike()).toBe(0);
  });

  test('"yes" to "are you still there" is an answer', async () => {
    const stage = await Stage.set();
    await stage.says('yes', 9_800, { ms: 300 });
    await stage.until(14_000);
    expect(stage.of('turn-committed')).toMatchObject([{ text: 'yes' }]);
    await stage.strike();
  });

  test('hanging up in the middle of a reply leaves nothing, and the turn holds what was heard', async () => {
    const stage = await Stage.set({ answers: () => HOURS });
    await stage.says('When are you open?', GREETED);
    await stage.until(6_000);
    await stage.hangUp();
    const last = stage.facts.findLast(({ type }) => type !== 'usage-counted' && type !== 'decisions-taken');
    expect(last).toMatchObject({ type: 'turn-completed', turn: 1, interrupted: true });
    expect(HOURS.startsWith(stage.of('turn-completed').at(-1)?.heard ?? '?')).toBe(true);
    const count = stage.facts.length;
    expect(await stage.strike()).toBe(0);
    await stage.kit.clock.advance(60_000);
    expect(stage.facts.length).toBe(count);
    expect(stage.streams).toBe(0);
  });
});

describe('tools', () => {
  const lookUp = (run: Tool['run'], more: Partial<Tool> = {}): Tool => ({
    name: 'look_up',
    description: 'Looks something up',
    schema: z.object({ id: z.string() }),
    sideEffect: false,
    interruptible: true,
    timeoutMs: 1_000,
    run,
    ...more,
  });
  const call = (args: unknown) => ({ type: 'tool-call', call: { id: 't1', name: 'look_up', arguments: args } }) as const;
  const answers = (args: unknown) => (request: { messages: readonly ModelMessage[] }) => {
    const result = request.messages.at(-1);
    return result?.role === 'tool' ? `It says ${result.result}.` : [call(args)];
  };

  test('a result goes back to the model, and both are facts', async () => {
    const stage = await Stage.set({ answers: answers({ id: 'a' }), tools: [lookUp(() => Promise.resolve('seven'))] });
    await stage.says('Look it up', GREETED);
    await stage.until(7_000);
    expect(stage.of('tool-returned')).toMatchObject([{ outcome: 'ok', result: 'seven', name: 'look_up' }]);
    expect(stage.of('turn-completed').at(-1)?.heard).toBe('It says "seven".');
    expect(stage.conversation.messages.map(({ role }) => role)).toEqual(['assistant', 'user', 'assistant', 'tool', 'assistant']);
    await stage.strike();
  });

  test('one that hangs, fails, is unknown or is asked wrongly is a result too', async () => {
    for (const [tool, args, outcome] of [
      [lookUp(() => new Promise(() => {})), { id: 'a' }, 'failed'],
      [lookUp(() => new Promise(() => {}), { sideEffect: true }), { id: 'a' }, 'unknown'],
      [lookUp(() => Promise.reject(new Error('no'))), { id: 'a' }, 'failed'],
      [lookUp(() => Promise.resolve(1)), { id: 5 }, 'failed'],
      [lookUp(() => Promise.resolve(1), { name: 'other' }), { id: 'a' }, 'failed'],
    ] as const) {
      const stage = await Stage.set({ answers: answers(args), tools: [tool] });
      await stage.says('Look it up', GREETED);
      await stage.until(12_000);
      expect(stage.of('tool-returned')).toMatchObject([{ outcome }]);
      expect(stage.of('turn-completed').at(-1)?.heard).toMatch(/^It says/);
      expect(await stage.strike()).toBe(0);
    }
  });

  test('a model that only calls tools is stopped after three rounds, and the assistant says that it cannot', async () => {
    let n = 0;
    const stage = await Stage.set({ answers: () => [call({ id: `a${n++}` })], tools: [lookUp(() => Promise.resolve(1))] });
    await stage.says('Look it up', GREETED);
    await stage.until(10_000);
    expect(stage.of('tool-called').length).toBe(3);
    expect(stage.of('turn-completed').at(-1)?.heard).toMatch(/^I am sorry, I cannot do that/);
    expect(stage.ending).toBeUndefined();
    expect(await stage.strike()).toBe(0);
  });

  test.each([
    ['transfer_call', /Shall I connect you to a person\?$/],
    ['take_message', /May I take a message\?$/],
  ])('and offers a way out where it has one: %s', async (name, line) => {
    let n = 0;
    const run = () => Promise.resolve(1);
    const stage = await Stage.set({ answers: () => [call({ id: `a${n++}` })], tools: [lookUp(run), lookUp(run, { name })] });
    await stage.says('Look it up', GREETED);
    await stage.until(10_000);
    expect(stage.of('turn-completed').at(-1)?.heard).toMatch(line);
    await stage.strike();
  });

  test('the very same call again is a runaway: it is not made, and words must come', async () => {
    const stage = await Stage.set({
      answers: ({ tools }) => (tools.length > 1 ? [call({ id: 'a' })] : 'It is seven.'),
      tools: [lookUp(() => Promise.resolve(7))],
    });
    await stage.says('Look it up', GREETED);
    await stage.until(8_000);
    expect(stage.of('tool-called')).toHaveLength(1);
    expect(stage.requests.map(({ tools }) => tools.length)).toEqual([2, 2, 1]);
    expect(stage.of('turn-completed').at(-1)?.heard).toBe('It is seven.');
    await stage.strike();
  });

  test('a model that asks wrongly is told once; after that the assistant says that it cannot', async () => {
    let n = 0;
    const stage = await Stage.set({ answers: () => [call({ id: n++ })], tools: [lookUp(() => Promise.resolve(7))] });
    await stage.says('Look it up', GREETED);
    await stage.until(9_000);
    expect(stage.of('tool-returned').map(({ outcome }) => outcome)).toEqual(['failed', 'failed']);
    expect(stage.requests).toHaveLength(2);
    expect(stage.of('turn-completed').at(-1)?.heard).toMatch(/^I am sorry, I cannot do that/);
    await stage.strike();
  });

  test('an effect leaves only once its key is on disk, and with that key', async () => {
    const order: string[] = [];
    const tool = lookUp(
      (_, { idempotencyKey }) => {
        order.push(`run ${idempotencyKey}`);
        return Promise.resolve('done');
      },
      { sideEffect: true },
    );
    const stage: Stage = await Stage.set({
      answers: answers({ id: 'a' }),
      tools: [tool],
      models: ({ clock }) => ({
        durable: async () => {
          order.push(`flush after ${stage.of('tool-called').length}`);
          await clock.sleep(30);
          order.push('durable');
        },
      }),
    });
    await stage.says('Look it up', GREETED);
    await stage.until(8_000);
    const key = stage.of('tool-called')[0].idempotencyKey;
    expect(key).toMatch(/^call_1:1:look_up:[0-9a-f]{16}$/);
    expect(order).toEqual(['flush after 1', 'durable', `run ${key}`]);
    await stage.strike();
  });

  test('an effect that cannot be recorded is not made', async () => {
    let ran = 0;
    const tool = lookUp(() => Promise.resolve(ran++), { sideEffect: true });
    const stage = await Stage.set({
      answers: answers({ id: 'a' }),
      tools: [tool],
      models: () => ({ durable: () => new Promise(() => {}) }),
    });
    await stage.says('Look it up', GREETED);
    await stage.until(9_000);
    expect(ran).toBe(0);
    expect(stage.of('tool-returned')).toMatchObject([{ outcome: 'failed' }]);
    expect(await stage.strike()).toBe(0);
  });

  test('nobody knows whether an effect happened: it is asked about, and never repeated blindly', async () => {
    for (const [states, outcome] of [
      [[{ state: 'done', result: 'booked' }], 'ok'],
      [[{ state: 'unknown' }, { state: 'done', result: 'booked' }], 'ok'],
      [[{ state: 'not-done' }], 'failed'],
      [[{ state: 'unknown' }, { state: 'unknown' }], 'unknown'],
    ] as const) {
      let asked = 0;
      let ran = 0;
      const tool = lookUp(
        () => {
          ran++;
          return Promise.reject(new VendorError('shop', 'retryable', 'connection lost'));
        },
        { sideEffect: true, reconcile: () => Promise.resolve(states[asked++]) },
      );
      const stage = await Stage.set({ answers: answers({ id: 'a' }), tools: [tool] });
      await stage.says('Look it up', GREETED);
      await stage.until(9_000);
      expect([ran, asked]).toEqual([1, states.length]);
      expect(stage.of('tool-returned')).toMatchObject([{ outcome }]);
      const told = stage.requests.at(-1)?.messages.at(-1);
      if (outcome === 'unknown') expect(told).toMatchObject({ result: expect.stringContaining('Do not repeat it') });
      expect(await stage.strike()).toBe(0);
    }
  });

  test('a result of megabytes is cut with a note', async () => {
    const stage = await Stage.set({ answers: answers({ id: 'a' }), tools: [lookUp(() => Promise.resolve('x'.repeat(10_000_000)))] });
    await stage.says('Look it up', GREETED);
    await stage.until(5_000);
    const told = stage.requests.at(-1)?.messages.at(-1);
    const result = told?.role === 'tool' ? told.result : '';
    expect(result.length).toBeLessThan(8_192);
    expect(result).toContain('[cut here: the result has 10000002 characters]');
    await stage.strike();
  });
});
