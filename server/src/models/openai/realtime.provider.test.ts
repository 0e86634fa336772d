/** The room against the local provider, which was written from the vendor's documentation alone. */
/* oxlint-disable unicorn/no-thenable -- `then` is a field of the scenario */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { FRAME_MS, msOf, samplesPerFrame, type SoundFormat } from '#audio/frame.ts';
import type { Providers } from '../../../../providers/providers.ts';
import { defaultScenario, type Fault } from '../../../../providers/scenario.ts';
import { startProviders } from '../../../../providers/server.ts';
import { keepingListener, pushSpeech } from '../speech-to-speech.contract.ts';
import type { SpeechSession, SpeechToSpeech } from '../speech-to-speech.ts';
import { liveKit, waitFor } from '../testing.ts';
import { OpenAiRealtime, realtimeDeadlines } from './realtime.ts';

let providers: Providers;
const open: SpeechToSpeech[] = [];
beforeAll(async () => {
  providers = await startProviders();
});
beforeEach(() => providers.tell({ ...defaultScenario, answers: [{ say: 'From nine to five.' }] }));
afterEach(async () => {
  for (const model of open.splice(0)) await model.close();
});
afterAll(() => providers.close());

async function start(format: SoundFormat = 'mulaw-8000', key = providers.key, deadlines = realtimeDeadlines) {
  const model = new OpenAiRealtime(liveKit(), {
    apiKey: key,
    baseUrl: `${providers.urls.openai}/v1`,
    model: 'gpt-realtime-2',
    voice: 'marin',
    transcriptionModel: 'gpt-4o-mini-transcribe',
    turnDetection: 'server_vad',
    deadlines,
  });
  open.push(model);
  const heard = keepingListener();
  const tools = [{ name: 'look_up', description: 'Looks it up.', parameters: { type: 'object', properties: { id: { type: 'string' } } } }];
  const session = model.open({
    format,
    instructions: '',
    language: 'en-US',
    voice: '',
    tools,
    eagerness: 'high',
    listener: heard.listener,
  });
  await Promise.race([heard.until('ready'), heard.until('failed')]);
  return { heard, session };
}

function pushSilence(session: SpeechSession, format: SoundFormat, frames: number, from: number): void {
  const size = samplesPerFrame(format);
  const sound = format === 'mulaw-8000' ? new Uint8Array(size).fill(0xff) : new Int16Array(size);
  for (let i = 0; i < frames; i++) session.push({ at: from + i * FRAME_MS, format, sound, concealed: false });
}

function speak(session: SpeechSession, format: SoundFormat, at = 0): void {
  pushSpeech(session, format, 50, at);
  pushSilence(session, format, 40, at + 1_000);
}

test.each(['mulaw-8000', 'linear-16000'] as SoundFormat[])('%s: a turn of the caller, and its answer', async (format) => {
  const { heard, session } = await start(format);
  speak(session, format);
  await heard.until('complete');
  await heard.until('said');
  expect(heard.said).toEqual(['When are you open?']);
  expect(heard.words).toBe('From nine to five.');
  const totalMs = heard.sounds.reduce((sum, { sound }) => sum + msOf(sound, format), 0);
  expect(Math.abs(totalMs - 1_080)).toBeLessThanOrEqual(20);
});

test('a tool, and the answer from its result', async () => {
  providers.tell({ answers: [{ call: [{ name: 'look_up', arguments: { id: '7' } }], then: 'It is {{result}}.' }] });
  const { heard, session } = await start();
  speak(session, 'mulaw-8000');
  await heard.until('tool-called');
  expect(heard.calls).toMatchObject([{ name: 'look_up', arguments: { id: '7' } }]);
  session.toolReturned(heard.calls[0].id, 'in Leeds');
  await heard.until('complete');
  expect(heard.words).toBe('It is in Leeds.');
});

test('a caller who interrupts', async () => {
  providers.tell({ answers: [{ say: 'A very long answer indeed. '.repeat(10) }], delays: { speech: 40 } });
  const { heard, session } = await start();
  speak(session, 'mulaw-8000');
  await heard.until(() => heard.sounds.length >= 3);
  pushSpeech(session, 'mulaw-8000', 20, 2_000);
  await heard.until('cancelled');
  const item = heard.sounds[0].item;
  session.truncate(item, 250);
  const cut = () =>
    providers.log.some(({ detail, body }) => detail === 'conversation.item.truncate' && (body as { item_id: string }).item_id === item);
  await waitFor(cut);
  expect(heard.events).toContain('speech-started');

  expect(heard.failed).toBeUndefined();
});

test('a wrong key is an auth failure', async () => {
  const { heard } = await start('mulaw-8000', 'wrong');
  expect(heard.failed).toMatchObject({ vendor: 'openai', category: 'auth' });
});

test.each<[string, Omit<Fault, 'stage'>]>([
  ['a stall before the connection', { kind: 'stall', at: 'connect' }],
  ['500', { kind: 'status', at: 'connect', status: 500 }],
  ['a close in the middle', { kind: 'close', at: 'middle', code: 1011 }],
  ['a reset in the middle', { kind: 'reset', at: 'middle' }],
  ['JSON cut in its middle', { kind: 'truncated-json', at: 'start' }],
])('%s fails the session', async (_name, fault) => {
  providers.tell({ faults: { openai: [{ ...fault, stage: 'speech-to-speech' }] } });
  const { heard, session } = await start('mulaw-8000', providers.key, { readyMs: 300, answerMs: 500 });
  if (heard.failed === undefined) speak(session, 'mulaw-8000');
  await heard.until('failed');
  expect(heard.failed).toMatchObject({ category: 'retryable' });
});
