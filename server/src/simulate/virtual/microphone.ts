/** What goes into the caller's phone: lines that are said, sounds that are no words, noise, and the assistant's echo. */
import { FRAME_MS, MULAW_SILENCE, samplesPerFrame } from '#audio/frame.ts';
import { LINEAR_TO_MULAW, MULAW_TO_LINEAR } from '#audio/g711.ts';
import { gainOf } from '#audio/level.ts';
import { SeededRandom } from '#kit/random.ts';
import type { Trail } from './recogniser.ts';
import type { SpokenSound } from './sound-bank.ts';

const FRAME = samplesPerFrame('mulaw-8000');
const FULL_SCALE = 32_768;
/** Steady noise repeats after this. */
const NOISE_FRAMES = 100;
/** Uniform noise of ±1 has a power of a third. */
const UNIFORM_RMS = Math.sqrt(1 / 3);

export interface MicrophoneCondition {
  noiseDb?: number;
  echoDb?: number;
  echoDelayMs: number;
}

/** Sound that is being made, at a place in it. */
interface Making {
  sound: Uint8Array;
  at: number;
  /** Of a line: its words, and the next that begins. */
  line?: { words: SpokenSound['words']; next: number };
}

export class Microphone {
  readonly #trail: Trail;
  readonly #noise: Int16Array | undefined;
  readonly #echo: EchoPath | undefined;
  readonly #frame = new Uint8Array(FRAME);
  #noiseFrame = 0;
  #making: Making | undefined;

  constructor(trail: Trail, { noiseDb, echoDb, echoDelayMs }: MicrophoneCondition) {
    this.#trail = trail;
    if (noiseDb !== undefined) this.#noise = steadyNoise(noiseDb);
    if (echoDb !== undefined) this.#echo = new EchoPath(echoDb, echoDelayMs);
  }

  /** Something is being said or sounded. */
  get busy(): boolean {
    return this.#making !== undefined;
  }

  /** Begins a line with the next frame; whatever was being said is dropped. */
  say({ sound, words }: SpokenSound): void {
    this.#trail.begin();
    this.#making = { sound, at: 0, line: { words, next: 0 } };
  }

  /** The same of sound that holds no words. */
  sound(sound: Uint8Array): void {
    this.#making = { sound, at: 0 };
  }

  /** What the caller hears now, which may come back. */
  hears(heard: Uint8Array | undefined): void {
    this.#echo?.hears(heard);
  }

  /** The next 20 ms, valid until the next call. */
  next(): Uint8Array {
    const frame = this.#frame;
    const making = this.#making;
    if (making) frame.set(making.sound.subarray(making.at, making.at + FRAME));
    else frame.fill(MULAW_SILENCE);
    if (this.#noise) this.#addNoise(frame, this.#noise);
    this.#echo?.add(frame);
    if (making) this.#advance(making, frame);
    return frame;
  }

  #addNoise(frame: Uint8Array, noise: Int16Array): void {
    const from = this.#noiseFrame * FRAME;
    this.#noiseFrame = (this.#noiseFrame + 1) % NOISE_FRAMES;
    for (let i = 0; i < FRAME; i++) frame[i] = sum(MULAW_TO_LINEAR[frame[i]] + noise[from + i]);
  }

  #advance(making: Making, frame: Uint8Array): void {
    const { line } = making;
    if (line) this.#follow(line, (making.at / FRAME) * FRAME_MS, frame);
    making.at += FRAME;
    if (making.at >= making.sound.length) this.#making = undefined;
  }

  /** Tells the trail which word this frame, which begins at `atMs` of the line, belongs to. */
  #follow(line: NonNullable<Making['line']>, atMs: number, frame: Uint8Array): void {
    const { words } = line;
    const upcoming = words[line.next];
    if (upcoming && atMs >= upcoming.fromMs) {
      this.#trail.word(upcoming.text, line.next === 0 ? 0 : upcoming.fromMs - words[line.next - 1].toMs);
      line.next++;
    }
    const current = words[line.next - 1];
    // A frame with the end of a word in it is the word's last; the gap behind it belongs to nobody.
    if (current && atMs < current.toMs) this.#trail.frame(frame, atMs + FRAME_MS >= current.toMs);
  }
}

/** The assistant's sound on its way from the caller's loudspeaker into the microphone. */
class EchoPath {
  readonly #gain: number;
  readonly #frames: Uint8Array[];
  readonly #filled: boolean[];
  #at = 0;

  constructor(echoDb: number, delayMs: number) {
    this.#gain = gainOf(echoDb);
    const length = Math.max(1, Math.round(delayMs / FRAME_MS));
    this.#frames = Array.from({ length }, () => new Uint8Array(FRAME));
    this.#filled = Array.from({ length }, () => false);
  }

  hears(heard: Uint8Array | undefined): void {
    this.#filled[this.#at] = heard !== undefined;
    if (heard) this.#frames[this.#at].set(heard);
    this.#at = (this.#at + 1) % this.#frames.length;
  }

  add(frame: Uint8Array): void {
    if (!this.#filled[this.#at]) return;
    const echo = this.#frames[this.#at];
    for (let i = 0; i < FRAME; i++) frame[i] = sum(MULAW_TO_LINEAR[frame[i]] + MULAW_TO_LINEAR[echo[i]] * this.#gain);
  }
}

function sum(linear: number): number {
  return LINEAR_TO_MULAW[Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, Math.round(linear))) & 0xffff];
}

const noises = new Map<number, Int16Array>();

/** White noise of that level, dBFS RMS; the same in every run. */
function steadyNoise(levelDb: number): Int16Array {
  let noise = noises.get(levelDb);
  if (!noise) {
    const random = new SeededRandom(11);
    const amplitude = (FULL_SCALE * gainOf(levelDb)) / UNIFORM_RMS;
    noise = Int16Array.from({ length: NOISE_FRAMES * FRAME }, () =>
      Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, Math.round(amplitude * (2 * random.next() - 1)))),
    );
    noises.set(levelDb, noise);
  }
  return noise;
}
