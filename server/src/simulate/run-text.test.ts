import { describe, expect, test } from 'vitest';
import { systemKit } from '#kit/kit.ts';
import type { LanguageModel, ModelRequest } from '#models/language-model.ts';
import { scenario } from './builder.ts';
import { canonicalJson, hashOf } from './canonical.ts';
import { ordersOf, runAll } from './run-all.ts';
import { runScenario } from './run.ts';
import { testRooms } from './testing.ts';

const kit = systemKit('error');
const rooms = testRooms();
const base = { kit, rooms, level: 'text' } as const;

const visit = scenario('visit')
  .hears('greeting')
  .says('when do you close on friday')
  .hears('answer')
  .bargesIn('how much is a crown', { atWord: 3 })
  .hears('answer')
  .says('thank you goodbye')
  .build();

describe('level text', () => {
  test('is the engine without sound: words, retrieval, ending', async () => {
    const call = await runScenario(visit, base);
    expect(call.level).toBe('text');
    expect(call.sound).toBeUndefined();
    const said = call.lines.map(({ who, text }) => `${who}: ${text}`).join('\n');
    expect(said).toContain('assistant: from eight to four.');
    expect(said).toContain('assistant: A crown costs six hundred and forty pounds.');
    expect(call.events.filter(({ type }) => type === 'retrieval-done').length).toBeGreaterThanOrEqual(2);
    expect(call.events.at(-1)).toMatchObject({ type: 'call-ended', by: 'assistant', reason: 'goodbye' });
    expect(call.durationMs).toBeLessThan(5_000);
  });

  test('the same seed gives the same events', async () => {
    const [one, two, other] = [
      await runScenario(visit, base),
      await runScenario(visit, base),
      await runScenario(visit, { ...base, seed: 2 }),
    ];
    expect(two.hash).toBe(one.hash);
    expect(other.hash).not.toBe(one.hash);
  });

  test('digits are pressed, and what is sound alone is left out', async () => {
    const call = await runScenario(scenario('keys').hears('greeting').sounds('cough').backchannels().presses('42').hangsUp().build(), base);
    expect(call.events.flatMap((event) => (event.type === 'digit-received' ? [event.digit] : []))).toEqual(['4', '2']);
    expect(call.fault).toBeUndefined();
  });
});

describe('a persona', () => {
  const asked: ModelRequest[] = [];
  const lines = ['Where can I park?', 'Thank you. Goodbye. [HANG UP]'];
  const model: LanguageModel = {
    name: 'caller',
    async *generate(request) {
      yield { type: 'text', text: lines[asked.length] ?? 'HANG UP' };
      asked.push(request);
    },
  };
  const parking = scenario('parking')
    .playedBy({ who: 'In a hurry', wants: 'To know where to park', knows: { plate: 'HD 14' } })
    .build();

  for (const level of ['text', 'virtual'] as const) {
    test(`hears, answers and hangs up at level ${level}`, async () => {
      asked.length = 0;
      const call = await runScenario(parking, { ...base, level, personaModel: model, sound: false });
      expect(call.fault).toBeUndefined();
      expect(call.lines.filter(({ who }) => who === 'caller').map(({ text }) => text)).toEqual([
        'Where can I park?',
        'Thank you. Goodbye.',
      ]);
      expect(asked[0].instructions).toMatch(/In a hurry[\s\S]*where to park[\s\S]*plate: HD 14/);
      // The assistant's words come to it as the other side's.
      expect(asked[1].messages.at(-1)).toMatchObject({ role: 'user', text: expect.stringContaining('Rope Lane') as string });
      expect(call.events.at(-1)?.type).toBe('call-ended');
    });
  }

  test('without a model to play it is a fault', async () => {
    expect((await runScenario(parking, base)).fault).toMatch(/needs a language model/);
  });
});

describe('many calls', () => {
  const loaded = [visit, scenario('short').hears('greeting').hangsUp().build()].map((one) => ({
    scenario: one,
    file: 'a.yaml',
    folder: '.',
    line: 1,
  }));

  test('are played a few at a time, and come in order', async () => {
    const done: number[] = [];
    const calls = await runAll(ordersOf(loaded, { repeat: 3, seed: 10 }), { ...base, jobs: 2, progress: (count) => done.push(count) });
    expect(calls.map(({ scenario: { name }, seed, run }) => [name, seed, run])).toEqual([
      ['visit', 10, 0],
      ['visit', 11, 1],
      ['visit', 12, 2],
      ['short', 10, 0],
      ['short', 11, 1],
      ['short', 12, 2],
    ]);
    expect(done).toEqual([1, 2, 3, 4, 5, 6]);
    expect(calls[0].file).toBe('a.yaml');
  });

  test('a signal ends them', async () => {
    const stop = new AbortController();
    const running = runAll(ordersOf(loaded, { repeat: 50 }), { ...base, jobs: 2, signal: stop.signal, progress: () => stop.abort() });
    await expect(running).rejects.toThrow();
  });
});

test('canonical JSON does not know the order of keys', () => {
  expect(canonicalJson({ b: [1, { d: undefined, c: 'x' }], a: null })).toBe('{"a":null,"b":[1,{"c":"x"}]}');
  expect(hashOf([{ a: 1, b: 2 }])).toBe(hashOf([{ b: 2, a: 1 }]));
  expect(hashOf([1, 2])).not.toBe(hashOf([12]));
});
