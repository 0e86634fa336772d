/** What every language model room keeps to at the local provider, which was written from the vendors' documentation alone. */
/* oxlint-disable unicorn/no-thenable -- `then` is a field of the scenario */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Providers } from '../../../providers/providers.ts';
import { defaultScenario, type Fault, type ProviderName, type Scenario } from '../../../providers/scenario.ts';
import { startProviders } from '../../../providers/server.ts';
import { describeLanguageModel, modelRequest, partsOf, textOf } from './language-model.contract.ts';
import type { LanguageModel, ModelMessage, ModelRequest, ModelTool } from './language-model.ts';

/** Short ones: a stall is waited for. */
export const localDeadlines = { connectMs: 1_000, firstMs: 300, betweenMs: 200 };
const lookup: ModelTool = {
  name: 'find_order',
  description: 'Finds an order.',
  parameters: { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'], additionalProperties: false },
};
const scenario: Partial<Scenario> = {
  answers: [
    { when: 'order', say: 'One moment. ', call: [{ name: 'find_order', arguments: { id: 7 } }], then: 'It comes on Monday: {{result}}.' },
    { say: 'You said {{words}} Thank you.' },
  ],
};

export interface LocalRoom {
  provider: ProviderName;
  make: (providers: Providers, key: string) => LanguageModel;
  /** Arguments that are no JSON: given on as they are, or refused by the provider itself. */
  badCalls: 'told' | 'refused';
}

export function describeAtLocalProvider(name: string, room: LocalRoom): void {
  describe(`${name} at the local provider`, () => {
    let providers: Providers;
    beforeAll(async () => {
      providers = await startProviders({ scenario });
    });
    afterAll(() => providers.close());
    afterEach(() => providers.tell({ ...defaultScenario, ...scenario }));

    describeLanguageModel(`${name} at the local provider`, {
      make: async () => {
        const model = room.make(providers, providers.key);
        return { model, close: async () => model.close?.() };
      },
    });

    const ask = async (over: Partial<ModelRequest> = {}, key?: string) => {
      const model = room.make(providers, key ?? providers.key);
      try {
        return await partsOf(model, modelRequest(over));
      } finally {
        await model.close?.();
      }
    };
    const meet = (fault: Omit<Fault, 'stage'>) => providers.tell({ faults: { [room.provider]: [{ ...fault, stage: 'language-model' }] } });
    const order: ModelMessage = { role: 'user', text: 'Where is my order?' };

    test('the answer is to the words that the caller said last, and is counted', async () => {
      const parts = await ask();
      expect(textOf(parts)).toBe('You said When are you open? Thank you.');
      expect(parts.at(-1)).toMatchObject({ type: 'usage', inputTokens: expect.any(Number) as number, outputTokens: 10 });
    });

    test('a tool call, its result, and the answer from it', async () => {
      const first = await ask({ messages: [order], tools: [lookup] });
      expect(textOf(first)).toBe('One moment. ');
      const [call] = first.flatMap((part) => (part.type === 'tool-call' ? [part.call] : []));
      expect(call).toMatchObject({ name: 'find_order', arguments: { id: 7 } });
      const messages: ModelMessage[] = [
        order,
        { role: 'assistant', text: 'One moment.', toolCalls: [call] },
        { role: 'tool', toolCallId: call.id, name: call.name, result: 'number seven' },
      ];
      expect(textOf(await ask({ messages, tools: [lookup] }))).toBe('It comes on Monday: number seven.');
    });

    test('a half-spoken answer is gone on with behind its last word', async () => {
      expect(textOf(await ask({ continueFrom: 'You said When are' }))).toBe(' you open? Thank you.');
    });

    test('a long conversation is read from the cache the second time', async () => {
      const instructions = 'Be kind to everybody who calls the shop. '.repeat(200);
      const first = (await ask({ instructions })).at(-1);
      const second = (await ask({ instructions })).at(-1);
      expect(first).toMatchObject({ cachedTokens: 0 });
      expect(second?.type === 'usage' && second.cachedTokens).toBeGreaterThanOrEqual(1_024);
      expect(second?.type === 'usage' && second.inputTokens).toBe(first?.type === 'usage' && first.inputTokens);
    });

    test('a wrong key is an auth failure', async () => {
      await expect(ask({}, 'wrong')).rejects.toMatchObject({ category: 'auth' });
    });

    test('an answer without a word is none', async () => {
      meet({ kind: 'empty', at: 'start' });
      expect(textOf(await ask())).toBe('');
    });

    test('an endless answer ends at the limit of tokens', async () => {
      meet({ kind: 'endless', at: 'middle' });
      expect(textOf(await ask({ maxTokens: 20 }))).toContain('and so on, and so on,');
    });

    test.each([
      ['a reset at the connection', { kind: 'reset', at: 'connect' }, { category: 'retryable' }],
      ['a reset in the middle', { kind: 'reset', at: 'middle' }, { category: 'retryable' }],
      [
        '429 with Retry-After',
        { kind: 'status', at: 'connect', status: 429, retryAfterS: 3 },
        { category: 'rate-limited', retryAfterMs: 3_000 },
      ],
      ['500', { kind: 'status', at: 'connect', status: 500 }, { category: 'retryable' }],
      ['529', { kind: 'status', at: 'connect', status: 529 }, { category: 'retryable' }],
      ['a web page', { kind: 'html', at: 'connect' }, { category: 'permanent' }],
      ['its own error in the stream', { kind: 'error-message', at: 'middle' }, { category: 'retryable' }],
      ['JSON cut in its middle', { kind: 'truncated-json', at: 'middle' }, { category: 'retryable' }],
      ['a body that breaks off', { kind: 'close', at: 'middle', code: 1006 }, { category: 'retryable' }],
      ['a body that ends too early', { kind: 'close', at: 'middle', code: 1000 }, { category: 'retryable' }],
      ['a stall before anything', { kind: 'stall', at: 'connect' }, { category: 'retryable' }],
      ['a stall before the first word', { kind: 'stall', at: 'start' }, { category: 'retryable' }],
      ['a stall in the middle', { kind: 'stall', at: 'middle' }, { category: 'retryable' }],
      ['a trickle', { kind: 'trickle', at: 'start' }, { category: 'retryable' }],
    ] as const)('%s', async (_name, fault, expected) => {
      meet(fault);
      await expect(ask()).rejects.toMatchObject({ vendor: room.provider, ...expected });
    });

    if (room.badCalls === 'told')
      test('arguments that are no JSON come as such', async () => {
        meet({ kind: 'invalid-arguments', at: 'start' });
        const parts = await ask({ messages: [order], tools: [lookup] });
        expect(parts.flatMap((part) => (part.type === 'tool-call' ? [part.call] : []))).toMatchObject([{ badArguments: '{"broken": ' }]);
      });

    if (room.badCalls === 'refused')
      test('a malformed call is worth another attempt', async () => {
        meet({ kind: 'invalid-arguments', at: 'start' });
        await expect(ask({ messages: [order], tools: [lookup] })).rejects.toMatchObject({ category: 'retryable' });
      });
  });
}
