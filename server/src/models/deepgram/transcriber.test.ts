import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import type { Report } from '../socket-transcription.ts';
import { type FakeVendor, humming, liveKit, startFakeVendor, VoiceFinder, waitFor, wordsOver } from '../testing.ts';
import { describeTranscriber, faultsOfOrder, listen, pushSound } from '../transcriber.contract.ts';
import { FluxWire } from './flux.ts';
import { NovaWire } from './nova.ts';
import { DeepgramTranscriber } from './transcriber.ts';
import { deepgram } from './vendor.ts';

const TEXT = 'i need to cancel my order';

/** Speaks v2 as documented: Connected, updates, an eager end, the end. */
function flux(webSocket: WebSocket, mulaw: boolean): void {
  const finder = new VoiceFinder(mulaw);
  let sequence = 0;
  let turn = 0;
  const send = (event: string, transcript: string, words: unknown[]) =>
    webSocket.send(
      JSON.stringify({
        type: 'TurnInfo',
        request_id: 'r',
        sequence_id: ++sequence,
        event,
        turn_index: turn,
        transcript,
        words,
        end_of_turn_confidence: 0.5,
      }),
    );
  webSocket.send(JSON.stringify({ type: 'Connected', request_id: 'r', sequence_id: 0 }));
  webSocket.on('message', (data, binary) => {
    if (!binary) return webSocket.close(1000);
    const voiced = finder.push(data as Buffer);
    send('Update', '', []);
    if (!voiced) return;
    const words = wordsOver(TEXT, voiced).map(({ text, fromMs, toMs }) => ({
      word: text,
      confidence: 0.9,
      start: fromMs / 1000,
      end: toMs / 1000,
    }));
    send('StartOfTurn', 'i need', words.slice(0, 2));
    send('EagerEndOfTurn', TEXT, words);
    send('EndOfTurn', TEXT, words);
    turn++;
  });
}

/** Speaks v1 as documented. */
function nova(webSocket: WebSocket, mulaw: boolean): void {
  const finder = new VoiceFinder(mulaw);
  let start = 0;
  webSocket.on('message', (data, binary) => {
    if (!binary) {
      if ((data as Buffer).includes('CloseStream')) webSocket.close(1000);
      return;
    }
    const voiced = finder.push(data as Buffer);
    if (!voiced) return;
    const words = wordsOver(TEXT, voiced).map(({ text, fromMs, toMs }) => ({
      word: text,
      punctuated_word: text,
      confidence: 0.9,
      start: fromMs / 1000,
      end: toMs / 1000,
    }));
    const send = (transcript: string, count: number, final: boolean) =>
      webSocket.send(
        JSON.stringify({
          type: 'Results',
          channel_index: [0, 1],
          start,
          duration: finder.heardMs / 1000 - start,
          is_final: final,
          speech_final: final,
          channel: { alternatives: [{ transcript, confidence: 0.9, words: words.slice(0, count) }] },
        }),
      );
    send('i need', 2, false);
    send(TEXT, words.length, true);
    send(TEXT, words.length, true); // the same again
    start = finder.heardMs / 1000;
    webSocket.send(JSON.stringify({ type: 'UtteranceEnd', channel: [0, 1], last_word_end: voiced.toMs / 1000 }));
  });
}

let vendor: FakeVendor;
beforeAll(async () => {
  vendor = await startFakeVendor((webSocket, request) => {
    const url = new URL(request.url ?? '', 'ws://vendor');
    const mulaw = url.searchParams.get('encoding') === 'mulaw';
    if (url.pathname === '/v2/listen') flux(webSocket, mulaw);
    else nova(webSocket, mulaw);
  });
});
afterAll(() => vendor.close());

const make = (model: string) =>
  new DeepgramTranscriber(liveKit(), { apiKey: 'sesame', baseUrl: vendor.url, model, endOfTurn: 0.7, eager: 0.4 });

for (const model of ['flux-general-en', 'nova-3']) {
  for (const format of ['mulaw-8000', 'linear-16000'] as const) {
    describeTranscriber(`deepgram ${model} (${format})`, { make: async () => make(model), format, text: TEXT, speech: humming, waitFor });
  }
}

test('what is asked for stands in the URL; the key in a header', async () => {
  const transcriber = make('flux-general-en');
  const before = vendor.requests.length;
  const options = {
    format: 'mulaw-8000',
    phrases: ['Opening hours', 'opening  hours', 'x'.repeat(200)],
    listener: listen().listener,
  } as const;
  transcriber.open({ ...options, language: 'en-GB' });
  transcriber.open({ ...options, language: 'de' });
  await waitFor(() => vendor.requests.length >= before + 2);
  await transcriber.close();
  const asked = vendor.requests.slice(before).sort((a, b) => (b.url ?? '').localeCompare(a.url ?? ''));
  expect(asked[0].url).toBe(
    '/v2/listen?model=flux-general-en&encoding=mulaw&sample_rate=8000&eot_threshold=0.7&eager_eot_threshold=0.4&eot_timeout_ms=5000&keyterm=Opening+hours',
  );
  expect(asked[1].url).toMatch(/^\/v1\/listen\?model=nova-3&encoding=mulaw&sample_rate=8000&channels=1&language=de&/);
  expect(asked[0].headers.authorization).toBe('Token sesame');
});

/** What a wire says, one line each. */
function reporter(): { lines: string[]; report: Report } {
  const lines: string[] = [];
  return {
    lines,
    report: {
      partial: (text) => text && lines.push(`… ${text}`),
      final: (text) => text && lines.push(text),
      endOfTurn: () => lines.push('end'),
      eagerEndOfTurn: () => lines.push('eager'),
      turnResumed: () => lines.push('resumed'),
      send: (message) => lines.push(`> ${message}`),
    },
  };
}

describe('flux', () => {
  const info = (sequence: number, event: string, turn: number, transcript: string) => ({
    type: 'TurnInfo',
    sequence_id: sequence,
    event,
    turn_index: turn,
    transcript,
    words: [{ word: transcript, confidence: null, start: 'NaN', end: 1 }],
  });

  test('a turn: eager, resumed, eager, ended; what is repeated, out of order or of an ended turn is nothing', () => {
    const { lines, report } = reporter();
    const wire = new FluxWire();
    for (const message of [
      { type: 'Connected', request_id: 'r', sequence_id: 0 },
      info(1, 'StartOfTurn', 0, 'i need'),
      info(2, 'EagerEndOfTurn', 0, 'i need to cancel'),
      info(2, 'EagerEndOfTurn', 0, 'i need to cancel'),
      info(3, 'TurnResumed', 0, ''),
      info(5, 'EagerEndOfTurn', 0, 'i need to cancel it'),
      info(4, 'Update', 0, 'i need to'),
      info(6, 'EndOfTurn', 0, 'i need to cancel it'),
      info(7, 'Update', 0, 'late'),
      info(8, 'EndOfTurn', 0, 'late'),
      info(9, 'Update', 1, 'and'),
      info(10, 'EndOfTurn', 1, ''),
      { type: 'SomethingNew' },
    ]) {
      wire.read(message, report);
    }
    expect(lines).toEqual([
      '… i need',
      '… i need to cancel',
      'eager',
      'resumed',
      '… i need to cancel it',
      'eager',
      'i need to cancel it',
      'end',
      '… and',
      'resumed',
      'end',
    ]);
  });

  test.each([
    ['INTERNAL_SERVER_ERROR', 'retryable'],
    ['INVALID_AUTH', 'auth'],
    ['UNPARSABLE_CLIENT_MESSAGE', 'bad-input'],
    ['TOO_MANY_REQUESTS', 'rate-limited'],
  ])('error %s is %s', (code, category) => {
    expect(() => new FluxWire().read({ type: 'Error', code, description: 'why' }, reporter().report)).toThrow(
      expect.objectContaining({ category, message: `deepgram: ${code}: why` }),
    );
  });
});

describe('nova', () => {
  const results = (start: number, duration: number, transcript: string, more: object = {}) => ({
    type: 'Results',
    start,
    duration,
    channel: { alternatives: [{ transcript, words: [] }] },
    ...more,
  });

  test('stretches: interim replaces, final stays; late, repeated and empty ones are nothing', () => {
    const { lines, report } = reporter();
    const wire = new NovaWire({ endsTurns: false });
    for (const message of [
      { type: 'SpeechStarted', channel: [0, 1], timestamp: 0.14 },
      results(0, 1, 'cancel'),
      results(0, 2, 'cancel my order', { is_final: true }),
      results(0, 1.5, 'cancel my'),
      results(0, 2, 'cancel my order', { is_final: true }),
      results(2, 1, 'please'),
      { type: 'UtteranceEnd', channel: [0, 1], last_word_end: 2.9 },
      results(2, 1.2, 'please', { is_final: true, from_finalize: true }),
      results(3.2, 1, '', { is_final: true, speech_final: true }),
      { type: 'UtteranceEnd', channel: [0, 1], last_word_end: 2.9 },
      { type: 'Results', channel: { alternatives: [] } },
    ]) {
      wire.read(message, report);
    }
    expect(lines).toEqual(['… cancel', 'cancel my order', '… please', '> {"type":"Finalize"}', 'please']);
    expect(wire.speechEnded()).toBe('{"type":"Finalize"}');
  });

  test('where it stands in for Flux, its silence ends the turn', () => {
    const { lines, report } = reporter();
    new NovaWire({ endsTurns: true }).read(results(0, 1, 'ja', { is_final: true, speech_final: true }), report);
    expect(lines).toEqual(['ja', 'end']);
  });
});

test('half a message fails the stream as retryable, and shows how it begins; nothing after that', async () => {
  const mute = await startFakeVendor((webSocket) => {
    webSocket.on('message', (_data, binary) => binary && webSocket.send('{"type":"Resu'));
  });
  const heard = listen();
  const transcriber = new DeepgramTranscriber(liveKit(), {
    apiKey: 'sesame',
    baseUrl: mute.url,
    model: 'nova-3',
    endOfTurn: 0.7,
    eager: 0,
  });
  const stream = transcriber.open({ format: 'mulaw-8000', language: 'en', phrases: [], listener: heard.listener });
  pushSound(stream, 'mulaw-8000', humming('mulaw-8000'), 0);
  await waitFor(() => heard.failures.length > 0);
  expect(heard.failures[0]).toMatchObject({ category: 'retryable', message: expect.stringContaining('{"type":"Resu') });
  pushSound(stream, 'mulaw-8000', humming('mulaw-8000'), 2_000);
  stream.close();
  expect(faultsOfOrder(heard.order)).toEqual([]);
  await transcriber.close();
  await mute.close();
});

test('settings: no key, no transcriber; thresholds within the documented bounds', async () => {
  const settings = deepgram.settings.parse({});
  expect(settings).toMatchObject({ baseUrl: 'https://api.deepgram.com', model: 'flux-general-en', endOfTurn: 0.7, eager: 0.4 });
  expect(await deepgram.transcriber(settings, liveKit())).toBeUndefined();
  expect(deepgram.settings.safeParse({ eager: '0.1' }).success).toBe(false);
  const transcriber = await deepgram.transcriber({ ...settings, apiKey: 'sesame' }, liveKit());
  expect(transcriber).toMatchObject({ name: 'deepgram', model: 'flux-general-en', endsTurns: true, closedGrammar: false });
});
