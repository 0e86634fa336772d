/** Tools that change something outside: once, whatever becomes of the answer that called them. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { VendorError } from '#kit/errors.ts';
import type { ModelPart, ModelRequest } from '#models/language-model.ts';
import type { Tool } from '#models/tool.ts';
import { Effects, type Outcome } from './effects.ts';
import { Stage, type StageOptions } from './testing.ts';

const GREETED = 2_000;
const COMMITTED = GREETED + 1_200;

const call = (args: unknown = { at: 'noon' }, id = 't1'): ModelPart => ({ type: 'tool-call', call: { id, name: 'book', arguments: args } });
const results = ({ messages }: ModelRequest) => messages.filter((message) => message.role === 'tool');

interface Booking {
  stage: Stage;
  /** The keys with which it was made. */
  made: string[];
}

/** `takesMs`: of the tool. */
async function open(takesMs: number, more: Partial<Tool>, options: StageOptions): Promise<Booking> {
  const made: string[] = [];
  const tool: Tool = {
    name: 'book',
    description: 'Books',
    schema: z.record(z.string(), z.unknown()),
    sideEffect: true,
    interruptible: false,
    timeoutMs: 10_000,
    async run(_, { idempotencyKey, signal }) {
      made.push(idempotencyKey);
      await stage.kit.clock.sleep(takesMs, signal);
      return 'booked';
    },
    ...more,
  };
  const stage: Stage = await Stage.set({ ...options, tools: [tool] });
  await stage.says('Book it', GREETED, { ms: 600 });
  return { stage, made };
}

/** Calls in its first two answers, whatever it was told; then says how that ended. */
function insists(): StageOptions {
  let asked = 0;
  return { answers: () => (asked++ < 2 ? [100, call()] : [400, 'It is booked.']) };
}

describe('an effect is made once', () => {
  test('although the words go on while it is under way, and the turn is answered anew', async () => {
    const { stage, made } = await open(3_000, {}, insists());
    await stage.says('for noon please', COMMITTED + 700, { ms: 700 });
    await stage.until(14_000);
    expect(stage.of('turn-committed').map(({ turn, text }) => [turn, text])).toEqual([
      [1, 'Book it'],
      [1, 'Book it for noon please'],
    ]);
    expect(made).toEqual([stage.of('tool-called')[0].idempotencyKey]);
    expect(stage.of('tool-returned')).toHaveLength(1);
    // Whoever answers the longer words knows that it is under way.
    expect(results(stage.requests[1])).toMatchObject([{ result: expect.stringContaining('still being done') }]);
    expect(results(stage.requests[2]).at(-1)?.result).toMatch(/^"booked" .*once/);
    expect(stage.of('turn-completed').at(-1)?.heard).toBe('It is booked.');
    expect(await stage.strike()).toBe(0);
  });

  test('although the words go on when it is done and nothing of the answer was heard', async () => {
    let asked = 0;
    const { stage, made } = await open(
      200,
      {},
      {
        answers: () => (asked++ % 2 === 0 ? [100, call()] : [400, 'It is booked.']),
      },
    );
    await stage.says('for noon please', COMMITTED + 420, { ms: 700 });
    await stage.until(14_000);
    expect(stage.of('turn-committed').map(({ turn }) => turn)).toEqual([1, 1]);
    expect(stage.requests).toHaveLength(4);
    expect(made).toHaveLength(1);
    expect(await stage.strike()).toBe(0);
  });

  test('although the caller interrupts while it is under way: the next turn waits for the same', async () => {
    const { stage, made } = await open(6_000, { say: 'One moment, I am booking that for you.' }, insists());
    await stage.says('are you still there', COMMITTED + 1_400, { ms: 1_000 });
    await stage.until(16_000);
    expect(stage.of('turn-committed').map(({ turn }) => turn)).toEqual([1, 2]);
    expect(made).toHaveLength(1);
    expect(stage.of('turn-completed').at(-1)?.heard).toContain('It is booked.');
    // Afterwards the history holds its result, and no trace of the wait.
    expect(JSON.stringify(stage.conversation.messages)).not.toContain('still being done');
    expect(await stage.strike()).toBe(0);
  });

  test('although nobody knows how it ended and the model asks again a turn later', async () => {
    const run = () => Promise.reject(new VendorError('shop', 'retryable', 'connection lost'));
    let ran = 0;
    const { stage } = await open(
      0,
      { run: () => (ran++, run()) },
      {
        answers: ({ messages }) => (messages.at(-1)?.role === 'tool' ? 'It will be checked.' : [call({}, `t${messages.length}`)]),
      },
    );
    await stage.says('Try it again', 8_000, { ms: 700 });
    await stage.until(14_000);
    expect(ran).toBe(1);
    expect(stage.requests).toHaveLength(4);
    expect(stage.of('tool-returned')).toMatchObject([{ outcome: 'unknown' }]);
    expect(await stage.strike()).toBe(0);
  });
});

test('the caller wishes for the same once more: that is a new effect with a key of its own', async () => {
  const { stage, made } = await open(
    100,
    {},
    {
      answers: (request) => (request.messages.at(-1)?.role === 'tool' ? 'It is booked.' : [call({}, `t${request.messages.length}`)]),
    },
  );
  await stage.says('Another one please', 8_000, { ms: 900 });
  await stage.until(14_000);
  expect(new Set(made).size).toBe(2);
  expect(await stage.strike()).toBe(0);
});

test('a speculation begun while an effect was under way is not the answer once that is over', async () => {
  let asked = 0;
  const { stage } = await open(
    2_400,
    { say: 'One moment please.' },
    {
      plan: { policy: { speculation: 'words', minDelayMs: 1_000 } },
      answers: (request) => (asked++ === 0 ? [100, call()] : `It is ${results(request).at(-1)?.result ?? 'nothing'}.`),
    },
  );
  await stage.says('is it done', 5_000, { ms: 500 });
  await stage.until(14_000);
  const [begun] = stage.of('speculation-started').filter(({ turn }) => turn === 2);
  expect(begun.at).toBeLessThan(stage.of('tool-returned')[0].at);
  expect(stage.of('turn-committed').at(-1)).toMatchObject({ turn: 2, speculation: 'missed' });
  expect(stage.of('turn-completed').at(-1)?.heard).toBe('It is "booked".');
  expect(await stage.strike()).toBe(0);
});

test('a look-up that was called off is no failure that the next answer is told of', async () => {
  const looked: string[] = [];
  const { stage, made } = await open(
    2_000,
    { sideEffect: false, interruptible: true },
    {
      answers: (request) => {
        looked.push(...results(request).map(({ result }) => result));
        return results(request).length > 0 ? 'Here it is.' : [100, call()];
      },
    },
  );
  await stage.says('for noon please', COMMITTED + 600, { ms: 700 });
  await stage.until(14_000);
  expect(made).toHaveLength(2);
  expect(looked).toEqual(['"booked"']);
  expect(await stage.strike()).toBe(0);
});

test('of a hundred calls at once eight are made, and words must come', async () => {
  const { stage, made } = await open(
    10,
    {},
    {
      answers: (request) => (results(request).length > 0 ? 'Done.' : Array.from({ length: 100 }, (_, i) => call({ i }, `t${i}`))),
    },
  );
  await stage.until(9_000);
  expect(made).toHaveLength(8);
  expect(stage.of('turn-completed').at(-1)?.heard).toBe('Done.');
  await stage.strike();
});

test.each([
  ['ok', 1, true],
  ['ok', 2, false],
  ['failed', 1, false],
  ['unknown', 1, true],
  ['unknown', 2, true],
] satisfies [Outcome, number, boolean][])('after %s in turn 1 the same call in turn %i is known: %s', async (outcome, turn, known) => {
  const effects = new Effects();
  effects.begin('book:1', 1, Promise.resolve({ outcome, result: 'r' }));
  expect(await effects.before('book:1', 2)).toBe('r');
  expect(await effects.before('book:1', turn)).toBe(known ? 'r' : undefined);
  expect(effects.before('book:2', turn)).toBeUndefined();
});
