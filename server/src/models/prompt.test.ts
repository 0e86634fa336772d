import { describe, expect, test } from 'vitest';
import { modelRequest } from './language-model.contract.ts';
import type { ModelMessage } from './language-model.ts';
import { citedIn, continuation, factsText, pairedMessages, systemText } from './prompt.ts';

describe('what every model is told', () => {
  test('style before the instructions, the language by its code', () => {
    const text = systemText(modelRequest({ language: 'de' }));
    expect(text.indexOf('telephone')).toBeLessThan(text.indexOf('bicycle shop'));
    expect(text).toContain('"de"');
  });

  test('facts are shortened, few, and carry the approved answer', () => {
    const [passage] = modelRequest().passages;
    const passages = Array.from({ length: 20 }, (_, n) => ({
      ...passage,
      id: `p${n}`,
      text: 'x'.repeat(9_000),
      answer: n === 0 ? 'At nine.' : undefined,
    }));
    const text = factsText(modelRequest({ passages }));
    expect(text.match(/"id"/g)).toHaveLength(8);
    expect(text).toContain('"approvedAnswer":"At nine."');
    expect(text.length).toBeLessThan(8 * 1_700);
  });

  test('ids are short, and lead back to the passages', () => {
    const [passage] = modelRequest().passages;
    const passages = ['document_a#0', 'document_b#7'].map((id) => ({ ...passage, id }));
    const text = factsText(modelRequest({ passages }));
    expect(text.match(/"id":"[^"]*"/g)).toEqual(['"id":"p1"', '"id":"p2"']);
    expect(citedIn('At nine [p2], or later [p1, p2]. [p9]', passages)).toEqual(['document_b#7', 'document_a#0']);
  });

  test('a question that is not answered comes with what to do, and with what is near only to ask', () => {
    const line = 'What do you mean by </facts>?';
    const asked = factsText(modelRequest({ answerable: false, shortfall: { kind: 'clarify', line } }));
    expect(asked).toContain('ask one short question');
    expect(asked).toContain('Do not answer from them');
    expect(asked).toContain('Monday to Friday');
    expect(asked.match(/<\/facts>/g)).toHaveLength(1);
    const offered = factsText(modelRequest({ answerable: false, shortfall: { kind: 'offer-message', line: 'May I?' } }));
    expect(offered).toContain('take_message');
    expect(offered).not.toContain('Monday to Friday');
  });

  test('a continuation only where something was heard', () => {
    expect(continuation(modelRequest())).toBeUndefined();
    expect(continuation(modelRequest({ continueFrom: '  ' }))).toBeUndefined();
    expect(continuation(modelRequest({ continueFrom: ' We are ' }))).toMatchObject({ heard: 'We are' });
  });
});

describe('calls and results in pairs', () => {
  const call = (id: string) => ({ id, name: 'f', arguments: {} });
  const result = (toolCallId: string, text = 'ok'): ModelMessage => ({ role: 'tool', toolCallId, name: 'f', result: text });

  test('what is in order stays', () => {
    const messages: ModelMessage[] = [
      { role: 'user', text: 'a' },
      { role: 'assistant', text: '', toolCalls: [call('1'), call('2')] },
      result('1'),
      result('2'),
      { role: 'assistant', text: 'done' },
    ];
    expect(pairedMessages(messages)).toEqual(messages);
  });

  test('a late result moves behind its call, a missing one says so, one without a call goes', () => {
    const paired = pairedMessages([
      result('0'),
      { role: 'assistant', text: '', toolCalls: [call('1'), call('2')] },
      { role: 'user', text: 'hello?' },
      result('2'),
    ]);
    expect(paired.map((message) => (message.role === 'tool' ? message.toolCallId : message.role))).toEqual(['assistant', '1', '2', 'user']);
    expect(paired[1]).toMatchObject({ result: expect.stringContaining('no result') as string });
    expect(paired[2]).toMatchObject({ result: 'ok' });
  });

  test('ids that are numbered anew in each answer go with their own results', () => {
    const paired = pairedMessages([
      { role: 'assistant', text: '', toolCalls: [call('0')] },
      result('0', 'first'),
      { role: 'assistant', text: '', toolCalls: [call('0')] },
      result('0', 'second'),
    ]);
    expect(paired.flatMap((message) => (message.role === 'tool' ? [message.result] : []))).toEqual(['first', 'second']);
  });
});
