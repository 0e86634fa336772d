/** A whole server with the providers it has rooms for: real calls over SIP and Twilio's protocol, failures, wrong keys. */
import type { Call, CallEvent, Page } from '@tandem/contract';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import { speech } from '../../../bench/load/voice.ts';
import {
  ANSWER,
  ask,
  assistantAt,
  callOf,
  envOf,
  eventsOf,
  failuresIn,
  GREETING,
  only,
  playedIn,
  ProviderCalls,
  QUESTION,
  wordsOf,
} from '../provider-calls.ts';
import type { TandemServer } from '../tandem-server.ts';
import { TwilioCaller } from '../twilio-caller.ts';

const accountSid = `AC${'0123456789abcdef'.repeat(2)}`;
const authToken = 'the-auth-token-of-this-test';

let calls: ProviderCalls;
beforeAll(async () => {
  calls = await ProviderCalls.open();
});
afterEach(() => calls.reset());
afterAll(() => calls.close());

describe('every provider answers a turn on the phone', () => {
  let first: TandemServer;
  let second: TandemServer;
  beforeAll(async () => {
    const env = { ...envOf(calls.providers), TWILIO_ACCOUNT_SID: accountSid, TWILIO_AUTH_TOKEN: authToken };
    [first, second] = await Promise.all([
      calls.server({ ...env, TANDEM_OPENAI_REALTIME_MODEL: 'gpt-realtime-2' }),
      calls.server({
        ...env,
        TANDEM_DEEPGRAM_MODEL: 'nova-3',
        TANDEM_OPENAI_API: 'responses',
        TANDEM_OPENAI_SPEECH_MODEL: 'gpt-4o-mini-tts',
      }),
    ]);
    await assistantAt(first, 'flux', { transcriber: 'deepgram', languageModel: 'openai', synthesizer: 'cartesia' });
    await assistantAt(first, 'assembly', { transcriber: 'assemblyai', languageModel: 'anthropic', synthesizer: 'elevenlabs' });
    await assistantAt(first, 'soniox', { transcriber: 'soniox', languageModel: 'gemini', synthesizer: 'deepgram' });
    await assistantAt(first, 'realtime', { speechToSpeech: 'openai' });
    await assistantAt(first, 'live', { speechToSpeech: 'gemini' });
    await assistantAt(first, '+15550111', { transcriber: 'deepgram', languageModel: 'openai', synthesizer: 'cartesia' });
    await assistantAt(second, 'nova', { transcriber: 'deepgram', languageModel: 'openai', synthesizer: 'openai' });
  });

  test.each([
    ['Flux, chat completions, Cartesia', 'flux', ['deepgram', 'openai', 'cartesia']],
    ['AssemblyAI, Anthropic, ElevenLabs', 'assembly', ['assemblyai', 'anthropic', 'elevenlabs']],
    ['Soniox, Gemini, Aura', 'soniox', ['soniox', 'gemini', 'deepgram']],
    ['nova-3, Responses, OpenAI speech', 'nova', ['deepgram', 'openai', 'openai']],
  ])('%s', async (_, number, used) => {
    const server = number === 'nova' ? second : first;
    const caller = await calls.ring(server, number);
    expect(await caller.untilQuiet(600)).toBe(true);
    const { gapMs } = await ask(caller);
    await caller.hangUp();
    const events = await eventsOf(server, number);
    expect(failuresIn(events)).toEqual([]);
    expect(playedIn(events, 0)).toBe(GREETING);
    expect(only(events, 'turn-committed').map(({ text }) => wordsOf(text))).toEqual([wordsOf(QUESTION)]);
    expect(playedIn(events, 1)).toBe(ANSWER);
    expect(gapMs).toBeLessThan(2_000);
    const lines = only(events, 'usage-counted').flatMap((event) => event.lines);
    for (const [i, stage] of (['transcriber', 'language-model', 'synthesizer'] as const).entries())
      expect(lines.filter((line) => line.stage === stage && line.provider === used[i] && line.quantity > 0)).not.toEqual([]);
  });

  test.each([
    ['OpenAI Realtime', 'realtime'],
    ['Gemini Live', 'live'],
  ])('%s', async (_, number) => {
    const caller = await calls.ring(first, number);
    expect(await caller.untilQuiet(600)).toBe(true);
    const { gapMs } = await ask(caller);
    await caller.hangUp();
    const events = await eventsOf(first, number);
    expect(failuresIn(events)).toEqual([]);
    expect(only(events, 'turn-committed')).toHaveLength(1);
    expect(playedIn(events, 1)).not.toBe('');
    expect(gapMs).toBeLessThan(2_000);
  });

  test("Twilio's media stream", async () => {
    const from = '+15550190001';
    const caller = new TwilioCaller({
      voiceUrl: `${first.url}/gateways/twilio/voice`,
      accountSid,
      authToken,
      from,
      to: '+15550111',
      clock: new SystemClock(),
    });
    await expect.poll(() => caller.call(), { timeout: 5_000 }).toBe(200);
    await first.until<Page<Call>, Call>(`/api/v1/calls?limit=1&search=${encodeURIComponent(from)}`, ({ items }) => items[0]);
    const heard = async (turn: number) => {
      const call = await callOf(first, from);
      const { items } = await first.api<{ items: CallEvent[] }>(`/api/v1/calls/${call.id}/events`);
      return only(items, 'turn-completed').find((event) => event.turn === turn)?.heard;
    };
    await expect.poll(() => heard(0), { timeout: 10_000 }).toBe(GREETING);
    caller.say(speech(1_000, 150));
    await expect.poll(() => heard(1), { timeout: 15_000 }).toBe(ANSWER);
    caller.hangUp();
    expect(failuresIn(await eventsOf(first, from))).toEqual([]);
  });
});

describe('a provider that fails', () => {
  let server: TandemServer;
  beforeAll(async () => {
    server = await calls.server(envOf(calls.providers));
    const fallbacks = { transcribers: ['soniox'], languageModels: ['anthropic'], synthesizers: ['elevenlabs'] };
    for (const number of ['mind', 'voice'])
      await assistantAt(server, number, { transcriber: 'deepgram', languageModel: 'openai', synthesizer: 'cartesia', fallbacks });
  });

  test.each([
    ['language model', 'mind', { openai: [{ kind: 'reset', stage: 'language-model', at: 'middle' }] }, 'language-model', 'openai'],
    ['voice', 'voice', { cartesia: [{ kind: 'close', code: 1006, stage: 'synthesizer', at: 'middle' }] }, 'synthesizer', 'cartesia'],
  ] as const)('the %s dies in the middle of its answer: the next one goes on', async (_, number, faults, stage, provider) => {
    const caller = await calls.ring(server, number);
    expect(await caller.untilQuiet(600)).toBe(true);
    await ask(caller);
    calls.providers.tell({ faults });
    await ask(caller);
    calls.providers.tell({ faults: {} });
    await ask(caller);
    await caller.hangUp();
    const events = await eventsOf(server, number);
    const failures = failuresIn(events);
    expect(failures.length).toBeGreaterThan(0);
    for (const failure of failures) expect(failure).toMatchObject({ stage, provider });
    const heard = only(events, 'turn-completed').filter(({ turn }) => turn > 0);
    expect(heard.length).toBeGreaterThanOrEqual(3);
    for (const turn of heard) expect(turn.heard).toBe(ANSWER);
    expect(only(events, 'call-ended')).toMatchObject([{ by: 'caller', reason: 'hung-up' }]);
  });
});

test('a whole machine of providers is gone while the caller speaks: others take over in the same turn', async () => {
  const doomed = await ProviderCalls.startOthers();
  const { DEEPGRAM_BASE_URL, OPENAI_BASE_URL, CARTESIA_BASE_URL } = envOf(doomed);
  const server = await calls.server({ ...envOf(calls.providers), DEEPGRAM_BASE_URL, OPENAI_BASE_URL, CARTESIA_BASE_URL });
  const fallbacks = { transcribers: ['soniox'], languageModels: ['anthropic'], synthesizers: ['elevenlabs'] };
  await assistantAt(server, 'doomed', { transcriber: 'deepgram', languageModel: 'openai', synthesizer: 'cartesia', fallbacks });
  const caller = await calls.ring(server, 'doomed');
  expect(await caller.untilQuiet(600)).toBe(true);
  await ask(caller);
  const asked = ask(caller, 1_500);
  await new Promise((resolve) => setTimeout(resolve, 700));
  await doomed.close();
  const { gapMs } = await asked;
  await ask(caller);
  await caller.hangUp();
  const events = await eventsOf(server, 'doomed');
  expect(gapMs).toBeLessThan(3_000);
  const heard = only(events, 'turn-completed').filter(({ turn }) => turn > 0);
  expect(heard.map((turn) => turn.heard)).toEqual([ANSWER, ANSWER, ANSWER]);
  const failed = failuresIn(events);
  for (const [stage, provider] of [
    ['transcriber', 'deepgram'],
    ['language-model', 'openai'],
    ['synthesizer', 'cartesia'],
  ])
    expect(failed).toContainEqual(expect.objectContaining({ stage, provider }));
  expect(only(events, 'call-ended')).toMatchObject([{ by: 'caller', reason: 'hung-up' }]);
});

test('wrong keys: a readable failure for each, and the local mind and voice answer', async () => {
  const { SONIOX_API_KEY } = envOf(calls.providers);
  const server = await calls.server({ ...envOf(calls.providers, 'wrong-key'), SONIOX_API_KEY });
  const fallbacks = { transcribers: ['soniox'], languageModels: [], synthesizers: [] };
  await assistantAt(server, 'wrong', { transcriber: 'deepgram', languageModel: 'openai', synthesizer: 'cartesia', fallbacks });
  const caller = await calls.ring(server, 'wrong');
  expect(await caller.untilQuiet(800, 20_000)).toBe(true);
  await ask(caller);
  await caller.hangUp();
  const events = await eventsOf(server, 'wrong');
  const failures = only(events, 'provider-failed');
  expect(new Set(failures.map(({ category }) => category))).toEqual(new Set(['auth']));
  for (const provider of ['deepgram', 'openai', 'cartesia']) expect(failures.map((failure) => failure.provider)).toContain(provider);
  for (const { message } of failures) {
    expect(message).toMatch(/key|auth|401|403/i);
    expect(message).not.toContain('wrong-key');
  }
  expect(playedIn(events, 0)).toBe(GREETING);
  expect(only(events, 'turn-committed').map(({ text }) => text)).toEqual([QUESTION]);
  expect(playedIn(events, 1)).not.toBe('');
  expect(server.output()).not.toContain('wrong-key');
  const lines = only(events, 'usage-counted').flatMap((event) => event.lines);
  expect(lines.filter(({ stage, provider }) => stage === 'synthesizer' && provider === 'flite')).not.toEqual([]);
  expect(lines.filter(({ stage, provider }) => stage === 'language-model' && provider !== 'extractive')).toEqual([]);
});
