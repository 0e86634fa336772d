import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MULAW_TO_LINEAR } from '../server/src/audio/g711.ts';
import { readWatermark } from '../server/src/models/scripted/watermark.ts';
import type { Providers } from './providers.ts';
import { defaultScenario } from './scenario.ts';
import { startProviders } from './server.ts';
import { Client } from './testing.ts';

let providers: Providers;
let clients: Client[] = [];

beforeAll(async () => {
  providers = await startProviders();
});
beforeEach(() => providers.tell(defaultScenario));
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  clients = [];
});
afterAll(() => providers.close());

async function connect(url: string, headers: Record<string, string>): Promise<Client> {
  const client = new Client(url, headers);
  clients.push(client);
  return client.opened();
}

const spoken = 'Sure, let me check that. ';
const spokenMs = spoken.length * 60;

describe('cartesia', () => {
  const cartesia = (version = '2025-04-16'): Promise<Client> =>
    connect(`${providers.urls.cartesia}/tts/websocket`, { 'x-api-key': providers.key, 'cartesia-version': version });
  const generation = (context_id: string, transcript: string, more: object = {}): object => ({
    model_id: 'sonic-3',
    transcript,
    voice: { mode: 'id', id: 'voice-1' },
    language: 'en',
    context_id,
    continue: true,
    max_buffer_delay_ms: 0,
    output_format: { container: 'raw', encoding: 'pcm_mulaw', sample_rate: 8000 },
    add_timestamps: true,
    ...more,
  });
  const sound = (client: Client, id: string): Buffer =>
    Buffer.concat(
      client
        .of('chunk')
        .filter((chunk) => chunk.context_id === id)
        .map((chunk) => Buffer.from(String(chunk.data), 'base64')),
    );

  test('chunks with the watermark of the log, word times, done', async () => {
    const client = await cartesia();
    const beganMs = performance.now();
    client.send(generation('turn-7', spoken));
    client.send(generation('turn-7', '', { continue: false }));
    await client.until(() => client.of('done')[0]);
    expect(performance.now() - beganMs).toBeLessThan(spokenMs);
    expect(client.of('chunk')[0]).toMatchObject({ done: false, status_code: 206, context_id: 'turn-7' });
    expect(client.of('timestamps')[0]).toMatchObject({
      context_id: 'turn-7',
      word_timestamps: { words: ['Sure,', 'let', 'me', 'check', 'that.'], start: [0, 0.36, 0.6, 0.78, 1.14] },
    });
    expect(client.of('done')).toEqual([{ type: 'done', done: true, status_code: 206, context_id: 'turn-7' }]);
    const bytes = sound(client, 'turn-7');
    expect(bytes.length).toBe(spokenMs * 8);
    const mark = providers.log.findLast((event) => event.event === 'first-speech')?.mark;
    const heard = new Uint8Array(bytes);
    for (let chunk = 0; chunk < 15; chunk++) {
      expect(readWatermark(heard, 'mulaw-8000', chunk * 800 + 40, chunk * 800 + 760)).toEqual({ turn: mark, chunk });
    }
  });

  test('contexts are spoken side by side, each with its own mark; cancel ends one of them', async () => {
    providers.tell({ delays: { speech: 30 } });
    const client = await cartesia();
    client.send(generation('a', spoken.repeat(4)));
    client.send(generation('b', spoken, { continue: false }));
    await client.until(() => sound(client, 'a').length > 0);
    client.send({ context_id: 'a', cancel: true });
    await client.until(() => client.of('done').length === 2);
    expect(sound(client, 'a').length).toBeLessThan(spokenMs * 8 * 4);
    expect(sound(client, 'b').length).toBe(spokenMs * 8);
    const mark = (id: string): number | undefined => readWatermark(new Uint8Array(sound(client, id)), 'mulaw-8000', 40, 760)?.turn;
    expect(mark('a')).not.toBe(mark('b'));
    expect(providers.log.findLast((event) => event.event === 'cancelled')?.mark).toBe(mark('a'));
  });

  test('flush answers flush_done; a silent context expires a second later', async () => {
    const client = await cartesia();
    client.send(generation('turn', 'Wait', { max_buffer_delay_ms: 3000 }));
    client.send({ ...generation('turn', ''), flush: true });
    await client.until(() => client.of('flush_done')[0]);
    const flushedMs = performance.now();
    expect(client.of('flush_done')[0]).toMatchObject({ flush_id: 1, context_id: 'turn' });
    await client.until(() => client.of('done')[0]);
    expect(performance.now() - flushedMs).toBeGreaterThan(900);
  });

  test('what must not change in a context, and errors by version', async () => {
    const client = await cartesia();
    client.send(generation('turn', 'One. '));
    client.send(generation('turn', 'Two. ', { language: 'de' }));
    await client.until(() => client.of('error')[0]);
    expect(client.of('error')[0]).toMatchObject({
      status_code: 400,
      done: true,
      context_id: 'turn',
      error: expect.stringContaining('may change'),
    });
    const newer = await cartesia('2026-03-01');
    newer.send(generation('turn', 'One. ', { output_format: { container: 'raw', encoding: 'mp3', sample_rate: 8000 } }));
    await newer.until(() => newer.of('error')[0]);
    expect(newer.of('error')[0]).toMatchObject({ error_code: null, title: 'Invalid request', status_code: 400 });
  });

  test('the first speech comes the drawn delay after the text; silence leads', async () => {
    providers.tell({ delays: { 'first-speech': 150 }, leadingSilenceMs: 200 });
    const client = await cartesia();
    const askedMs = performance.now();
    client.send(generation('turn', spoken, { continue: false }));
    await client.until(() => client.of('chunk')[0]);
    expect(performance.now() - askedMs).toBeGreaterThan(145);
    await client.until(() => client.of('done')[0]);
    const bytes = sound(client, 'turn');
    expect(bytes.length).toBe((spokenMs + 200) * 8);
    expect(bytes.subarray(0, 1600).every((byte) => byte === 0xff)).toBe(true);
    expect(readWatermark(new Uint8Array(bytes), 'mulaw-8000', 1640, 2360)?.chunk).toBe(0);
  });

  test('speech-like sound is loud and in range', async () => {
    providers.tell({ voice: 'speech' });
    const client = await cartesia();
    client.send(generation('turn', spoken, { continue: false }));
    await client.until(() => client.of('done')[0]);
    const samples = [...sound(client, 'turn')].map((code) => MULAW_TO_LINEAR[code] ?? 0);
    const level = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
    expect(level).toBeGreaterThan(1000);
    expect(Math.max(...samples)).toBeLessThan(32_000);
  });
});

describe('elevenlabs', () => {
  const eleven = (more = ''): Promise<Client> =>
    connect(`${providers.urls.elevenlabs}/v1/text-to-speech/voice-1/multi-stream-input?output_format=ulaw_8000${more}`, {
      'xi-api-key': providers.key,
    });
  const audio = (client: Client): Record<string, unknown>[] => client.received.flatMap((one) => (one.json?.audio ? [one.json] : []));

  test('auto mode speaks at once, characters are aligned, closing ends with isFinal', async () => {
    const client = await eleven('&auto_mode=true');
    client.send({ text: ' ', voice_settings: { stability: 0.5 }, context_id: 'c1' });
    client.send({ text: spoken, context_id: 'c1' });
    await client.until(() => audio(client)[0]);
    client.send({ context_id: 'c1', close_context: true });
    await client.until(() => client.received.find((one) => one.json?.isFinal));
    expect(client.received.at(-1)?.json).toEqual({ isFinal: true, contextId: 'c1' });
    const chars = audio(client).flatMap((message) => (message.alignment as { chars: string[] }).chars);
    expect(chars.join('')).toBe(spoken);
    expect(audio(client)[0]).toMatchObject({ contextId: 'c1', alignment: { charStartTimesMs: [0, 60, 120, 180] } });
    client.send({ close_socket: true });
    await client.until(() => client.closed);
    expect(client.closed?.code).toBe(1000);
  });

  test('without auto mode text waits for the schedule or a flush', async () => {
    const client = await eleven();
    client.send({ text: spoken, context_id: 'c1' });
    client.send({ text: 'x'.repeat(60), context_id: 'c2', generation_config: { chunk_length_schedule: [50] } });
    await client.until(() => audio(client)[0]);
    expect(audio(client).every((message) => message.contextId === 'c2')).toBe(true);
    client.send({ text: '', context_id: 'c1', flush: true });
    await client.until(() => audio(client).find((message) => message.contextId === 'c1'));
  });

  test('a sixth context closes the socket', async () => {
    const client = await eleven();
    for (let n = 0; n < 6; n++) client.send({ text: ' ', context_id: `c${n}` });
    await client.until(() => client.closed);
    expect(client.received.at(-1)?.json).toMatchObject({ error: 'max_active_conversations', code: 1008 });
    expect(client.closed?.code).toBe(1008);
  });

  test('silence of the client ends in input_timeout_exceeded', async () => {
    const client = await eleven('&inactivity_timeout=0.1');
    await client.until(() => client.closed);
    expect(client.received[0]?.json).toMatchObject({ error: 'input_timeout_exceeded', code: 1008 });
  });
});

describe('deepgram aura', () => {
  const aura = (): Promise<Client> =>
    connect(`${providers.urls.deepgram}/v1/speak?model=aura-2-thalia-en&encoding=mulaw&sample_rate=8000`, {
      authorization: `Token ${providers.key}`,
    });
  const bytes = (client: Client): number => client.received.reduce((sum, one) => sum + (one.bytes?.length ?? 0), 0);

  test('metadata, binary sound after Flush, Flushed, Close', async () => {
    const client = await aura();
    client.send({ type: 'Speak', text: spoken });
    client.send({ type: 'Flush' });
    await client.until(() => client.of('Flushed')[0]);
    expect(client.received[0]?.json).toMatchObject({ type: 'Metadata', model_name: 'aura-2-thalia-en' });
    expect(new Set(client.types().slice(1, -1))).toEqual(new Set(['binary']));
    expect(bytes(client)).toBe(spokenMs * 8);
    expect(client.of('Flushed')[0]).toEqual({ type: 'Flushed', sequence_id: 0 });
    client.send({ type: 'Close' });
    await client.until(() => client.closed);
    expect(client.closed?.code).toBe(1000);
  });

  test('Clear throws the rest away', async () => {
    providers.tell({ delays: { speech: 30 } });
    const client = await aura();
    client.send({ type: 'Speak', text: spoken.repeat(4) });
    client.send({ type: 'Flush' });
    await client.until(() => bytes(client) > 0);
    client.send({ type: 'Clear' });
    await client.until(() => client.of('Cleared')[0]);
    const cleared = bytes(client);
    client.send({ type: 'Speak', text: 'Yes.' });
    client.send({ type: 'Flush' });
    await client.until(() => client.of('Flushed')[0]);
    expect(bytes(client) - cleared).toBe(4 * 60 * 8);
  });

  test('the 21st Flush in a minute is only a warning', async () => {
    const client = await aura();
    for (let n = 0; n < 21; n++) client.send({ type: 'Flush' });
    await client.until(() => client.of('Warning')[0]);
    await client.until(() => client.of('Flushed').length === 20);
    expect(client.of('Warning')).toHaveLength(1);
  });
});

describe('openai speech', () => {
  const ask = (body: object, key = providers.key): Promise<Response> =>
    fetch(`${providers.urls.openai}/v1/audio/speech`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const request = { model: 'gpt-4o-mini-tts', voice: 'alloy', input: spoken, response_format: 'pcm' };

  test('24 kHz sound, streamed', async () => {
    const response = await ask(request);
    expect(response.status).toBe(200);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.length).toBe(spokenMs * 48);
    const mark = providers.log.findLast((event) => event.event === 'first-speech')?.mark ?? -1;
    const at8k = Int16Array.from({ length: 800 }, (_, n) => bytes.readInt16LE(n * 6));
    expect(
      readWatermark(
        Uint8Array.from(at8k, (sample) => nearestCode(sample)),
        'mulaw-8000',
        40,
        760,
      ),
    ).toEqual({ turn: mark, chunk: 0 });
  });

  test('wrong keys and bodies get the documented error', async () => {
    const stranger = await ask(request, 'wrong');
    expect(stranger.status).toBe(401);
    expect(await stranger.json()).toMatchObject({ error: { code: 'invalid_api_key' } });
    const wrong = await ask({ ...request, input: '' });
    expect(wrong.status).toBe(400);
    expect(await wrong.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
  });
});

/** The code whose value is nearest, from the other table. */
function nearestCode(sample: number): number {
  let best = 0;
  for (let code = 0; code < 256; code++) {
    if (Math.abs((MULAW_TO_LINEAR[code] ?? 0) - sample) < Math.abs((MULAW_TO_LINEAR[best] ?? 0) - sample)) best = code;
  }
  return best;
}
