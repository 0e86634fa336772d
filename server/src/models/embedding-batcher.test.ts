import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VendorError } from '#kit/errors.ts';
import { SeededRandom } from '#kit/random.ts';
import { testKit } from '#kit/testing.ts';
import type { Embedder, EmbedOptions } from './embedder.ts';
import { EmbeddingBatcher, type EmbeddingBatcherOptions, type EmbeddingUsage } from './embedding-batcher.ts';

type Kit = ReturnType<typeof testKit>;

/** The vector of a text is [its number, 1 for a query]; "bad…" is refused, and so is every request with it. */
class FakeEmbedder implements Embedder {
  readonly name = 'fake';
  readonly dimensions = 2;
  readonly requests: string[][] = [];
  readonly signals: AbortSignal[] = [];
  takesMs = 20;
  /** Thrown by the next requests, first to last. */
  failures: Error[] = [];
  mostAtOnce = 0;
  #atOnce = 0;
  readonly #kit: Kit;

  constructor(kit: Kit) {
    this.#kit = kit;
  }

  async embed(texts: readonly string[], signal: AbortSignal, { use, onTokens }: EmbedOptions = {}): Promise<Float32Array[]> {
    this.requests.push([...texts]);
    this.signals.push(signal);
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    try {
      const failure = this.failures.shift();
      await this.#kit.clock.sleep(this.takesMs, signal);
      if (failure) throw failure;
      if (texts.some((text) => text.startsWith('bad'))) throw new VendorError('fake', 'bad-input', 'refused');
      onTokens?.(10 * texts.length);
      return texts.map((text) => vectorOf(text, use));
    } finally {
      this.#atOnce--;
    }
  }
}

const vectorOf = (text: string, use = 'passage') => Float32Array.of(Number(text.replace(/\D/g, '')), use === 'query' ? 1 : 0);
const never = new AbortController().signal;

function bench(options: EmbeddingBatcherOptions = {}) {
  const kit = testKit();
  const embedder = new FakeEmbedder(kit);
  const batcher = new EmbeddingBatcher(kit, embedder, options);
  const ask = (texts: string[], over: Partial<Parameters<EmbeddingBatcher['embed']>[1]> = {}) => {
    const asked = batcher.embed(texts, { businessId: 'b1', signal: never, ...over });
    asked.catch(() => {});
    return asked;
  };
  return { kit, embedder, batcher, ask };
}
const failing = (category: 'retryable' | 'rate-limited' | 'auth', retryAfterMs?: number) =>
  new VendorError('fake', category, category, retryAfterMs === undefined ? {} : { retryAfterMs });

describe('requests', () => {
  test('texts of documents and businesses go together after 50 ms, questions of calls after 5', async () => {
    const { kit, embedder, ask } = bench();
    const first = ask(['1', '2']);
    await kit.clock.advance(30);
    const second = ask(['3'], { businessId: 'b2' });
    const question = ask(['4'], { urgent: true, use: 'query' });
    await kit.clock.advance(5);
    expect(embedder.requests).toEqual([['4']]);
    await kit.clock.advance(14);
    expect(embedder.requests).toHaveLength(1);
    await kit.clock.advance(1);
    expect(embedder.requests[1].toSorted()).toEqual(['1', '2', '3']);
    await kit.clock.advance(20);
    expect(await first).toEqual([vectorOf('1'), vectorOf('2')]);
    expect(await second).toEqual([vectorOf('3')]);
    expect(await question).toEqual([vectorOf('4', 'query')]);
    expect(kit.clock.pending).toBe(0);
  });

  test('a full request goes at once; one bulk request in flight; businesses take turns', async () => {
    const { kit, embedder, ask, batcher } = bench({ bulk: { texts: 4 } });
    const large = ask(['1', '2', '3', '4', '5', '6']);
    const small = ask(['7', '8'], { businessId: 'b2' });
    await kit.clock.advance(0);
    expect(embedder.requests).toEqual([['1', '2', '3', '4']]);
    expect(batcher.waiting).toEqual({ urgent: 0, bulk: 4, inFlight: 1 });
    await kit.clock.advance(60);
    expect(embedder.requests[1].toSorted()).toEqual(['5', '6', '7', '8']);
    await Promise.all([large, small]);
    expect(embedder.mostAtOnce).toBe(1);
    const late = ask(['11', '12', '13', '14', '15'], { businessId: 'b3' });
    void ask(['16'], { businessId: 'b4' });
    void ask(['17'], { businessId: 'b4' });
    await kit.clock.advance(100);
    await late;
    expect(embedder.requests[3]).toContain('16');
  });

  test("the embedder's own limits hold; one text beyond them goes alone", async () => {
    const { kit, embedder } = bench();
    const limited = new EmbeddingBatcher(kit, Object.assign(embedder, { limits: { texts: 3, characters: 8 } }));
    const asked = limited.embed(['1111', '2222', '3', '4'.repeat(20), '5'], { businessId: 'b', signal: never });
    await kit.clock.advance(500);
    expect((await asked).map(([number]) => number)).toEqual([1111, 2222, 3, Math.fround(Number('4'.repeat(20))), 5]);
    expect(embedder.requests).toEqual([['1111', '2222'], ['3'], ['4'.repeat(20)], ['5']]);
  });

  test('equal texts are asked once, waiting and in flight; a query is not its passage', async () => {
    const { kit, embedder, ask, batcher } = bench();
    const both = [ask(['1', '2', '1']), ask(['2'], { businessId: 'b2' })];
    await kit.clock.advance(55);
    const late = ask(['1']);
    const query = ask(['1'], { use: 'query' });
    await kit.clock.advance(100);
    expect(await both[0]).toEqual([vectorOf('1'), vectorOf('2'), vectorOf('1')]);
    expect(await both[1]).toEqual([vectorOf('2')]);
    expect(await late).toEqual([vectorOf('1')]);
    expect(await query).toEqual([vectorOf('1', 'query')]);
    expect(embedder.requests).toEqual([['1', '2'], ['1']]);
    expect(batcher.counts).toMatchObject({ requests: 2, texts: 3, shared: 3 });
  });

  test('questions go before documents that are due, and do not wait for a request of theirs', async () => {
    const { kit, embedder, ask } = bench({ bulk: { texts: 2 }, urgent: { inFlight: 1, texts: 1 } });
    embedder.takesMs = 100;
    const documents = ask(['1', '2', '3', '4']);
    await kit.clock.advance(10);
    const questions = ['5', '6', '7'].map((text) => ask([text], { urgent: true }));
    await kit.clock.advance(400);
    expect(embedder.requests).toEqual([['1', '2'], ['5'], ['6'], ['7'], ['3', '4']]);
    await Promise.all([documents, ...questions]);
  });

  test('an instant embedder is asked at once what a caller waits for', async () => {
    const { kit, embedder } = bench();
    const batcher = new EmbeddingBatcher(kit, Object.assign(embedder, { instant: true, takesMs: 0 }));
    const question = batcher.embed(['1'], { businessId: 'b1', signal: never, urgent: true });
    const passage = batcher.embed(['2'], { businessId: 'b1', signal: never });
    await kit.clock.advance(0);
    expect(await question).toEqual([vectorOf('1')]);
    expect(embedder.requests).toEqual([['1']]);
    await kit.clock.advance(50);
    expect(await passage).toEqual([vectorOf('2')]);
  });

  test('nothing asked, nothing sent', async () => {
    const { kit, embedder, ask } = bench();
    expect(await ask([])).toEqual([]);
    await kit.clock.advance(100);
    expect(embedder.requests).toEqual([]);
  });
});

describe('failures', () => {
  test('a text that is refused is found by halving; every other text has its vector', async () => {
    const { kit, embedder, batcher } = bench();
    const texts = ['1', '2', 'bad3', '4', '5', '6', '7', '8'];
    const each = batcher.embedEach(texts, { businessId: 'b', signal: never });
    await kit.clock.advance(1_000);
    const outcomes = await each;
    expect(outcomes.map((outcome) => (outcome instanceof Error ? outcome.message : outcome[0]))).toEqual([
      1,
      2,
      'fake: refused',
      4,
      5,
      6,
      7,
      8,
    ]);
    expect(embedder.requests.length).toBeLessThanOrEqual(8);
    expect(batcher.counts.splits).toBe(3);
    const all = batcher.embed(['9', 'bad1'], { businessId: 'b', signal: never });
    all.catch(() => {});
    await kit.clock.advance(1_000);
    await expect(all).rejects.toMatchObject({ category: 'bad-input' });
  });

  test('a rate limit pauses both lanes for as long as it says; what was asked is asked again', async () => {
    const { kit, embedder, ask, batcher } = bench();
    embedder.failures = [failing('rate-limited', 2_000)];
    const documents = ask(['1']);
    await kit.clock.advance(70);
    expect(batcher.counts.pauses).toBe(1);
    await expect(ask(['2'], { urgent: true })).rejects.toMatchObject({ category: 'rate-limited' });
    await kit.clock.advance(1_999);
    expect(embedder.requests).toHaveLength(1);
    await kit.clock.advance(30);
    expect(await documents).toEqual([vectorOf('1')]);
    expect(kit.clock.pending).toBe(0);
  });

  test('questions that wait when a long pause begins are told at once', async () => {
    const { kit, embedder, ask } = bench({ urgent: { inFlight: 1 } });
    embedder.failures = [failing('rate-limited', 5_000)];
    const asked = ask(['1'], { urgent: true });
    await kit.clock.advance(6);
    const behind = ask(['2'], { urgent: true });
    await kit.clock.advance(20);
    await expect(asked).rejects.toMatchObject({ category: 'rate-limited' });
    await expect(behind).rejects.toMatchObject({ category: 'rate-limited' });
  });

  test('a bad moment is tried again, ever later, until the budget is spent; a question is not', async () => {
    const { kit, embedder, ask } = bench({ bulk: { attempts: 3 } });
    embedder.failures = [failing('retryable'), failing('retryable')];
    const lucky = ask(['1']);
    await kit.clock.advance(3_000);
    expect(await lucky).toEqual([vectorOf('1')]);
    embedder.failures = Array.from({ length: 3 }, () => failing('retryable'));
    const unlucky = ask(['2']);
    await kit.clock.advance(60_000);
    await expect(unlucky).rejects.toMatchObject({ category: 'retryable' });
    expect(embedder.requests).toHaveLength(6);
    embedder.failures = [failing('retryable')];
    const question = ask(['3'], { urgent: true });
    await kit.clock.advance(30);
    await expect(question).rejects.toMatchObject({ category: 'retryable' });
    expect(kit.clock.pending).toBe(0);
  });

  test('a wrong key and a wrong number of vectors are no moments to wait for', async () => {
    const { kit, embedder, ask } = bench();
    embedder.failures = [failing('auth')];
    const refused = ask(['1', '2']);
    await kit.clock.advance(100);
    await expect(refused).rejects.toMatchObject({ category: 'auth' });
    expect(embedder.requests).toHaveLength(1);
    embedder.embed = async () => [Float32Array.of(1, 2, 3)];
    const wrong = ask(['3']);
    await kit.clock.advance(100);
    await expect(wrong).rejects.toMatchObject({ category: 'permanent' });
  });

  test('an embedder that never answers is given up at the deadline', async () => {
    const { kit, embedder, ask } = bench({ urgent: { deadlineMs: 500 } });
    embedder.embed = () => new Promise(() => {});
    const asked = ask(['1'], { urgent: true });
    await kit.clock.advance(505);
    await expect(asked).rejects.toMatchObject({ category: 'retryable', message: 'fake: no vectors within 500 ms' });
    expect(kit.clock.pending).toBe(0);
  });

  test('a full queue refuses with its numbers, and takes again when there is room', async () => {
    const { kit, ask, batcher } = bench({ bulk: { mostWaiting: 3 } });
    const first = ask(['1', '2']);
    await expect(ask(['3', '4'])).rejects.toMatchObject({ code: 'unavailable', detail: { waiting: 2, mostWaiting: 3 } });
    await kit.clock.advance(100);
    await first;
    expect(batcher.counts.refused).toBe(2);
    const second = ask(['3', '4']);
    await kit.clock.advance(100);
    expect(await second).toHaveLength(2);
  });
});

describe('aborts', () => {
  test('one who goes takes nothing from the others; when all have gone the request ends', async () => {
    const { kit, embedder, ask } = bench();
    const [one, two] = [new AbortController(), new AbortController()];
    const gone = ask(['1', '2'], { signal: one.signal });
    const stays = ask(['2', '3'], { signal: two.signal });
    await kit.clock.advance(55);
    const reason = new Error('document deleted');
    one.abort(reason);
    await expect(gone).rejects.toBe(reason);
    expect(embedder.signals[0].aborted).toBe(false);
    await kit.clock.advance(20);
    expect(await stays).toEqual([vectorOf('2'), vectorOf('3')]);

    const three = new AbortController();
    const alone = ask(['4'], { signal: three.signal });
    await kit.clock.advance(55);
    three.abort(reason);
    await expect(alone).rejects.toBe(reason);
    expect(embedder.signals[1].aborted).toBe(true);
    const anew = ask(['4']);
    await kit.clock.advance(100);
    expect(await anew).toEqual([vectorOf('4')]);
    expect(kit.clock.pending).toBe(0);
  });

  test('what nobody waits for is never asked', async () => {
    const { kit, embedder, ask, batcher } = bench();
    const controller = new AbortController();
    const gone = ask(['1', '2'], { signal: controller.signal });
    controller.abort(new Error('call ended'));
    await expect(gone).rejects.toThrow('call ended');
    await kit.clock.advance(100);
    expect(embedder.requests).toEqual([]);
    expect(batcher.waiting).toEqual({ urgent: 0, bulk: 0, inFlight: 0 });
    expect(kit.clock.pending).toBe(0);
    await expect(ask(['1'], { signal: controller.signal })).rejects.toThrow('call ended');
  });

  test('closing tells everybody, waiting or in flight', async () => {
    const { kit, ask, batcher } = bench({ bulk: { texts: 1 } });
    const asked = [ask(['1']), ask(['2'])];
    await kit.clock.advance(5);
    batcher.close();
    for (const one of asked) await expect(one).rejects.toMatchObject({ why: 'shutdown' });
    await expect(ask(['3'])).rejects.toMatchObject({ why: 'shutdown' });
    await kit.clock.advance(0);
    expect(kit.clock.pending).toBe(0);
  });
});

test('tokens and cost are shared out among the businesses of a request', async () => {
  const usage: EmbeddingUsage[] = [];
  const { kit, ask, batcher } = bench({ costOf: (tokens) => tokens * 0.02, onUsage: (used) => usage.push(used) });
  const asked = [ask(['1', '2', '3']), ask(['4'], { businessId: 'b2' })];
  await kit.clock.advance(100);
  await Promise.all(asked);
  expect(usage).toEqual([
    { businessId: 'b1', embedder: 'fake', texts: 3, tokens: 30, costMicros: expect.closeTo(0.6) },
    { businessId: 'b2', embedder: 'fake', texts: 1, tokens: 10, costMicros: expect.closeTo(0.2) },
  ]);
  expect(batcher.counts).toMatchObject({ tokens: 40, costMicros: expect.closeTo(0.8) });
});

test('whatever interleaves, everyone who waits gets their own vectors or their own reason, and nothing is left', async () => {
  const step = fc.record({
    texts: fc.array(fc.oneof({ weight: 9, arbitrary: fc.nat(12).map(String) }, { weight: 1, arbitrary: fc.constant('bad0') }), {
      maxLength: 6,
    }),
    business: fc.constantFrom('b1', 'b2', 'b3'),
    urgent: fc.boolean(),
    use: fc.constantFrom('query' as const, 'passage' as const),
    abortAfterMs: fc.option(fc.nat(120), { nil: undefined }),
    waitMs: fc.nat(60),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.integer(), fc.integer({ min: 1, max: 5 }), async (steps, seed, most) => {
      const { kit, embedder, batcher } = bench({
        bulk: { texts: most },
        urgent: { texts: most, inFlight: 2, attempts: 9, patienceMs: 60_000 },
      });
      const random = new SeededRandom(seed);
      embedder.failures = Array.from({ length: 4 }, () =>
        random.next() < 0.5 ? failing('retryable') : failing('rate-limited', random.below(400)),
      );
      const checks = steps.map(async ({ texts, business, urgent, use, abortAfterMs, waitMs }, index) => {
        await kit.clock.sleep(steps.slice(0, index).reduce((sum, one) => sum + one.waitMs, waitMs));
        const controller = new AbortController();
        const reason = new Error(`step ${index}`);
        if (abortAfterMs !== undefined) kit.clock.after(abortAfterMs, () => controller.abort(reason));
        const request = { businessId: business, signal: controller.signal, urgent, use };
        const outcome = await batcher.embedEach(texts, request).catch((error: unknown) => error);
        if (outcome === reason) {
          expect(abortAfterMs).toBeDefined();
          return;
        }
        expect(outcome).toHaveLength(texts.length);
        for (const [i, one] of (outcome as (Float32Array | Error)[]).entries()) {
          if (texts[i] === 'bad0') expect(one).toMatchObject({ category: 'bad-input' });
          else expect(one).toEqual(vectorOf(texts[i], use));
        }
      });
      const checked = Promise.all(checks);
      checked.catch(() => {});
      await kit.clock.advance(60_000);
      await checked;
      expect(batcher.waiting).toEqual({ urgent: 0, bulk: 0, inFlight: 0 });
      expect(kit.clock.pending).toBe(0);
    }),
    { numRuns: 100 },
  );
}, 60_000);
