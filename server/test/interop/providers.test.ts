/** A whole server with the providers it has rooms for: real calls over SIP and Twilio's protocol, side by side. */
import type { Call, CallEvent, Page } from '@tandem/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
afterAll(() => calls.close());

describe.concurrent('every provider answers a turn on the phone', () => {
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

  test("Twilio's media stream", async ({ expect }) => {
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
