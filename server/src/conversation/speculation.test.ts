/** Answers begun in secret: what they save, and what they may not do before their turn is committed. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { VendorError } from '#kit/errors.ts';
import type { Tool } from '#models/tool.ts';
import { Stage, type StageOptions } from './testing.ts';

const GREETED = 2_000;
const ASKED = 'When are you open?';
const VOICE_MS = 1_000;
const answer = () => [150, 'We are open from nine to five. ', 'On Sunday we are closed.'];

const set = (speculation: 'off' | 'words' | 'speech', options: StageOptions = {}) =>
  Stage.set({
    answers: answer,
    speechDelayMs: 100,
    ...options,
    plan: { ...options.plan, policy: { speculation, ...options.plan?.policy } },
  });

const asked = async (stage: Stage, until = 9_000) => {
  await stage.says(ASKED, GREETED, { ms: VOICE_MS });
  await stage.until(until);
};
const voiceToVoice = (stage: Stage) => stage.of('turn-completed').find(({ turn }) => turn === 1)?.voiceToVoiceMs ?? Number.NaN;

describe('an adopted answer', () => {
  test('each step takes its part out of the wait, and the words are the same', async () => {
    const waits: Record<string, number> = {};
    for (const how of ['off', 'words', 'speech'] as const) {
      const stage = await set(how);
      await asked(stage);
      waits[how] = voiceToVoice(stage);
      expect(stage.requests).toHaveLength(1);
      expect(stage.of('turn-completed').at(-1)?.heard).toBe('We are open from nine to five. On Sunday we are closed.');
      expect(stage.of('turn-committed')).toMatchObject([{ speculation: how === 'off' ? 'none' : 'adopted' }]);
      expect(await stage.strike()).toBe(0);
    }
    // 600 ms of silence decide; model (150) and voice (100) are hidden behind it.
    expect(waits.off - waits.words).toBeGreaterThanOrEqual(130);
    expect(waits.words - waits.speech).toBeGreaterThanOrEqual(80);
    expect(waits.speech).toBeLessThanOrEqual(640);
  });

  test('from the commit to the first packet it takes at most a frame, and goes on without a gap', async () => {
    const stage = await set('speech');
    await asked(stage);
    const { stages } = stage.of('turn-completed')[1];
    expect((stages.firstPacketAt ?? 0) - (stages.committedAt ?? 0)).toBeLessThanOrEqual(20);
    const marks = [stages.eagerAt, stages.retrievalAt, stages.requestAt, stages.firstTokenAt, stages.firstClauseAt, stages.firstAudioAt];
    expect(marks).toEqual(marks.toSorted((a = 0, b = 0) => a - b));
    expect(stages.firstAudioAt ?? 0).toBeLessThan(stages.committedAt ?? 0);
    const played = stage.of('speech-played').filter(({ turn }) => turn === 1);
    expect(played).toHaveLength(2);
    expect(played[1].fromAt - played[0].toAt).toBeLessThanOrEqual(20);
    await stage.strike();
  });

  test('before its turn is committed nothing is heard, shown or recorded as done', async () => {
    const stage = await set('speech');
    await stage.says(ASKED, GREETED, { ms: VOICE_MS });
    await stage.until(GREETED + VOICE_MS + 590);
    expect(stage.spoken).toBeGreaterThanOrEqual(2);
    expect(stage.of('speculation-started')).toMatchObject([{ turn: 1, text: ASKED }]);
    for (const type of ['turn-committed', 'retrieval-done'] as const) expect(stage.of(type)).toEqual([]);
    expect(stage.of('reply-started')).toHaveLength(1);
    expect(stage.captions.filter((line) => line.startsWith('assistant 1'))).toEqual([]);
    expect(stage.sounds.filter(([from]) => from > GREETED)).toEqual([]);
    await stage.until(9_000);
    const types = stage.facts.map(({ type }) => type);
    expect(types.indexOf('retrieval-done')).toBeGreaterThan(types.indexOf('turn-committed'));
    await stage.strike();
  });

  test('its tool waits at the gate', async () => {
    const ran: number[] = [];
    const tool: Tool = {
      name: 'book',
      description: 'Books',
      schema: z.object({}),
      sideEffect: true,
      interruptible: false,
      timeoutMs: 1_000,
      run: () => Promise.resolve(ran.push(0)),
    };
    const stage = await set('speech', {
      tools: [tool],
      answers: ({ messages }) =>
        messages.at(-1)?.role === 'tool' ? 'Booked.' : [{ type: 'tool-call', call: { id: 't', name: 'book', arguments: {} } }],
    });
    await stage.says(ASKED, GREETED, { ms: VOICE_MS });
    await stage.until(GREETED + VOICE_MS + 590);
    expect([stage.requests.length, ran.length, stage.of('tool-called').length]).toEqual([1, 0, 0]);
    await stage.until(9_000);
    expect([ran.length, stage.of('turn-completed').at(-1)?.heard]).toEqual([1, 'Booked.']);
    expect(stage.of('tool-called')[0].at).toBeGreaterThanOrEqual(stage.of('turn-committed')[0].at);
    await stage.strike();
  });
});

describe('a dropped answer', () => {
  test('ends its requests at once, and the words that went on are answered', async () => {
    const stage = await set('speech', { answers: () => [2_000, 'Very well.'] });
    await stage.says('I want to cancel.', GREETED, { ms: 900 });
    await stage.until(GREETED + 900 + 450);
    const [secret] = stage.askings;
    expect(secret.signal.aborted).toBe(false);
    await stage.says('My order of Monday.', GREETED + 1_380, { ms: 900 });
    await stage.until(12_000);
    expect(secret.signal.aborted).toBe(true);
    expect(stage.of('speculation-dropped').length).toBeGreaterThanOrEqual(1);
    expect(stage.of('turn-committed').map(({ text }) => text)).toEqual(['I want to cancel. My order of Monday.']);
    expect(stage.requests.at(-1)?.messages.at(-1)).toEqual({ role: 'user', text: 'I want to cancel. My order of Monday.' });
    expect(stage.of('turn-completed').at(-1)?.heard).toBe('Very well.');
    expect(await stage.strike()).toBe(0);
  });

  test('one that failed in secret is made anew when its turn is committed', async () => {
    let n = 0;
    const stage = await set('speech', { answers: () => (n++ < 2 ? [new VendorError('told', 'retryable', 'no')] : 'Here you are.') });
    await asked(stage);
    expect(stage.of('turn-committed')).toMatchObject([{ speculation: 'missed' }]);
    expect(stage.of('turn-completed').at(-1)?.heard).toBe('Here you are.');
    await stage.strike();
  });

  test('the same words are looked up once', async () => {
    const queries: string[] = [];
    const stage = await set('words', {
      answers: () => [3_000, 'Yes.'],
      retrieve: ({ text: query }) => {
        queries.push(query);
        return Promise.resolve({ passages: [], answerable: false });
      },
    });
    await stage.says(ASKED, GREETED, { ms: VOICE_MS });
    // A cough in between.
    await stage.noise(GREETED + VOICE_MS + 400, 100);
    await stage.until(12_000);
    expect(queries.filter((query) => query === ASKED)).toHaveLength(1);
    await stage.strike();
  });

  test('a call that ends meanwhile leaves nothing', async () => {
    const stage = await set('speech', { answers: () => [3_000, 'Too late.'] });
    await stage.says(ASKED, GREETED, { ms: VOICE_MS });
    await stage.until(GREETED + VOICE_MS + 500);
    await stage.hangUp();
    expect(stage.askings[0].signal.aborted).toBe(true);
    expect(await stage.strike()).toBe(0);
  });
});

test('the same sounds spelled otherwise are other words: the answer to them is begun anew', async () => {
  const stage = await set('words', {
    answers: ({ messages }) => `I have ${messages.flatMap((one) => (one.role === 'user' ? [one.text] : [])).at(-1)}`,
  });
  await stage.says('john smith@example.com', GREETED, { ms: VOICE_MS, finalMs: undefined });
  await stage.until(GREETED + VOICE_MS + 300);
  expect(stage.of('speculation-started')).toHaveLength(1);
  stage.transcripts?.final({ text: 'John.Smith@example.com', fromAt: GREETED, toAt: GREETED + VOICE_MS, confidence: 1, words: undefined });
  await stage.until(9_000);
  expect(stage.of('turn-completed').at(-1)?.heard).toBe('I have John.Smith@example.com');
  expect(stage.requests).toHaveLength(2);
  await stage.strike();
});
