/** Models that fail as they are told, at the moment they are told; everything else about them is in order. */
import type { WordTime } from '@tandem/contract';
import { FRAME_MS, type Frame, msOf, silence, type Sound } from '#audio/frame.ts';
import { ToolShop } from '#calls/tools/tool-box.ts';
import type { Timer } from '#kit/clock.ts';
import { VendorError } from '#kit/errors.ts';
import type { TestKit } from '#kit/testing.ts';
import { KnowledgeBase } from '#knowledge/knowledge-base.ts';
import type { LanguageModel, ModelPart, ModelRequest } from '#models/language-model.ts';
import { ScriptedSpeech, type ScriptedSpeechOptions } from '#models/scripted/speech-to-speech.ts';
import { ScriptedSynthesizer } from '#models/scripted/synthesizer.ts';
import type { SpeechToSpeech } from '#models/speech-to-speech.ts';
import type { SpeechPart, SpeechRequest, Synthesizer } from '#models/synthesizer.ts';
import type { Tool } from '#models/tool.ts';
import type { Transcriber, TranscriberOptions, Transcript, TranscriptionStream } from '#models/transcriber.ts';
import type { Air } from './telephone.ts';

/** Text, waits (ms), failures and parts, in order; may never end. */
export type Steps = Iterable<string | number | VendorError | ModelPart>;

/** A language model with a name of its own that keeps what it was asked. */
export function languageModel(
  kit: TestKit,
  name: string,
  answer: (request: ModelRequest, n: number) => Steps,
  requests?: ModelRequest[],
): LanguageModel {
  let asked = 0;
  return {
    name,
    async *generate(request): AsyncGenerator<ModelPart> {
      requests?.push(request);
      for (const step of answer(request, asked++)) {
        request.signal.throwIfAborted();
        if (typeof step === 'number') await kit.clock.sleep(step, request.signal);
        else if (step instanceof Error) throw step;
        else if (typeof step === 'string') yield { type: 'text', text: step };
        else yield step;
      }
    },
  };
}

export interface VoiceFault {
  /** Of texts that match. */
  when: RegExp;
  /** Good sound before the fault. */
  afterMs: number;
  /** Thrown then. */
  error?: VendorError;
  /** Instead: nothing more, 20 ms of sound every `eachMs`, sound that never ends, silence, or an end. */
  instead?: 'stall' | 'trickle' | 'endless' | 'silence' | 'end';
}

const TRICKLE_EACH_MS = 400;
const NEVER_MS = 3_600_000;

/** A voice that speaks watermarks until its fault begins. */
export function synthesizer(kit: TestKit, name: string, fault?: VoiceFault): Synthesizer {
  const voice = new ScriptedSynthesizer(kit, { firstMs: 40, partMs: 100 });
  async function* speak(request: SpeechRequest): AsyncGenerator<SpeechPart> {
    if (!fault?.when.test(request.text)) {
      yield* voice.speak(request);
      return;
    }
    let left = fault.afterMs;
    let last: Sound | undefined;
    for await (const part of voice.speak(request)) {
      const ms = msOf(part.sound, request.format);
      if (left <= 0 && last === undefined) last = part.sound;
      if (left <= 0) {
        if (fault.instead !== 'trickle' && fault.instead !== 'silence') break;
        yield* spoilt(kit, fault, part, request);
      } else yield part;
      left -= ms;
    }
    if (fault.error) throw fault.error;
    if (fault.instead === 'stall') await kit.clock.sleep(NEVER_MS, request.signal);
    if (fault.instead !== 'endless' || !last) return;
    for (;;) {
      request.signal.throwIfAborted();
      yield { sound: last };
      // Faster than real time, as voices are.
      await kit.clock.sleep(20, request.signal);
    }
  }
  return { name, speak, warm: () => Promise.resolve(), close: () => voice.close() };
}

async function* spoilt(kit: TestKit, fault: VoiceFault, part: SpeechPart, { format, signal }: SpeechRequest): AsyncGenerator<SpeechPart> {
  if (fault.instead === 'silence') {
    yield { ...part, sound: silence(format, part.sound.length) };
    return;
  }
  const step = silence(format, 0).BYTES_PER_ELEMENT === 2 ? 320 : 160;
  for (let from = 0; from < part.sound.length; from += step) {
    await kit.clock.sleep(TRICKLE_EACH_MS, signal);
    yield { sound: part.sound.subarray(from, from + step), ...(from === 0 && part.words ? { words: part.words } : {}) };
  }
}

export interface TranscriberFault {
  /** The stream cannot be opened. */
  atOpen?: VendorError;
  /** It dies once so many words were heard. */
  afterWords?: number;
  error?: VendorError;
  /** Nothing comes any more, after so many words. */
  muteAfterWords?: number;
  finals?: 'never' | 'twice' | 'empty';
  /** Of finals, instead of 150. */
  finalMs?: number;
  /** Only so many streams have the fault. */
  streams?: number;
}

/** As the rooms notice a vendor that no longer answers: so much speech, then so long without a message. */
const UNANSWERED_SPEECH_MS = 1_500;
const ANSWER_MS = 6_000;
const OPEN_MS = 50;
const PARTIAL_MS = 50;
const FINAL_MS = 150;

/** Hears the words whose sound it is given, be it for the first time or again. */
export function transcriber(kit: TestKit, air: Air, name: string, fault: TranscriberFault = {}): Transcriber & { streams: number } {
  const made = {
    name,
    closedGrammar: false,
    streams: 0,
    open(options: TranscriberOptions): TranscriptionStream {
      const broken = made.streams++ < (fault.streams ?? Infinity);
      return new AirStream(kit, air, name, options, broken ? fault : {});
    },
    warm: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return made;
}

class AirStream implements TranscriptionStream {
  readonly #kit: TestKit;
  readonly #air: Air;
  readonly #name: string;
  readonly #options: TranscriberOptions;
  readonly #fault: TranscriberFault;
  /** Words of each utterance that were heard; undefined once it is final. */
  readonly #heard = new Map<number, WordTime[] | undefined>();
  readonly #unanswered = { speechFrom: undefined as number | undefined, ms: 0 };
  readonly #timers = new Set<Timer>();
  #words = 0;
  #open = true;

  constructor(kit: TestKit, air: Air, name: string, options: TranscriberOptions, fault: TranscriberFault) {
    this.#kit = kit;
    this.#air = air;
    this.#name = name;
    this.#options = options;
    this.#fault = fault;
    const { atOpen } = fault;
    if (atOpen) this.#later(OPEN_MS, () => this.#fail(atOpen));
  }

  get #mute(): boolean {
    return this.#words >= (this.#fault.muteAfterWords ?? Infinity);
  }

  push(frame: Frame): void {
    if (!this.#open || this.#fault.atOpen) return;
    const now = frame.at + FRAME_MS;
    for (const [index, { at, text, wordMs }] of this.#air.said.entries()) {
      const spoken = text.split(/\s+/);
      const before = this.#heard.get(index);
      if (this.#heard.has(index) && !before) continue;
      const words = before ?? [];
      for (const [i, word] of spoken.entries()) {
        const middle = at + (i + 0.5) * wordMs;
        if (middle < frame.at || middle >= now) continue;
        words.push({ text: word, fromMs: at + i * wordMs, toMs: at + (i + 1) * wordMs });
        this.#heard.set(index, words);
        if (!this.#mute) this.#words++;
        if (this.#fault.afterWords !== undefined && this.#words >= this.#fault.afterWords) return this.#fail(this.#fault.error);
        if (!this.#mute) this.#later(PARTIAL_MS, () => this.#options.listener.partial(transcriptOf(words)));
      }
      if (words.length === 0 || now < at + spoken.length * wordMs) continue;
      this.#heard.set(index, undefined);
      this.#final(words);
    }
  }

  speechStarted(at: number): void {
    this.#unanswered.speechFrom = at;
  }

  speechEnded(at: number): void {
    const unanswered = this.#unanswered;
    unanswered.ms += at - (unanswered.speechFrom ?? at);
    unanswered.speechFrom = undefined;
    if (!this.#mute || unanswered.ms < UNANSWERED_SPEECH_MS) return;
    unanswered.ms = 0;
    this.#later(ANSWER_MS, () => this.#fail(new VendorError(this.#name, 'retryable', 'no answer to speech')));
  }

  close(): void {
    this.#open = false;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #final(words: readonly WordTime[]): void {
    const { finals, finalMs = FINAL_MS } = this.#fault;
    if (this.#mute || finals === 'never') return;
    const final = () =>
      this.#options.listener.final(finals === 'empty' ? { ...transcriptOf(words), text: '', words: [] } : transcriptOf(words));
    this.#later(finalMs, final);
    if (finals === 'twice') this.#later(finalMs + 400, final);
  }

  #fail(error = new VendorError(this.#name, 'retryable', 'the connection is gone')): void {
    if (!this.#open) return;
    this.close();
    this.#options.listener.failed(error);
  }

  #later(ms: number, then: () => void): void {
    const timer = this.#kit.clock.after(ms, () => {
      this.#timers.delete(timer);
      then();
    });
    this.#timers.add(timer);
  }
}

function transcriptOf(words: readonly WordTime[]): Transcript {
  const fromAt = words[0].fromMs;
  return {
    text: words.map(({ text }) => text).join(' '),
    fromAt,
    toAt: words.at(-1)?.toMs ?? fromAt,
    confidence: 0.9,
    words: words.map(({ text, fromMs, toMs }) => ({ text, fromMs: fromMs - fromAt, toMs: toMs - fromAt })),
  };
}

export interface SessionFault {
  /** Counted from the event: the session was opened, the caller's voice began, their turn is complete, the answer sounds. */
  when: 'opened' | 'voice' | 'committed' | 'sound';
  afterMs: number;
  /** The session dies of it; without one it falls silent and tells nobody. */
  error?: VendorError;
}

/** A model that hears and speaks until its fault begins; the greeting is in order unless it was not opened. */
export function speechToSpeech(kit: TestKit, script: ScriptedSpeechOptions, fault: SessionFault): SpeechToSpeech {
  const inner = new ScriptedSpeech(kit, script);
  return {
    name: inner.name,
    model: inner.model,
    open(options) {
      let committed = false;
      let timer: Timer | undefined;
      const begins = (when: SessionFault['when']) => {
        if (when !== fault.when || timer) return;
        timer = kit.clock.after(fault.afterMs, () => (fault.error ? session.fails(fault.error) : session.stalls()));
      };
      const { listener } = options;
      const session = inner.open({
        ...options,
        listener: {
          ...listener,
          speechStarted: (at) => {
            begins('voice');
            listener.speechStarted(at);
          },
          turnCommitted: () => {
            committed = true;
            begins('committed');
            listener.turnCommitted();
          },
          sound: (item, sound) => {
            if (committed) begins('sound');
            listener.sound(item, sound);
          },
        },
      });
      begins('opened');
      const close = session.close.bind(session);
      session.close = () => {
        timer?.cancel();
        close();
      };
      return session;
    },
    close: () => inner.close(),
  };
}

/** A shop that has exactly these tools. */
export class ToolShelf extends ToolShop {
  readonly #tools: readonly Tool[];

  constructor(kit: TestKit, tools: readonly Tool[]) {
    super(kit);
    this.#tools = tools;
  }

  override toolsOf(): Tool[] {
    return [...this.#tools];
  }
}

type Found = ReturnType<KnowledgeBase['search']>;

/** Knowledge that is searched by somebody else. */
export class ForeignKnowledge extends KnowledgeBase {
  readonly #search: () => Found | Promise<Found>;

  constructor(source: ConstructorParameters<typeof KnowledgeBase>[0], search: () => Found | Promise<Found>) {
    super(source);
    this.#search = search;
  }

  /** What a call asks may also be a promise, although an index in memory never is one. */
  override search(): Found {
    return this.#search() as Found;
  }
}
