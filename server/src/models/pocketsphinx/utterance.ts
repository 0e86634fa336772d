/** The sound of one utterance as it comes in, in memory that is reserved once per call; and its way to a decoder's format. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LinearConverter } from '#audio/convert.ts';
import { type Frame, rateOf, type Sound, type SoundFormat } from '#audio/frame.ts';

/** Whoever speaks longer without a pause says none of the phrases. */
export const LONGEST_UTTERANCE_MS = 10_000;
export const DECODER_RATE = 16_000;
/** Converted between two turns of the event loop: about 0.5 ms of work. */
const SLICE_MS = 500;

export class Utterance {
  readonly #format: SoundFormat;
  readonly #sound: Sound;
  #length = 0;
  #startAt = 0;
  #tooLong = false;

  constructor(format: SoundFormat) {
    this.#format = format;
    const samples = (rateOf(format) * LONGEST_UTTERANCE_MS) / 1000;
    this.#sound = format === 'mulaw-8000' ? new Uint8Array(samples) : new Int16Array(samples);
  }

  /** When the first frame began, on the leg's clock. */
  get startAt(): number {
    return this.#startAt;
  }

  get empty(): boolean {
    return this.#length === 0;
  }

  /** True when it went on past what is kept. */
  get tooLong(): boolean {
    return this.#tooLong;
  }

  begin(): void {
    this.#length = 0;
    this.#tooLong = false;
  }

  /** Copies the frame. */
  push(frame: Frame): void {
    if (frame.format !== this.#format) return;
    if (this.#length === 0) this.#startAt = frame.at;
    if (this.#length + frame.sound.length > this.#sound.length) {
      this.#tooLong = true;
      return;
    }
    this.#sound.set(frame.sound, this.#length);
    this.#length += frame.sound.length;
  }

  /** A copy of what was said. */
  take(): Sound {
    return this.#sound.slice(0, this.#length);
  }
}

/** Linear samples of 16 kHz of a whole utterance, made in slices so that no frame of any call waits for it. */
export async function decoderSamples(sound: Sound, format: SoundFormat): Promise<Int16Array> {
  if (sound instanceof Int16Array) return sound;
  const converter = new LinearConverter(format, DECODER_RATE);
  const out = new Int16Array(converter.outputLength(sound));
  const slice = (rateOf(format) * SLICE_MS) / 1000;
  let written = 0;
  for (let from = 0; from < sound.length; from += slice) {
    if (from > 0) await nextTurn();
    written += converter.convert(sound.subarray(from, Math.min(sound.length, from + slice)), out, written);
  }
  return out.subarray(0, written);
}
