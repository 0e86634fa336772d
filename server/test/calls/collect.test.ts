/** Collecting a value on the phone, and what of a secret one is left behind: nothing. Whole calls on the virtual clock. */
import { afterEach, expect, test } from 'vitest';
import type { LanguageModel, ModelPart, ModelRequest } from '#models/language-model.ts';
import { CallCentre } from './telephone.ts';

let centre: CallCentre;
/** No call may leave anything behind. */
afterEach(async () => {
  expect(await centre.close()).toBe(0);
  expect(centre.switchboard.live).toBe(0);
});

/** Collects when it is asked to, says what the tool wants said, and repeats what it was told. */
function clerk(collect: Record<string, unknown>): LanguageModel & { requests: string[] } {
  const requests: string[] = [];
  return {
    name: 'clerk',
    requests,
    async *generate(request: ModelRequest): AsyncGenerator<ModelPart> {
      const { messages } = request;
      requests.push(JSON.stringify(messages));
      const last = messages.at(-1);
      if (last?.role === 'tool') yield { type: 'text', text: (JSON.parse(last.result) as { say: string }).say };
      else if (last?.role === 'user' && /order/.test(last.text) && !last.text.includes('My')) {
        yield { type: 'tool-call', call: { id: `tool_${messages.length}`, name: 'collect', arguments: collect } };
      } else yield { type: 'text', text: 'Thank you, I have it.' };
    },
  };
}

const spoken = () =>
  centre
    .events('speech-played')
    .map(({ text }) => text)
    .join(' ');

test('digits are asked for, read back, corrected, confirmed, and reach the model', async () => {
  const languageModel = clerk({ what: 'digits', label: 'order number', minLength: 4, maxLength: 4 });
  centre = await CallCentre.open({ languageModel });
  const caller = await centre.call();
  await caller.untilQuiet();
  await caller.says('where is my order');
  await caller.untilQuiet(1_000);
  await caller.says('four five six six');
  await caller.untilQuiet(1_000);
  await caller.says('no the last one is seven');
  await caller.untilQuiet(1_000);
  await caller.says('yes');
  await caller.untilQuiet(1_000);
  expect(spoken()).toContain('What is your order number? 4 5 6 6. Is that right? 4 5 6 7. Is that right? Thank you');
  expect(languageModel.requests.at(-1)).toContain('My order number is 4567.');
  expect(centre.events('collection-completed')).toMatchObject([{ what: 'digits', outcome: 'confirmed' }]);
  await caller.hangsUp();
});

test('a secret entered with keys or spoken is in no event and no prompt', async () => {
  const languageModel = clerk({ what: 'digits', label: 'PIN', secret: true, minLength: 4, maxLength: 4 });
  centre = await CallCentre.open({ languageModel });
  const caller = await centre.call();
  await caller.untilQuiet();
  await caller.says('where is my order');
  await caller.untilQuiet(1_000);
  await caller.says('nine seven nine two');
  await caller.untilQuiet(1_000);
  await caller.says('no');
  await caller.untilQuiet(1_000);
  void caller.leg.sendDigits('9793');
  await caller.untilQuiet(1_000);
  await caller.says('yes');
  await caller.untilQuiet(1_000);
  expect(spoken()).toContain('I have 4 digits. Is that right?');
  expect(centre.events('collection-completed')).toMatchObject([{ outcome: 'confirmed' }]);
  expect(languageModel.requests.at(-1)).toContain('My PIN is collected:1.');
  expect(centre.events('digit-received').map(({ digit, secret }) => [digit, secret])).toEqual(Array.from({ length: 4 }, () => ['*', true]));
  const left = [...centre.journal.events.map(({ at: _at, seq: _seq, ...event }) => JSON.stringify(event)), ...languageModel.requests].join(
    '\n',
  );
  for (const trace of ['9793', '9792', 'nine seven', 'seven nine']) expect(left).not.toContain(trace);
  await caller.hangsUp();
});
