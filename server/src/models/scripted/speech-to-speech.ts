/**
 * A model that hears and speaks as it is told. It takes turns by the level of the sound that is pushed, hears its lines one
 * after the other, and answers by rules with watermarks, twenty times faster than real time.
 */
import { FRAME_MS, type Frame, rateOf, type Sound } from '#audio/frame.ts';
import { levelOf } from '#audio/level.ts';
import type { Timer } from '#kit/clock.ts';
import { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { SpeechSession, SpeechSessionOptions, SpeechToSpeech } from '../speech-to-speech.ts';
import { watermark } from './watermark.ts';

/** The first whose `when` matches the caller's words answers: it says `say`, then calls, then says `andThen` of the result. */
export interface SpokenRule {
  when?: RegExp;
  say?: string;
  call?: { name: string; arguments: unknown };
  andThen?: string | ((result: string) => string);
}

export interface ScriptedSpeechOptions {
  /** What the turns of the caller's voice hold, one after the other and again from the first. */
  heard?: readonly string[];
  rules?: readonly SpokenRule[];
  /** To a session that is ready; from a turn's end to the first sound; from a turn's end to its words; silence that ends a turn. */
  readyMs?: number;
  firstMs?: number;
  wordsMs?: number;
  silenceMs?: number;
  /** Voice that starts a turn. */
  startsAfterMs?: number;
  msPerCharacter?: number;
}

/** Something that a session was asked, in order. */
export type Asked =
  | { say: string }
  | { typed: string }
  | { tool: string; result: string }
  | { item: string; truncatedMs: number }
  | { cancelled: true };

const LOUD_DB = -45;
const PIECE_MS = 400;
/** Sound that waits for the session to be ready. */
const MOST_EARLY = 2_000 / FRAME_MS;
const MOST_ASKED = 1_000;
const ECHO: SpokenRule = { say: 'I heard you.' };

export class ScriptedSpeech implements SpeechToSpeech {
  readonly name = 'scripted';
  readonly model = 'scripted-speech';
  /** Open ones, oldest first. */
  readonly sessions: ScriptedSession[] = [];
  readonly #kit: Kit;
  readonly #options: Required<ScriptedSpeechOptions>;

  constructor(kit: Kit, options: ScriptedSpeechOptions = {}) {
    this.#kit = kit;
    const {
      heard = ['Hello?'],
      rules = [],
      readyMs = 0,
      firstMs = 0,
      wordsMs = 0,
      silenceMs = 500,
      startsAfterMs = 60,
      msPerCharacter = 60,
    } = options;
    this.#options = { heard, rules, readyMs, firstMs, wordsMs, silenceMs, startsAfterMs, msPerCharacter };
  }

  open(options: SpeechSessionOptions): ScriptedSession {
    const session = new ScriptedSession(this.#kit, this.#options, options, () => this.sessions.splice(this.sessions.indexOf(session), 1));
    this.sessions.push(session);
    return session;
  }

  close(): Promise<void> {
    for (const session of this.sessions.slice()) session.close();
    return Promise.resolve();
  }
}

interface Saying {
  item: string;
  text: string;
  sound: Sound;
  sent: number;
  andThen: (() => void) | undefined;
}

export class ScriptedSession implements SpeechSession {
  readonly asked: Asked[] = [];
  readonly options: SpeechSessionOptions;
  readonly #kit: Kit;
  readonly #script: Required<ScriptedSpeechOptions>;
  readonly #ended: () => void;
  readonly #timers = new Set<Timer>();
  readonly #calls = new Map<string, SpokenRule>();
  /** What came of each answer; the newest 64. */
  readonly #sentMs = new Map<string, number>();
  readonly #voice = { on: false, loudMs: 0, quietMs: 0 };
  #early: Frame[] = [];
  #state: 'connecting' | 'ready' | 'stalled' | 'closed' = 'connecting';
  #turns = 0;
  #heardMs = 0;
  #saying: Saying | undefined;
  #waiting: string[] = [];

  constructor(kit: Kit, script: Required<ScriptedSpeechOptions>, options: SpeechSessionOptions, ended: () => void) {
    this.#kit = kit;
    this.#script = script;
    this.options = options;
    this.#ended = ended;
    this.#after(script.readyMs, () => this.#ready());
  }

  /** Milliseconds of sound that came. */
  get heardMs(): number {
    return this.#heardMs;
  }

  push(frame: Frame): void {
    if (this.#state === 'closed' || this.#state === 'stalled') return;
    if (this.#state === 'ready') return this.#hear(frame.at, frame.sound);
    this.#early.push({ ...frame, sound: frame.sound.slice() });
    if (this.#early.length > MOST_EARLY) this.#early.shift();
  }

  say(text: string): void {
    this.#note({ say: text });
    this.#answer(text);
  }

  typed(text: string): void {
    this.#note({ typed: text });
    this.#follow(text);
  }

  truncate(item: string, heardMs: number): void {
    const sentMs = this.#sentMs.get(item);
    if (sentMs === undefined) return;
    this.#note({ item, truncatedMs: Math.min(heardMs, sentMs) });
    if (this.#saying?.item === item) this.#end('cancelled');
  }

  cancel(): void {
    this.#note({ cancelled: true });
    this.#waiting = [];
    this.#end('cancelled');
  }

  toolReturned(toolCallId: string, result: string): void {
    const rule = this.#calls.get(toolCallId);
    if (!rule) return;
    this.#calls.delete(toolCallId);
    this.#note({ tool: toolCallId, result });
    const text = typeof rule.andThen === 'function' ? rule.andThen(result) : rule.andThen;
    if (text !== undefined) this.#after(this.#script.firstMs, () => this.#answer(text));
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#ended();
  }

  // What a test or a demonstration makes it do

  /** The session dies. */
  fails(error: VendorError = new VendorError('scripted', 'retryable', 'the script says so')): void {
    if (this.#state === 'closed') return;
    this.close();
    this.options.listener.failed(error);
  }

  /** Nothing comes any more, and nobody is told. */
  stalls(): void {
    if (this.#state !== 'closed') this.#state = 'stalled';
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  /** A turn of the caller with these words, whatever the sound holds. */
  turn(said: string, rule: SpokenRule): void {
    if (this.#state === 'ready') this.#commit(said, rule);
  }

  /** Begins an answer of this length and does not end it. */
  begins(text: string): void {
    if (this.#state !== 'ready') return;
    const saying = this.#sayingOf(text);
    const { item, sound } = saying;
    saying.sent = sound.length;
    this.#saying = saying;
    this.#count(item, sound.length);
    this.options.listener.answerStarted(item);
    this.options.listener.words(item, text);
    this.options.listener.sound(item, sound);
  }

  calls(id: string, name: string, given: unknown, andThen: string): void {
    if (this.#state !== 'ready') return;
    this.#calls.set(id, { andThen });
    this.options.listener.toolCalled({ id, name, arguments: given });
  }

  // Inside

  #ready(): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'ready';
    this.options.listener.ready();
    for (const { at, sound } of this.#early.splice(0)) this.#hear(at, sound);
    this.#next();
  }

  #hear(at: number, sound: Sound): void {
    this.#heardMs += FRAME_MS;
    const loud = levelOf(sound) > LOUD_DB;
    const voice = this.#voice;
    voice.loudMs = loud ? voice.loudMs + FRAME_MS : 0;
    voice.quietMs = loud ? 0 : voice.quietMs + FRAME_MS;
    if (!voice.on && voice.loudMs >= this.#script.startsAfterMs) {
      voice.on = true;
      this.#waiting = [];
      this.options.listener.speechStarted(at + FRAME_MS - voice.loudMs);
      this.#end('cancelled');
    } else if (voice.on && voice.quietMs >= this.#script.silenceMs) {
      voice.on = false;
      this.options.listener.speechStopped(at + FRAME_MS - voice.quietMs);
      const { heard } = this.#script;
      this.#commit(heard[this.#turns++ % Math.max(1, heard.length)] ?? '');
    }
  }

  #commit(said: string, rule?: SpokenRule): void {
    this.options.listener.turnCommitted();
    this.#after(this.#script.wordsMs, () => this.options.listener.callerSaid(said, true));
    this.#follow(said, rule);
  }

  #follow(said: string, rule = this.#script.rules.find(({ when }) => !when || when.test(said)) ?? ECHO): void {
    const turn = this.#turns;
    const { say, call } = rule;
    const id = this.#kit.ids.make('toolcall');
    const then =
      call &&
      (() => {
        this.#calls.set(id, rule);
        this.options.listener.toolCalled({ id, ...call });
      });
    this.#after(this.#script.firstMs, () => {
      // The caller went on meanwhile.
      if (this.#voice.on || turn !== this.#turns) return;
      if (say === undefined) then?.();
      else this.#answer(say, then);
    });
  }

  /** Says it when nothing else is being said. */
  #answer(text: string, andThen?: () => void): void {
    if (this.#state === 'closed' || this.#state === 'stalled') return;
    if (this.#state === 'connecting' || this.#saying) {
      if (this.#waiting.length < 8) this.#waiting.push(text);
      return;
    }
    this.#saying = this.#sayingOf(text, andThen);
    this.options.listener.answerStarted(this.#saying.item);
    this.#send();
  }

  #sayingOf(text: string, andThen?: () => void): Saying {
    const sound = watermark(this.#turns & 15, Math.max(FRAME_MS, text.length * this.#script.msPerCharacter), this.options.format);
    return { item: this.#kit.ids.make('answer'), text, sound, sent: 0, andThen };
  }

  #send(): void {
    const saying = this.#saying;
    if (!saying) return;
    const { listener, format } = this.options;
    const { item, text, sound, sent } = saying;
    const to = Math.min(sound.length, sent + (PIECE_MS * rateOf(format)) / 1000);
    const charAt = (sample: number) => Math.round((text.length * sample) / sound.length);
    saying.sent = to;
    this.#count(item, to);
    listener.words(item, text.slice(charAt(sent), charAt(to)));
    listener.sound(item, sound.subarray(sent, to));
    if (saying !== this.#saying) return;
    if (to < sound.length) this.#after(FRAME_MS, () => saying === this.#saying && this.#send());
    else this.#end('complete');
  }

  #count(item: string, samples: number): void {
    this.#sentMs.set(item, (samples * 1000) / rateOf(this.options.format));
    const [oldest] = this.#sentMs.keys();
    if (this.#sentMs.size > 64 && oldest !== undefined) this.#sentMs.delete(oldest);
  }

  #end(how: 'complete' | 'cancelled'): void {
    const saying = this.#saying;
    if (!saying) return;
    this.#saying = undefined;
    const { listener, format } = this.options;
    listener.answerEnded(saying.item, how);
    const tokens = Math.ceil((saying.sent * 20) / rateOf(format));
    const heardTokens = Math.ceil(this.#heardMs / 100);
    listener.used({
      inputTokens: heardTokens,
      cachedTokens: 0,
      outputTokens: tokens + saying.text.length,
      inputAudioTokens: heardTokens,
      outputAudioTokens: tokens,
    });
    if (how === 'complete') saying.andThen?.();
    this.#next();
  }

  #next(): void {
    const text = this.#saying ? undefined : this.#waiting.shift();
    if (text !== undefined) this.#answer(text);
  }

  #note(asked: Asked): void {
    if (this.#state !== 'closed' && this.asked.length < MOST_ASKED) this.asked.push(asked);
  }

  #after(ms: number, run: () => void): void {
    const timer = this.#kit.clock.after(ms, () => {
      this.#timers.delete(timer);
      run();
    });
    this.#timers.add(timer);
  }
}
