/** A stage for whole conversations on the virtual clock: a caller on a loopback line, and models that do as they are told. */
import type { CallFact, Ending, WordTime } from '@tandem/contract';
import { type Frame, msOf, type Sound } from '#audio/frame.ts';
import { MediaPacer } from '#audio/pacer.ts';
import { VendorError } from '#kit/errors.ts';
import { testKit, type TestKit } from '#kit/testing.ts';
import type { LanguageModel, ModelPart, ModelRequest } from '#models/language-model.ts';
import type { SpeechPart, SpeechRequest, Synthesizer } from '#models/synthesizer.ts';
import type { Tool } from '#models/tool.ts';
import type { Transcriber, TranscriberOptions } from '#models/transcriber.ts';
import type { VoiceActivityDetector } from '#models/voice-activity.ts';
import type { IncomingCall } from '#telephony/gateway.ts';
import { LoopbackGateway } from '#telephony/loopback/gateway.ts';
import type { LoopbackLeg } from '#telephony/loopback/leg.ts';
import { Conversation, type ConversationOptions } from './conversation.ts';
import { KeptSpeech } from './kept-speech.ts';
import type { ConversationPlan } from './plan.ts';
import { ProviderHealth } from './provider-health.ts';
import type { Retrieve } from './retrieval.ts';
import type { Talk } from './talk.ts';

/** Every character of speech takes this long. */
export const MS_PER_CHAR = 50;
const SPEECH_BYTE = 0x20;
/** µ-law magnitude (inverted, without its sign) of speech that is not ducked. */
const LOUD = (~SPEECH_BYTE & 0x7f) - 4;

export type Script = (request: ModelRequest) => string | readonly (string | number | Error | ModelPart)[];
export type TimedFact = CallFact & { at: number };

export interface StageOptions {
  seed?: number;
  plan?: Partial<ConversationPlan>;
  /** What the language model whoAnswers: text, pauses (ms), parts, failures, in order. */
  answers?: Script;
  retrieve?: Retrieve;
  tools?: Tool[];
  recognises?: boolean;
  /** Delay of the synthesizer's first sound; `Infinity` for never. */
  speechDelayMs?: number;
  speechFails?: (request: SpeechRequest, n: number) => boolean;
  /** Other models than the stage's own, and whatever else a conversation may be given. */
  models?: (kit: TestKit, stage: Stage) => Partial<ConversationOptions>;
  /** Another kind of conversation than the ordinary one. */
  talk?: (options: ConversationOptions, kit: TestKit) => Talk;
}

/** How a voice of the stage behaves. */
export interface VoiceManners {
  name?: string;
  /** Of the first sound; `Infinity` for never. */
  delayMs?: number;
  /** Fails before its first sound. */
  fails?: (request: SpeechRequest, n: number) => boolean;
  /** Fails when so much of the sound was given out. */
  failsAfterMs?: number;
  /** Or gives nothing more, ever. */
  stallsAfterMs?: number;
}

/** The plain way of taking turns: what a test is about is switched on by the test. */
const PLAIN = { speculation: 'off', fillers: false, adaptive: false } as const;

export class Stage {
  readonly kit: TestKit;
  readonly facts: TimedFact[] = [];
  readonly requests: ModelRequest[] = [];
  /** Who was asked for words, when, and whether that still goes on. */
  readonly askings: { name: string; at: number; signal: AbortSignal }[] = [];
  /** Who was asked to say what. */
  readonly said: { name: string; text: string }[] = [];
  /** Frames that the transcribers were given. */
  readonly pushed: { name: string; at: number }[] = [];
  readonly conversation: Talk;
  /** Per 20 ms: what the caller heard. */
  readonly heard: { at: number; loud: boolean; quiet: boolean }[] = [];
  readonly far: LoopbackLeg;
  readonly captions: string[] = [];
  ending: Ending | undefined;
  spoken = 0;
  streams = 0;
  #near: LoopbackLeg;
  #pacer: MediaPacer;
  #transcripts: TranscriberOptions['listener'] | undefined;

  private constructor(kit: TestKit, pacer: MediaPacer, near: LoopbackLeg, far: LoopbackLeg, options: StageOptions) {
    this.kit = kit;
    this.#pacer = pacer;
    this.#near = near;
    this.far = far;
    const given: ConversationOptions = {
      kit,
      callId: 'call_1',
      businessId: 'biz_1',
      leg: near,
      plan: {
        greeting: 'Hello, this is the test line.',
        goodbye: 'Goodbye then.',
        instructions: 'Be brief.',
        language: 'en',
        voice: 'v',
        phrases: [],
        grounding: 'off',
        ...options.plan,
        policy: { ...PLAIN, ...options.plan?.policy },
      },
      voiceActivity: loudness(),
      transcribers: [this.transcriber()],
      languageModels: [this.languageModel(options.answers ?? (() => 'All right.'))],
      synthesizers: [this.synthesizer({ delayMs: options.speechDelayMs, fails: options.speechFails })],
      health: new ProviderHealth(kit.clock),
      kept: new KeptSpeech(),
      durable: () => Promise.resolve(),
      retrieve: options.retrieve ?? (() => ({ passages: [], answerable: false })),
      tools: options.tools ?? [],
      at: () => kit.clock.now(),
      record: (fact) => this.facts.push({ at: kit.clock.now(), ...fact }),
      signal: new AbortController().signal,
      ...options.models?.(kit, this),
    };
    this.conversation = options.talk?.(given, kit) ?? new Conversation(given);
  }

  /** Connected, attached, greeting on its way. */
  static async set(options: StageOptions = {}): Promise<Stage> {
    const kit = testKit(options.seed);
    const pacer = new MediaPacer(kit.clock, kit.log);
    const calls: IncomingCall[] = [];
    const gateway = new LoopbackGateway({
      kit,
      pacer,
      onCall: (call) => calls.push(call),
      whoAnswers: () => 'Ada',
      publicUrl: 'http://127.0.0.1:3000',
      mediaUrl: 'ws://127.0.0.1:3001',
    });
    const placed = gateway.place({ to: '+15550100', recognises: options.recognises });
    const near = (await calls[0].answer()) as LoopbackLeg;
    const stage = new Stage(kit, pacer, near, await placed.answered, options);
    stage.#begin();
    return stage;
  }

  #begin(): void {
    const { conversation } = this;
    this.#near.attach({
      frame: (frame, sent) => conversation.frame(frame, sent),
      digit: (digit) => conversation.digit(digit),
      typed: (text) => conversation.typed(text),
      recognised: (text, final, confidence) => conversation.recognised(text, final, confidence),
      ended: () => conversation.close(),
    });
    this.far.onCaption(({ party, turn, text, final }) => this.captions.push(`${party} ${turn}${final ? '.' : ':'} ${text}`));
    this.far.attach({
      frame: (frame) => this.heard.push({ at: this.kit.clock.now(), ...levelOf(frame) }),
      digit: () => {},
      typed: () => {},
      recognised: () => {},
      ended: () => {},
    });
    void conversation.start().then((ending) => {
      this.ending = ending;
    });
  }

  // The caller

  /** Makes voice from `at` on for `ms`, of which the transcriber makes nothing. */
  async noise(at: number, ms: number): Promise<void> {
    await this.until(at);
    this.far.play(once(loud(ms)));
  }

  /** Speaks from `at` on; partials while speaking, the final `finalMs` after the voice (undefined: never). */
  async says(text: string, at: number, options: { ms?: number; finalMs?: number | undefined; partials?: boolean } = {}): Promise<void> {
    const { ms = text.length * 60, partials = true } = options;
    const finalMs = 'finalMs' in options ? options.finalMs : 150;
    await this.until(at);
    this.far.play(once(loud(ms)));
    const words = text.split(' ');
    words.forEach((_, i) => {
      const so = words.slice(0, i + 1).join(' ');
      if (partials) this.kit.clock.after((ms * (i + 1)) / words.length + 100, () => this.#transcripts?.partial(transcript(so, at, ms)));
    });
    if (finalMs !== undefined)
      this.kit.clock.after(ms + Math.max(finalMs, partials ? 101 : 0), () => this.#transcripts?.final(transcript(text, at, ms)));
  }

  /** What the transcriber says, without any voice. */
  get transcripts(): TranscriberOptions['listener'] | undefined {
    return this.#transcripts;
  }

  // Time

  get now(): number {
    return this.kit.clock.now();
  }

  async until(at: number): Promise<void> {
    if (at > this.now) await this.kit.clock.advance(at - this.now);
  }

  async hangUp(): Promise<void> {
    await this.far.hangUp();
    await this.kit.clock.advance(0);
  }

  /** After the call: nothing may be left. Returns the timers that are. */
  async strike(): Promise<number> {
    this.conversation.close();
    await this.hangUp();
    await this.kit.clock.settle();
    this.#pacer.stop();
    return this.kit.clock.pending;
  }

  // What happened

  of<T extends CallFact['type']>(type: T): Extract<TimedFact, { type: T }>[] {
    return this.facts.filter((fact): fact is Extract<TimedFact, { type: T }> => fact.type === type);
  }

  /** One line per fact: `1234 type detail`. */
  get story(): string[] {
    return this.facts.map((fact) => {
      const { at, type } = fact;
      const detail = 'text' in fact ? fact.text : 'heard' in fact ? fact.heard : 'kind' in fact ? fact.kind : '';
      const turn = 'turn' in fact ? ` ${fact.turn}` : '';
      return `${Math.round(at)} ${type}${turn} ${detail}`.trim();
    });
  }

  /** Stretches of sound at the caller's ear, `[from, to]`. */
  get sounds(): [number, number][] {
    const sounds: [number, number][] = [];
    for (const { at, loud, quiet } of this.heard) {
      if (!loud && !quiet) continue;
      const last = sounds.at(-1);
      if (last && at - last[1] <= 20) last[1] = at;
      else sounds.push([at, at]);
    }
    return sounds;
  }

  // The models

  transcriber(name = 'told', more: Partial<Transcriber> = {}): Transcriber {
    return {
      name,
      closedGrammar: false,
      open: ({ listener }) => {
        this.streams++;
        this.#transcripts = listener;
        const push = (frame: Frame) => this.pushed.push({ name, at: frame.at });
        return { push, speechStarted: () => {}, speechEnded: () => {}, close: () => this.streams-- };
      },
      warm: () => Promise.resolve(),
      close: () => Promise.resolve(),
      ...more,
    };
  }

  languageModel(answers: Script, name = 'told'): LanguageModel {
    const { requests, askings, kit } = this;
    return {
      name,
      async *generate(request: ModelRequest): AsyncGenerator<ModelPart, void, undefined> {
        const asking = { name, at: kit.clock.now(), signal: request.signal };
        requests.push(request);
        askings.push(asking);
        const answer = answers(request);
        for (const step of typeof answer === 'string' ? [answer] : answer) {
          if (typeof step === 'number') await kit.clock.sleep(step, request.signal);
          else if (step instanceof Error) throw step;
          else if (typeof step === 'string') for (const text of step.split(/(?<= )/)) yield { type: 'text', text };
          else yield step;
        }
      },
    };
  }

  synthesizer({ name = 'told', delayMs = 40, fails, failsAfterMs, stallsAfterMs }: VoiceManners = {}): Synthesizer {
    const { kit, said } = this;
    const next = () => this.spoken++;
    return {
      name,
      async *speak(request: SpeechRequest): AsyncGenerator<SpeechPart, void, undefined> {
        const n = next();
        said.push({ name, text: request.text });
        await kit.clock.sleep(delayMs, request.signal);
        if (fails?.(request, n)) throw new VendorError(name, 'retryable', 'no voice');
        const sound = loud(request.text.length * MS_PER_CHAR);
        const early = (failsAfterMs ?? stallsAfterMs ?? 100) * 8;
        yield { sound: sound.subarray(0, early), words: wordsOf(request.text) };
        if (stallsAfterMs !== undefined) await kit.clock.sleep(600_000, request.signal);
        if (failsAfterMs !== undefined) throw new VendorError(name, 'retryable', 'lost my voice');
        yield { sound: sound.subarray(early) };
      },
      warm: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
  }
}

function transcript(text: string, at: number, ms: number) {
  return { text, fromAt: at, toAt: at + ms, confidence: 0.9, words: undefined };
}

/** Each character of a word lasts as long as any other; the space after it is silence in between. */
export function wordsOf(text: string): WordTime[] {
  return [...text.matchAll(/\S+/g)].map((match) => ({
    text: match[0],
    fromMs: match.index * MS_PER_CHAR,
    toMs: (match.index + match[0].length) * MS_PER_CHAR,
  }));
}

function loud(ms: number): Uint8Array {
  return new Uint8Array(Math.round(ms * 8)).fill(SPEECH_BYTE);
}

async function* once(sound: Sound): AsyncGenerator<Sound, void, undefined> {
  yield sound;
}

/** Full speech, or something lower (ducked speech, a tone), or silence. */
function levelOf({ sound }: Frame): { loud: boolean; quiet: boolean } {
  let peak = 0;
  for (const byte of sound) peak = Math.max(peak, ~byte & 0x7f);
  return { loud: peak >= LOUD, quiet: peak > 0 && peak < LOUD };
}

function loudness(): VoiceActivityDetector {
  const verdict = { speech: false, probability: 0, levelDb: -96 };
  return {
    detect(heard) {
      verdict.speech = !heard.concealed && msOf(heard.sound, heard.format) > 0 && levelOf(heard).loud;
      return verdict;
    },
    reset: () => {},
    close: () => {},
  };
}
