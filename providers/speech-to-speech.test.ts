/* oxlint-disable unicorn/no-thenable -- `then` is a field of the scenario */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Providers } from './providers.ts';
import { defaultScenario, type Fault } from './scenario.ts';
import { startProviders } from './server.ts';
import { Client, quiet, voiced } from './testing.ts';

let providers: Providers;
let clients: Client[] = [];
beforeAll(async () => {
  providers = await startProviders();
});
beforeEach(() =>
  providers.tell({
    ...defaultScenario,
    heard: [{ text: 'Hello there' }],
    answers: [
      { when: 'order', call: [{ name: 'lookup', arguments: { id: 7 } }], then: 'It is {{result}}.' },
      { say: 'Good morning to you.' },
    ],
  }),
);
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

describe('openai realtime', () => {
  type Item = Record<string, unknown> & { id: string };
  const detection = { type: 'server_vad', silence_duration_ms: 300 };

  async function session(turnDetection: object | null = detection, more: object = {}): Promise<Client> {
    const client = await connect(`${providers.urls.openai}/v1/realtime?model=gpt-realtime-2`, { authorization: `Bearer ${providers.key}` });
    await client.until(() => client.of('session.created')[0]);
    const format = { type: 'audio/pcmu' };
    const input = { format, transcription: { model: 'gpt-4o-mini-transcribe' }, turn_detection: turnDetection };
    client.send({ type: 'session.update', session: { type: 'realtime', audio: { input, output: { format, voice: 'marin' } }, ...more } });
    await client.until(() => client.of('session.updated')[0]);
    return client;
  }
  function say(client: Client, sound: Uint8Array): void {
    for (let at = 0; at < sound.length; at += 160) {
      client.send({ type: 'input_audio_buffer.append', audio: Buffer.from(sound.subarray(at, at + 160)).toString('base64') });
    }
  }
  const done = (client: Client, count = 1) =>
    client.until(() => client.of('rate_limits.updated').length >= count && client.of('response.done').at(-1));
  const itemOf = (event: Record<string, unknown> | undefined): Item => event?.item as Item;

  test('the events of one turn, in their order', async () => {
    providers.tell({ delays: { transcript: 1_000 } });
    const client = await session();
    say(client, quiet(200));
    say(client, voiced(800));
    say(client, quiet(400));
    await done(client);
    expect(client.types().filter((type, index, all) => type !== all[index - 1] && !type.startsWith('session.'))).toEqual([
      'input_audio_buffer.speech_started',
      'input_audio_buffer.speech_stopped',
      'input_audio_buffer.committed',
      'conversation.item.added',
      'conversation.item.done',
      'response.created',
      'response.output_item.added',
      'conversation.item.added',
      'response.content_part.added',
      ...Array.from({ length: 6 }, () => ['response.output_audio_transcript.delta', 'response.output_audio.delta']).flat(),
      'response.output_audio.done',
      'response.output_audio_transcript.done',
      'response.content_part.done',
      'response.output_item.done',
      'conversation.item.done',
      'response.done',
      'rate_limits.updated',
    ]);
    expect(client.of('input_audio_buffer.speech_started')[0].audio_start_ms).toBe(0);
    expect(client.of('input_audio_buffer.speech_stopped')[0].audio_end_ms).toBe(1_300);
    const transcript = client.of('response.output_audio_transcript.delta').map(({ delta }) => delta as string);
    expect(transcript.join('')).toBe('Good morning to you.');
    const sound = client.of('response.output_audio.delta').map(({ delta }) => Buffer.from(delta as string, 'base64').length);
    expect(sound.reduce((sum, bytes) => sum + bytes, 0)).toBe(20 * 60 * 8);
    // The caller's words come when they are known, here behind the answer.
    const said = await client.until(() => client.of('conversation.item.input_audio_transcription.completed')[0]);
    expect(said).toMatchObject({ transcript: 'Hello there', item_id: itemOf(client.of('conversation.item.added')[0]).id });
    expect(client.of('response.done')[0].response).toMatchObject({
      status: 'completed',
      usage: { output_token_details: { audio_tokens: 24 } },
    });
  });

  test('a caller who interrupts: the response is cancelled, and cut where it was heard', async () => {
    providers.tell({ answers: [{ say: 'A very long answer indeed. '.repeat(10) }], delays: { speech: 50 } });
    const client = await session();
    say(client, voiced(500));
    say(client, quiet(400));
    await client.until(() => client.of('response.output_audio.delta').length >= 3);
    say(client, voiced(200));
    const ended = await client.until(() => client.of('response.done')[0]);
    expect(ended.response).toMatchObject({ status: 'cancelled', status_details: { type: 'cancelled', reason: 'turn_detected' } });
    expect(client.types().indexOf('response.done')).toBeGreaterThan(client.types().lastIndexOf('input_audio_buffer.speech_started'));
    const { id } = itemOf(client.of('response.output_item.done')[0]);
    const cut = (audio_end_ms: number) => client.send({ type: 'conversation.item.truncate', item_id: id, content_index: 0, audio_end_ms });
    cut(60_000);
    const error = await client.until(() => client.of('error')[0]);
    expect(error.error).toMatchObject({
      type: 'invalid_request_error',
      message: expect.stringMatching(/already shorter than 60000ms/) as string,
    });
    cut(250);
    expect(await client.until(() => client.of('conversation.item.truncated')[0])).toMatchObject({ item_id: id, audio_end_ms: 250 });
  });

  test('a call, its result, and the answer', async () => {
    providers.tell({ heard: [{ text: 'Where is my order?' }] });
    const client = await session();
    say(client, voiced(500));
    say(client, quiet(400));
    await done(client);
    const called = client.of('response.function_call_arguments.done')[0];
    expect(called).toMatchObject({ name: 'lookup', arguments: '{"id":7}' });
    expect(
      client
        .of('response.function_call_arguments.delta')
        .map(({ delta }) => delta as string)
        .join(''),
    ).toBe('{"id":7}');
    client.send({ type: 'conversation.item.create', item: { type: 'function_call_output', call_id: called.call_id, output: 'in Leeds' } });
    client.send({ type: 'response.create' });
    await done(client, 2);
    expect(client.of('response.output_audio_transcript.done')[0].transcript).toBe('It is in Leeds.');
  });

  test('turns that the client commits, and words it wants said', async () => {
    const client = await session(null);
    client.send({ type: 'input_audio_buffer.commit' });
    await client.until(() => client.of('error')[0]);
    say(client, voiced(600));
    say(client, quiet(100));
    client.send({ type: 'input_audio_buffer.commit' });
    await client.until(() => client.of('input_audio_buffer.committed')[0]);
    expect(client.of('input_audio_buffer.speech_started')).toEqual([]);
    client.send({ type: 'response.create', response: { instructions: 'Say exactly: "Welcome."' } });
    client.send({ type: 'response.create' });
    await done(client);
    expect(client.of('response.output_audio_transcript.done')[0].transcript).toBe('Welcome.');
    expect(client.of('error').map(({ error }) => (error as { code: string }).code)).toEqual([
      'input_audio_buffer_commit_empty',
      'conversation_already_has_active_response',
    ]);
    client.send({ type: 'response.cancel', event_id: 'mine' });
    const refused = await client.until(() => client.of('error')[2]);
    expect(refused.error).toMatchObject({ code: 'response_cancel_not_active', event_id: 'mine' });
  });

  test('semantic turn detection waits for a caller who only pauses', async () => {
    providers.tell({ heard: [{ text: 'My number is', endsTurn: false }, { text: 'four two.' }], answers: [{ say: '{{words}}' }] });
    const client = await session({ type: 'semantic_vad', eagerness: 'high' });
    say(client, voiced(400));
    say(client, quiet(600));
    say(client, voiced(400));
    say(client, quiet(600));
    await done(client);
    expect(client.of('input_audio_buffer.speech_started')).toHaveLength(1);
    expect(client.of('response.output_audio_transcript.done')[0].transcript).toBe('My number is four two.');
    const said = await client.until(() => client.of('conversation.item.input_audio_transcription.completed')[0]);
    expect(said.transcript).toBe('My number is four two.');
  });

  test.each([
    [{ type: 'no.such.event' }, 'invalid_value'],
    [{ type: 'session.update', session: {} }, 'missing_required_parameter'],
    [{ type: 'session.update', session: { type: 'realtime', modalities: ['audio'] } }, 'unknown_parameter'],
    [{ type: 'session.update', session: { type: 'realtime', audio: { input: { format: { type: 'g711_ulaw' } } } } }, 'invalid_value'],
    [{ type: 'conversation.item.create', item: { type: 'function_call_output', call_id: 'x', output: '' } }, 'invalid_tool_call_id'],
    [{ type: 'conversation.item.truncate', item_id: 'x', content_index: 0, audio_end_ms: 1 }, 'item_not_found'],
  ])('%j is an error, and the session stays', async (message, code) => {
    const client = await session();
    client.send(message);
    expect((await client.until(() => client.of('error')[0])).error).toMatchObject({ code });
    client.send({ type: 'response.create' });
    await done(client);
  });

  const meet = (fault: Omit<Fault, 'stage'>) => providers.tell({ faults: { openai: [{ ...fault, stage: 'speech-to-speech' }] } });

  test('its own error fails one response', async () => {
    meet({ kind: 'error-message', at: 'middle', times: 1 });
    const client = await session();
    client.send({ type: 'response.create' });
    expect((await done(client)).response).toMatchObject({ status: 'failed', status_details: { error: { code: 'server_error' } } });
    client.send({ type: 'response.create' });
    expect((await done(client, 2)).response).toMatchObject({ status: 'completed' });
  });

  test('a stall silences the whole session', async () => {
    meet({ kind: 'stall', at: 'middle' });
    const client = await session();
    client.send({ type: 'response.create' });
    await client.until(() => client.of('response.output_audio.delta').length === 2);
    await client.until(() => providers.log.some(({ event, detail }) => event === 'fault' && detail === 'stall'));
    client.send({ type: 'no.such.event' });
    await expect(client.until(() => client.of('error')[0] ?? client.of('response.done')[0], 150)).rejects.toThrow();
  });

  test('a close in the middle', async () => {
    meet({ kind: 'close', at: 'middle', code: 1011 });
    const client = await session();
    client.send({ type: 'response.create' });
    expect((await client.until(() => client.closed)).code).toBe(1011);
  });
});

describe('gemini live', () => {
  type Message = Record<string, Record<string, unknown>>;
  const path = '/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent';
  const messages = (client: Client): Message[] => client.received.map(({ bytes }) => JSON.parse(String(bytes)) as Message);
  const content = (client: Client, name: string): unknown[] => messages(client).flatMap(({ serverContent }) => serverContent?.[name] ?? []);

  async function session(more: object = {}): Promise<Client> {
    const client = await connect(`${providers.urls.gemini}${path}?key=${providers.key}`, {});
    client.send({
      setup: {
        model: 'models/gemini-live',
        generationConfig: { responseModalities: ['AUDIO'] },
        inputAudioTranscription: {},
        outputAudioTranscription: {},
        ...more,
      },
    });
    await client.until(() => messages(client).some((message) => message.setupComplete));
    return client;
  }
  /** 16-bit samples at 16 kHz. */
  function say(client: Client, ms: number, amplitude: number): void {
    for (let at = 0; at < ms; at += 20) {
      const samples = Int16Array.from({ length: 320 }, (_, i) => Math.round(amplitude * Math.sin(i * 0.2)));
      const data = Buffer.from(samples.buffer).toString('base64');
      client.send({ realtimeInput: { audio: { mimeType: 'audio/pcm;rate=16000', data } } });
    }
  }

  test('one turn: transcriptions, sound, generationComplete, turnComplete', async () => {
    const client = await session();
    say(client, 600, 6_000);
    say(client, 700, 0);
    await client.until(() => content(client, 'turnComplete').length > 0);
    await client.until(() => content(client, 'inputTranscription').length > 0);
    expect(content(client, 'inputTranscription')).toEqual([{ text: 'Hello there' }]);
    expect(
      content(client, 'outputTranscription')
        .map((one) => (one as { text: string }).text)
        .join(''),
    ).toBe('Good morning to you.');
    const sound = content(client, 'modelTurn').map(
      (turn) => (turn as { parts: { inlineData: { data: string } }[] }).parts[0].inlineData.data,
    );
    expect(sound.reduce((sum, data) => sum + Buffer.from(data, 'base64').length, 0)).toBe(20 * 60 * 48);
    expect(content(client, 'generationComplete')).toEqual([true]);
    expect(messages(client).at(-1)).toMatchObject({ serverContent: { turnComplete: true }, usageMetadata: { responseTokenCount: 5 } });
  });

  test('an interruption ends the turn', async () => {
    providers.tell({ answers: [{ say: 'A very long answer indeed. '.repeat(10) }], delays: { speech: 50 } });
    const client = await session();
    client.send({ clientContent: { turns: [{ role: 'user', parts: [{ text: 'Hello' }] }], turnComplete: true } });
    await client.until(() => content(client, 'modelTurn').length >= 2);
    say(client, 200, 6_000);
    await client.until(() => content(client, 'turnComplete').length > 0);
    expect(content(client, 'interrupted')).toEqual([true]);
    expect(content(client, 'generationComplete')).toEqual([]);
  });

  test('a call, its response, and the answer', async () => {
    const client = await session({ tools: [{ functionDeclarations: [{ name: 'lookup' }] }] });
    client.send({ realtimeInput: { text: 'Where is my order?' } });
    const { toolCall } = await client.until(() => messages(client).find((message) => message.toolCall));
    const [call] = toolCall.functionCalls as { id: string; name: string; args: unknown }[];
    expect(call).toMatchObject({ name: 'lookup', args: { id: 7 } });
    client.send({ toolResponse: { functionResponses: [{ id: call.id, name: 'lookup', response: { result: 'in Leeds' } }] } });
    await client.until(() => content(client, 'turnComplete').length > 0);
    expect(
      content(client, 'outputTranscription')
        .map((one) => (one as { text: string }).text)
        .join(''),
    ).toBe('It is in Leeds.');
  });

  test('anything before setup closes the connection', async () => {
    const client = await connect(`${providers.urls.gemini}${path}?key=${providers.key}`, {});
    client.send({ realtimeInput: { text: 'Hello' } });
    expect((await client.until(() => client.closed)).code).toBe(1007);
  });
});
