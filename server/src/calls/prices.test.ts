import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { embedderUsage, PriceTable, readPrices, tokenUsage, type Usage } from './prices.ts';

const line = (stage: Usage['stage'], provider: string, model: string, unit: Usage['unit'], quantity: number): Usage => ({
  stage,
  provider,
  model,
  unit,
  quantity,
});

test('list prices: the longest name counts, dated versions and other rooms of a vendor are the same model', () => {
  const table = new PriceTable();
  const million = 1_000_000;
  const rows: [Usage, dollars: number][] = [
    [line('transcriber', 'deepgram', 'flux-general-en', 'seconds', 60), 0.0077],
    [line('transcriber', 'deepgram', 'nova-3', 'seconds', 3_600), 0.462],
    [line('transcriber', 'assemblyai', 'universal-streaming-english', 'seconds', 3_600), 0.15],
    [line('transcriber', 'soniox', 'stt-rt-v3', 'seconds', 3_600), 0.12],
    [line('language-model', 'openai', 'gpt-4.1-mini-2025-04-14', 'input-tokens', million), 0.4],
    [line('language-model', 'openai-responses', 'gpt-4.1-mini', 'cached-tokens', million), 0.1],
    [line('language-model', 'openai', 'gpt-4.1', 'output-tokens', million), 8],
    [line('language-model', 'openai', 'gpt-4o-mini', 'input-tokens', million), 0.15],
    [line('synthesizer', 'openai', 'gpt-4o-mini-tts', 'characters', million), 16.7],
    [line('speech-to-speech', 'openai', 'gpt-realtime', 'output-audio-tokens', million), 64],
    [line('speech-to-speech', 'openai', 'gpt-realtime-mini', 'input-audio-tokens', million), 10],
    [line('language-model', 'anthropic', 'claude-haiku-4-5-20251001', 'output-tokens', million), 5],
    [line('language-model', 'gemini', 'gemini-2.5-flash', 'output-tokens', million), 2.5],
    [line('language-model', 'gemini', 'gemini-2.5-flash-lite', 'output-tokens', million), 0.4],
    [line('speech-to-speech', 'gemini', 'gemini-2.5-flash-native-audio', 'output-audio-tokens', million), 12],
    [line('synthesizer', 'deepgram', 'aura-2-thalia-en', 'characters', million), 30],
    [line('synthesizer', 'cartesia', 'sonic-3', 'characters', million), 39],
    [line('synthesizer', 'elevenlabs', 'eleven_flash_v2_5', 'characters', million), 50],
    [embedderUsage('openai/text-embedding-3-small', million), 0.02],
    [embedderUsage('openai/text-embedding-3-large-1024', million), 0.13],
    [embedderUsage('openai/nomic-ai/nomic-embed-text', million), 0],
    [embedderUsage('hashing-1', million), 0],
    [line('embedder', 'openai', 'text-embedding-3-small', 'texts', million), 0],
    [line('synthesizer', 'flite', 'slt', 'characters', million), 0],
    [line('language-model', 'openai', 'llama-3.3-70b', 'input-tokens', million), 0],
    [line('language-model', 'openaix', 'gpt-4.1', 'input-tokens', million), 0],
    [line('transcriber', 'deepgram', 'flux-general-en', 'characters', million), 0],
  ];
  for (const [usage, dollars] of rows) expect(table.priceOf(usage), JSON.stringify(usage)).toBeCloseTo(dollars * 1e6, 3);
  expect(table.priced(rows[4][0])).toEqual({ ...rows[4][0], costMicros: 400_000 });
});

test('tokens served by a cache are counted once, at their own price', () => {
  const head = { stage: 'language-model', provider: 'openai', model: 'gpt-4.1-mini' } as const;
  const lines = tokenUsage(head, { inputTokens: 1_000, outputTokens: 50, cachedTokens: 600 });
  expect(lines.map(({ unit, quantity }) => [unit, quantity])).toEqual([
    ['input-tokens', 400],
    ['cached-tokens', 600],
    ['output-tokens', 50],
  ]);
  const table = new PriceTable([{ provider: 'acme', model: '', usdPerMillion: { 'input-tokens': 2 } }]);
  expect(lines.reduce((sum, one) => sum + table.priceOf(one), 0)).toBeCloseTo(160 + 60 + 80);
  expect(tokenUsage(head, { inputTokens: 10, outputTokens: 0, cachedTokens: 99 })).toEqual([
    { ...head, unit: 'cached-tokens', quantity: 10 },
  ]);
  expect(table.priceOf(line('language-model', 'acme', 'x', 'cached-tokens', 10))).toBe(20);
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-prices-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('own prices come from a file and win; a file with a mistake says where it is', async () => {
  const path = join(folder, 'prices.json');
  const own = [
    { provider: 'openai', model: 'gpt-4.1', usdPerMillion: { 'input-tokens': 1 } },
    { provider: 'deepgram', usdPerMinute: 0.0042 },
  ];
  await writeFile(path, JSON.stringify(own));
  const table = await readPrices(path);
  expect(table.priceOf(line('language-model', 'openai', 'gpt-4.1-mini', 'input-tokens', 100))).toBe(100);
  // What the file does not name keeps its list price.
  expect(table.priceOf(line('language-model', 'openai', 'gpt-4.1-mini', 'output-tokens', 100))).toBe(160);
  expect(table.priceOf(line('transcriber', 'deepgram', 'nova-3', 'seconds', 60))).toBe(4_200);
  expect((await readPrices(undefined)).priceOf(line('transcriber', 'deepgram', 'nova-3', 'seconds', 60))).toBe(7_700);
  for (const [text, what] of [
    ['{', 'JSON'],
    ['{}', 'array'],
    ['[{"provider":"x","usdPerMinute":-1}]', '0.usdPerMinute'],
    ['[{"provider":"x","usdPerMillion":{"words":1}}]', '0.usdPerMillion'],
    ['[{"provider":"x","price":1}]', 'price'],
  ]) {
    await writeFile(path, text);
    await expect(readPrices(path), text).rejects.toMatchObject({ code: 'setting-invalid', message: expect.stringContaining(what) });
  }
  await expect(readPrices(join(folder, 'none.json'))).rejects.toMatchObject({ code: 'setting-invalid' });
});
