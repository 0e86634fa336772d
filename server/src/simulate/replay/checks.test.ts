import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pureChecks } from './checks.ts';
import { decisionsUnder, firstChange } from './policy-rerun.ts';
import { conversationsOf } from './recorded-conversation.ts';
import { callOf, life, type Life } from './testing.ts';

const ASKS: Life = {
  deeds: [{ deed: { do: 'say', text: 'When are you open?', ms: 1_000, finalMs: 150 }, afterMs: 3_000 }],
  answers: ['We are open from nine to five.'],
  thinkMs: 200,
  adaptive: false,
  speculation: 'off',
  language: 'en',
};

describe('what follows from a journal', () => {
  test('is there in every call, whatever the caller does', async () => {
    const checked = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(life, async (one) => {
        for (const { name, checked: count, faults } of pureChecks(await callOf(one))) {
          expect(faults).toEqual([]);
          checked.set(name, (checked.get(name) ?? 0) + count);
        }
      }),
      { numRuns: 40, seed: 5 },
    );
    for (const name of ['order', 'waterfall', 'heard', 'committed']) expect(checked.get(name)).toBeGreaterThan(20);
  }, 60_000);

  test('is missed where the journal was changed', async () => {
    const events = await callOf(ASKS);
    const faultsOf = (changed: typeof events) =>
      pureChecks(changed).flatMap(({ name, faults }) => faults.map((fault) => `${name} ${fault}`));
    expect(faultsOf(events)).toEqual([]);
    const lost = events.filter(({ type }) => type !== 'speech-played');
    expect(faultsOf(lost).join('\n')).toMatch(/order .* missing[^]*heard .*We are open from nine to five/);
    const late = events.map((event) =>
      event.type === 'turn-completed' && event.voiceToVoiceMs !== undefined
        ? { ...event, voiceToVoiceMs: event.voiceToVoiceMs + 40 }
        : event,
    );
    expect(faultsOf(late)).toEqual([expect.stringMatching(/^waterfall \d+: the stages sum to \d+ ms/)]);
  });
});

describe('another policy', () => {
  test('that is no other changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(life, async (one) => {
        for (const conversation of conversationsOf(await callOf(one))) expect(firstChange(conversation, {})).toBeUndefined();
      }),
      { numRuns: 20, seed: 6 },
    );
  }, 60_000);

  test('timers that the floor rings itself lead to the decisions that were recorded', async () => {
    const [conversation] = conversationsOf(await callOf(ASKS));
    const recorded = conversation.batches.flatMap(({ decisions }) => decisions.map(({ action }) => action.type));
    expect(decisionsUnder(conversation, conversation.policy).map(({ action }) => action.type)).toEqual(recorded);
  });

  test('names the first decision that it changes, and its turn', async () => {
    const [conversation] = conversationsOf(await callOf(ASKS));
    const change = firstChange(conversation, { minDelayMs: 350 });
    expect(change).toMatchObject({ turn: 1, before: { action: { type: 'commit' } }, after: { action: { type: 'commit' } } });
    expect((change?.before?.at ?? 0) - (change?.after?.at ?? 0)).toBeCloseTo(250, 0);
    expect(firstChange(conversation, { bargeInMs: 900 })).toBeUndefined();
  });
});
