/**
 * Sound of one leg on its way to another: pushed 20 ms at a time, pulled by the other leg's playout. At most `maxMs` are
 * on the way; what would be more is dropped, so that two lines whose clocks differ do not drift apart.
 */
import { FRAME_MS, type Sound, type SoundFormat, silence, samplesPerFrame } from '#audio/frame.ts';
import { linearToMulaw } from '#audio/g711.ts';
import { LinearConverter } from '#audio/convert.ts';
import { createResampler, type Resampler } from '#audio/resampler.ts';
import type { Leg, Playout, SpeechSource } from '#telephony/leg.ts';

/** Buffers that go round: more than can be on the way. */
const SLOTS = 8;
/** What a wire holds that is fed early is part of it: up to 60 ms by SIP. Twilio's would take 120 ms, and gets what there is. */
const MAX_MS = 100;

export class LiveSound implements SpeechSource {
  readonly #format: SoundFormat;
  readonly #maxMs: number;
  readonly #slots: Sound[];
  readonly #sizes = new Int32Array(SLOTS);
  /** The next slot to fill, filled slots that nobody has taken, and a taken one that the playout has not counted yet. */
  readonly #at = { next: 0, waiting: 0, taken: 0 };
  #taker: ((result: IteratorResult<Sound>) => void) | undefined;
  #playout: Playout | undefined;
  #closed = false;
  /** Frames that were not passed on. */
  dropped = 0;

  constructor(format: SoundFormat, maxMs = MAX_MS) {
    this.#format = format;
    this.#maxMs = maxMs;
    // A resampler may give a few samples more than a frame.
    this.#slots = Array.from({ length: SLOTS }, () => silence(format, samplesPerFrame(format) * 2));
  }

  /** Plays it on `leg` from now on; whatever the leg was playing stops. */
  playOn(leg: Leg): Playout {
    this.#playout = leg.play(this);
    return this.#playout;
  }

  /** Copies a frame of this sound's format. Never waits or throws. */
  push(sound: Sound, size = sound.length): void {
    if (this.#closed || size === 0) return;
    const slot = this.#slot(size);
    if (!slot) return;
    slot.set(sound.length === size ? sound : sound.subarray(0, size));
    this.#filled(size);
  }

  /** No more: what is on the way is still played. */
  close(): void {
    this.#closed = true;
    this.#taker?.({ done: true, value: undefined });
    this.#taker = undefined;
  }

  [Symbol.asyncIterator](): AsyncIterator<Sound> {
    return {
      next: () => {
        this.#at.taken = 0;
        if (this.#at.waiting > 0) return Promise.resolve({ done: false, value: this.#take() });
        if (this.#closed) return Promise.resolve({ done: true, value: undefined });
        return new Promise((resolve) => {
          this.#taker = resolve;
        });
      },
      return: () => {
        this.close();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  get format(): SoundFormat {
    return this.#format;
  }

  /** The slot to fill, or undefined when there is enough on the way already. */
  #slot(size: number): Sound | undefined {
    const onTheWayMs = (this.#playout?.bufferedMs ?? 0) + (this.#at.waiting + this.#at.taken) * FRAME_MS;
    const fits = onTheWayMs + FRAME_MS <= this.#maxMs && this.#at.waiting < SLOTS - 2 && size <= this.#slots[0].length;
    if (!fits) this.dropped++;
    return fits ? this.#slots[this.#at.next] : undefined;
  }

  #filled(size: number): void {
    this.#sizes[this.#at.next] = size;
    this.#at.next = (this.#at.next + 1) % SLOTS;
    this.#at.waiting++;
    const taker = this.#taker;
    if (!taker) return;
    this.#taker = undefined;
    taker({ done: false, value: this.#take() });
  }

  /** The oldest waiting frame; its buffer is written again some frames later, when the playout has long copied it. */
  #take(): Sound {
    const index = (this.#at.next - this.#at.waiting + SLOTS) % SLOTS;
    this.#at.waiting--;
    this.#at.taken = 1;
    return this.#slots[index].subarray(0, this.#sizes[index]);
  }
}

/** One direction of a bridge: frames of one leg's format into the live sound of another's. */
export class SoundPath {
  readonly live: LiveSound;
  readonly #from: SoundFormat;
  readonly #widen: LinearConverter | undefined;
  readonly #narrow: Resampler | undefined;
  readonly #linear = new Int16Array(1_024);
  readonly #mulaw = new Uint8Array(512);

  constructor(from: SoundFormat, to: SoundFormat) {
    this.live = new LiveSound(to);
    this.#from = from;
    if (from === 'mulaw-8000' && to === 'linear-16000') this.#widen = new LinearConverter(from, 16_000);
    if (from === 'linear-16000' && to === 'mulaw-8000') this.#narrow = createResampler(16_000, 8_000);
  }

  /** Passes a frame on, converted where the formats differ. A frame of the wrong length is left out. */
  push(sound: Sound): void {
    if (sound.length !== samplesPerFrame(this.#from)) return;
    if (this.#widen) this.live.push(this.#linear, this.#widen.convert(sound, this.#linear));
    else if (this.#narrow && sound instanceof Int16Array) {
      const made = this.#narrow.process(sound, this.#linear);
      linearToMulaw(this.#linear, this.#mulaw, 0, made);
      this.live.push(this.#mulaw, made);
    } else this.live.push(sound);
  }
}
