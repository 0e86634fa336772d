/** One direction of a loopback line: frames in order, with the delay, loss and echo a real line would add. */
import { FRAME_MS, type Sound, type SoundFormat, MULAW_SILENCE, samplesPerFrame, silence } from '#audio/frame.ts';
import { LINEAR_TO_MULAW, MULAW_TO_LINEAR } from '#audio/g711.ts';
import type { Random } from '#kit/random.ts';

/** Frames a path holds at most: the longest delay (1 s) and a burst of late ticks. */
const SLOTS = 64;

/** Frames on their way, oldest first; the oldest makes room when a reader falls behind. */
export class FramePath {
  readonly #slots: Sound[] = [];
  readonly #lost: boolean[] = Array.from({ length: SLOTS }, () => false);
  readonly #quiet: 0 | typeof MULAW_SILENCE;
  #first = 0;
  #count = 0;

  /** `delayMs` is rounded to whole frames, at most 1,000 ms. */
  constructor(format: SoundFormat, delayMs = 0) {
    this.#quiet = format === 'mulaw-8000' ? MULAW_SILENCE : 0;
    for (let i = 0; i < SLOTS; i++) this.#slots.push(silence(format));
    this.#count = Math.min(50, Math.round(delayMs / FRAME_MS));
  }

  /** `sound` undefined is 20 ms of silence. */
  write(sound: Sound | undefined, lost: boolean): void {
    if (this.#count === SLOTS) {
      this.#first = (this.#first + 1) % SLOTS;
      this.#count--;
    }
    const index = (this.#first + this.#count++) % SLOTS;
    this.#lost[index] = lost;
    if (sound && !lost) this.#slots[index].set(sound);
    else this.#slots[index].fill(this.#quiet);
  }

  /** Fills `out`; false when nothing had arrived, or what did was lost. */
  read(out: Sound): boolean {
    if (this.#count === 0) {
      out.fill(this.#quiet);
      return false;
    }
    const index = this.#first;
    this.#first = (index + 1) % SLOTS;
    this.#count--;
    out.set(this.#slots[index]);
    return !this.#lost[index];
  }
}

export interface Impairments {
  /** One way, both ways; rounded to 20 ms, at most 1,000. */
  delayMs?: number;
  /** Share of frames lost on the way to us, 0 to 1. */
  loss?: number;
  /** Our own sound comes back to us: so many decibels below, so much later (rounded to 20 ms). */
  echo?: { belowDb: number; delayMs: number };
}

/** Both directions between the near leg (ours) and the far leg (the caller's). */
export class LoopbackWire {
  readonly toFar: FramePath;
  readonly toNear: FramePath;
  readonly #echo: FramePath | undefined;
  readonly #echoFrame: Sound;
  readonly #echoGain: number;
  readonly #loss: number;
  readonly #random: Random;
  readonly #format: SoundFormat;

  constructor(format: SoundFormat, impairments: Impairments, random: Random) {
    this.#format = format;
    this.#random = random;
    this.toFar = new FramePath(format, impairments.delayMs);
    this.toNear = new FramePath(format, impairments.delayMs);
    this.#loss = impairments.loss ?? 0;
    this.#echo = impairments.echo && new FramePath(format, impairments.echo.delayMs);
    this.#echoGain = 10 ** (-(impairments.echo?.belowDb ?? 0) / 20);
    this.#echoFrame = silence(format);
  }

  sendToFar(sound: Sound | undefined): void {
    this.toFar.write(sound, false);
    this.#echo?.write(sound, false);
  }

  sendToNear(sound: Sound | undefined): void {
    this.toNear.write(sound, this.#loss > 0 && this.#random.next() < this.#loss);
  }

  readAtFar(out: Sound): boolean {
    return this.toFar.read(out);
  }

  readAtNear(out: Sound): boolean {
    const arrived = this.toNear.read(out);
    if (this.#echo?.read(this.#echoFrame)) this.#mixEcho(out);
    return arrived;
  }

  #mixEcho(out: Sound): void {
    const samples = samplesPerFrame(this.#format);
    const mulaw = this.#format === 'mulaw-8000';
    for (let i = 0; i < samples; i++) {
      const echo = this.#echoFrame[i];
      const sum = mulaw ? MULAW_TO_LINEAR[out[i]] + MULAW_TO_LINEAR[echo] * this.#echoGain : out[i] + echo * this.#echoGain;
      const linear = Math.max(-32768, Math.min(32767, Math.round(sum)));
      out[i] = mulaw ? LINEAR_TO_MULAW[linear & 0xffff] : linear;
    }
  }
}
