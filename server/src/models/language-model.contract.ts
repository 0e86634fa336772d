/** What every language model keeps to. A room's test calls this with a way to make one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LanguageModel, ModelMessage, ModelPart, ModelRequest } from './language-model.ts';

export interface LanguageModelContract {
  make: () => Promise<{ model: LanguageModel; close?: () => Promise<void> }>;
}

/** A request with sensible values for what a test does not care about. */
export function modelRequest(over: Partial<ModelRequest> = {}): ModelRequest {
  return {
    instructions: 'You answer the telephone of a bicycle shop.',
    messages: [{ role: 'user', text: 'When are you open?' }],
    passages: [
      {
        id: 'p1',
        documentId: 'd1',
        title: 'Opening hours',
        text: 'We are open Monday to Friday from 9 am to 5 pm. The workshop closes at noon on Saturday.',
        score: 0.9,
        answer: undefined,
      },
    ],
    answerable: true,
    tools: [],
    language: 'en',
    maxTokens: 200,
    signal: new AbortController().signal,
    ...over,
  };
}

export async function partsOf(model: LanguageModel, request: ModelRequest): Promise<ModelPart[]> {
  const parts: ModelPart[] = [];
  for await (const part of model.generate(request)) parts.push(part);
  return parts;
}

export const textOf = (parts: readonly ModelPart[]): string => parts.map((part) => (part.type === 'text' ? part.text : '')).join('');

export function describeLanguageModel(name: string, contract: LanguageModelContract): void {
  describe(`${name} as a language model`, () => {
    let made: Awaited<ReturnType<LanguageModelContract['make']>>;
    beforeAll(async () => {
      made = await contract.make();
    });
    afterAll(() => made.close?.());

    test('streams text in several parts, and says what it used last', async () => {
      const parts = await partsOf(made.model, modelRequest());
      expect(parts.filter((part) => part.type === 'text').length).toBeGreaterThan(1);
      expect(textOf(parts).trim()).not.toBe('');
      for (const part of parts) if (part.type === 'text') expect(part.text).not.toBe('');
      const usage = parts.filter((part) => part.type === 'usage');
      expect(usage.length).toBeLessThanOrEqual(1);
      if (usage.length === 1) expect(parts.at(-1)).toBe(usage[0]);
    });

    test('a request aborted before it starts throws the reason of its signal', async () => {
      const reason = new Error('superseded');
      await expect(partsOf(made.model, modelRequest({ signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    });

    test('a request aborted after its first part ends with that reason, and nothing more is streamed', async () => {
      const controller = new AbortController();
      const reason = new Error('barge-in');
      let after = 0;
      const work = (async () => {
        for await (const part of made.model.generate(modelRequest({ signal: controller.signal }))) {
          if (controller.signal.aborted) after++;
          if (part.type === 'text') controller.abort(reason);
        }
      })();
      await expect(work).rejects.toBe(reason);
      expect(after).toBe(0);
    });

    test('a reader that stops early leaves nothing behind', async () => {
      for await (const part of made.model.generate(modelRequest())) if (part.type === 'text') break;
      expect(textOf(await partsOf(made.model, modelRequest())).length).toBeGreaterThan(0);
    });

    test('warming costs nothing and may be repeated, together too', async () => {
      await Promise.all([made.model.warm?.(), made.model.warm?.()]);
      await made.model.warm?.();
      expect(textOf(await partsOf(made.model, modelRequest()))).not.toBe('');
    });

    test('takes a conversation with tool calls, unanswered ones too, and an answer to go on with', async () => {
      const messages: ModelMessage[] = [
        { role: 'assistant', text: 'Good morning, how can I help?' },
        { role: 'user', text: 'Where is my order?' },
        { role: 'assistant', text: '', toolCalls: [{ id: 'call_1', name: 'find_order', arguments: undefined, badArguments: '{"id' }] },
        { role: 'tool', toolCallId: 'call_1', name: 'find_order', result: 'the arguments were no JSON' },
        { role: 'assistant', text: 'One mo', interrupted: true, toolCalls: [{ id: 'call_2', name: 'find_order', arguments: { id: 7 } }] },
        { role: 'user', text: 'Never mind. When are you open?' },
      ];
      await expect(partsOf(made.model, modelRequest({ messages, continueFrom: 'We are open Monday to' }))).resolves.toBeInstanceOf(Array);
    });

    test('answers several calls at once', async () => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => partsOf(made.model, modelRequest())));
      for (const parts of answers) expect(textOf(parts)).toBe(textOf(answers[0]));
    });
  });
}
