/** What surrounds the words of a conversation: speech that is kept, usage and its ceiling, who takes a turn first. */
import { describe, expect, test } from 'vitest';
import { KeptSpeech } from './kept-speech.ts';
import { Stage, type StageOptions } from './testing.ts';
import type { TakenTurn } from './turn-taker.ts';

const GREETED = 2_000;
const GREETING = 'Hello, this is the test line.';

describe('kept speech', () => {
  test('the second call with the same voice is greeted with the first packet, and pays nothing for it', async () => {
    const kept = new KeptSpeech();
    const greet = async () => {
      const stage = await Stage.set({ speechDelayMs: 300, models: () => ({ kept }) });
      await stage.until(3_000);
      const [started] = stage.of('reply-started');
      const lines = stage.of('usage-counted').flatMap(({ lines: counted }) => counted);
      const heard = stage.of('turn-completed')[0].heard;
      await stage.strike();
      return { at: started.at, heard, characters: lines.filter(({ unit }) => unit === 'characters').length };
    };
    const first = await greet();
    expect(first).toMatchObject({ heard: GREETING, characters: 1 });
    expect(first.at).toBeGreaterThanOrEqual(300);
    const second = await greet();
    expect(second).toMatchObject({ heard: GREETING, characters: 0 });
    expect(second.at).toBeLessThanOrEqual(25);
  });

  test("a model's own words are not kept", async () => {
    const kept = new KeptSpeech();
    const stage = await Stage.set({ answers: () => 'Your code is one two three.', models: () => ({ kept }) });
    await stage.until(GREETED);
    const { size } = kept;
    await stage.says('What is my code?', GREETED);
    await stage.until(9_000);
    expect(kept.size).toBe(size);
    await stage.strike();
  });

  test('an approved answer is spoken as it stands: no model is asked, and the second time no voice', async () => {
    const passage = { id: 'q1', documentId: 'q', title: 'Hours', text: 'When are you open?', score: 1, answer: 'We are open all day.' };
    const stage = await Stage.set({
      speechDelayMs: 300,
      retrieve: () => ({ passages: [passage], answerable: true, approved: passage }),
    });
    for (const at of [GREETED, 8_000]) await stage.says('When are you open?', at, { ms: 900 });
    await stage.until(14_000);
    expect(stage.requests).toEqual([]);
    const turns = stage.of('turn-completed').filter(({ turn }) => turn > 0);
    expect(turns.map(({ heard }) => heard)).toEqual(['We are open all day.', 'We are open all day.']);
    const { committedAt = 0, firstPacketAt = 0 } = turns[1].stages;
    expect(firstPacketAt - committedAt).toBeLessThanOrEqual(25);
    await stage.strike();
  });
});

describe('usage', () => {
  const paid: StageOptions = {
    answers: () => ['We are open.', { type: 'usage', inputTokens: 100, cachedTokens: 60, outputTokens: 7 }],
    models: () => ({ price: ({ unit, quantity }) => (unit === 'output-tokens' ? 10 * quantity : quantity) }),
  };

  test('tokens, characters and seconds are counted by turn, with what the call costs so far', async () => {
    const stage = await Stage.set(paid);
    for (const at of [GREETED, 6_000]) await stage.says('When are you open?', at, { ms: 900 });
    await stage.until(10_000);
    const counted = stage.of('usage-counted');
    expect(counted.map(({ turn }) => turn)).toEqual([0, 1, 2]);
    const amounts = Object.fromEntries(counted[1].lines.map(({ unit, quantity }) => [unit, quantity]));
    expect(amounts).toMatchObject({ 'input-tokens': 40, 'cached-tokens': 60, 'output-tokens': 7, characters: 'We are open.'.length });
    expect(amounts.seconds).toBeGreaterThan(2);
    const costs = counted.map(({ lines }) => lines.reduce((sum, { costMicros }) => sum + costMicros, 0));
    expect(counted.map(({ callCostMicros }) => Math.round(callCostMicros))).toEqual(
      costs.map((_, i) => Math.round(costs.slice(0, i + 1).reduce((a, b) => a + b, 0))),
    );
    await stage.strike();
  });

  test('words of an answer that was dropped are paid for too', async () => {
    let n = 0;
    const stage = await Stage.set({
      ...paid,
      plan: { policy: { speculation: 'words' } },
      answers: () => [50, n++ === 0 ? 'Yes. ' : 'Very well. ', { type: 'usage', inputTokens: 10, outputTokens: 2 }],
    });
    await stage.says('I want to cancel.', GREETED, { ms: 900 });
    await stage.says('My order of Monday.', GREETED + 1_380, { ms: 900 });
    await stage.until(9_000);
    const tokens = stage.of('usage-counted').flatMap(({ lines }) => lines.filter(({ unit }) => unit === 'input-tokens'));
    expect(tokens.reduce((sum, { quantity }) => sum + quantity, 0)).toBe(10 * stage.requests.length);
    expect(stage.requests.length).toBeGreaterThan(1);
    await stage.strike();
  });

  test('a request called off before its model had counted is paid for by estimate', async () => {
    const stage = await Stage.set({
      ...paid,
      answers: ({ messages }) =>
        messages.length > 2 ? [50, 'This is a long answer. '.repeat(20), 1_500, 'More. ', 1_900, 'Late.'] : ['Yes.'],
    });
    await stage.says('Are you open today?', GREETED, { ms: 900 });
    await stage.says('Tell me all about it.', 6_000, { ms: 900 });
    await stage.says('No stop.', 9_500, { ms: 900 });
    await stage.until(10_900);
    await stage.strike();
    const tokens = stage.of('usage-counted').flatMap(({ lines }) => lines.filter(({ stage: of }) => of === 'language-model'));
    expect(stage.of('reply-interrupted')).toHaveLength(1);
    const output = tokens.filter(({ unit }) => unit === 'output-tokens').reduce((sum, { quantity }) => sum + quantity, 0);
    expect(output).toBe(Math.ceil(('This is a long answer. '.length * 20 + 'More. '.length) / 4));
    expect(tokens.find(({ unit }) => unit === 'input-tokens')?.quantity).toBeGreaterThan(5);
  });

  test('when the money is spent the call ends with a polite line', async () => {
    const stage = await Stage.set({ ...paid, models: (...given) => ({ ...paid.models?.(...given), costCeilingMicros: 100 }) });
    for (const at of [GREETED, 6_000]) await stage.says('When are you open?', at, { ms: 900 });
    await stage.until(18_000);
    expect(stage.requests).toHaveLength(1);
    expect(stage.of('turn-completed').at(-1)?.heard).toMatch(/end of the time/);
    expect(stage.ending).toEqual({ by: 'assistant', reason: 'cost-ceiling' });
    expect(await stage.strike()).toBe(0);
  });
});

test('the money is spent by an answer begun in secret: it is called off, and the polite line is said', async () => {
  const stage = await Stage.set({
    plan: { policy: { speculation: 'words' } },
    answers: () => [{ type: 'usage', inputTokens: 1_000, outputTokens: 1 }, 'Yes. ', 60_000, 'Late.'],
    models: () => ({ price: ({ unit, quantity }) => (unit === 'input-tokens' ? quantity : 0), costCeilingMicros: 100 }),
  });
  await stage.says('When are you open?', GREETED, { ms: 900 });
  await stage.until(4_000);
  expect(stage.askings.map(({ signal }) => signal.aborted)).toEqual([true]);
  expect(stage.of('turn-committed')).toMatchObject([{ speculation: 'missed' }]);
  expect(stage.of('speculation-dropped')).toHaveLength(1);
  await stage.until(16_000);
  expect(stage.ending).toEqual({ by: 'assistant', reason: 'cost-ceiling' });
  expect(await stage.strike()).toBe(0);
});

describe('a turn that somebody takes before the model', () => {
  test('is theirs too when its words go on: a secret is looked up, begun to be answered or told nowhere', async () => {
    const queries: string[] = [];
    let over = false;
    const stage = await Stage.set({
      plan: { policy: { speculation: 'speech' } },
      answers: () => [1_500, 'Thank you.'],
      retrieve: ({ text: query }) => {
        queries.push(query);
        return { passages: [], answerable: false };
      },
      models: () => ({
        taker: {
          get active() {
            return !over;
          },
          take: () => {
            over = true;
            return { forModel: 'My PIN is collected:1.', shown: '***' };
          },
        },
      }),
    });
    await stage.says('four seven one one', GREETED, { ms: 900 });
    await stage.says('that was it', GREETED + 900 + 1_200, { ms: 600 });
    await stage.until(9_000);
    expect(stage.of('turn-committed').map(({ turn, text }) => [turn, text])).toEqual([
      [1, '***'],
      [1, '***'],
    ]);
    expect(stage.of('speculation-started')).toEqual([]);
    expect(queries.join()).not.toContain('four');
    expect(JSON.stringify(stage.requests.map(({ messages }) => messages))).not.toContain('four');
    await stage.strike();
  });

  const set = (take: (text: string) => TakenTurn | undefined) =>
    Stage.set({ plan: { policy: { speculation: 'speech' } }, models: () => ({ taker: { active: true, take: ({ text }) => take(text) } }) });

  test('is answered by them; nothing is begun in secret meanwhile', async () => {
    const stage = await set(() => ({ say: 'Thank you. And your date of birth?', expects: 'date' }));
    await stage.says('Five five five', GREETED, { ms: 900 });
    await stage.until(8_000);
    expect(stage.requests).toEqual([]);
    expect(stage.of('speculation-started')).toEqual([]);
    expect(stage.of('turn-completed').at(-1)?.heard).toBe('Thank you. And your date of birth?');
    await stage.strike();
  });

  test('what may not be shown is in no fact of the turn and in no prompt', async () => {
    const takes: TakenTurn[] = [{ say: 'Thank you.', shown: '***' }];
    const stage = await set(() => takes.shift());
    await stage.says('four two four two', GREETED, { ms: 900 });
    await stage.says('when are you open', 7_000, { ms: 900 });
    await stage.until(12_000);
    expect(stage.of('turn-committed').map(({ text }) => text)).toEqual(['***', 'when are you open']);
    expect(stage.requests[0].messages.at(1)).toEqual({ role: 'user', text: '***' });
    expect(JSON.stringify(stage.requests)).not.toContain('four two');
    await stage.strike();
  });

  test('or handed to the model with what was collected', async () => {
    const stage = await set((text) => ({ forModel: `[confirmed number: ${text}]` }));
    await stage.says('yes', GREETED, { ms: 500 });
    await stage.until(8_000);
    expect(stage.requests[0].messages.at(-1)).toEqual({ role: 'user', text: '[confirmed number: yes]' });
    expect(stage.of('turn-committed')[0].text).toBe('yes');
    await stage.strike();
  });
});

test('the waterfall is complete and runs forward', async () => {
  const stage = await Stage.set({ answers: () => [200, 'We are open.'], speechDelayMs: 120 });
  await stage.says('When are you open?', GREETED, { ms: 900 });
  await stage.until(8_000);
  const { stages, voiceToVoiceMs } = stage.of('turn-completed')[1];
  const {
    speechEndAt,
    finalAt,
    endpointAt,
    committedAt,
    retrievalAt,
    requestAt,
    firstTokenAt,
    firstClauseAt,
    firstAudioAt,
    firstPacketAt,
  } = stages;
  const marks = [
    speechEndAt,
    finalAt,
    endpointAt,
    committedAt,
    retrievalAt,
    requestAt,
    firstTokenAt,
    firstClauseAt,
    firstAudioAt,
    firstPacketAt,
  ];
  for (const mark of marks) expect(mark).toBeTypeOf('number');
  expect(marks).toEqual(marks.toSorted((a = 0, b = 0) => a - b));
  const onTheWire = stage.sounds.at(-1)?.[0] ?? 0;
  expect(Math.abs(onTheWire - (GREETED + 900) - (voiceToVoiceMs ?? 0))).toBeLessThanOrEqual(40);
  await stage.strike();
});
