import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { testKit } from '#kit/testing.ts';
import { describeEmbedder } from '../embedder.contract.ts';
import { DIMENSIONS, hashedVector, HashingEmbedder } from './embedder.ts';
import { hashing } from './vendor.ts';

describeEmbedder('hashing', () => hashing.embedder(hashing.settings.parse({}), testKit()));

const near = (a: string, b: string): number => {
  const other = hashedVector(b);
  return hashedVector(a).reduce((sum, value, index) => sum + value * other[index], 0);
};

/** What callers ask, and other ways to ask it: mistyped, misheard, in other forms. */
const QUESTIONS: readonly [asked: string, ...otherwise: string[]][] = [
  ['When are you open on Saturday?', 'saterday opening', 'are you opne on saturday', 'open saturdays'],
  ['How much is a check up?', 'price of a checkup', 'check-up cost', 'what does a chekup cost'],
  ['Where can I park?', 'is there parking', 'parkign space', 'car park'],
  ['Can I cancel my appointment?', 'cancellation of appointments', 'cancel my apointment', 'cancelling an appointment'],
  ['Do you deliver to Birmingham?', 'delivery birmingam', 'delivering to Birminghan', 'deliveries in birmingham'],
  ['My invoice is wrong', 'wrong invoise', 'invoices are wrong', 'mistake in the invoice'],
  ['I have lost my password', 'lost pasword', 'password lost', 'passwrod is lost'],
  ['Is the warranty transferable?', 'waranty transfer', 'transferring a warranty', 'warrenty transferable'],
  ['Do you repair electric bicycles?', 'electic bicycle repairs', 'reparing electric bicycles', 'repair of an electrical bicycle'],
  ['What is the code for product XR-4410?', 'product xr 4410', 'xr4410 code', 'code of XR 4410'],
];

describe('vectors', () => {
  test('every other way to ask is nearest to its own question', () => {
    const wrong = QUESTIONS.flatMap(([asked, ...otherwise]) =>
      otherwise.filter((query) => QUESTIONS.some(([other]) => other !== asked && near(query, other) >= near(query, asked))),
    );
    expect(wrong).toEqual([]);
  });

  test('a letter too many, too few or in the wrong place leaves most of a word', () => {
    for (const [right, wrong] of [
      ['appointment', 'apointment'],
      ['saturday', 'saterday'],
      ['registration', 'regstration'],
      ['maintenance', 'maintainance'],
    ]) {
      expect(near(right, wrong)).toBeGreaterThan(0.25);
      expect(near(right, wrong)).toBeGreaterThan(2 * Math.abs(near(right, 'bicycle')));
    }
  });

  test('words for one thing meet; words that say nothing hardly count; case and accents do not', () => {
    expect(near('price', 'cost')).toBeGreaterThan(0.3);
    expect(near('the opening hours', 'please tell me your opening hours')).toBeGreaterThan(0.9);
    expect(near('Café MÜNCHEN', 'cafe munchen')).toBeCloseTo(1, 5);
  });

  test('unrelated texts are near nothing', () => {
    const texts = QUESTIONS.map(([asked]) => asked);
    const all = texts.flatMap((one, i) => texts.slice(i + 1).map((other) => Math.abs(near(one, other))));
    expect(all.reduce((sum, value) => sum + value, 0) / all.length).toBeLessThan(0.1);
  });

  test('of one name are the same on every machine: whoever changes them, or the terms they are made of, raises VERSION', () => {
    const embedder = new HashingEmbedder();
    expect([embedder.name, embedder.dimensions]).toEqual(['hashing-1', DIMENSIONS]);
    const signs = QUESTIONS.flat().map((text) => [...hashedVector(text)].map((value) => Math.sign(Math.round(value * 1_000))).join(' '));
    expect(createHash('sha256').update(signs.join('\n')).digest('hex').slice(0, 16)).toBe('985990933057444c');
  });

  test('many texts leave the thread to others in between, and end with their signal', async () => {
    const controller = new AbortController();
    const asked = new HashingEmbedder().embed(Array<string>(100).fill('when are you open'), controller.signal);
    setImmediate(() => controller.abort(new Error('document deleted')));
    await expect(asked).rejects.toThrow('document deleted');
  });

  test('a question takes microseconds', () => {
    const texts = QUESTIONS.flat();
    for (let i = 0; i < 50; i++) texts.forEach(hashedVector);
    const best = Math.min(
      ...Array.from({ length: 20 }, () => {
        const from = performance.now();
        texts.forEach(hashedVector);
        return (performance.now() - from) / texts.length;
      }),
    );
    expect(best).toBeLessThan(0.05);
  });
});
