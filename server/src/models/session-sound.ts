/**
 * The caller's sound on its way into a speech-to-speech session: kept until the session is ready (2 s at most, the oldest goes
 * first), converted to the vendor's rate, and counted, so that the vendor's times can be told on the leg's clock.
 */
import { LinearConverter, SoundConverter } from '#audio/convert.ts';
import { FRAME_MS, type Frame, type Sound, type SoundFormat } from '#audio/frame.ts';
import type { SampleRate } from '#audio/resampler.ts';

const MOST_WAITING = 2_000 / FRAME_MS;

export class SessionSound {
  readonly #converter: LinearConverter | undefined;
  readonly #send: (bytes: Uint8Array) => boolean;
  #waiting: { at: number; sound: Sound }[] = [];
  #ready = false;
  #sentMs = 0;
  /** The leg's time of the stream's 0, as of the newest frame sent. */
  #offsetMs = 0;

  /** `rate`: the vendor wants linear sound of it; absent: the sound goes as it is. `send` answers false when it was refused. */
  constructor(format: SoundFormat, rate: SampleRate | undefined, send: (bytes: Uint8Array) => boolean) {
    this.#converter = rate === undefined ? undefined : new LinearConverter(format, rate);
    this.#send = send;
  }

  /** Copies what it keeps. */
  push(frame: Frame): void {
    if (this.#ready) {
      this.#pass(frame.at, frame.sound);
      return;
    }
    this.#waiting.push({ at: frame.at, sound: frame.sound.slice() });
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
  }

  /** Sends what waited; from now on everything goes at once. */
  ready(): void {
    this.#ready = true;
    for (const { at, sound } of this.#waiting.splice(0)) this.#pass(at, sound);
  }

  /** The vendor's time (ms since the first byte it got) on the leg's clock. */
  legAt(streamMs: number): number {
    return Math.round(Math.max(0, streamMs + this.#offsetMs));
  }

  #pass(at: number, sound: Sound): void {
    if (!this.#send(this.#bytesOf(sound))) return;
    this.#offsetMs = at - this.#sentMs;
    this.#sentMs += FRAME_MS;
  }

  #bytesOf(sound: Sound): Uint8Array {
    const converter = this.#converter;
    if (!converter) return new Uint8Array(sound.buffer, sound.byteOffset, sound.byteLength);
    const linear = new Int16Array(converter.outputLength(sound));
    converter.convert(sound, linear);
    return new Uint8Array(linear.buffer);
  }
}

/** The vendor's bytes to the session's sound: µ-law as it is, linear samples converted, samples cut in two joined. */
export class SessionSamples {
  readonly #converter: SoundConverter | undefined;
  #odd: Uint8Array = new Uint8Array(0);

  /** `rate`: the vendor's linear rate; absent: it speaks the session's µ-law. */
  constructor(format: SoundFormat, rate: SampleRate | undefined) {
    this.#converter = rate === undefined ? undefined : new SoundConverter(rate, format);
  }

  read(bytes: Uint8Array): Sound {
    if (!this.#converter) return bytes;
    const all = new Uint8Array(this.#odd.length + bytes.length);
    all.set(this.#odd);
    all.set(bytes, this.#odd.length);
    this.#odd = all.slice(all.length & ~1);
    return this.#converter.convert(new Int16Array(all.buffer, 0, all.length >> 1));
  }
}
