import type { KnowledgeScope } from '@tandem/contract';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '#kit/random.ts';
import type { Near } from '#vectors/vector-index.ts';
import { KnowledgeEngine } from './engine.ts';
import type { PassageRecord } from './library.ts';

const record = (id: string, over: Partial<PassageRecord> = {}): PassageRecord => ({
  id,
  documentId: id.split('#')[0],
  base: 'main',
  title: 'Shop',
  text: 'text',
  language: 'en',
  tags: [],
  audience: 'everyone',
  ...over,
});
const engineOf = (...records: PassageRecord[]) => {
  const engine = new KnowledgeEngine();
  engine.upsert(records);
  return engine;
};
const first = (engine: KnowledgeEngine, text: string, history: string[] = []) => engine.search({ text, history }).passages[0]?.documentId;

const SHOP = [
  record('xt400#0', { title: 'Products – XT-400', text: 'The XT-400 is a city bicycle and costs four hundred and fifty dollars.' }),
  record('xt410#0', { title: 'Products – XT-410', text: 'The XT-410 is a mountain bicycle and costs $700.' }),
  record('hours#0', {
    title: 'Opening hours',
    text: 'We are open Monday to Friday from 9 to 18. On Saturday we open from 10 to 14. On Sunday we are closed.',
  }),
  record('warranty#0', { title: 'Warranty', text: 'Every frame has a warranty of 5 years, every battery of two years.' }),
  record('service#0', { title: 'Service', text: 'A basic service takes two days. Dr. Kowalczyk runs the workshop.' }),
  record('fitting#0', { title: 'Fitting', text: 'A fitting takes an hour and is $30, free of charge with a new bicycle.' }),
];

describe('as it is said', () => {
  const engine = engineOf(...SHOP);
  test.each([
    ['how much is the XT-400', 'xt400'],
    ['how much is the xt 400', 'xt400'],
    ['how much is the ex tee four hundred', 'xt400'],
    ['do you have the x t four one oh', 'xt410'],
    ['what does ex tea four ten cost', 'xt410'],
    ['is the warrantee five years', 'warranty'],
    ['who is doctor kovalchick', 'service'],
    ['who runs the work shop', 'service'],
    ['are you open at nine on saterday', 'hours'],
    ['what costs seven hundred dollars', 'xt410'],
  ])('%s', (text, documentId) => {
    expect(first(engine, text)).toBe(documentId);
  });
});

describe('follow-ups', () => {
  const engine = engineOf(...SHOP);

  test('take their subject from the last lines', () => {
    expect(first(engine, 'how much is that?', ['Do you do a fitting?', 'Yes, a fitting takes an hour.'])).toBe('fitting');
    expect(first(engine, 'and on Sunday?', ['Are you open on Saturday?', 'On Saturday we open from ten to two.'])).toBe('hours');
    expect(engine.search({ text: 'and on Sunday?', history: ['Are you open on Saturday?'] }).verdict).toBe('answer');
  });

  test('never override the words of the question', () => {
    expect(first(engine, 'and the warranty?', ['When are you open?', 'From nine to six.'])).toBe('warranty');
    const { verdict } = engine.search({
      text: 'and do you sell spaceships?',
      history: ['When are you open on Saturday?', 'From ten to two.'],
    });
    expect(verdict).not.toBe('answer');
  });

  test('are embedded with their subject', () => {
    expect(engine.resolve({ text: 'how much is that?', history: ['Do you do a fitting?'] })).toContain('fitting');
  });
});

describe('approved answers by meaning', () => {
  const question = (id: string, ...phrasings: string[]) =>
    phrasings.map((text, i) => record(`${id}#${i}`, { title: phrasings[0], text, answer: `Answer of ${id}.` }));
  const engine = engineOf(
    ...SHOP,
    ...question('saturday', 'Are you open on Saturday?', 'What are your hours on Saturday?'),
    ...question('whitening', 'How much is teeth whitening?'),
    ...question('voucher', 'Can I pay with a gift voucher?'),
    ...question('xt400', 'How much is the XT-400?'),
    ...question('lee', 'When does Doctor Lee work?'),
  );
  const approved = (text: string, near: Near[] = []) => engine.search({ text }, near).approved?.documentId;

  test.each([
    ['are you open on saturday', 'saturday'],
    ['are you open on Saturdays please', 'saturday'],
    ['what does teeth whitening cost', 'whitening'],
    ['um how much is the teeth whitening', 'whitening'],
    ['can I pay with gift vouchers', 'voucher'],
    ['when is dr Lee working', 'lee'],
    ['what does the ex tee four hundred cost', 'xt400'],
  ])('%s', (text, id) => {
    expect(approved(text)).toBe(id);
  });

  test.each([
    'are you open on Sunday',
    'are you not open on Saturday',
    'are you closed on Saturday',
    'how long is teeth whitening',
    'how much is teeth whitening for children',
    'can I pay without a gift voucher',
    'when does doctor Kim work',
    'how much are teeth',
    'how much is the XT-410',
    'whitening',
  ])('%s is not spoken as it stands', (text) => {
    expect(approved(text)).toBeUndefined();
  });

  test('vectors add to likeness, never around the slots', () => {
    const certain = (id: string) => [{ id, score: 0.99 }];
    expect(approved('are you open on Sunday', certain('saturday#0'))).toBeUndefined();
    expect(approved('how long is teeth whitening', certain('whitening#0'))).toBeUndefined();
  });

  test('a question is found once, whatever its phrasings', () => {
    const { passages } = engine.search({ text: 'are you open on Saturday', limit: 10 });
    expect(passages.filter(({ documentId }) => documentId === 'saturday')).toHaveLength(1);
    expect(passages[0].answer).toBe('Answer of saturday.');
  });
});

describe('metadata', () => {
  const engine = engineOf(
    record('a#0', { text: 'Red bicycles are ten dollars.', base: 'sales', tags: ['price', 'bike'], language: 'en' }),
    record('b#0', { text: 'Red bicycles are eight dollars for dealers.', base: 'sales', tags: ['price'], audience: 'dealers' }),
    record('c#0', { text: 'Red bicycles are repaired.', base: 'service', language: 'en-GB' }),
  );
  const ids = (scope: Partial<KnowledgeScope>, near: Near[] = []) =>
    engine
      .search({ text: 'red bicycles', scope, limit: 10 }, near)
      .passages.map(({ documentId }) => documentId)
      .sort();

  test.each([
    [{}, ['a', 'c']],
    [{ audiences: ['dealers'] }, ['a', 'b', 'c']],
    [{ bases: ['sales'] }, ['a']],
    [{ bases: ['sales', 'service'], audiences: ['dealers'] }, ['a', 'b', 'c']],
    [{ bases: ['none'] }, []],
    [{ tags: ['bike', 'other'] }, ['a']],
    [{ languages: ['en-GB'] }, ['c']],
    [{ documentIds: ['b', 'c'] }, ['c']],
    [{ tags: ['price'], languages: ['en-GB'] }, []],
  ] as [Partial<KnowledgeScope>, string[]][])('%j', (scope, expected) => {
    expect(ids(scope)).toEqual(expected);
    // Whoever hands in neighbours does not get around it either.
    expect(
      ids(
        scope,
        ['a#0', 'b#0', 'c#0', 'gone#0'].map((id) => ({ id, score: 1 })),
      ),
    ).toEqual(expected);
  });

  test('the same scope is asked of the vectors', async () => {
    const asked: unknown[] = [];
    const scope = { bases: ['sales'], tags: ['price'], audiences: ['dealers'] };
    const found = await engine.searchNear({ text: 'something else', scope }, new Float32Array(2), async (_vector, at) => {
      asked.push(at);
      return [{ id: 'b#0', score: 0.9 }];
    });
    expect(asked).toEqual([
      { bases: ['sales'], filter: { documentIds: undefined, tags: ['price'], languages: undefined, audiences: ['everyone', 'dealers'] } },
    ]);
    expect(found.passages.map(({ id }) => id)).toEqual(['b#0']);
  });
});

// ── Random operations ──

const WORDS = [
  'open',
  'saturday',
  'price',
  'bicycle',
  'XT-400',
  'four',
  'hundred',
  'warranty',
  'kowalczyk',
  'service',
  'ninety',
  'fitting',
];
const BASES = ['main', 'sales'];
const TAGS = ['red', 'blue'];
const LANGUAGES = ['en', 'de'];
const AUDIENCES = ['everyone', 'dealers'];

const anyText = fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 8 }).map((words) => words.join(' '));
const anyRecord = fc
  .record({
    document: fc.nat(4),
    index: fc.nat(2),
    base: fc.constantFrom(...BASES),
    text: anyText,
    tags: fc.subarray(TAGS),
    language: fc.constantFrom(...LANGUAGES),
    audience: fc.constantFrom(...AUDIENCES),
    answered: fc.boolean(),
  })
  .map(({ document, index, answered, ...over }) =>
    record(`d${document}#${index}`, { ...over, title: 'Shop', ...(answered ? { answer: 'Yes.' } : {}) }),
  );
const anyScope = fc.record({
  bases: fc.subarray(BASES),
  tags: fc.subarray(TAGS),
  languages: fc.subarray(LANGUAGES),
  audiences: fc.subarray(['dealers']),
  documentIds: fc.subarray(['d0', 'd1', 'd2', 'd3', 'd4']),
});

test('after any changes it is the same as one built afresh', () => {
  const step = fc.oneof({ weight: 4, arbitrary: anyRecord }, { weight: 1, arbitrary: fc.nat(4).map((n) => `d${n}`) });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.array(fc.tuple(anyText, anyScope), { minLength: 1, maxLength: 5 }),
      (steps, queries) => {
        const engine = new KnowledgeEngine();
        const model = new Map<string, PassageRecord>();
        for (const one of steps) {
          if (typeof one === 'string') {
            const own = [...model.values()].filter(({ documentId }) => documentId === one);
            for (const { id } of own) model.delete(id);
            expect(engine.remove(one)).toBe(own.length);
          } else {
            engine.upsert([one]);
            model.set(one.id, one);
          }
        }
        const fresh = engineOf(...[...model.values()].toReversed());
        expect(engine.stats).toEqual(fresh.stats);
        for (const [text, scope] of queries) expect(engine.search({ text, scope })).toEqual(fresh.search({ text, scope }));
      },
    ),
    { numRuns: 100 },
  );
});

test('nothing passes a scope that it does not fit', () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { maxLength: 25 }), anyText, anyScope, (records, text, scope) => {
      const engine = engineOf(...records);
      const near = records.map(({ id }, at) => ({ id, score: 1 - at / 100 }));
      for (const { passages, approved } of [engine.search({ text, scope, limit: 50 }), engine.search({ text, scope, limit: 50 }, near)]) {
        for (const { id } of approved ? [approved, ...passages] : passages) {
          const { base, documentId, tags, language, audience } = engine.get(id) as PassageRecord;
          expect(scope.bases.length === 0 || scope.bases.includes(base)).toBe(true);
          expect(scope.documentIds.length === 0 || scope.documentIds.includes(documentId)).toBe(true);
          expect(scope.tags.length === 0 || scope.tags.some((tag) => tags.includes(tag))).toBe(true);
          expect(scope.languages.length === 0 || scope.languages.includes(language)).toBe(true);
          expect(audience === 'everyone' || scope.audiences.includes(audience)).toBe(true);
        }
      }
    }),
    { numRuns: 100 },
  );
});

test("another business's secret never comes in 10,000 random operations", () => {
  const random = new SeededRandom(11);
  const businesses = Array.from({ length: 4 }, (_, number) => ({ secret: `secretof${number}`, engine: new KnowledgeEngine() }));
  const words = () => Array.from({ length: 1 + random.below(6) }, () => WORDS[random.below(WORDS.length)]).join(' ');
  let found = 0;
  for (let step = 0; step < 10_000; step++) {
    const { engine, secret } = businesses[random.below(businesses.length)];
    const id = `d${random.below(12)}`;
    const act = random.below(10);
    if (act === 0) engine.remove(id);
    else if (act < 5) {
      const answer = random.below(4) === 0 ? { answer: `${words()} ${secret}` } : {};
      engine.upsert([record(`${id}#${random.below(3)}`, { text: `${words()} ${secret}`, ...answer })]);
    } else {
      const asked = businesses[random.below(businesses.length)].secret;
      const near = Array.from({ length: 5 }, () => ({ id: `d${random.below(12)}#${random.below(3)}`, score: random.next() }));
      const query = { text: `${words()} ${asked}`, limit: 10, history: [`${words()} ${asked}`] };
      const { passages } = engine.search(query, random.below(2) === 0 ? near : []);
      for (const { text, answer } of passages) {
        found++;
        expect(text).toContain(secret);
        for (const other of businesses) if (other.secret !== secret) expect(`${text} ${answer}`).not.toContain(other.secret);
      }
    }
  }
  expect(found).toBeGreaterThan(1_000);
});

test('what is removed is gone, and what is replaced is new', () => {
  const engine = engineOf(record('d#0', { text: 'The price is ten dollars.' }), record('d#1', { text: 'Old warranty.' }));
  engine.upsert([record('d#0', { text: 'The price is twelve dollars.' })]);
  expect(engine.search({ text: 'price in dollars' }).passages[0].text).toBe('The price is twelve dollars.');
  expect(engine.countOf('d')).toBe(2);
  expect(engine.remove('d')).toBe(2);
  expect(engine.size).toBe(0);
  expect(engine.bases).toEqual([]);
  expect(engine.search({ text: 'price warranty' }).passages).toEqual([]);
});

test('how long and how often are answered by a stretch of time', () => {
  const engine = new KnowledgeEngine();
  const record = (id: string, text: string): PassageRecord => ({
    id: `${id}#0`,
    documentId: id,
    base: 'main',
    title: 'Gearboxes',
    text,
    language: 'en',
    tags: [],
    audience: 'everyone',
  });
  engine.upsert([
    record('warranty', 'The warranty on a gearbox is thirty months from the day of delivery. It covers parts and labour.'),
    record('oil', 'Use the green oil only. The brown oil attacks the seals and ends the warranty at once.'),
  ]);
  for (const text of ['How long is the warranty on a gearbox?', 'how many months is the warranty on a gearbox']) {
    const found = engine.search({ text });
    expect(found.passages[0].id).toBe('warranty#0');
    expect(found.verdict).toBe('answer');
  }
});
