/**
 * A whole call centre on a virtual clock: switchboard, directory, journal, real voice activity and codecs; a caller on a
 * loopback line whose words are scripted. Times in a script are milliseconds since the answer.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Assistant, assistantInput, type CallEvent } from '@tandem/contract';
import { FRAME_MS, type Frame, type Sound, samplesPerFrame } from '#audio/frame.ts';
import { MediaPacer } from '#audio/pacer.ts';
import type { BusinessEntry } from '#calls/directory.ts';
import type { InstalledModels } from '#calls/installed-models.ts';
import { MemoryJournal } from '#calls/journal.ts';
import { RecordingShelf, type Shelf } from '#calls/recording.ts';
import { Switchboard, type SwitchboardOptions } from '#calls/switchboard.ts';
import type { ToolShop } from '#calls/tools/tool-box.ts';
import { type TestKit, testKit } from '#kit/testing.ts';
import type { KnowledgeBase } from '#knowledge/knowledge-base.ts';
import { ExtractiveLanguageModel } from '#models/extractive/language-model.ts';
import type { LanguageModel } from '#models/language-model.ts';
import { speechLikeSound } from '#models/scripted/speech-like.ts';
import { ScriptedSynthesizer } from '#models/scripted/synthesizer.ts';
import { ScriptedTranscriber } from '#models/scripted/transcriber.ts';
import type { Synthesizer } from '#models/synthesizer.ts';
import { levelVoiceActivity } from '#models/scripted/voice-activity.ts';
import { type LineOptions, LoopbackGateway } from '#telephony/loopback/gateway.ts';
import type { LoopbackLeg } from '#telephony/loopback/leg.ts';

export interface OfficeOptions {
  seed?: number;
  assistant?: Partial<Assistant>;
  languageModel?: LanguageModel;
  synthesizer?: Synthesizer;
  /** Models that need the centre's own clock. */
  models?: (kit: TestKit, air: Air) => { languageModel?: LanguageModel; synthesizer?: Synthesizer } & Partial<InstalledModels>;
  /** The businesses' own tools. */
  shop?: (kit: TestKit) => ToolShop;
  /** Instead of an index of the documents and questions. */
  knowledge?: (source: BusinessEntry['knowledge']) => KnowledgeBase;
  maxCalls?: number;
  /** Record to real files, whose time is not virtual; only counted otherwise. */
  record?: boolean;
  documents?: BusinessEntry['knowledge']['documents'];
  questions?: BusinessEntry['knowledge']['questions'];
  costs?: BusinessEntry['costs'];
  /** Millionths of a US dollar for a line of usage. */
  price?: SwitchboardOptions['price'];
}

/** Everything that callers have said into the line, for transcribers that are given sound again. */
export class Air {
  readonly said: { at: number; text: string; wordMs: number }[] = [];
}

export class CallCentre {
  readonly kit: TestKit;
  readonly air = new Air();
  readonly switchboard: Switchboard;
  readonly journal = new MemoryJournal();
  readonly transcriber = new ScriptedTranscriber({ partialDelayMs: 50, finalDelayMs: 150 });
  readonly pacer: MediaPacer;
  readonly folder: string;
  readonly gateway: LoopbackGateway;

  private constructor(kit: TestKit, folder: string, options: OfficeOptions) {
    this.kit = kit;
    this.folder = folder;
    this.pacer = new MediaPacer(kit.clock, kit.log);
    const { languageModel, synthesizer, ...installed } = { ...options, ...options.models?.(kit, this.air) };
    const { transcribers, languageModels, synthesizers, speechToSpeech } = installed as Partial<InstalledModels>;
    this.switchboard = new Switchboard({
      kit,
      journal: this.journal,
      recordings: options.record ? new RecordingShelf({ folder, kit }) : countingShelf,
      maxCalls: options.maxCalls ?? 10,
      ...(options.shop ? { shop: options.shop(kit) } : {}),
      price: options.price,
      models: {
        voiceActivity: levelVoiceActivity(),
        transcribers: transcribers ?? [this.transcriber],
        languageModels: languageModels ?? [languageModel ?? new ExtractiveLanguageModel(kit)],
        synthesizers: synthesizers ?? [synthesizer ?? new ScriptedSynthesizer(kit, { firstMs: 40 })],
        ...(speechToSpeech ? { speechToSpeech } : {}),
      },
    });
    this.gateway = new LoopbackGateway({
      kit,
      pacer: this.pacer,
      onCall: (call) => this.switchboard.receive(call),
      whoAnswers: (to, businessId) => this.switchboard.whoAnswers(to, businessId),
      publicUrl: 'http://127.0.0.1:3000',
      mediaUrl: 'ws://127.0.0.1:3001',
    });
    this.switchboard.connect([this.gateway]);
    const business = entry(options);
    if (options.knowledge) this.switchboard.directory.publish(business, options.knowledge(business.knowledge));
    void this.switchboard.publish([business]);
  }

  static async open(options: OfficeOptions = {}): Promise<CallCentre> {
    return new CallCentre(testKit(options.seed ?? 1), await mkdtemp(join(tmpdir(), 'tandem-call-')), options);
  }

  /** The phone is answered at once; the script's time starts there. */
  async call(to = '+15550100', from = '+15550199', line: LineOptions = {}): Promise<Caller> {
    const placed = this.gateway.place({ to, from, ...line });
    await this.kit.clock.settle();
    return new Caller(this, await placed.answered);
  }

  /** Facts of the only call, or of the one named. */
  events<T extends CallEvent['type']>(type: T, callId?: string): Extract<CallEvent, { type: T }>[] {
    return this.journal.events.filter(
      (event): event is Extract<CallEvent, { type: T }> => event.type === type && (!callId || event.callId === callId),
    );
  }

  /** Time goes on until nothing of a call is left; files are real, so real time passes with it. Answers timers left. */
  async close(): Promise<number> {
    for (let i = 0; i < 200 && this.switchboard.live > 0; i++) {
      await this.kit.clock.advance(20);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    this.pacer.stop();
    await rm(this.folder, { recursive: true, force: true });
    return this.kit.clock.pending;
  }
}

/** Recordings that only count their frames. */
const countingShelf: Shelf = {
  open({ started, stopped }) {
    let frames = 0;
    started();
    return {
      write: () => void frames++,
      close: async (reason) => stopped(reason, frames * FRAME_MS),
    };
  },
};

function entry(options: OfficeOptions): BusinessEntry {
  const assistant: Assistant = {
    ...assistantInput.parse({ name: 'Ada', slug: 'demo', greeting: 'Hello, Harbour Dental.' }),
    id: 'assistant_1',
    businessId: 'business_1',
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    ...options.assistant,
  };
  return {
    id: 'business_1',
    name: 'Harbour Dental',
    costs: options.costs,
    assistants: [assistant],
    numbers: [{ address: '+15550100', assistantId: assistant.id }],
    trunks: [],
    knowledge: {
      version: '1',
      documents: options.documents ?? [
        {
          id: 'document_hours',
          title: 'Opening hours',
          text: 'We are open from Monday to Friday, from eight until six. On Saturday we close at one.',
        },
      ],
      questions: options.questions ?? [
        { id: 'question_price', phrasings: ['How much is whitening'], answer: 'Whitening costs two hundred dollars.' },
      ],
    },
  };
}

/** The person on the other end of the line. */
export class Caller {
  readonly leg: LoopbackLeg;
  /** Per 20 ms since the answer: true when the assistant was audible. */
  readonly heard: boolean[] = [];
  ended: string | undefined;
  readonly #centre: CallCentre;
  readonly #answeredAt: number;

  constructor(centre: CallCentre, leg: LoopbackLeg) {
    this.#centre = centre;
    this.leg = leg;
    this.#answeredAt = centre.kit.clock.now();
    leg.attach({
      frame: (frame: Frame) => void this.heard.push(audible(frame.sound)),
      digit: () => {},
      typed: () => {},
      recognised: () => {},
      ended: (cause) => {
        this.ended = cause;
      },
    });
  }

  get now(): number {
    return this.#centre.kit.clock.now() - this.#answeredAt;
  }

  /** Waits until `at`. */
  async until(at: number): Promise<void> {
    if (at > this.now) await this.#centre.kit.clock.advance(at - this.now);
  }

  /** Waits until the assistant has said something from now on and then been silent for `quietMs`; at most `withinMs`. */
  async untilQuiet(quietMs = 400, withinMs = 30_000): Promise<void> {
    const end = this.now + withinMs;
    const from = this.heard.length;
    const frames = Math.ceil(quietMs / FRAME_MS);
    while (this.now < end && this.ended === undefined) {
      await this.#centre.kit.clock.advance(FRAME_MS);
      if (this.heard.lastIndexOf(true) >= from && this.heard.slice(-frames).every((loud) => !loud)) return;
    }
  }

  /** Says `text`, from `at` (or now) on: sound on the line and the words in the transcriber. Resolves when it is said. */
  async says(text: string, options: { at?: number; wordMs?: number } = {}): Promise<void> {
    const wordMs = options.wordMs ?? 280;
    if (options.at !== undefined) await this.until(options.at);
    const durationMs = text.split(/\s+/).length * wordMs;
    this.#centre.air.said.push({ at: this.now, text, wordMs });
    this.#centre.transcriber.streams.at(-1)?.says(text, { wordMs });
    this.makes(durationMs);
    await this.#centre.kit.clock.advance(durationMs);
  }

  /** Makes speech-like sound without words: a cough, a hum. */
  makes(durationMs: number): void {
    const sound = speechLikeSound(this.#centre.kit.random, durationMs, this.leg.format, -18);
    this.leg.play(oneSound(sound));
  }

  async hangsUp(): Promise<void> {
    await this.leg.hangUp();
    await this.#centre.kit.clock.settle();
  }
}

async function* oneSound(sound: Sound): AsyncGenerator<Sound> {
  yield sound;
}

/** True when a frame is louder than comfort noise. */
function audible(sound: Sound): boolean {
  if (sound instanceof Int16Array) return sound.some((sample) => Math.abs(sample) > 300);
  let loud = 0;
  for (const byte of sound) if ((~byte & 0x7f) > 0x28) loud++;
  return loud > samplesPerFrame('mulaw-8000') / 8;
}
