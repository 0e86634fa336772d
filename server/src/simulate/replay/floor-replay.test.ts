import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CallEvent } from '@tandem/contract';
import { Stage } from '#conversation/testing.ts';
import { replayFloor } from './floor-replay.ts';
import { conversationsOf } from './recorded-conversation.ts';
import { callOf, eventsOfStage, life } from './testing.ts';

async function aCall() {
  const stage = await Stage.set({ answers: () => 'We are open from nine to five.' });
  await stage.says('When are you open?', 3_000);
  await stage.until(9_000);
  await stage.says('Thank you very much', 9_000);
  await stage.until(14_000);
  await stage.strike();
  return eventsOfStage(stage);
}

const replayed = (events: readonly CallEvent[]) => conversationsOf(events).map((conversation) => replayFloor(conversation));

/** A copy with one thing changed in the first fact of `decisions-taken` that has it. */
function changed(events: readonly CallEvent[], change: (event: Extract<CallEvent, { type: 'decisions-taken' }>) => boolean): CallEvent[] {
  const copy = structuredClone(events) as CallEvent[];
  expect(copy.some((event) => event.type === 'decisions-taken' && change(event))).toBe(true);
  return copy;
}

describe('a journalled conversation', () => {
  test('whatever the caller does, gives the same decisions again', async () => {
    let decisions = 0;
    await fc.assert(
      fc.asyncProperty(life, async (one) => {
        for (const replay of replayed(await callOf(one))) {
          expect(replay).toMatchObject({ difference: undefined, gap: undefined, digest: replay.recorded });
          decisions += replay.decisions;
        }
      }),
      { numRuns: 60, seed: 3 },
    );
    expect(decisions).toBeGreaterThan(300);
  }, 60_000);

  test('is written in two facts a turn, and none of it is lost', async () => {
    const events = await aCall();
    const [{ batches }] = conversationsOf(events);
    expect(batches.map(({ from }) => from)).toEqual(
      batches.map((_, i) => batches.slice(0, i).reduce((sum, { inputs }) => sum + inputs.length, 0)),
    );
    expect(batches.length).toBeLessThanOrEqual(7);
    expect(batches.at(-1)?.inputs.at(-1)?.type).toBe('closed');
    const [{ inputs, decisions }] = replayed(events);
    expect(inputs).toBe(batches.reduce((sum, batch) => sum + batch.inputs.length, 0));
    expect(decisions).toBeGreaterThan(4);
  });

  test('with an input that was changed, names it with what was expected and what came', async () => {
    const events = changed(await aCall(), ({ inputs }) => {
      const words = inputs.findLast(({ type, final }) => type === 'words' && final === true);
      if (words) words.text = 'When are you closed?';
      return words !== undefined;
    });
    const [{ difference }] = replayed(events);
    expect(difference).toMatchObject({
      state: 'hold',
      expected: [{ type: 'commit', text: 'When are you open?' }, { type: 'reply' }],
      came: [{ type: 'commit', text: 'When are you closed?' }, { type: 'reply' }],
    });
  });

  test('under another policy, tells a timer that falls otherwise', async () => {
    const [conversation] = conversationsOf(await aCall());
    const { difference } = replayFloor({ ...conversation, policy: { ...conversation.policy, minDelayMs: 1_400 } });
    expect(difference).toMatchObject({ told: { type: 'woke' }, state: 'hold' });
    expect(difference?.note).toMatch(/by the rules of today the timer is set for \d+ ms/);
  });

  test('whose digest was changed differs, though every action is the same', async () => {
    const events = changed(await aCall(), (event) => {
      event.digest = '0123456789abcdef';
      return true;
    });
    expect(replayed(events)[0].difference).toMatchObject({ expected: [], came: [] });
  });

  test('that lost a part of its journal is replayed up to there', async () => {
    const events = await aCall();
    const lost = events.findIndex((event) => event.type === 'decisions-taken' && event.from > 0);
    const [replay] = replayed(events.filter((_, index) => index !== lost));
    expect(replay.gap).toMatch(/^inputs \d+ to \d+ are missing$/);
    expect(replay.difference).toBeUndefined();
  });
});

describe('a secret entry', () => {
  test('leaves none of its words or keys in the journal, and the replay goes on behind it', async () => {
    let secret = false;
    let turns = 0;
    const stage = await Stage.set({
      answers: () => 'We are open from nine to five.',
      models: () => ({
        taker: {
          get active() {
            return secret;
          },
          get secret() {
            return secret;
          },
          take: ({ turn }) => {
            if (!secret) return undefined;
            turns++;
            secret = false;
            return { say: `Thank you, that was turn ${turn}.`, shown: '***' };
          },
        },
      }),
    });
    await stage.says('I would like to pay', 3_000);
    await stage.until(8_000);
    secret = true;
    await stage.says('four two four two nine nine', 8_000);
    await stage.until(14_000);
    for (const key of '7351') stage.conversation.digit(key);
    await stage.until(20_000);
    await stage.says('When are you open?', 20_000);
    await stage.until(26_000);
    await stage.strike();
    const events = eventsOfStage(stage);
    expect(turns).toBe(1);
    const taken = events.filter(({ type }) => type === 'decisions-taken');
    expect(JSON.stringify(taken)).not.toMatch(/four two|nine nine/);
    expect(JSON.stringify(taken)).toContain('When are you open?');
    const [replay] = replayed(events);
    expect(replay).toMatchObject({ difference: undefined, gap: undefined, digest: replay.recorded });
    expect(replay.hidden).toBeGreaterThan(5);
  });
});
