/** Answers that rest on what the business knows: what it does not hold is not spoken, and not knowing is said. Whole calls. */
import { afterEach, describe, expect, test } from 'vitest';
import type { KnowledgeBase } from '#knowledge/knowledge-base.ts';
import type { LanguageModel, ModelPassage, ModelRequest } from '#models/language-model.ts';
import { CallCentre, type Caller, type OfficeOptions } from './telephone.ts';

let centre: CallCentre;
let caller: Caller;
let requests: ModelRequest[];

/** No call may leave anything behind. */
afterEach(async () => {
  expect(await centre.close()).toBe(0);
  expect(centre.switchboard.live).toBe(0);
});

const call = async (options: OfficeOptions = {}) => {
  centre = await CallCentre.open(options);
  caller = await centre.call();
  await caller.untilQuiet();
};
const ask = async (text: string) => {
  await caller.says(text);
  await caller.untilQuiet(800);
  return centre.events('turn-completed').at(-1)?.heard ?? '';
};
/** Says what it is told to, whatever it was given. */
const saying = (answer: string | ((request: ModelRequest) => string)): LanguageModel => ({
  name: 'saying',
  async *generate(request) {
    requests.push(request);
    for (const text of (typeof answer === 'string' ? answer : answer(request)).split(/(?<= )/)) yield { type: 'text', text };
  },
});
const spoken = () =>
  centre
    .events('speech-played')
    .map(({ text }) => text)
    .join(' ');

describe('what is claimed', () => {
  test('a price that nobody has written down is withheld before a byte of it is heard', async () => {
    requests = [];
    await call({ languageModel: saying('Certainly. It costs three hundred and ninety dollars. You can also pay later.') });
    expect(await ask('how much is a crown')).toBe(
      'Certainly. I am sorry, I do not know that for certain. May I take a message, so that somebody can call you back?',
    );
    expect(centre.events('claim-withheld')).toMatchObject([
      { turn: 1, text: 'It costs three hundred and ninety dollars.', claims: ['three hundred and ninety dollars'] },
    ]);
    expect(spoken()).not.toMatch(/hundred|ninety|later/);
    expect(JSON.stringify(requests.at(-1)?.messages)).not.toContain('ninety');
    await caller.hangsUp();
  });

  test('a price that is written down is spoken, in whatever words, with the passage it rests on', async () => {
    requests = [];
    await call({ languageModel: saying('Yes. Whitening costs $200. We close at 1 pm on Saturday.') });
    expect(await ask('tell me about the whitening and when you close on Saturday')).toContain('Whitening costs $200.');
    expect(centre.events('claim-withheld')).toEqual([]);
    const { sentences } = centre.events('turn-completed').at(-1) ?? {};
    expect(sentences).toHaveLength(3);
    expect(sentences?.[2]).toEqual({ text: 'We close at 1 pm on Saturday.', passages: ['document_hours#0'] });
    await caller.hangsUp();
  });

  test('with grounding off nothing is withheld', async () => {
    requests = [];
    await call({ assistant: { grounding: 'off' }, languageModel: saying('It costs ninety dollars.') });
    expect(await ask('how much is a crown')).toBe('It costs ninety dollars.');
    expect(centre.events('claim-withheld')).toEqual([]);
    await caller.hangsUp();
  });

  test('an answer that is cut has the sentences that were heard, as far as they were', async () => {
    requests = [];
    await call({
      languageModel: saying('We are open. From Monday to Friday we are open from eight until six. On Saturday we close at one.'),
    });
    await caller.says('when are you open');
    await caller.until(caller.now + 2_600);
    await caller.says('stop it now please');
    const [cut] = centre.events('turn-completed').filter(({ interrupted }) => interrupted);
    expect(cut.sentences?.map(({ text }) => text).join(' ')).toBe(cut.heard);
    expect(cut.heard).not.toContain('Saturday');
    await caller.untilQuiet();
    await caller.hangsUp();
  });
});

describe('what is not known', () => {
  test('is asked about once, then answered', async () => {
    await call();
    expect(await ask('do you repair bicycles')).toBe('I am not sure what you mean. Could you tell me a little more?');
    expect(await ask('when do you close on Saturday')).toContain('we close at one');
    // Answered: another need begins afresh.
    expect(await ask('are there any helicopters')).toMatch(/tell me a little more/);
    await caller.hangsUp();
  });

  test('is asked about once, then a message is offered, and taken with the question', async () => {
    await call();
    expect(await ask('do you repair bicycles')).toMatch(/tell me a little more/);
    expect(await ask('I mean mending wheels')).toMatch(/May I take a message/);
    expect(await ask('yes please')).toMatch(/noted your question/);
    expect(centre.events('message-taken')).toMatchObject([{ text: 'The caller asked: do you repair bicycles / I mean mending wheels' }]);
    await caller.hangsUp();
  });

  test('never goes round in circles', async () => {
    await call();
    const said: string[] = [];
    for (const text of ['do you repair bicycles', 'mending wheels', 'mending wheels please', 'wheels and bicycles', 'the bicycles'])
      said.push(await ask(text));
    expect(said.filter((line) => line.includes('tell me a little more'))).toHaveLength(1);
    expect(said.filter((line) => line.includes('May I take a message'))).toHaveLength(4);
    await caller.hangsUp();
  });

  test('another subject begins afresh', async () => {
    await call();
    expect(await ask('do you repair bicycles')).toMatch(/tell me a little more/);
    expect(await ask('never mind what about helicopters')).toMatch(/other words/);
    expect(await ask('flying machines with rotors')).toMatch(/May I take a message/);
    await caller.hangsUp();
  });

  test('a language model is told what to do, with what comes near', async () => {
    requests = [];
    const near: ModelPassage = { id: 'd#0', documentId: 'd', title: 'Parking', text: 'Behind the house.', score: 0.4, answer: undefined };
    const knowledge = () =>
      ({
        version: '1',
        phrases: [],
        search: () => ({ passages: [near], answerable: false, verdict: 'clarify' }),
      }) as unknown as KnowledgeBase;
    await call({ knowledge, languageModel: saying('Let me see.') });
    await ask('where do I leave my vehicle');
    await ask('my vehicle and my trailer');
    expect(requests.map(({ shortfall }) => shortfall?.kind)).toContain('clarify');
    expect(requests.at(-1)?.shortfall?.kind).toBe('offer-message');
    expect(centre.events('retrieval-done')[0]).toMatchObject({ verdict: 'clarify', answerable: false });
    await caller.hangsUp();
  });
});
