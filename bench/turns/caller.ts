/**
 * One caller: says its script, each utterance when the one before was answered (or over that answer), and keeps what it
 * hears with the time of arrival. Its live ear only decides when to speak; everything is measured from the kept sound.
 *
 *    greeting ─heard, then quiet─▶ speaking ⇄ pausing ─said─▶ listening ─quiet, or over the answer─▶ speaking … ─▶ done
 */
import { seededNumbers } from '../../providers/delay.ts';
import { level, OnsetDetector } from '../load/voice.ts';
import type { CallObservation, SaidUtterance } from './observation.ts';
import type { Utterance } from './script.ts';
import { cough, talk } from './voices.ts';
import { isAudible, readMark } from './watermark.ts';

const FRAME = 160;
const FRAME_MS = 20;
const HOP = 80;
/** Quiet is everything below; a lowered (ducked) voice is not. */
const QUIET_DB = -53;
const ANSWER_WITHIN_MS = 8_000;
const GREETING_WITHIN_MS = 10_000;
/** After a backchannel or a cough an assistant that fell silent has this long to go on. */
const RESUME_WITHIN_MS = 2_400;
/** After the last answer. */
const LINGER_MS = 800;
/** Sound begins at full level where the length is a multiple of the syllable. */
const SYLLABLE_MS = 250;

const LONGEST_MS = 1_750;
const voices = [95, 120, 150, 190, 230].map((pitch) => talk(LONGEST_MS, pitch));

const frames = (ms: number): number => Math.round(ms / FRAME_MS);

interface Part {
  sound: Uint8Array;
  pauseMs: number;
}

type State = 'greeting' | 'speaking' | 'pausing' | 'listening' | 'done';

export class Caller {
  readonly observation: CallObservation;
  readonly #script: readonly Utterance[];
  readonly #random: () => number;
  readonly #voice: Uint8Array;
  readonly #onset = new OnsetDetector();
  readonly #kept: { at: number; payload: Uint8Array }[] = [];
  #state: State = 'greeting';
  #next = 0;
  #said: SaidUtterance | undefined;
  #parts: Part[] = [];
  #part = 0;
  #offset = 0;
  /** A pause ends, or the answer is missed. */
  #untilMs = 0;
  /** Onset of the answer to the newest utterance; undefined before. */
  #answeredAt: number | undefined;
  #audibleAt = 0;
  /** Drawn for the next utterance: quiet before it, or sound of the answer before it. */
  #waitMs = 0;

  constructor(line: number, script: readonly Utterance[], seed: number) {
    this.observation = { line, answeredAt: undefined, failed: undefined, said: [], heard: [] };
    this.#script = script;
    this.#random = seededNumbers(seed * 1_000_003 + line);
    this.#voice = voices[line % voices.length];
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  answered(at: number): void {
    this.observation.answeredAt = at;
    this.#untilMs = at + GREETING_WITHIN_MS;
    this.#waitMs = this.#draw(500, 900);
  }

  failed(why: string): void {
    this.observation.failed ??= why;
    this.#state = 'done';
  }

  hear(payload: Uint8Array, at: number): void {
    if (payload.length !== FRAME) return;
    this.#kept.push({ at, payload: payload.slice() });
    for (let from = 0; from < FRAME; from += HOP) if (level(payload, from, from + HOP) > QUIET_DB) this.#audibleAt = at;
    const onset = this.#onset.push(payload, at);
    if (onset !== undefined) this.#answeredAt ??= onset;
  }

  /** The next 20 ms, which end now: bytes of µ-law, or undefined for silence. */
  speak(now: number): Uint8Array | undefined {
    if (this.#state === 'pausing' && now >= this.#untilMs) this.#beginPart(now);
    if ((this.#state === 'greeting' || this.#state === 'listening') && this.#mayBegin(now)) this.#begin(now);
    if (this.#state !== 'speaking') return undefined;
    const { sound, pauseMs } = this.#parts[this.#part];
    const frame = sound.subarray(this.#offset, this.#offset + FRAME);
    this.#offset += FRAME;
    if (this.#offset >= sound.length) {
      const part = this.#said?.parts[this.#part];
      if (part) part.to = now;
      this.#part++;
      if (this.#part < this.#parts.length) {
        this.#state = 'pausing';
        this.#untilMs = now + pauseMs;
      } else this.#listen(now);
    }
    return frame;
  }

  /** Reads the kept sound, after the call. */
  finish(): void {
    for (const { at, payload } of this.#kept) {
      const first = isAudible(payload, 0, HOP);
      const second = isAudible(payload, HOP, FRAME);
      if (!first && !second) continue;
      const { mark, chunk } = readMark(payload) ?? { mark: -1, chunk: -1 };
      this.observation.heard.push({ at: Math.round(at * 100) / 100, fromMs: first ? 0 : 10, toMs: second ? 20 : 10, mark, chunk });
    }
    this.#kept.length = 0;
  }

  #listen(now: number): void {
    const { text } = this.#script[this.#next - 1];
    this.#state = 'listening';
    const next = this.#script[this.#next] as Utterance | undefined;
    // What needs no answer lies over one that goes on.
    if (text !== '') this.#answeredAt = undefined;
    this.#onset.reset();
    this.#untilMs = now + ANSWER_WITHIN_MS;
    this.#waitMs = text === '' ? RESUME_WITHIN_MS : next?.over ? this.#draw(1_200, 2_400) : next ? this.#draw(600, 1_000) : LINGER_MS;
  }

  #mayBegin(now: number): boolean {
    if (this.observation.answeredAt === undefined) return false;
    if (this.#answeredAt === undefined) return now >= this.#untilMs;
    const next = this.#script[this.#next] as Utterance | undefined;
    return next?.over ? now >= this.#answeredAt + this.#waitMs : now - this.#audibleAt >= this.#waitMs;
  }

  #begin(now: number): void {
    const utterance = this.#script[this.#next] as Utterance | undefined;
    if (!utterance) {
      this.#state = 'done';
      return;
    }
    this.#said = { index: this.#next++, parts: [], afterMissed: this.#answeredAt === undefined };
    this.observation.said.push(this.#said);
    this.#parts = utterance.parts.map(() => ({ sound: this.#soundOf(utterance), pauseMs: this.#draw(300, 700) }));
    this.#part = 0;
    this.#beginPart(now);
  }

  #beginPart(now: number): void {
    this.#state = 'speaking';
    this.#offset = 0;
    // A packet leaves when its 20 ms are over.
    this.#said?.parts.push({ from: now - FRAME_MS, to: now });
  }

  #soundOf({ kind }: Utterance): Uint8Array {
    if (kind === 'cough') return cough(frames(this.#draw(200, 400)) * FRAME_MS, this.#random);
    if (kind === 'backchannel') return this.#lastOf(frames(this.#draw(200, 400)) * FRAME_MS);
    if (kind === 'barge-in') return this.#lastOf(4 * SYLLABLE_MS + (this.#random() < 0.5 ? 2 * SYLLABLE_MS : 0));
    return this.#lastOf(frames(this.#draw(800, 1_600)) * FRAME_MS);
  }

  /** Ends at full level. */
  #lastOf(ms: number): Uint8Array {
    return this.#voice.subarray(this.#voice.length - ms * 8);
  }

  #draw(from: number, to: number): number {
    return from + (to - from) * this.#random();
  }
}
