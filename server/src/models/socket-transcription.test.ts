import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { silence } from '#audio/frame.ts';
import { testKit } from '#kit/testing.ts';
import { SocketPool } from './socket-pool.ts';
import { SocketTranscription, type Wire } from './socket-transcription.ts';
import { type FakeVendor, startFakeVendor, waitFor } from './testing.ts';
import { listen, pushSound } from './transcriber.contract.ts';
import { boundTerms, socketUrl, transcriptOf, wordsOf } from './vendor-words.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function streamTo(vendor: FakeVendor, wire: Wire) {
  const kit = testKit();
  const pool = new SocketPool(kit, { vendor: 'acme', headers: {}, size: 1, maxAgeMs: 8_000, keepMs: 30_000 });
  const heard = listen();
  let closed = 0;
  const stream = new SocketTranscription(
    { format: 'mulaw-8000', language: 'en', phrases: [], listener: heard.listener },
    { kit, pool, url: vendor.url, wire, chunkMs: 20, closed: () => closed++ },
  );
  closing.push(
    () => vendor.close(),
    () => pool.close(),
    () => stream.close(),
  );
  await waitFor(() => vendor.sockets.length > 0);
  return { kit, heard, stream, pool, closed: () => closed };
}

test('a vendor that is silent to speech for 6 s is gone; one word of it, and the wait begins anew', async () => {
  const vendor = await startFakeVendor(() => {});
  let read = 0;
  const { kit, heard, stream, closed } = await streamTo(vendor, { read: () => void read++ });
  stream.speechStarted(0);
  stream.speechEnded(1_000);
  await kit.clock.advance(8_000);
  expect(heard.failures).toEqual([]); // too little to conclude from
  stream.speechStarted(2_000);
  stream.speechEnded(3_000);
  vendor.sockets[0].send('{}');
  await waitFor(() => read === 1);
  await kit.clock.advance(8_000);
  expect(heard.failures).toEqual([]);
  stream.speechStarted(4_000);
  stream.speechEnded(6_000);
  await kit.clock.advance(5_999);
  expect(heard.failures).toEqual([]);
  await kit.clock.advance(1);
  expect(heard.failures[0]).toMatchObject({ category: 'retryable', message: 'acme: no answer to speech within 6000 ms' });
  expect(closed()).toBe(1);
  stream.close();
  expect(closed()).toBe(1);
});

test('greeting first, then the sound kept until then, the hint, and the goodbye', async () => {
  const got: string[] = [];
  const vendor = await startFakeVendor((webSocket) =>
    webSocket.on('message', (data, binary) => got.push(binary ? `sound ${(data as Buffer).length}` : (data as Buffer).toString())),
  );
  const wire = { greeting: 'hello', goodbye: 'bye', read: () => {}, speechEnded: () => 'ended' };
  const { stream } = await streamTo(vendor, wire);
  pushSound(stream, 'mulaw-8000', silence('mulaw-8000', 320), 0);
  await waitFor(() => got.length >= 3);
  stream.speechEnded(40);
  await waitFor(() => got.length >= 4);
  const ended = once(vendor.sockets[0], 'close');
  stream.close();
  await ended;
  expect(got).toEqual(['hello', 'sound 160', 'sound 160', 'ended', 'bye']);
});

test('the promises of order are kept whatever a wire says', async () => {
  const vendor = await startFakeVendor((webSocket) => webSocket.send('{}'));
  const { heard } = await streamTo(vendor, {
    read: (_message, report) => {
      report.turnResumed();
      report.endOfTurn();
      report.eagerEndOfTurn();
      report.final('', []);
      report.partial('a', []);
      report.partial('a', []);
      report.eagerEndOfTurn();
      report.eagerEndOfTurn();
      report.final('a', []);
      report.endOfTurn();
      report.endOfTurn();
      report.turnResumed();
    },
  });
  await waitFor(() => heard.order.includes('end-of-turn'));
  expect(heard.order).toEqual(['eager', 'final', 'end-of-turn']);
  expect(heard.partials).toHaveLength(1);
});

test('words: nonsense in numbers is nothing, times never run backwards, confidence stays within 0 and 1', () => {
  const words = wordsOf(
    [
      { word: 'one', start: 1, end: 1.5, confidence: 3 },
      { word: '', start: 1.5, end: 1.6 },
      null,
      { word: 'two', start: 1.4, end: 'NaN', confidence: null },
    ],
    1000,
    { text: 'word', from: 'start', to: 'end' },
  );
  const transcript = transcriptOf('one two', words, (ms) => ms + 10_000);
  expect(transcript).toEqual({
    text: 'one two',
    fromAt: 11_000,
    toAt: 11_500,
    confidence: 1,
    words: [
      { text: 'one', fromMs: 0, toMs: 500 },
      { text: 'two', fromMs: 500, toMs: 500 },
    ],
  });
  expect(transcriptOf('x', [], (ms) => ms)).toMatchObject({ fromAt: 0, toAt: 0, words: undefined });
});

test('terms and URLs', () => {
  const bounds = { terms: 2, charactersEach: 10, characters: 15 };
  expect(boundTerms(['  Ada  L ', 'ada l', 'far too long for it', 'Bob', 'Carl'], bounds)).toEqual(['Ada L', 'Bob']);
  expect(socketUrl('https://api.example.com/', '/v1', new URLSearchParams({ a: 'b c' }))).toBe('wss://api.example.com/v1?a=b+c');
  expect(socketUrl('ws://127.0.0.1:1/acme', '/v1')).toBe('ws://127.0.0.1:1/acme/v1');
});
