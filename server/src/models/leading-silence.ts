/**
 * Voices begin with 100 to 250 ms of silence, which a caller hears as a slow answer. It is cut off while the sound streams:
 * everything before the first audible 10 ms goes, but for a short run-up, so that no consonant loses its attack.
 */
import { rateOf, type Sound, type SoundFormat } from '#audio/frame.ts';
import { LINEAR_TO_MULAW, MULAW_TO_LINEAR } from '#audio/g711.ts';
import { linearPower, mulawPower } from '#audio/level.ts';

const WINDOW_MS = 10;
const RUN_UP_MS = 5;
/** A cut inside noise clicks without it. */
const RAMP_MS = 2.5;
/** Mean square of -50 dBFS. */
const AUDIBLE = 32768 ** 2 / 10 ** 5;

const powerOf = (sound: Sound, from: number, to: number): number =>
  sound instanceof Uint8Array ? mulawPower(sound, from, to) : linearPower(sound, from, to);

/** One stream of sound. After the first audible sound everything passes untouched. */
export class LeadingSilence {
  readonly #format: SoundFormat;
  readonly #window: number;
  readonly #runUp: number;
  /** Silence that may yet be the run-up, and samples too few to judge. */
  #held: Sound;
  /** How many of the held samples were found silent. */
  #judged = 0;
  #dropped = 0;
  #open = false;

  constructor(format: SoundFormat) {
    this.#format = format;
    this.#window = (WINDOW_MS * rateOf(format)) / 1000;
    this.#runUp = (RUN_UP_MS * rateOf(format)) / 1000;
    this.#held = emptySound(format);
  }

  /** Something audible has come. */
  get open(): boolean {
    return this.#open;
  }

  /** How much was cut off so far. */
  get trimmedMs(): number {
    return (this.#dropped * 1000) / rateOf(this.#format);
  }

  /** What of the stream may be heard now; undefined while all of it is silent. */
  push(sound: Sound): Sound | undefined {
    if (this.#open) return sound.length > 0 ? sound : undefined;
    const all = joined(this.#held, sound);
    let at = this.#judged;
    for (; at + this.#window <= all.length; at += this.#window) {
      if (powerOf(all, at, at + this.#window) >= AUDIBLE) return this.#opened(all, at);
    }
    const keep = Math.max(0, at - this.#runUp);
    this.#dropped += keep;
    this.#held = all.slice(keep);
    this.#judged = at - keep;
    return undefined;
  }

  /** The stream is over: its last samples, if they are audible. */
  end(): Sound | undefined {
    if (this.#open || this.#held.length === 0) return undefined;
    if (powerOf(this.#held, 0, this.#held.length) >= AUDIBLE) return this.#opened(this.#held, 0);
    this.#dropped += this.#held.length;
    this.#held = emptySound(this.#format);
    return undefined;
  }

  #opened(all: Sound, at: number): Sound {
    const from = Math.max(0, at - this.#runUp);
    this.#dropped += from;
    this.#open = true;
    const sound = all.slice(from);
    this.#held = emptySound(this.#format);
    if (this.#dropped > 0) rampUp(sound, Math.round((RAMP_MS * rateOf(this.#format)) / 1000));
    return sound;
  }
}

const emptySound = (format: SoundFormat): Sound => (format === 'mulaw-8000' ? new Uint8Array(0) : new Int16Array(0));

function joined(before: Sound, after: Sound): Sound {
  if (before.length === 0) return after;
  const length = before.length + after.length;
  const all = after instanceof Uint8Array ? new Uint8Array(length) : new Int16Array(length);
  all.set(before);
  all.set(after, before.length);
  return all;
}

function rampUp(sound: Sound, samples: number): void {
  const count = Math.min(samples, sound.length);
  for (let i = 0; i < count; i++) {
    const gain = (i + 0.5) / count;
    if (sound instanceof Uint8Array) sound[i] = LINEAR_TO_MULAW[Math.round(MULAW_TO_LINEAR[sound[i]] * gain) & 0xffff];
    else sound[i] = Math.round(sound[i] * gain);
  }
}
