/**
 * What a transcriber hears: each voiced stretch of the received sound takes the next `HeardSegment` of the scenario (the list starts
 * anew when it is used up). Words appear at the pace of speech while the voice goes on; the final words come the drawn `transcript`
 * delay after the voice ended, never before the silence was long enough to know it.
 */
import { nowMs } from './event-log.ts';
import type { Outlet } from './outlet.ts';
import type { RouteContext } from './route.ts';
import type { HeardSegment } from './scenario.ts';
import { VoiceActivity } from './voice-activity.ts';
import type { SoundShape } from './voice.ts';

export interface TimedWord {
  /** As written, with its punctuation. */
  text: string;
  startMs: number;
  endMs: number;
}

/** Words of one voiced stretch; milliseconds count from the first sound of the stream. */
export interface HeardWords {
  words: TimedWord[];
  startMs: number;
  endMs: number;
}

export interface FinalWords extends HeardWords {
  endsTurn: boolean;
  /** The client asked for it (Finalize, ForceEndTurn, …). */
  asked: boolean;
  /** The second time that the same words come (a fault). */
  again: boolean;
}

export interface HearingListener {
  voiceStarted?(atMs: number): void;
  /** Every `partialEveryMs` of sound: the words so far of the voiced stretch that is open, if any. */
  tick(heard: HeardWords | undefined, atMs: number): void;
  /** Silence since the voice has lasted the drawn `eager` delay: the words are all there, whether the turn is over or not. */
  eager?(heard: HeardWords): void;
  /** The voice goes on after `eager` and before the stretch was closed. */
  resumed?(heard: HeardWords): void;
  /** A stretch is over; its final words are on their way. */
  ended?(heard: FinalWords): void;
  final(heard: FinalWords): void;
  /** Every 10 ms of sound. `silentMs` is Infinity before the first voice. */
  passed?(atMs: number, silentMs: number): void;
}

/** Less silence than this is a closed lip. */
const SHORTEST_GAP_MS = 60;

interface Stretch {
  segment: HeardSegment;
  /** Words of the segment that were not given away by an earlier flush. */
  words: string[];
  /** As they were timed last: what stays the same stays the same object. */
  timed: TimedWord[];
  startMs: number;
  eagerAfterMs: number;
  eagerSent: boolean;
}

export class Hearing {
  readonly #context: RouteContext;
  readonly #outlet: Outlet;
  readonly #listener: HearingListener;
  readonly #voice: VoiceActivity;
  readonly #gapMs: () => number;
  readonly #pending = new Set<{ heard: FinalWords }>();
  #open: Stretch | undefined;
  #next = 0;
  #silentMs = Infinity;
  /** Wall time of the last voice: delays count from it. */
  #voicedWallMs = 0;
  #tickedMs = 0;

  /** @param gapMs silence that ends a stretch; the scenario's `endOfTurnMs` unless the client chose. */
  constructor(context: RouteContext, outlet: Outlet, shape: SoundShape, listener: HearingListener, gapMs?: () => number) {
    this.#context = context;
    this.#outlet = outlet;
    this.#listener = listener;
    this.#gapMs = gapMs ?? (() => context.scenario.endOfTurnMs);
    this.#voice = new VoiceActivity(shape, {
      voiceStarted: (atMs) => this.#voiceStarted(atMs),
      blockPassed: (atMs, silentMs) => this.#blockPassed(atMs, silentMs),
    });
  }

  get receivedMs(): number {
    return this.#voice.receivedMs;
  }

  /** A voiced stretch is open, or final words are on their way. */
  get isBusy(): boolean {
    return this.#open !== undefined || this.#pending.size > 0;
  }

  push(sound: Uint8Array): void {
    this.#voice.push(sound);
  }

  /** The client wants the words so far as final ones. False when there are none, and none on their way. */
  flush(): boolean {
    for (const waiting of this.#pending) waiting.heard.asked = true;
    const open = this.#open;
    if (!open) return this.#pending.size > 0;
    if (this.#silentMs > 0) {
      this.#end(open, true);
      return true;
    }
    const so = this.#wordsSoFar(open, this.receivedMs);
    if (so.words.length === 0) return this.#pending.size > 0;
    open.words = open.words.slice(so.words.length);
    open.startMs = this.receivedMs;
    this.#finish({ ...so, endsTurn: true, asked: true, again: false });
    if (open.words.length === 0) this.#open = undefined;
    return true;
  }

  #voiceStarted(atMs: number): void {
    if (this.#open) {
      if (this.#open.eagerSent) this.#listener.resumed?.(spread(this.#open.words, this.#open.startMs, atMs));
      this.#open.eagerSent = false;
      return;
    }
    const { heard } = this.#context.scenario;
    if (heard.length === 0) return;
    const segment = heard[this.#next++ % heard.length] ?? heard[0];
    const eagerAfterMs = Math.max(SHORTEST_GAP_MS, this.#context.draw('eager', 0.6 * this.#gapMs()));
    const words = segment.text.split(/\s+/).filter(Boolean);
    this.#open = { segment, words, timed: [], startMs: atMs, eagerAfterMs, eagerSent: false };
    this.#tickedMs = atMs;
    this.#context.log('voice-started', { atMs: nowMs() - (this.receivedMs - atMs) });
    this.#listener.voiceStarted?.(atMs);
  }

  #blockPassed(atMs: number, silentMs: number): void {
    this.#silentMs = silentMs;
    if (silentMs === 0) this.#voicedWallMs = nowMs();
    const open = this.#open;
    if (open && !open.eagerSent && silentMs >= open.eagerAfterMs) {
      open.eagerSent = true;
      this.#listener.eager?.(spread(open.words, open.startMs, atMs - silentMs));
    }
    if (open && silentMs >= Math.max(SHORTEST_GAP_MS, this.#gapMs())) this.#end(open, false);
    if (atMs - this.#tickedMs >= this.#context.scenario.partialEveryMs) {
      this.#tickedMs = atMs;
      const so = this.#open && this.#wordsSoFar(this.#open, atMs);
      this.#listener.tick(so?.words.length ? so : undefined, atMs);
    }
    this.#listener.passed?.(atMs, silentMs);
  }

  /** The words that fit into the voice so far; all of them once it is quiet. */
  #wordsSoFar(open: Stretch, atMs: number): HeardWords {
    if (open.eagerSent) return spread(open.words, open.startMs, atMs - this.#silentMs);
    const { msPerCharacter } = this.#context.scenario;
    let at = open.startMs;
    const words: TimedWord[] = [];
    for (const text of open.words) {
      const nextMs = at + (text.length + 1) * msPerCharacter;
      if (nextMs > atMs && words.length > 0) break;
      const endMs = Math.min(nextMs, atMs);
      const known = open.timed[words.length];
      const same = known?.text === text && known.startMs === at && known.endMs === endMs;
      words.push(same ? known : { text, startMs: at, endMs });
      at = nextMs;
    }
    open.timed = words;
    return { words, startMs: open.startMs, endMs: atMs };
  }

  #end(open: Stretch, asked: boolean): void {
    this.#open = undefined;
    this.#context.log('voice-ended', { atMs: this.#voicedWallMs, detail: open.segment.text });
    const heard = spread(open.words, open.startMs, this.receivedMs - this.#silentMs);
    this.#finish({ ...heard, endsTurn: open.segment.endsTurn ?? true, asked, again: false });
  }

  #finish(heard: FinalWords): void {
    const declaredMs = this.#context.draw('transcript');
    this.#listener.ended?.(heard);
    if (this.#outlet.suffers('no-final')) return;
    if (this.#outlet.suffers('empty')) heard.words = [];
    const waiting = { heard };
    this.#pending.add(waiting);
    this.#context.after(this.#voicedWallMs + declaredMs + this.#outlet.lateMs - nowMs(), () => {
      this.#pending.delete(waiting);
      this.#context.log('final', { declaredMs, detail: wordsText(heard.words) });
      this.#listener.final(heard);
      if (this.#outlet.suffers('duplicate-final')) this.#listener.final({ ...heard, again: true });
    });
  }
}

/** Words over a stretch of time, each as long as its letters. */
function spread(words: readonly string[], startMs: number, endMs: number): HeardWords {
  const letters = words.reduce((sum, word) => sum + word.length + 1, 0) || 1;
  const perLetter = Math.max(0, endMs - startMs) / letters;
  let at = startMs;
  const timed = words.map((text) => {
    const word = { text, startMs: at, endMs: at + text.length * perLetter };
    at += (text.length + 1) * perLetter;
    return word;
  });
  return { words: timed, startMs, endMs };
}

export function wordsText(words: readonly TimedWord[]): string {
  return words.map((word) => word.text).join(' ');
}

/** A word as transcribers without formatting write it. */
export function plainWord(text: string): string {
  return text.toLowerCase().replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '') || text;
}

export function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
