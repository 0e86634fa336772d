/** What every embedder keeps to. A room's test calls this with a way to make one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Embedder } from './embedder.ts';

export function describeEmbedder(name: string, make: () => Promise<Embedder>): void {
  describe(`${name} as an embedder`, () => {
    let embedder: Embedder;
    const signal = new AbortController().signal;
    beforeAll(async () => {
      embedder = await make();
    });
    afterAll(() => embedder.close?.());
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, index) => sum + value * b[index], 0);
    const expectUnit = (vector: Float32Array) => {
      expect(vector).toBeInstanceOf(Float32Array);
      expect(vector).toHaveLength(embedder.dimensions);
      expect(dot(vector, vector)).toBeCloseTo(1, 4);
    };

    test('one vector of unit length per text, in order', async () => {
      const texts = ['When are you open?', 'How much is a service?', ''];
      const vectors = await embedder.embed(texts, signal);
      expect(vectors).toHaveLength(3);
      for (const vector of vectors) expectUnit(vector);
      const [again] = await embedder.embed([texts[1]], signal);
      expect(dot(again, vectors[1])).toBeCloseTo(1, 4);
    });

    test('the order of a large request is that of its texts, equal texts have equal vectors', async () => {
      const texts = Array.from({ length: 150 }, (_, i) => `question ${i % 50} about ${['bread', 'tyres', 'teeth'][i % 3]}`);
      const vectors = await embedder.embed(texts, signal);
      expect(vectors).toHaveLength(150);
      const alone = await embedder.embed([texts[0], texts[77], texts[149]], signal);
      for (const [at, index] of [0, 77, 149].entries()) expect(dot(alone[at], vectors[index])).toBeCloseTo(1, 3);
    });

    test('texts that share their words are nearer than texts that do not', async () => {
      const [a, b, c] = await embedder.embed(
        ['when do you open on saturday', 'on saturday when do you open today', 'bicycle tyre pressure'],
        signal,
      );
      expect(dot(a, b)).toBeGreaterThan(dot(a, c));
    });

    test('a question has a vector as a passage has', async () => {
      const [asked] = await embedder.embed(['when do you open on saturday'], signal, { use: 'query' });
      expectUnit(asked);
      const [near, far] = await embedder.embed(['we open on saturday at nine', 'bicycle tyre pressure'], signal, { use: 'passage' });
      expect(dot(asked, near)).toBeGreaterThan(dot(asked, far));
    });

    test.each([
      ['no words', '  \n\t '],
      ['marks only', '?!… — "'],
      ['other scripts', '営業時間は何時ですか؟ متى تفتحون Ώρες λειτουργίας'],
      ['pictures and joined marks', '👩‍👩‍👧 cafe\u0301 nai\u0308ve 🇩🇪'],
      ['half a surrogate pair', 'open \ud83d late'],
      ['a zero byte', 'open\u0000late'],
      ['a very long text', 'when are you open on saturday, '.repeat(4_000)],
      ['a very long word', 'a'.repeat(50_000)],
    ])('%s', async (_what, text) => {
      const [vector, other] = await embedder.embed([text, 'when are you open'], signal);
      expectUnit(vector);
      expectUnit(other);
    });

    test('requests at the same time keep their own answers', async () => {
      const texts = Array.from({ length: 8 }, (_, i) => `the number ${i} of the list`);
      const together = await Promise.all(texts.map((text) => embedder.embed([text], signal)));
      const [first] = await embedder.embed([texts[3]], signal);
      expect(dot(together[3][0], first)).toBeCloseTo(1, 3);
      expect(dot(together[3][0], together[7][0])).toBeLessThan(0.99999);
    });

    test('nothing asked, nothing answered; an aborted request throws the reason of its signal', async () => {
      expect(await embedder.embed([], signal)).toEqual([]);
      const reason = new Error('call ended');
      await expect(embedder.embed(['x'], AbortSignal.abort(reason))).rejects.toBe(reason);
      const [vector] = await embedder.embed(['x'], signal);
      expectUnit(vector);
    });
  });
}
