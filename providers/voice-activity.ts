/** Voice or silence in received sound, by energy alone: enough for a clean synthetic caller, and the same in every run. */
import { alawToLinear, mulawToLinear } from './g711.ts';
import type { SoundShape } from './voice.ts';

const BLOCK_MS = 10;
/** Root mean square of a voiced block, about -40 dBFS: above line noise, below a quiet talker. */
const VOICED_RMS = 330;
/** A click is shorter. */
const VOICE_MS = 40;

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
    if (this.#shape.encoding === 'pcm') {
      for (const byte of bytes) {
        if (this.#half < 0) this.#half = byte;
        else {
          this.#sample((((byte << 8) | this.#half) << 16) >> 16);
          this.#half = -1;
        }
      }
      return;
    }
    const table = this.#shape.encoding === 'alaw' ? alawToLinear : mulawToLinear;
    for (const byte of bytes) this.#sample(table[byte]);
  }

  #sample(value: number): void {
    this.#energy += value * value;
    if (++this.#samples < this.#blockSamples) return;
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
