/** Whole calls, replayed, forked, redacted and played again as scenarios; all on the virtual clock. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CallEvent } from '@tandem/contract';
import { systemKit } from '#kit/kit.ts';
import type { LanguageModel } from '#models/language-model.ts';
import { checkCall } from '#simulate/expectations/check.ts';
import type { SimulatedCall } from '#simulate/outcome.ts';
import { differenceOf, recordedSide, sideBySide } from '#simulate/replay/difference.ts';
import { forkCall } from '#simulate/replay/fork.ts';
import { firstChange } from '#simulate/replay/policy-rerun.ts';
import { conversationsOf } from '#simulate/replay/recorded-conversation.ts';
import { redact } from '#simulate/replay/redaction.ts';
import { scenarioOf } from '#simulate/replay/to-scenario.ts';
import { verdictOn } from '#simulate/replay/verdict.ts';
import { timelinePage } from '#simulate/report/timeline/page.ts';
import { runScenario } from '#simulate/run.ts';
import { scenario, type ScenarioInput } from '#simulate/scenario.ts';
import { simulationRooms } from '../../src/simulation.ts';

const kit = systemKit('error', { part: 'test' });
const rooms = simulationRooms();
const stop = new AbortController();

const SCRIPT: ScenarioInput = {
  name: 'an order',
  business: {
    name: 'Harbour Dental',
    assistant: { name: 'Ada', greeting: 'Hello, Harbour Dental.', instructions: 'Be brief.', builtInTools: ['end_call'], grounding: 'off' },
    documents: [{ title: 'Opening hours', text: 'We are open from Monday to Friday, from eight until six. On Saturday we close at one.' }],
    tools: [
      {
        name: 'find_order',
        description: 'Finds an order by its number',
        input: { type: 'object', properties: { number: { type: 'string' } } },
        answers: [{ with: { number: '4711' }, result: { state: 'ready' }, tookMs: 200 }],
      },
    ],
  },
  answers: [
    {
      when: 'order',
      call: { tool: 'find_order', with: { number: '4711' } },
      thenSay: 'Your order is {result.state}. You can fetch it whenever we are open.',
    },
    { when: 'goodbye', say: 'Goodbye.', call: { tool: 'end_call' } },
  ],
  caller: [
    { hear: 'greeting' },
    { pause: 400 },
    { say: 'When do you close on Saturday?' },
    { hear: 'answer' },
    { pause: 700 },
    { say: 'Is my order ready?', wordMs: 300 },
    { bargeIn: 'Wait, what about Monday?', atWord: 5 },
    { hear: 'answer' },
    { say: 'Thank you, goodbye.' },
    { hear: 'answer' },
  ],
};

const play = (seed: number) => runScenario(scenario.parse(SCRIPT), { kit, rooms, seed, signal: stop.signal });
const digestsOf = (events: readonly CallEvent[]) => conversationsOf(events).map(({ batches }) => batches.at(-1)?.digest);
const heard = (events: readonly CallEvent[]) => events.flatMap((event) => (event.type === 'turn-completed' ? [event.heard] : []));

let calls: SimulatedCall[];
beforeAll(async () => {
  calls = [];
  for (const seed of [1, 1, 2, 2]) calls.push(await play(seed));
  for (const { fault } of calls) expect(fault).toBeUndefined();
}, 60_000);
afterAll(() => stop.abort());

describe('a call on the virtual clock', () => {
  test('of one seed is the same call, event by event; of another seed it is another', () => {
    const [one, again, other, otherAgain] = calls;
    expect(again.hash).toBe(one.hash);
    expect(otherAgain.hash).toBe(other.hash);
    expect(other.hash).not.toBe(one.hash);
    expect(digestsOf(again.events)).toEqual(digestsOf(one.events));
    expect(digestsOf(one.events)[0]).toMatch(/^[0-9a-f]{16}$/);
  });

  test('replays to the same decisions', () => {
    for (const { events } of calls) {
      const verdict = verdictOn('call', events);
      expect(verdict).toMatchObject({ outcome: 'same', conversations: [{ difference: undefined, gap: undefined }] });
      expect(verdict.conversations[0].decisions).toBeGreaterThan(10);
    }
  });

  test('is redacted and still replays', () => {
    const { events, numbers } = redact(calls[0].events);
    expect(verdictOn('call', events).outcome).toBe('same');
    expect(numbers).toBe('order');
    expect(JSON.stringify(events)).not.toMatch(/Harbour|Dental|4711|15550199|Saturday/);
  });
});

describe('a fork', () => {
  /** Says what it was asked to say in its prompt. */
  const obedient: LanguageModel = {
    name: 'obedient',
    async *generate({ instructions, signal }) {
      await kit.clock.sleep(20, signal);
      const text = /Always say: (.*)/.exec(instructions)?.[1] ?? 'Nobody told me what to say.';
      for (const word of text.split(/(?<= )/)) yield { type: 'text', text: word };
    },
  };
  const fork = (turn: number, changes: Parameters<typeof forkCall>[1]['changes'], more: Partial<Parameters<typeof forkCall>[1]> = {}) =>
    forkCall(calls[0].events, { kit, rooms, turn, changes, signal: stop.signal, ...more });

  test('with nothing changed says the same again', async () => {
    const now = await fork(1, {}, { sameAnswers: true });
    expect(now.fault).toBeUndefined();
    const difference = differenceOf(calls[0].events, now.events, 1);
    expect(difference.turns.filter(({ same }) => !same)).toEqual([]);
    expect(difference.ending).toMatchObject({ same: true, now: { by: 'assistant', reason: 'goodbye' } });
  }, 30_000);

  test('with another prompt and model is the same before its turn and another from there on', async () => {
    const now = await fork(2, { prompt: 'Always say: The order is nobody knows where.' }, { model: obedient });
    expect(heard(now.events).slice(0, 2)).toEqual(heard(calls[0].events).slice(0, 2));
    expect(heard(now.events)[2]).toMatch(/^The order is nobody/);
    const difference = differenceOf(calls[0].events, now.events, 2);
    expect(difference.turns.map(({ turn, same }) => [turn, same]).slice(0, 3)).toEqual([
      [0, true],
      [1, true],
      [2, false],
    ]);
    const shown = sideBySide(difference, 100).join('\n');
    expect(shown).toContain('turn 2: forked here');
    expect(shown).toMatch(/find_order.*4711/);
    for (const line of shown.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    const page = timelinePage([recordedSide(calls[0].events, now), { ...now, checks: [], passed: true }], {
      title: 'A fork',
      sideBySide: true,
    });
    expect(page).toContain('nobody knows');
    expect(page).toContain('On Saturday we close at one.');
  }, 30_000);

  test('with another policy is told by the rules, and held anew by the engine', async () => {
    const [conversation] = conversationsOf(calls[0].events);
    const change = firstChange(conversation, { minDelayMs: 1_200, sentenceDelayMs: 1_200 });
    expect(change).toMatchObject({ turn: 1, before: { action: { type: 'commit' } } });
    const now = await fork(1, { policy: { minDelayMs: 1_200, sentenceDelayMs: 1_200 } }, { sameAnswers: true });
    const wait = (events: readonly CallEvent[]) => events.find((event) => event.type === 'turn-completed' && event.turn === 1);
    const [before, after] = [wait(calls[0].events), wait(now.events)];
    if (before?.type !== 'turn-completed' || after?.type !== 'turn-completed') throw new Error('no first turn');
    expect(after.heard).toBe(before.heard);
    expect((after.voiceToVoiceMs ?? 0) - (before.voiceToVoiceMs ?? 0)).toBeGreaterThan(400);
  }, 30_000);

  test('of a turn that the call does not have is refused', async () => {
    await expect(fork(9, {})).rejects.toMatchObject({ code: 'invalid-input' });
  });
});

describe('a recorded call as a scenario', () => {
  test('says, calls and ends as the call did', async () => {
    const made = scenario.parse(scenarioOf(calls[0].events, { name: 'again' }));
    expect(made.caller.map((step) => Object.keys(step)[0])).toEqual([
      'hear',
      'pause',
      'say',
      'hear',
      'pause',
      'say',
      'bargeIn',
      'hear',
      'pause',
      'say',
    ]);
    expect(made.expect.length).toBeGreaterThan(4);
    const checked = checkCall(await runScenario(made, { kit, rooms, signal: stop.signal }));
    expect(checked.checks.filter(({ passed }) => !passed).map(({ title, found }) => `${title}: ${found}`)).toEqual([]);
    expect(checked.fault).toBeUndefined();
  }, 30_000);
});
