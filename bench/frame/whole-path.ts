/**
 * The whole path but for sockets: switchboard, calls, conversations, real voice activity, recordings and journal on disk, the
 * RTP session and its jitter buffer; models that answer at once. The pacer's clock is turned by hand.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Assistant, assistantInput } from '@tandem/contract';
import { MediaPacer } from '../../server/src/audio/pacer.ts';
import { openJournal } from '../../server/src/calls/journal-file.ts';
import { RecordingShelf } from '../../server/src/calls/recording.ts';
import { Switchboard } from '../../server/src/calls/switchboard.ts';
import { Ids } from '../../server/src/kit/ids.ts';
import type { Kit } from '../../server/src/kit/kit.ts';
import { silentLog } from '../../server/src/kit/log.ts';
import { SeededRandom } from '../../server/src/kit/random.ts';
import { ScriptedLanguageModel } from '../../server/src/models/scripted/language-model.ts';
import { ScriptedSynthesizer } from '../../server/src/models/scripted/synthesizer.ts';
import { ScriptedTranscriber } from '../../server/src/models/scripted/transcriber.ts';
import { WebRtcVoiceActivityDetector } from '../../server/src/models/webrtc-vad/detector.ts';
import { Fvad } from '../../server/src/models/webrtc-vad/fvad.ts';
import { BenchLeg } from './bench-leg.ts';
import { HandClock } from './hand-clock.ts';
import { cpuUs, settle } from './meter.ts';

const NUMBER = '+15550100';
const ANSWER = 'We are open today until six, and on Saturday from nine until one in the afternoon.';

export class WholePath {
  readonly #clock = new HandClock();
  readonly #kit: Kit;
  readonly #legs: BenchLeg[] = [];
  readonly #folder: string;
  #close: () => Promise<void> = () => Promise.resolve();

  private constructor(folder: string) {
    this.#folder = folder;
    const random = new SeededRandom(1);
    this.#kit = { clock: this.#clock, random, ids: new Ids(this.#clock, random), log: silentLog };
  }

  static async open(calls: number): Promise<WholePath> {
    const path = new WholePath(await mkdtemp(join(tmpdir(), 'tandem-frame-')));
    await path.#begin(calls);
    return path;
  }

  /** True when every call has taken its caller's packets. */
  get heard(): boolean {
    return this.#legs.every((leg) => leg.stats().packetsReceived > 0);
  }

  /** CPU of so many ticks of 20 ms of all calls, microseconds. */
  async run(ticks: number): Promise<number> {
    let spent = 0;
    for (let i = 0; i < ticks; i++) {
      for (const leg of this.#legs) leg.speak();
      const from = cpuUs();
      for (const leg of this.#legs) leg.receive();
      for (let half = 0; half < 2; half++) {
        this.#clock.turn(10);
        await settle();
      }
      spent += cpuUs() - from;
    }
    return spent;
  }

  async close(): Promise<void> {
    await this.#close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #begin(calls: number): Promise<void> {
    const kit = this.#kit;
    const fvad = await Fvad.load();
    const pacer = new MediaPacer(kit.clock, kit.log);
    const { journal } = await openJournal(join(this.#folder, 'journal'), kit, () => {});
    const switchboard = new Switchboard({
      kit,
      journal,
      recordings: new RecordingShelf({ folder: join(this.#folder, 'recordings'), kit }),
      maxCalls: calls,
      models: {
        voiceActivity: (format) => new WebRtcVoiceActivityDetector(fvad, format, 2),
        transcribers: [new ScriptedTranscriber({ lines: ['are you open today too'], endOfTurn: true })],
        languageModels: [new ScriptedLanguageModel(kit, { wordsPerPart: 4, rules: [{ say: ANSWER }] })],
        synthesizers: [new ScriptedSynthesizer(kit, { msPerCharacter: 30, partMs: 100 })],
      },
    });
    const assistant: Assistant = {
      ...assistantInput.parse({ name: 'Ada', slug: 'demo', greeting: 'Hello, how may I help you?', idleMs: 60_000 }),
      id: 'assistant_1',
      businessId: 'business_1',
      createdAt: '2026-01-01T00:00:00.000Z',
      updatedAt: '2026-01-01T00:00:00.000Z',
    };
    await switchboard.publish([
      {
        id: 'business_1',
        name: 'Bench',
        assistants: [assistant],
        numbers: [{ address: NUMBER, assistantId: assistant.id }],
        trunks: [],
        knowledge: { version: '1', documents: [], questions: [] },
      },
    ]);
    for (let i = 0; i < calls; i++) {
      const leg = new BenchLeg(i, kit, pacer);
      this.#legs.push(leg);
      switchboard.receive({
        gateway: 'sip',
        from: `+1555${1_000_000 + i}`,
        to: NUMBER,
        businessId: undefined,
        providerCallId: `bench-${i}`,
        signal: new AbortController().signal,
        ring: () => {},
        answer: () => Promise.resolve(leg),
        refuse: (why) => {
          throw new Error(`call ${i} was refused: ${JSON.stringify(why)}`);
        },
      });
      if (i % 25 === 24) {
        this.#clock.turn(1);
        await settle();
      }
    }
    this.#close = async () => {
      await this.#turningUntil(switchboard.endAll({ by: 'system', reason: 'shutdown' }));
      pacer.stop();
      await this.#turningUntil(journal.close());
    };
  }

  /** What waits for a timer waits for us to turn the clock; what waits for a disk takes its own time. */
  async #turningUntil(work: Promise<unknown>): Promise<void> {
    const state = { over: false };
    const over = work.finally(() => (state.over = true));
    while (!state.over) {
      this.#clock.turn(10);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await over;
  }
}
