/** The stages of a phone line's 20 ms, each over all sessions in turn: by the time a session's next stage comes, caches hold others. */
import type { Frame } from '../../server/src/audio/frame.ts';
import { Conversation } from '../../server/src/conversation/conversation.ts';
import { KeptSpeech } from '../../server/src/conversation/kept-speech.ts';
import { ProviderHealth } from '../../server/src/conversation/provider-health.ts';
import { Ids } from '../../server/src/kit/ids.ts';
import type { Kit } from '../../server/src/kit/kit.ts';
import { silentLog } from '../../server/src/kit/log.ts';
import { SeededRandom } from '../../server/src/kit/random.ts';
import { ScriptedLanguageModel } from '../../server/src/models/scripted/language-model.ts';
import { watermark } from '../../server/src/models/scripted/watermark.ts';
import type { SpeechPart, Synthesizer } from '../../server/src/models/synthesizer.ts';
import type { Transcriber } from '../../server/src/models/transcriber.ts';
import type { VoiceActivityDetector } from '../../server/src/models/voice-activity.ts';
import { WebRtcVoiceActivityDetector } from '../../server/src/models/webrtc-vad/detector.ts';
import { Fvad } from '../../server/src/models/webrtc-vad/fvad.ts';
import { BenchLeg, listening } from './bench-leg.ts';
import { HandClock } from './hand-clock.ts';
import { type Meter, settle } from './meter.ts';

export const lineStages = ['receive', 'jitter', 'decode', 'voice-activity', 'listener', 'playout', 'send'] as const;

/** Every other assistant reads this out, 60 ms a character; the others have greeted and listen. */
const READING = 'It is on the left side of the road, next to the old station and the market. '.repeat(60);
const MS_PER_CHARACTER = 60;
const sound = watermark(1, 10_000, 'mulaw-8000');
/** 100 ms. */
const CHUNK = 800;

interface Session {
  leg: BenchLeg;
  detector: VoiceActivityDetector;
  frame: Frame;
}

export class LineStages {
  readonly #clock = new HandClock();
  readonly #kit: Kit;
  readonly #sessions: Session[] = [];

  private constructor(clock: HandClock) {
    this.#clock = clock;
    const random = new SeededRandom(1);
    this.#kit = { clock, random, ids: new Ids(clock, random), log: silentLog };
  }

  static async open(sessions: number): Promise<LineStages> {
    const stages = new LineStages(new HandClock());
    const fvad = await Fvad.load();
    for (let i = 0; i < sessions; i++) stages.#add(i, fvad);
    await settle();
    return stages;
  }

  /** True when every session has taken its caller's packets. */
  get heard(): boolean {
    return this.#sessions.every(({ leg }) => leg.stats().packetsReceived > 0);
  }

  /** One tick of 20 ms. */
  async tick(meter: Meter): Promise<void> {
    const sessions = this.#sessions;
    for (const { leg } of sessions) leg.speak();
    const deadline = this.#clock.now();
    meter.run('receive', () => {
      for (const { leg } of sessions) leg.receive();
    });
    meter.run('jitter', () => {
      for (const { leg } of sessions) leg.unjitter(deadline);
    });
    meter.run('decode', () => {
      for (const { leg } of sessions) leg.decode();
    });
    meter.run('voice-activity', () => {
      for (const { leg, detector, frame } of sessions) {
        frame.sound = leg.heard;
        detector.detect(frame, leg.sent);
      }
    });
    meter.run('listener', () => {
      for (const { leg } of sessions) leg.deliver(deadline);
    });
    this.#clock.turn(10);
    meter.run('playout', () => {
      for (const { leg } of sessions) leg.pull();
    });
    meter.run('send', () => {
      for (const { leg } of sessions) leg.send(deadline + 10);
    });
    this.#clock.turn(10);
    await meter.wait('playout', settle);
  }

  #add(index: number, fvad: Fvad): void {
    const leg = new BenchLeg(index, this.#kit);
    const kit = this.#kit;
    const conversation = new Conversation({
      kit,
      callId: `call_${index}`,
      businessId: 'business_1',
      leg,
      plan: {
        greeting: index % 2 === 0 ? READING : 'Hello.',
        goodbye: 'Goodbye.',
        instructions: '',
        language: 'en',
        voice: 'v',
        phrases: [],
        grounding: 'off',
        policy: { speculation: 'off', fillers: false, idleMs: 600_000, maxReplyChars: READING.length },
      },
      voiceActivity: nobody(),
      transcribers: [deaf],
      languageModels: [new ScriptedLanguageModel(kit)],
      synthesizers: [reader],
      health: new ProviderHealth(this.#clock),
      kept: new KeptSpeech(undefined, this.#clock),
      durable: () => Promise.resolve(),
      retrieve: () => ({ passages: [], answerable: false }),
      tools: [],
      at: () => this.#clock.now(),
      record: () => {},
      signal: new AbortController().signal,
    });
    leg.attach(listening((frame, sent) => conversation.frame(frame, sent)));
    void conversation.start();
    const frame: Frame = { at: 0, format: 'mulaw-8000', sound: leg.heard, concealed: false };
    this.#sessions.push({ leg, detector: new WebRtcVoiceActivityDetector(fvad, 'mulaw-8000', 2), frame });
  }
}

/** Voice activity is a stage of its own. */
function nobody(): VoiceActivityDetector {
  const verdict = { speech: false, probability: 0, levelDb: -96 };
  return { detect: () => verdict, reset: () => {}, close: () => {} };
}

/** The transcriber's socket is a stage of its own. */
const deaf: Transcriber = {
  name: 'deaf',
  closedGrammar: false,
  open: () => ({ push: () => {}, speechStarted: () => {}, speechEnded: () => {}, close: () => {} }),
  warm: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** Sound of the text's length in parts of 100 ms, as fast as it is pulled. */
const reader: Synthesizer = {
  name: 'reader',
  async *speak({ text }): AsyncGenerator<SpeechPart, void, undefined> {
    const samples = Math.min(sound.length, text.length * MS_PER_CHARACTER * 8);
    for (let from = 0; from < samples; from += CHUNK) yield { sound: sound.subarray(from, Math.min(samples, from + CHUNK)) };
  },
  warm: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
