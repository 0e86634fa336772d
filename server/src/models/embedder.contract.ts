/** What every embedder keeps to. A room's test calls this with a way to make one. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Embedder } from './embedder.ts';

export function describeEmbedder(name: string, make: () => Promise<Embedder>): void {
  describe(`${name} as an embedder`, () => {
    let embedder: Embedder;
    const signal = new AbortController().signal;
    beforeAll(async () => {
      embedder = await make();
    });
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, index) => sum + value * b[index], 0);

    test('one vector of unit length per text, in order', async () => {
      const texts = ['When are you open?', 'How much is a service?', ''];
      const vectors = await embedder.embed(texts, signal);
      expect(vectors).toHaveLength(3);
      for (const vector of vectors) {
        expect(vector).toHaveLength(embedder.dimensions);
        expect(dot(vector, vector)).toBeCloseTo(1, 4);
      }
      const [again] = await embedder.embed([texts[1]], signal);
      expect(dot(again, vectors[1])).toBeCloseTo(1, 4);
    });

    test('texts that share their words are nearer than texts that do not', async () => {
      const [a, b, c] = await embedder.embed(
        ['when do you open on saturday', 'on saturday when do you open today', 'bicycle tyre pressure'],
        signal,
      );
      expect(dot(a, b)).toBeGreaterThan(dot(a, c));
    });

    test('nothing asked, nothing answered; an aborted request throws the reason of its signal', async () => {
      expect(await embedder.embed([], signal)).toEqual([]);
      const reason = new Error('call ended');
      await expect(embedder.embed(['x'], AbortSignal.abort(reason))).rejects.toBe(reason);
    });
  });
}
