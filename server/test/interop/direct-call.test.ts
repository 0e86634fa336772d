/** A whole call with an assistant that hears and speaks: real time, real sockets to the local provider, which then goes away. */
import { assistantInput, type CallEvent } from '@tandem/contract';
import { afterEach, expect, test } from 'vitest';
import { MediaPacer } from '#audio/pacer.ts';
import { MemoryJournal } from '#calls/journal.ts';
import { Switchboard } from '#calls/switchboard.ts';
import { SystemClock } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { testKit } from '#kit/testing.ts';
import { ExtractiveLanguageModel } from '#models/extractive/language-model.ts';
import { GeminiLive, geminiLiveDeadlines } from '#models/gemini/live.ts';
import { OpenAiRealtime, realtimeDeadlines } from '#models/openai/realtime.ts';
import { speechLikeSound } from '#models/scripted/speech-like.ts';
import { ScriptedSynthesizer } from '#models/scripted/synthesizer.ts';
import { ScriptedTranscriber } from '#models/scripted/transcriber.ts';
import { levelVoiceActivity } from '#models/scripted/voice-activity.ts';
import { LoopbackGateway } from '#telephony/loopback/gateway.ts';
import type { LoopbackLeg } from '#telephony/loopback/leg.ts';
import type { Providers } from '../../../providers/providers.ts';
import { startProviders } from '../../../providers/server.ts';

const GREETING = 'Hello, Harbour Dental.';
const LONG = 'We are open from Monday to Friday from eight until six, and on Saturday we close at one in the afternoon.';

let stop: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const run of stop.splice(0).toReversed()) await run();
  stop = [];
});

async function centre(vendor: 'openai' | 'gemini', providers: Providers) {
  const kit = { ...testKit(), clock: new SystemClock() };
  const pacer = new MediaPacer(kit.clock, kit.log);
  const journal = new MemoryJournal();
  const transcriber = new ScriptedTranscriber({ lines: ['when are you open'] });
  const { urls, key: apiKey } = providers;
  const model =
    vendor === 'openai'
      ? new OpenAiRealtime(kit, {
          apiKey,
          baseUrl: `${urls.openai}/v1`,
          model: 'gpt-realtime-2',
          voice: 'marin',
          transcriptionModel: 'gpt-4o-mini-transcribe',
          turnDetection: 'server_vad',
          deadlines: realtimeDeadlines,
        })
      : new GeminiLive(kit, { apiKey, baseUrl: urls.gemini, model: 'gemini-live', deadlines: geminiLiveDeadlines });
  const switchboard = new Switchboard({
    kit,
    journal,
    maxCalls: 2,
    recordings: { open: () => ({ write: () => {}, close: () => Promise.resolve() }) },
    models: {
      voiceActivity: levelVoiceActivity(),
      transcribers: [transcriber],
      languageModels: [new ExtractiveLanguageModel(kit)],
      synthesizers: [new ScriptedSynthesizer(kit)],
      speechToSpeech: [model],
    },
  });
  const gateway = new LoopbackGateway({
    kit,
    pacer,
    onCall: (call) => switchboard.receive(call),
    whoAnswers: (to, businessId) => switchboard.whoAnswers(to, businessId),
    publicUrl: 'http://127.0.0.1:3000',
    mediaUrl: 'ws://127.0.0.1:3001',
  });
  switchboard.connect([gateway]);
  const now = '2026-01-01T00:00:00.000Z';
  const assistant = {
    ...assistantInput.parse({ name: 'Ada', slug: 'demo', greeting: GREETING, speechToSpeech: vendor, eagerness: 'high' }),
    id: 'assistant_1',
    businessId: 'business_1',
    createdAt: now,
    updatedAt: now,
  };
  await switchboard.publish([
    {
      id: 'business_1',
      name: 'Harbour Dental',
      assistants: [assistant],
      numbers: [{ address: '+15550100', assistantId: assistant.id }],
      trunks: [],
      knowledge: {
        version: '1',
        documents: [{ id: 'd1', title: 'Opening hours', text: 'We are open from eight until six.' }],
        questions: [],
      },
    },
  ]);
  stop.push(async () => {
    await switchboard.endAll({ by: 'system', reason: 'shutdown' });
    await model.close();
    await gateway.stop();
    pacer.stop();
  });
  const leg = await gateway.place({ to: '+15550100' }).answered;
  leg.attach({ frame: () => {}, digit: () => {}, typed: () => {}, recognised: () => {}, ended: () => {} });
  return { kit, journal, leg };
}

const of = <T extends CallEvent['type']>(journal: MemoryJournal, type: T) =>
  journal.events.filter((event): event is Extract<CallEvent, { type: T }> => event.type === type);
const until = (check: () => void) => expect.poll(check, { timeout: 8_000, interval: 20 });

function speak(leg: LoopbackLeg, { random }: Pick<Kit, 'random'>, ms: number): void {
  const sound = speechLikeSound(random, ms, leg.format, -18);
  leg.play(
    (async function* () {
      yield sound;
    })(),
  );
}

test.each(['openai', 'gemini'] as const)(
  '%s: greets, answers, is interrupted, and is followed when it dies',
  async (vendor) => {
    const providers = await startProviders({
      scenario: {
        heard: [{ text: 'When are you open?' }],
        answers: [{ when: 'Harbour', say: GREETING }, { say: LONG }],
        msPerCharacter: 50,
      },
    });
    let running = true;
    stop.push(async () => {
      if (running) await providers.close();
    });
    const { kit, journal, leg } = await centre(vendor, providers);
    await until(() => of(journal, 'turn-completed').map(({ turn, heard }) => [turn, heard])).toEqual([[0, GREETING]]);

    speak(leg, kit, 900);
    await until(() => of(journal, 'reply-started').at(-1)).toMatchObject({ turn: expect.any(Number), kind: 'answer' });
    const { turn } = of(journal, 'reply-started').at(-1) ?? { turn: -1 };
    await until(() => of(journal, 'turn-committed').some((event) => event.turn === turn)).toBe(true);
    await kit.clock.sleep(800);
    speak(leg, kit, 600);
    await until(() => of(journal, 'reply-interrupted').filter((event) => event.turn === turn && event.heard !== '')).toHaveLength(1);
    const { heard } = of(journal, 'reply-interrupted').at(-1) ?? { heard: '-' };
    expect(LONG.startsWith(heard)).toBe(true);
    expect(heard.length).toBeLessThan(LONG.length / 2);

    running = false;
    await providers.close();
    await until(() => of(journal, 'provider-failed')).toMatchObject([{ stage: 'speech-to-speech', provider: vendor, next: 'extractive' }]);
    const before = of(journal, 'turn-committed').length;
    await kit.clock.sleep(1_500);
    speak(leg, kit, 900);
    await until(() => of(journal, 'turn-committed').length).toBeGreaterThan(before);
    await until(() => of(journal, 'speech-played').at(-1)?.text).toMatch(/eight until six/);
    expect(of(journal, 'call-ended')).toEqual([]);
    await leg.hangUp();
    await until(() => of(journal, 'call-ended')).toMatchObject([{ by: 'caller', reason: 'hung-up' }]);
    const turns = of(journal, 'turn-completed').map((event) => event.turn);
    expect(turns).toEqual([...new Set(turns)]);
  },
  40_000,
);
