/** The room against the local provider, which was written from the vendor's documentation alone. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Providers } from '../../../../providers/providers.ts';
import { defaultScenario, type Fault } from '../../../../providers/scenario.ts';
import { startProviders } from '../../../../providers/server.ts';
import { describeEmbedder } from '../embedder.contract.ts';
import { EmbeddingBatcher } from '../embedding-batcher.ts';
import { liveKit } from '../testing.ts';
import { embedderDeadlines, OpenAiEmbedder } from './embedder.ts';

let providers: Providers;
beforeAll(async () => {
  providers = await startProviders();
});
afterAll(() => providers.close());
afterEach(() => providers.tell({ faults: defaultScenario.faults }));

const make = (over: Partial<ConstructorParameters<typeof OpenAiEmbedder>[1]> = {}) =>
  new OpenAiEmbedder(liveKit(), {
    apiKey: providers.key,
    baseUrl: `${providers.urls.openai}/v1`,
    model: 'text-embedding-3-small',
    dimensions: 1_536,
    deadlines: embedderDeadlines,
    ...over,
  });

describeEmbedder('openai at the local provider', async () => make());
describeEmbedder('openai at the local provider, with fewer dimensions', async () => make({ dimensions: 256 }));

describe('faults of the provider', () => {
  const signal = new AbortController().signal;
  const embed = async (fault: Omit<Fault, 'stage'> | undefined, over: Parameters<typeof make>[0] = {}) => {
    providers.tell({ faults: fault ? { openai: [{ ...fault, stage: 'embedder' }] } : {} });
    const embedder = make(over);
    try {
      return await embedder.embed(['When are you open?'], signal);
    } finally {
      await embedder.close();
    }
  };

  test('a wrong key is an auth failure', async () => {
    await expect(embed(undefined, { apiKey: 'wrong' })).rejects.toMatchObject({ vendor: 'openai', category: 'auth' });
  });

  test.each([
    [
      '429 with Retry-After',
      { kind: 'status', at: 'connect', status: 429, retryAfterS: 3 },
      { category: 'rate-limited', retryAfterMs: 3_000 },
    ],
    ['a server error', { kind: 'status', at: 'connect', status: 500 }, { category: 'retryable' }],
    ['a web page', { kind: 'html', at: 'connect' }, { vendor: 'openai' }],
    ['JSON cut in its middle', { kind: 'truncated-json', at: 'start' }, { category: 'retryable' }],
    ['a reset', { kind: 'reset', at: 'start' }, { category: 'retryable' }],
    ['a body that breaks off', { kind: 'close', at: 'start' }, { category: 'retryable' }],
  ] as const)('%s', async (_name, fault, expected) => {
    await expect(embed(fault)).rejects.toMatchObject(expected);
  });

  test.each(['stall', 'trickle'] as const)('a %s ends at its deadline', async (kind) => {
    const deadlines = { connectMs: 1_000, firstMs: 300, betweenMs: 200 };
    await expect(embed({ kind, at: 'start' }, { deadlines })).rejects.toMatchObject({ category: 'retryable' });
  });

  test('behind the batcher a server error is only a delay, and tokens are counted', async () => {
    providers.tell({ faults: { openai: [{ kind: 'status', at: 'connect', status: 500, stage: 'embedder', times: 1 }] } });
    const embedder = make();
    const batcher = new EmbeddingBatcher(liveKit(), embedder);
    const texts = ['When are you open?', 'Where can I park?', 'x'.repeat(24_000)];
    const vectors = await batcher.embed(texts, { businessId: 'b1', signal });
    expect(vectors).toHaveLength(3);
    expect(batcher.counts).toMatchObject({ failures: 1, texts: 6 });
    expect(batcher.counts.tokens).toBeGreaterThan(6_000);
    await embedder.close();
  });
});
