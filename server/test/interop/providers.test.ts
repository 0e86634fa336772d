/**
 * A whole server with the speech and language providers it has rooms for, which here are the local ones: real calls over
 * SIP and Twilio's protocol, a provider that dies in the middle of a call, keys that are wrong.
 */
import {
  type Assistant,
  type AssistantInput,
  type Call,
  type CallEvent,
  type CallEventType,
  type Page,
  waitOf,
  waterfallOf,
} from '@tandem/contract';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import { speech } from '../../../bench/load/voice.ts';
import type { Providers } from '../../../providers/providers.ts';
import { defaultScenario } from '../../../providers/scenario.ts';
import { startProviders } from '../../../providers/server.ts';
import { SipCaller } from '../sip-caller.ts';
import { startTandem, type TandemServer } from '../tandem-server.ts';
import { TwilioCaller } from '../twilio-caller.ts';

type EventOf<T extends CallEventType> = Extract<CallEvent, { type: T }>;

const QUESTION = 'When are you open?';
const ANSWER = 'We are open from nine to five today. On Sunday we are closed all day.';
const GREETING = 'Good morning, this is the front desk.';
const accountSid = `AC${'0123456789abcdef'.repeat(2)}`;
const authToken = 'the-auth-token-of-this-test';

const scenario = {
  heard: [{ text: QUESTION }],
  answers: [{ say: ANSWER }],
  delays: { transcript: 60, 'first-token': 60, 'first-speech': 60 },
} as const;

/** The environment that points a server at the local providers. */
function envOf({ urls, key }: Providers, keyGiven = key): Record<string, string> {
  return Object.fromEntries(
    Object.entries(urls).flatMap(([name, url]) => [
      [`${name.toUpperCase()}_API_KEY`, keyGiven],
      [`${name.toUpperCase()}_BASE_URL`, name === 'openai' ? `${url}/v1` : url],
    ]),
  );
}

let providers: Providers;
const servers: TandemServer[] = [];
const callers: SipCaller[] = [];

beforeAll(async () => {
  providers = await startProviders({ scenario });
});
afterEach(() => {
  for (const caller of callers.splice(0)) caller.close();
  providers.tell({ ...defaultScenario, ...scenario, faults: {} });
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await providers?.close();
});

async function open(env: Record<string, string>): Promise<TandemServer> {
  const server = await startTandem({ env: { TANDEM_SEED: 'none', ...env } });
  servers.push(server);
  await server.api('/api/v1/businesses', { method: 'POST', body: { name: 'Interop', language: 'en', timeZone: 'UTC' } });
  await server.api('/api/v1/trunks', { method: 'POST', body: { name: 'neighbours', sources: ['127.0.0.0/8'] } });
  return server;
}

async function assistantAt(server: TandemServer, number: string, change: Partial<AssistantInput>): Promise<Assistant> {
  const body = { name: number, slug: number.replace(/\W/g, ''), greeting: GREETING, idleMs: 30_000, recording: false, ...change };
  const assistant = await server.api<Assistant>('/api/v1/assistants', { method: 'POST', body });
  await server.api('/api/v1/numbers', { method: 'POST', body: { address: number, assistantId: assistant.id } });
  return assistant;
}

/** Rings until the number is known: what is edited is in use a moment later. */
async function ring(server: TandemServer, number: string): Promise<SipCaller> {
  const user = `caller-${number}`;
  for (let attempt = 0; ; attempt++) {
    try {
      const caller = await SipCaller.call({ server: `127.0.0.1:${server.sipPort}`, number, user });
      callers.push(caller);
      return caller;
    } catch (error) {
      if (attempt >= 40) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

const callOf = (server: TandemServer, party: string) =>
  server.until<Page<Call>, Call>(`/api/v1/calls?limit=1&search=${encodeURIComponent(party)}`, ({ items }) => items[0], 10_000);

async function eventsOf(server: TandemServer, number: string): Promise<CallEvent[]> {
  const call = await callOf(server, number);
  return server.until<{ items: CallEvent[] }, CallEvent[]>(
    `/api/v1/calls/${call.id}/events`,
    ({ items }) => (items.some(({ type }) => type === 'call-ended') ? items : undefined),
    15_000,
  );
}

const only = <T extends CallEventType>(events: readonly CallEvent[], type: T) =>
  events.filter((event): event is EventOf<T> => event.type === type);
const playedIn = (events: readonly CallEvent[], turn: number) =>
  only(events, 'speech-played')
    .filter((played) => played.turn === turn && !played.filler)
    .map(({ text }) => text)
    .join(' ');

/** Greeting, a question, its answer; resolves with the gap that the caller measured. */
async function ask(caller: SipCaller, ms = 1_000): Promise<{ gapMs: number; stallMs: number }> {
  await caller.says(speech(ms, 150));
  const soundAt = await caller.soundAfter(caller.voiceSentAt);
  if (soundAt === undefined) return { gapMs: Number.NaN, stallMs: 0 };
  const { voiceSentAt } = caller;
  await caller.untilQuiet(900, 20_000);
  return { gapMs: soundAt - voiceSentAt, stallMs: caller.stallAt(soundAt) };
}

/** Some write as people do, some do not. */
const wordsOf = (text: string) => text.toLowerCase().replace(/[^a-z ]/g, '');
const failuresIn = (events: readonly CallEvent[]) =>
  only(events, 'provider-failed').map(({ stage, provider, category }) => ({ stage, provider, category }));

describe('every provider answers a turn on the phone', () => {
  let first: TandemServer;
  let second: TandemServer;
  beforeAll(async () => {
    const env = { ...envOf(providers), TWILIO_ACCOUNT_SID: accountSid, TWILIO_AUTH_TOKEN: authToken };
    [first, second] = await Promise.all([
      open({ ...env, TANDEM_OPENAI_REALTIME_MODEL: 'gpt-realtime-2' }),
      open({ ...env, TANDEM_DEEPGRAM_MODEL: 'nova-3', TANDEM_OPENAI_API: 'responses', TANDEM_OPENAI_SPEECH_MODEL: 'gpt-4o-mini-tts' }),
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
    const caller = await ring(server, number);
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
    const caller = await ring(first, number);
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
    server = await open(envOf(providers));
    const fallbacks = { transcribers: ['soniox'], languageModels: ['anthropic'], synthesizers: ['elevenlabs'] };
    for (const number of ['mind', 'voice'])
      await assistantAt(server, number, { transcriber: 'deepgram', languageModel: 'openai', synthesizer: 'cartesia', fallbacks });
  });

  test.each([
    ['language model', 'mind', { openai: [{ kind: 'reset', stage: 'language-model', at: 'middle' }] }, 'language-model', 'openai'],
    ['voice', 'voice', { cartesia: [{ kind: 'close', code: 1006, stage: 'synthesizer', at: 'middle' }] }, 'synthesizer', 'cartesia'],
  ] as const)('the %s dies in the middle of its answer: the next one goes on', async (_, number, faults, stage, provider) => {
    const caller = await ring(server, number);
    expect(await caller.untilQuiet(600)).toBe(true);
    await ask(caller);
    providers.tell({ faults });
    await ask(caller);
    providers.tell({ faults: {} });
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
  const doomed = await startProviders({ scenario });
  const { DEEPGRAM_BASE_URL, OPENAI_BASE_URL, CARTESIA_BASE_URL } = envOf(doomed);
  const server = await open({ ...envOf(providers), DEEPGRAM_BASE_URL, OPENAI_BASE_URL, CARTESIA_BASE_URL });
  const fallbacks = { transcribers: ['soniox'], languageModels: ['anthropic'], synthesizers: ['elevenlabs'] };
  await assistantAt(server, 'doomed', { transcriber: 'deepgram', languageModel: 'openai', synthesizer: 'cartesia', fallbacks });
  const caller = await ring(server, 'doomed');
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
  const { SONIOX_API_KEY } = envOf(providers);
  const server = await open({ ...envOf(providers, 'wrong-key'), SONIOX_API_KEY });
  const fallbacks = { transcribers: ['soniox'], languageModels: [], synthesizers: [] };
  await assistantAt(server, 'wrong', { transcriber: 'deepgram', languageModel: 'openai', synthesizer: 'cartesia', fallbacks });
  const caller = await ring(server, 'wrong');
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

describe('the waterfall', () => {
  const WITHIN_MS = 5;
  const TURNS = 6;

  test.each([
    ['silence and words decide', 'nova-3'],
    ['the transcriber decides', 'flux-general-en'],
  ])('of every turn sums to the gap that the caller measured (%s)', async (_, model) => {
    providers.tell({ answers: [{ say: 'We are open from nine.' }] });
    const server = await open({ ...envOf(providers), TANDEM_DEEPGRAM_MODEL: model });
    await assistantAt(server, 'gap', { transcriber: 'deepgram', languageModel: 'openai', synthesizer: 'cartesia' });
    const caller = await ring(server, 'gap');
    expect(await caller.untilQuiet(600)).toBe(true);
    const measured: { gapMs: number; stallMs: number }[] = [];
    for (let turn = 0; turn < TURNS; turn++) measured.push(await ask(caller, 800 + 120 * turn));
    await caller.hangUp();
    const turns = only(await eventsOf(server, 'gap'), 'turn-completed').filter(({ turn }) => turn > 0);
    expect(turns).toHaveLength(TURNS);
    const told = turns.map(({ stages }) => ({ wait: waitOf(stages) ?? Number.NaN, parts: waterfallOf(stages) }));
    const off = told.map(({ wait }, i) => measured[i].gapMs - wait);
    for (const [i, { wait, parts }] of told.entries()) {
      expect(parts.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)).toBeCloseTo(wait, 3);
      expect(Math.abs(off[i])).toBeLessThanOrEqual(WITHIN_MS + measured[i].stallMs);
    }
  });
});
