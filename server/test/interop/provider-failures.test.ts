/** Providers that fail in real calls over SIP: the next one goes on, and what is wrong can be read. */
import { describe, expect, test } from 'vitest';
import {
  ANSWER,
  ask,
  assistantAt,
  envOf,
  eventsOf,
  failuresIn,
  GREETING,
  only,
  playedIn,
  ProviderCalls,
  QUESTION,
} from '../provider-calls.ts';

const FIRST_CHOICE = { transcriber: 'deepgram', languageModel: 'openai', synthesizer: 'cartesia' };
const FALLBACKS = { transcribers: ['soniox'], languageModels: ['anthropic'], synthesizers: ['elevenlabs'] };

/** With providers, servers and callers of its own, which end with it. */
async function withCalls(work: (calls: ProviderCalls) => Promise<void>): Promise<void> {
  const calls = await ProviderCalls.open();
  try {
    await work(calls);
  } finally {
    await calls.close();
  }
}

// Each call waits for others most of the time.
describe.concurrent('a provider that fails', () => {
  test.each([
    ['language model', 'mind', { openai: [{ kind: 'reset', stage: 'language-model', at: 'middle' }] }, 'language-model', 'openai'],
    ['voice', 'voice', { cartesia: [{ kind: 'close', code: 1006, stage: 'synthesizer', at: 'middle' }] }, 'synthesizer', 'cartesia'],
  ] as const)('the %s dies in the middle of its answer: the next one goes on', (_, number, faults, stage, provider) =>
    withCalls(async (calls) => {
      const server = await calls.server(envOf(calls.providers));
      await assistantAt(server, number, { ...FIRST_CHOICE, fallbacks: FALLBACKS });
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
    }),
  );

  test('is a whole machine of them, gone while the caller speaks: others take over in the same turn', () =>
    withCalls(async (calls) => {
      const doomed = await ProviderCalls.startOthers();
      const { DEEPGRAM_BASE_URL, OPENAI_BASE_URL, CARTESIA_BASE_URL } = envOf(doomed);
      const server = await calls.server({ ...envOf(calls.providers), DEEPGRAM_BASE_URL, OPENAI_BASE_URL, CARTESIA_BASE_URL });
      await assistantAt(server, 'doomed', { ...FIRST_CHOICE, fallbacks: FALLBACKS });
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
    }));

  test('has another key: a readable failure for each, and the local mind and voice answer', () =>
    withCalls(async (calls) => {
      const { SONIOX_API_KEY } = envOf(calls.providers);
      const server = await calls.server({ ...envOf(calls.providers, 'wrong-key'), SONIOX_API_KEY });
      const fallbacks = { transcribers: ['soniox'], languageModels: [], synthesizers: [] };
      await assistantAt(server, 'wrong', { ...FIRST_CHOICE, fallbacks });
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
    }));
});
