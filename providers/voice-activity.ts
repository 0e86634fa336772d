/** Voice or silence in received sound, by energy alone: enough for a clean synthetic caller, and the same in every run. */
import { alawToLinear, mulawToLinear } from './g711.ts';
import type { SoundShape } from './voice.ts';

const BLOCK_MS = 10;
/** Root mean square of a voiced block, about -40 dBFS: above line noise, below a quiet talker. */
const VOICED_RMS = 330;
/** A click is shorter. */
const VOICE_MS = 40;

/** Energy of each code, so that hundreds of streams cost little. */
const squaresOf = (table: Int16Array): Float64Array => Float64Array.from(table, (value) => value * value);
const mulawSquares = squaresOf(mulawToLinear);
const alawSquares = squaresOf(alawToLinear);

export interface VoiceListener {
  /** The voice began at `atMs` of the sound received. */
  voiceStarted(atMs: number): void;
  /** A block has passed: milliseconds received, and silence since the last voice (0 while it goes on). */
  blockPassed(atMs: number, silentMs: number): void;
}

/** Fed with encoded sound in pieces of any length. Its clock is the sound that came, not the wall. */
export class VoiceActivity {
  readonly #shape: SoundShape;
  readonly #listener: VoiceListener;
  readonly #blockSamples: number;
  #energy = 0;
  #samples = 0;
  #blocks = 0;
  #voicedBlocks = 0;
  #lastVoicedMs = -Infinity;
  /** The low byte of a sample that was cut between two pieces. */
  #half = -1;

  constructor(shape: SoundShape, listener: VoiceListener) {
    this.#shape = shape;
    this.#listener = listener;
    this.#blockSamples = Math.max(1, Math.round((shape.rate * BLOCK_MS) / 1000));
  }

  /** Milliseconds of sound received, in whole blocks. */
  get receivedMs(): number {
    return this.#blocks * BLOCK_MS;
  }

  push(bytes: Uint8Array): void {
    if (this.#shape.encoding === 'pcm') this.#pushLinear(bytes);
    else this.#pushCodes(bytes, this.#shape.encoding === 'alaw' ? alawSquares : mulawSquares);
  }

  #pushCodes(bytes: Uint8Array, squares: Float64Array): void {
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + this.#blockSamples - this.#samples);
      this.#samples += end - at;
      let energy = 0;
      for (; at < end; at++) energy += squares[bytes[at]];
      this.#energy += energy;
      if (this.#samples === this.#blockSamples) this.#block();
    }
  }

  #pushLinear(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at++) {
      if (this.#half < 0) {
        this.#half = bytes[at];
        continue;
      }
      const value = (((bytes[at] << 8) | this.#half) << 16) >> 16;
      this.#half = -1;
      this.#energy += value * value;
      if (++this.#samples === this.#blockSamples) this.#block();
    }
  }

  #block(): void {
    const voiced = this.#energy > VOICED_RMS * VOICED_RMS * this.#samples;
    this.#energy = 0;
    this.#samples = 0;
    this.#blocks++;
    this.#voicedBlocks = voiced ? this.#voicedBlocks + 1 : 0;
    const atMs = this.receivedMs;
    const runMs = this.#voicedBlocks * BLOCK_MS;
    if (runMs >= VOICE_MS) {
      if (runMs === VOICE_MS) this.#listener.voiceStarted(atMs - VOICE_MS);
      this.#lastVoicedMs = atMs;
    } else if (voiced && atMs - runMs - this.#lastVoicedMs <= VOICE_MS) {
      // The voice goes on after a gap shorter than a consonant.
      this.#lastVoicedMs = atMs;
    }
    this.#listener.blockPassed(atMs, atMs - this.#lastVoicedMs);
  }
}
