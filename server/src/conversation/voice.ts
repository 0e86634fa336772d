/**
 * The voice of an assistant: its synthesizers in order of preference, as one. Whoever fails in the middle of a clause is
 * followed by the next with the rest of it, never from its start; what is said again and again is kept.
 */
import type { WordTime } from '@tandem/contract';
import type { Sound, SoundFormat } from '#audio/frame.ts';
import type { Kit } from '#kit/kit.ts';
import type { SpeechPart, Synthesizer } from '#models/synthesizer.ts';
import { inTime } from './deadlines.ts';
import type { KeptLine, KeptSpeech, SpeechIdentity } from './kept-speech.ts';
import type { SettledPlan } from './plan.ts';
import { isRetryable, type ProviderHealth } from './provider-health.ts';
import { languageOf } from './rules/language-of.ts';
import { type SaidSoFar, Saying } from './saying.ts';
import { wordTimesOf } from './timed-script.ts';
import type { UsageMeter } from './usage.ts';

/** One thing to be said in one breath. */
export interface Clause {
  text: string;
  /** It is said again in other calls and holds nothing personal. */
  keep: boolean;
}

export interface VoiceParts {
  kit: Kit;
  businessId: string;
  format: SoundFormat;
  plan: SettledPlan;
  synthesizers: readonly [Synthesizer, ...Synthesizer[]];
  health: ProviderHealth;
  kept: KeptSpeech;
  usage: UsageMeter;
}

/** A piece of a clause's speech. `cutMs`: words told before that end after it were not said after all. */
export interface VoicePart extends SpeechPart {
  cutMs?: number;
}

/** How one clause is to be spoken. */
export interface Speaking {
  /** Names the reply: its clauses share a melody. */
  reply: string;
  signal: AbortSignal;
  failed: (synthesizer: Synthesizer, error: unknown, next: Synthesizer | undefined) => void;
}

const STAGE = 'synthesizer';

export class Voice {
  readonly #parts: VoiceParts;

  constructor(parts: VoiceParts) {
    this.#parts = parts;
  }

  /** Typical time to the first sound, milliseconds; undefined while too little is known. */
  get expectedMs(): number | undefined {
    const { health, synthesizers } = this.#parts;
    const window = health.latency(STAGE, health.ready(STAGE, synthesizers)[0]);
    return window.count < 5 ? undefined : window.percentile(0.5);
  }

  /** Word times count from the clause's start. */
  async *speak(clause: Clause, speaking: Speaking): AsyncGenerator<VoicePart, void, undefined> {
    const { synthesizers, health, kept } = this.#parts;
    const ready = health.ready(STAGE, synthesizers);
    // Also of a preferred voice that is down; never of one that is only the next best while a better one is well.
    const voices = synthesizers.slice(0, synthesizers.indexOf(ready[0]) + 1);
    const line = clause.keep ? (this.#keptBy(voices, clause.text) ?? (await this.#pending(clause.text, speaking.signal))) : undefined;
    if (line) {
      yield { sound: line.sound, words: [...line.words] };
      return;
    }
    const walk = ready.length === 1 ? [ready[0], ready[0]] : [...ready];
    let rest = clause.text;
    let fromMs = 0;
    for (let by = walk.shift(); by; by = walk.shift()) {
      const again = clause.keep && fromMs === 0 ? kept.find(this.#identity(by, clause.text)) : undefined;
      if (again) {
        yield { sound: again.sound, words: [...again.words] };
        return;
      }
      const said: SaidSoFar = { ms: 0, words: [], sound: [] };
      try {
        for await (const part of this.#speakWith(by, rest, walk.length === 0, speaking, said)) {
          yield part.words && fromMs > 0 ? { sound: part.sound, words: shift(part.words, fromMs) } : part;
        }
        if (fromMs > 0 && said.words.length === 0) yield { sound: empty, words: shift(timed(rest, said.ms, true), fromMs) };
        if (clause.keep && fromMs === 0) this.#keep(by, clause.text, said);
        return;
      } catch (error) {
        if (speaking.signal.aborted) throw error;
        // The same request to the same voice only where that may help.
        if (walk[0] === by && !isRetryable(error)) walk.shift();
        speaking.failed(by, error, walk[0]);
        if (!walk[0]) throw error;
        if (said.ms === 0) continue;
        const { made, left } = splitAt(rest, said);
        yield { sound: empty, cutMs: fromMs, words: shift(made, fromMs) };
        fromMs += said.ms;
        rest = left;
        if (rest === '') return;
      }
    }
  }

  /** A kept line in the best voice that may be used now. */
  find(text: string): KeptLine | undefined {
    const { synthesizers, health } = this.#parts;
    return this.#keptBy([...health.ready(STAGE, synthesizers), ...synthesizers], text);
  }

  #keptBy(voices: readonly Synthesizer[], text: string): KeptLine | undefined {
    const { kept } = this.#parts;
    for (const synthesizer of voices) {
      const line = kept.find(this.#identity(synthesizer, text));
      if (line) return line;
    }
    return undefined;
  }

  /** A line that somebody is making already is waited for like any other sound. */
  async #pending(text: string, signal: AbortSignal): Promise<KeptLine | undefined> {
    const { synthesizers, health, kept, kit, plan } = this.#parts;
    const [first] = health.ready(STAGE, synthesizers);
    const making = kept.pending(this.#identity(first, text));
    if (!making) return undefined;
    const waiting = { clock: kit.clock, vendor: first.name, signal };
    const line = await inTime(making, plan.policy.attemptAudioMs, waiting).catch(() => undefined);
    return line && line.sound.length > 0 ? line : undefined;
  }

  /** Makes a line ready to be said at once, with the next voice where one fails. Never rejects. */
  async prepare(text: string, signal: AbortSignal): Promise<KeptLine | undefined> {
    const { synthesizers, health, kept } = this.#parts;
    for (const synthesizer of health.ready(STAGE, synthesizers)) {
      if (signal.aborted) return undefined;
      const line = await kept.obtain(this.#identity(synthesizer, text), async () => {
        const said: SaidSoFar = { ms: 0, words: [], sound: [] };
        for await (const _ of this.#speakWith(synthesizer, text, true, { reply: 'kept', signal }, said));
        return lineOf(said);
      });
      if (line && line.sound.length > 0) return line;
    }
    return undefined;
  }

  #speakWith(by: Synthesizer, text: string, last: boolean, { reply, signal }: Omit<Speaking, 'failed'>, said: SaidSoFar): Saying {
    const { kit, plan, format, health, usage } = this.#parts;
    health.breaker(STAGE, by.name).admit();
    usage.add(STAGE, by, 'characters', text.length);
    const { policy } = plan;
    const request = { text, voice: this.#voiceOf(by), language: spokenLanguage(text, plan), format, reply, signal };
    const deadlines = {
      clock: kit.clock,
      vendor: by.name,
      firstMs: last ? policy.firstAudioMs : Math.min(policy.firstAudioMs, policy.attemptAudioMs),
      nextMs: last ? policy.nextAudioMs : Math.min(policy.nextAudioMs, policy.attemptAudioMs),
      signal,
    };
    return new Saying(by, request, deadlines, health, said);
  }

  #keep(by: Synthesizer, text: string, said: SaidSoFar): void {
    this.#parts.kept.keep(this.#identity(by, text), lineOf(said));
  }

  #voiceOf({ name }: Synthesizer): string {
    const { plan } = this.#parts;
    return plan.voices?.[name] ?? plan.voice;
  }

  #identity(synthesizer: Synthesizer, text: string): SpeechIdentity {
    const { businessId, plan, format } = this.#parts;
    const { name, model } = synthesizer;
    return { businessId, synthesizer: name, model, voice: this.#voiceOf(synthesizer), language: spokenLanguage(text, plan), format, text };
  }
}

/** The language the words are in, of those the assistant speaks. */
const spokenLanguage = (text: string, { language, otherLanguages = [] }: SettledPlan): string =>
  otherLanguages.length === 0 ? language : languageOf(text, [language, ...otherLanguages]);

const empty: Sound = new Uint8Array(0);

const shift = (words: readonly WordTime[], byMs: number): WordTime[] =>
  byMs === 0 ? [...words] : words.map(({ text, fromMs, toMs }) => ({ text, fromMs: fromMs + byMs, toMs: toMs + byMs }));

/** A synthesizer that tells no times: its sound is shared out among the words. */
const timed = (text: string, ms: number, complete: boolean, spoken: WordTime[] = []) =>
  wordTimesOf({ text, fromMs: 0, toMs: ms, complete, spoken });

/** The words that were wholly made, and the text that was not. */
function splitAt(text: string, said: SaidSoFar): { made: WordTime[]; left: string } {
  const words = timed(text, said.ms, false, said.words);
  const count = words.findIndex(({ toMs }) => toMs > said.ms);
  if (count === -1) return { made: words, left: '' };
  const left = words.slice(count).map((word) => word.text);
  return { made: words.slice(0, count), left: left.join(' ') };
}

function lineOf({ sound, words }: SaidSoFar): KeptLine {
  const length = sound.reduce((sum, part) => sum + part.length, 0);
  const whole = sound[0] instanceof Int16Array ? new Int16Array(length) : new Uint8Array(length);
  let at = 0;
  for (const part of sound) {
    whole.set(part, at);
    at += part.length;
  }
  return { sound: whole, words };
}
