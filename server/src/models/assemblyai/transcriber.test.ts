import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../socket-transcription.ts';
import { type FakeVendor, humming, liveKit, startFakeVendor, VoiceFinder, waitFor, wordsOver } from '../testing.ts';
import { describeTranscriber, listen, pushSound } from '../transcriber.contract.ts';
import { AssemblyAiTranscriber } from './transcriber.ts';
import { categoryOfSession, TurnsWire } from './turns.ts';
import { assemblyai } from './vendor.ts';

const TEXT = 'i need to cancel my order';

let vendor: FakeVendor;
/** Lengths of the chunks that came, in ms. */
const chunks: number[] = [];
beforeAll(async () => {
  vendor = await startFakeVendor((webSocket, request) => {
    const mulaw = new URL(request.url ?? '', 'ws://vendor').searchParams.get('encoding') === 'pcm_mulaw';
    const finder = new VoiceFinder(mulaw);
    let turn = 0;
    webSocket.send('{"type":"Begin","id":"b","expires_at":1}');
    webSocket.on('message', (data, binary) => {
      if (!binary) return webSocket.close(1000);
      chunks.push((data as Buffer).length / (mulaw ? 8 : 32));
      const voiced = finder.push(data as Buffer);
      if (!voiced) return;
      const words = wordsOver(TEXT, voiced).map(({ text, fromMs, toMs }) => ({
        text,
        start: fromMs,
        end: toMs,
        confidence: 0.9,
        word_is_final: true,
      }));
      const base = { type: 'Turn', turn_order: turn++, turn_is_formatted: false, end_of_turn_confidence: 0.3 };
      webSocket.send(JSON.stringify({ type: 'SpeechStarted', timestamp: voiced.fromMs }));
      webSocket.send(JSON.stringify({ ...base, end_of_turn: false, transcript: 'i', words: words.slice(0, 2) }));
      webSocket.send(JSON.stringify({ ...base, end_of_turn: true, transcript: TEXT, words }));
      webSocket.send(
        JSON.stringify({ ...base, end_of_turn: true, turn_is_formatted: true, transcript: 'I need to cancel my order.', words }),
      );
    });
  });
});
afterAll(() => vendor.close());

const make = (more: object = {}) =>
  new AssemblyAiTranscriber(liveKit(), {
    apiKey: 'sesame',
    baseUrl: vendor.url,
    model: 'universal-streaming-english',
    keyTerms: false,
    forceEndpoint: false,
    fastest: 100,
    ...more,
  });

for (const format of ['mulaw-8000', 'linear-16000'] as const) {
  describeTranscriber(`assemblyai (${format})`, { make: async () => make(), format, text: TEXT, speech: humming, waitFor });
}

test('chunks have 60 ms; what is asked for stands in the URL, the bare key in a header', async () => {
  chunks.length = 0;
  const before = vendor.requests.length;
  const transcriber = make({ keyTerms: true });
  const heard = listen();
  const stream = transcriber.open({ format: 'mulaw-8000', language: 'de', phrases: ['Tandem', 'Öffnung'], listener: heard.listener });
  pushSound(stream, 'mulaw-8000', humming('mulaw-8000'), 0);
  await waitFor(() => chunks.length > 5);
  await transcriber.close();
  expect(new Set(chunks)).toEqual(new Set([60]));
  const url = new URL(vendor.requests[before].url ?? '', 'ws://vendor');
  expect(url.pathname).toBe('/v3/ws');
  expect(Object.fromEntries(url.searchParams)).toEqual({
    sample_rate: '8000',
    encoding: 'pcm_mulaw',
    speech_model: 'universal-streaming-multilingual',
    format_turns: 'false',
    keyterms_prompt: '["Tandem","Öffnung"]',
  });
  expect(vendor.requests[before].headers.authorization).toBe('sesame');
});

describe('turns', () => {
  function lines(messages: object[], forceEndpoint = false) {
    const said: string[] = [];
    const report: Report = {
      partial: (text) => text && said.push(`… ${text}`),
      final: (text) => text && said.push(text),
      endOfTurn: () => said.push('end'),
      eagerEndOfTurn: () => said.push('eager'),
      turnResumed: () => said.push('resumed'),
      send: (message) => said.push(`> ${message}`),
    };
    const wire = new TurnsWire({ forceEndpoint });
    for (const message of messages) wire.read(message as Record<string, unknown>, report);
    return { said, wire };
  }

  test('words that are not final yet are partial; an ended turn does not come back', () => {
    const turn = (turn_order: number, end_of_turn: boolean, transcript: string, words: string[]) => ({
      type: 'Turn',
      turn_order,
      end_of_turn,
      transcript,
      words: words.map((text) => ({ text, start: 0, end: 1, confidence: Number.NaN })),
    });
    const { said } = lines([
      turn(0, false, '', ['can']),
      turn(0, false, 'can', ['can', 'i']),
      turn(0, true, 'can i', ['can', 'i']),
      turn(0, true, 'Can I?', ['Can', 'I?']),
      turn(0, false, 'late', ['late']),
      turn(1, true, '', []),
      { type: 'Turn', end_of_turn: false, transcript: 'no number' },
    ]);
    expect(said).toEqual(['… can', '… can i', 'can i', 'end', 'end', '… no number']);
  });

  test('errors, and the end of the session', () => {
    const error = { type: 'Error', error_code: 3008, error: 'Session Expired: Maximum session duration exceeded' };
    expect(() => lines([error])).toThrow(expect.objectContaining({ category: 'retryable' }));
    expect(() => lines([{ type: 'Termination', audio_duration_seconds: 1 }])).toThrow('ended by the vendor');
    expect(categoryOfSession(1008, 'Unauthorized Connection: Too many concurrent sessions')).toBe('rate-limited');
    expect(categoryOfSession(1008, 'Not authorized')).toBe('auth');
    expect(categoryOfSession(3007, 'Input duration violation: 20.0 ms. Expected between 50 and 1000 ms')).toBe('bad-input');
    expect(categoryOfSession(1011, '')).toBeUndefined();
  });

  test('the endpoint is forced only where it is asked for', () => {
    expect(lines([]).wire.speechEnded()).toBeUndefined();
    expect(lines([], true).wire.speechEnded()).toBe('{"type":"ForceEndpoint"}');
  });
});

test('settings: no key, no transcriber', async () => {
  const settings = assemblyai.settings.parse({});
  expect(await assemblyai.transcriber(settings, liveKit())).toBeUndefined();
  expect(await assemblyai.transcriber({ ...settings, apiKey: 'sesame' }, liveKit())).toMatchObject({ name: 'assemblyai', endsTurns: true });
});
