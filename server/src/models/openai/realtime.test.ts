import { afterEach, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import type { SoundFormat } from '#audio/frame.ts';
import { SystemClock } from '#kit/clock.ts';
import { testKit } from '#kit/testing.ts';
import { describeSpeechToSpeech, keepingListener, pushSpeech, type SpeechPeer } from '../speech-to-speech.contract.ts';
import { bytesOf, MS_PER_CHARACTER, piecesOf, soundOfText, startVoicePeer } from '../voice-peer.testing.ts';
import { OpenAiRealtime, type RealtimeOptions, realtimeDeadlines } from './realtime.ts';
import { readRealtime, sessionUpdate } from './realtime-wire.ts';

/** The documented order of events, spoken by a server that obeys `session.update` and `response.create`. */
async function realtimePeer({ refuse, silent = false }: { refuse?: number; silent?: boolean } = {}) {
  let socket: WebSocket | undefined;
  let format: SoundFormat = 'mulaw-8000';
  let heardBytes = 0;
  let counter = 0;
  let making: string | undefined;
  const asked: ReturnType<SpeechPeer['asked']> = [];
  const waiting = new Set<() => void>();
  const send = (event: object) => socket?.send(JSON.stringify({ event_id: `event_${counter++}`, ...event }));

  const begin = (answer: string): string => {
    const item_id = `item_${counter++}`;
    making = item_id;
    send({ type: 'response.created', response: { id: 'resp_1', status: 'in_progress' } });
    send({ type: 'response.output_item.added', response_id: 'resp_1', item: { id: item_id, type: 'message', role: 'assistant' } });
    const place = { response_id: 'resp_1', item_id, output_index: 0, content_index: 0 };
    const sound =
      format === 'mulaw-8000'
        ? bytesOf(soundOfText(answer, format))
        : Buffer.from(
            Int16Array.from({ length: answer.length * MS_PER_CHARACTER * 24 }, (_, i) => 6_000 * Math.sin((2 * Math.PI * 440 * i) / 24_000))
              .buffer,
          );
    for (const piece of piecesOf(sound)) send({ type: 'response.output_audio.delta', ...place, delta: piece.toString('base64') });
    send({ type: 'response.output_audio_transcript.delta', ...place, delta: answer });
    return item_id;
  };
  const done = (status: string) => {
    making = undefined;
    const usage = {
      input_tokens: 50,
      output_tokens: 20,
      input_token_details: { cached_tokens: 10, audio_tokens: 30 },
      output_token_details: { audio_tokens: 15 },
    };
    send({ type: 'response.done', response: { id: 'resp_1', status, output: [], usage } });
  };

  const peer = await startVoicePeer(
    (_socket, message) => {
      const item = message.item as { type?: string; output?: string; content?: { text: string }[] } | undefined;
      if (message.type === 'session.update') {
        const { audio } = message.session as { audio: { input: { format: { type: string } } } };
        format = audio.input.format.type === 'audio/pcmu' ? 'mulaw-8000' : 'linear-16000';
        if (!silent) send({ type: 'session.updated', session: message.session });
      } else if (message.type === 'input_audio_buffer.append') heardBytes += Buffer.from(message.audio as string, 'base64').length;
      else if (message.type === 'conversation.item.create' && item?.type === 'function_call_output') asked.push({ tool: item.output });
      else if (message.type === 'conversation.item.create') asked.push({ typed: item?.content?.[0].text });
      else if (message.type === 'conversation.item.truncate') asked.push({ truncatedMs: message.audio_end_ms as number });
      else if (message.type === 'response.cancel') {
        asked.push({ cancelled: true });
        if (making) done('cancelled');
      } else if (message.type === 'response.create') {
        const { instructions } = (message.response ?? {}) as { instructions?: string };
        if (instructions) asked.push({ say: instructions });
        if (making)
          send({ type: 'error', error: { type: 'invalid_request_error', code: 'conversation_already_has_active_response', message: '-' } });
        else {
          begin('Very well.');
          done('completed');
        }
      }
      for (const look of waiting) look();
    },
    () => refuse,
    (opened) => {
      socket = opened;
      send({ type: 'session.created', session: { id: 'sess_1' } });
    },
  );
  return {
    url: `${peer.url}/v1`,
    received: peer.received,
    requests: peer.requests,
    send,
    begin,
    done,
    turn: ({ said, answer }: { said: string; answer: string }) => {
      send({ type: 'input_audio_buffer.speech_started', audio_start_ms: 200, item_id: 'item_user' });
      send({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: 1_500, item_id: 'item_user' });
      send({ type: 'input_audio_buffer.committed', item_id: 'item_user', previous_item_id: null });
      begin(answer);
      // The caller's words may come after the answer has begun.
      send({ type: 'conversation.item.input_audio_transcription.delta', item_id: 'item_user', delta: said.slice(0, 5) });
      send({ type: 'conversation.item.input_audio_transcription.completed', item_id: 'item_user', transcript: said });
      done('completed');
    },
    call: ({ id, name, arguments: given }: { id: string; name: string; arguments: string }) => {
      send({ type: 'response.created', response: { id: 'resp_0' } });
      send({ type: 'response.function_call_arguments.done', call_id: id, name, arguments: given });
      send({ type: 'response.output_item.done', item: { id: 'item_call', type: 'function_call', call_id: id, name, arguments: given } });
      done('completed');
    },
    heardMs: () => heardBytes / (format === 'mulaw-8000' ? 8 : 48),
    asked: () => asked,
    until: (happened: () => boolean) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (!happened()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    drop: () => socket?.terminate(),
    close: () => peer.close(),
  };
}

const make = (url: string, over: Partial<RealtimeOptions> = {}, clock = new SystemClock()) =>
  new OpenAiRealtime(
    { ...testKit(), clock },
    {
      apiKey: 'sk-test',
      baseUrl: url,
      model: 'gpt-realtime-2',
      voice: 'marin',
      transcriptionModel: 'gpt-4o-mini-transcribe',
      turnDetection: 'server_vad',
      deadlines: realtimeDeadlines,
      ...over,
    },
  );

describeSpeechToSpeech('openai', { peer: realtimePeer, make: (peer) => make(peer.url) });

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const part of open.splice(0).toReversed()) await part.close();
});
async function started(over: Partial<RealtimeOptions> = {}, peerOptions: { silent?: boolean } = {}) {
  const peer = await realtimePeer(peerOptions);
  const model = make(peer.url, over);
  open.push(peer, model);
  const heard = keepingListener();
  const options = {
    format: 'mulaw-8000',
    instructions: 'Be brief.',
    language: 'en-US',
    voice: 'slt',
    tools: [],
    eagerness: 'high',
  } as const;
  const session = model.open({ ...options, listener: heard.listener });
  return { peer, heard, session };
}

test('configures the session as documented', async () => {
  const { peer, heard } = await started();
  await heard.until('ready');
  expect(peer.requests[0].url).toBe('/v1/realtime?model=gpt-realtime-2');
  expect(peer.requests[0].headers).toMatchObject({ authorization: 'Bearer sk-test' });
  expect(peer.requests[0].headers['openai-beta']).toBeUndefined();
  expect(peer.received[0]).toEqual({
    type: 'session.update',
    session: {
      type: 'realtime',
      output_modalities: ['audio'],
      instructions: 'Be brief.',
      max_output_tokens: 1_200,
      reasoning: { effort: 'minimal' },
      audio: {
        input: {
          format: { type: 'audio/pcmu' },
          noise_reduction: { type: 'near_field' },
          transcription: { model: 'gpt-4o-mini-transcribe', language: 'en' },
          turn_detection: {
            type: 'server_vad',
            threshold: 0.5,
            prefix_padding_ms: 300,
            silence_duration_ms: 300,
            create_response: true,
            interrupt_response: true,
          },
        },
        output: { format: { type: 'audio/pcmu' }, voice: 'marin', speed: 1 },
      },
      tools: [],
      tool_choice: 'auto',
      truncation: 'auto',
    },
  });
  const semantic = sessionUpdate(
    { model: 'gpt-realtime', voice: 'marin', transcriptionModel: 'x', turnDetection: 'semantic_vad' },
    { format: 'linear-16000', instructions: '', language: 'de', voice: 'cedar', tools: [], eagerness: 'low' },
  );
  expect(semantic).toMatchObject({
    session: {
      audio: {
        input: {
          format: { type: 'audio/pcm', rate: 24_000 },
          turn_detection: { type: 'semantic_vad', eagerness: 'low', interrupt_response: true },
        },
        output: { voice: 'cedar' },
      },
    },
  });
  expect(semantic).not.toHaveProperty('session.reasoning');
});

test("times of the vendor are told on the leg's clock, usage in full", async () => {
  const { peer, heard, session } = await started();
  const at: number[] = [];
  heard.listener.speechStarted = (ms) => at.push(ms);
  heard.listener.speechStopped = (ms) => at.push(ms);
  await heard.until('ready');
  pushSpeech(session, 'mulaw-8000', 10, 5_000);
  await peer.until(() => peer.heardMs() >= 200);
  peer.turn({ said: 'Hello.', answer: 'Hello.' });
  await heard.until('used');
  expect(at).toEqual([5_200, 6_500]);
  expect(heard.usage).toEqual([{ inputTokens: 50, cachedTokens: 10, outputTokens: 20, inputAudioTokens: 30, outputAudioTokens: 15 }]);
});

test('an answer asked for while another is made comes behind it; two tools are answered together', async () => {
  const { peer, heard, session } = await started();
  await heard.until('ready');
  peer.begin('One moment');
  await heard.until('sound');
  session.say('Afterwards.');
  expect(peer.asked()).toEqual([]);
  peer.done('completed');
  await peer.until(() => peer.asked().some(({ say }) => say?.includes('Afterwards.')));
  await heard.until(() => heard.events.filter((event) => event === 'complete').length === 2);
  peer.send({ type: 'response.created', response: { id: 'r' } });
  for (const call_id of ['a', 'b'])
    peer.send({ type: 'response.output_item.done', item: { type: 'function_call', call_id, name: 'x', arguments: '{' } });
  await heard.until(() => heard.calls.length === 2);
  expect(heard.calls[0]).toMatchObject({ arguments: undefined, badArguments: '{' });
  session.toolReturned('a', '1');
  const creates = () => peer.received.filter(({ type }) => type === 'response.create').length;
  const before = creates();
  peer.done('completed');
  session.toolReturned('b', '2');
  await peer.until(() => creates() === before + 1);
});

test('the sound of an answer that the caller interrupted is dropped', async () => {
  const { peer, heard } = await started();
  await heard.until('ready');
  const item_id = peer.begin('An answer');
  await heard.until('words');
  const before = heard.sounds.length;
  peer.send({ type: 'input_audio_buffer.speech_started', audio_start_ms: 0, item_id: 'u' });
  peer.send({ type: 'response.output_audio.delta', item_id, delta: '////' });
  peer.done('cancelled');
  await heard.until('cancelled');
  expect(heard.sounds).toHaveLength(before);
});

test('an error leaves the session open; a refused configuration, the end of the hour and garbage do not', async () => {
  const error = (code: string) => ({ type: 'error', error: { type: 'invalid_request_error', code, message: 'no', event_id: null } });
  const first = await started();
  await first.heard.until('ready');
  first.peer.send(error('response_cancel_not_active'));
  first.peer.turn({ said: 'Hello.', answer: 'Hello.' });
  await first.heard.until('complete');
  first.peer.send(error('session_expired'));
  await first.heard.until('failed');
  expect(first.heard.failed).toMatchObject({ vendor: 'openai', category: 'retryable' });
  const second = await started({}, { silent: true });
  await second.peer.until(() => second.peer.received.length > 0);
  second.peer.send(error('invalid_value'));
  await second.heard.until('failed');
  expect(second.heard.failed).toMatchObject({ category: 'bad-input' });
  const third = await started();
  await third.heard.until('ready');
  third.peer.begin('x');
  third.peer.send({ type: 'response.output_audio.delta', item_id: 'x', delta: '<>' });
  await third.heard.until('failed');
  expect(() => readRealtime('<html>')).toThrow(/no JSON/);
});

test('a session that is never configured, and an answer that never begins, end at their deadlines', async () => {
  const mute = await started({ deadlines: { readyMs: 80, answerMs: 80 } }, { silent: true });
  await mute.heard.until('failed');
  expect(mute.heard.failed).toMatchObject({ category: 'retryable' });
  const slow = await started({ deadlines: { readyMs: 3_000, answerMs: 80 } });
  await slow.heard.until('ready');
  slow.peer.send({ type: 'input_audio_buffer.committed', item_id: 'u' });
  await slow.heard.until('failed');
  expect(slow.heard.failed).toMatchObject({ category: 'retryable' });
});
