import { afterAll, beforeAll, expect, test } from 'vitest';
import { testKit } from '#kit/testing.ts';
import type { Report } from '../socket-transcription.ts';
import { type FakeVendor, humming, liveKit, startFakeVendor, VoiceFinder, waitFor, wordsOver } from '../testing.ts';
import { describeTranscriber, listen } from '../transcriber.contract.ts';
import { TokensWire } from './tokens.ts';
import { SonioxTranscriber } from './transcriber.ts';
import { soniox } from './vendor.ts';

const TEXT = 'i need to cancel my order';

let vendor: FakeVendor;
const configurations: Record<string, unknown>[] = [];
beforeAll(async () => {
  vendor = await startFakeVendor((webSocket) => {
    let finder: VoiceFinder | undefined;
    webSocket.on('message', (data, binary) => {
      if (!finder) {
        const configuration = JSON.parse((data as Buffer).toString()) as Record<string, unknown>;
        configurations.push(configuration);
        finder = new VoiceFinder(configuration.audio_format === 'mulaw');
        return;
      }
      if (!binary) {
        if ((data as Buffer).length === 0) webSocket.close(1000);
        return;
      }
      const voiced = finder.push(data as Buffer);
      if (!voiced) return;
      const tokens = wordsOver(TEXT, voiced).map(({ text, fromMs, toMs }, index) => ({
        text: index === 0 ? text : ` ${text}`,
        start_ms: fromMs,
        end_ms: toMs,
        confidence: 0.9,
        is_final: true,
      }));
      const send = (list: object[]) => webSocket.send(JSON.stringify({ tokens: list, final_audio_proc_ms: 1, total_audio_proc_ms: 2 }));
      send(tokens.slice(0, 3).map((token) => ({ ...token, is_final: false })));
      send([...tokens, { text: '<end>', is_final: true }]);
    });
  });
});
afterAll(() => vendor.close());

const make = () => new SonioxTranscriber(liveKit(), { apiKey: 'sesame', baseUrl: vendor.url, model: 'stt-rt-v5', fastest: 100 });

for (const format of ['mulaw-8000', 'linear-16000'] as const) {
  describeTranscriber(`soniox (${format})`, { make: async () => make(), format, text: TEXT, speech: humming, waitFor });
}

test('the first message says what is wanted; the key stands in a header', async () => {
  configurations.length = 0;
  const before = vendor.requests.length;
  const transcriber = make();
  transcriber.open({ format: 'linear-16000', language: 'en-US', phrases: ['Tandem'], listener: listen().listener });
  await waitFor(() => configurations.length > 0);
  await transcriber.close();
  expect(configurations[0]).toEqual({
    model: 'stt-rt-v5',
    audio_format: 'pcm_s16le',
    sample_rate: 16_000,
    num_channels: 1,
    enable_endpoint_detection: true,
    language_hints: ['en'],
    context: { terms: ['Tandem'] },
  });
  expect(vendor.requests[before].url).toBe('/transcribe-websocket');
  expect(vendor.requests[before].headers.authorization).toBe('Bearer sesame');
});

test('pieces become words; <fin> makes a final, <end> ends the turn too, with words or after them', () => {
  const said: string[] = [];
  const report: Report = {
    partial: (text, words) => text && said.push(`… ${text} (${words.length})`),
    final: (text, words) => text && said.push(`${text} (${words.map((word) => `${word.text} ${word.fromMs}-${word.toMs}`).join(', ')})`),
    endOfTurn: () => said.push('end'),
    eagerEndOfTurn: () => {},
    turnResumed: () => {},
    send: () => {},
  };
  const wire = new TokensWire(testKit().clock, { model: 'm' });
  const token = (text: string, from: number, final: boolean) => ({
    text,
    start_ms: from,
    end_ms: from + 50,
    confidence: 'NaN',
    is_final: final,
  });
  for (const tokens of [
    [token('How', 0, false), token(' ar', 100, false)],
    [token('How', 0, true), token(' ar', 100, false), token('e', 150, false)],
    [token(' ar', 100, true), token('e', 150, true), { text: '<fin>', is_final: true }],
    [{ text: '<end>', is_final: true }],
    [token(' you', 200, true), { text: '<end>', is_final: true }, token(' And', 300, false)],
    'nonsense',
    [null, { text: 7 }],
  ]) {
    wire.read({ tokens }, report);
  }
  expect(said).toEqual([
    '… How ar (2)',
    '… How are (2)',
    'How are (How 0-50, are 100-200)',
    'end',
    'you (you 200-250)',
    'end',
    '… And (1)',
  ]);
});

test('errors by their status; finalize no more than every 2 s', async () => {
  const { clock } = testKit();
  const wire = new TokensWire(clock, {});
  const read = (error_code: number) => () => wire.read({ tokens: [], error_code, error_message: 'why' }, {} as Report);
  expect(read(400)).toThrow(expect.objectContaining({ category: 'bad-input', message: 'soniox: 400 why' }));
  expect(read(401)).toThrow(expect.objectContaining({ category: 'auth' }));
  expect(read(429)).toThrow(expect.objectContaining({ category: 'rate-limited' }));
  expect(read(503)).toThrow(expect.objectContaining({ category: 'retryable' }));
  expect(wire.speechEnded()).toBe('{"type":"finalize"}');
  await clock.advance(1_999);
  expect(wire.speechEnded()).toBeUndefined();
  await clock.advance(1);
  expect(wire.speechEnded()).toBe('{"type":"finalize"}');
});

test('settings: no key, no transcriber', async () => {
  const settings = soniox.settings.parse({});
  expect(await soniox.transcriber(settings, liveKit())).toBeUndefined();
  expect(await soniox.transcriber({ ...settings, apiKey: 'sesame' }, liveKit())).toMatchObject({ name: 'soniox', endsTurns: true });
});
