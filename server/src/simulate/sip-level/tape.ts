/** Both voices as the caller's phone had them: what it sent, and what had arrived by then. */
import { MULAW_SILENCE } from '#audio/frame.ts';
import type { CallSound } from '../outcome.ts';
import { Microphone } from '../virtual/microphone.ts';

const BYTES_PER_MS = 8;
const STEP_BYTES = 60_000 * BYTES_PER_MS;
/** Longer calls are kept to here. */
const MOST_MS = 3_600_000;

/** One voice; silence wherever nothing was put. */
class Track {
  #bytes = new Uint8Array(STEP_BYTES).fill(MULAW_SILENCE);
  #length = 0;

  put(sound: Uint8Array, atMs: number): void {
    const at = Math.max(0, Math.round(atMs * BYTES_PER_MS));
    const end = at + sound.length;
    if (end > MOST_MS * BYTES_PER_MS) return;
    while (end > this.#bytes.length) {
      const longer = new Uint8Array(this.#bytes.length + STEP_BYTES).fill(MULAW_SILENCE);
      longer.set(this.#bytes);
      this.#bytes = longer;
    }
    this.#bytes.set(sound, at);
    this.#length = Math.max(this.#length, end);
  }

  /** Where the next piece goes that follows without a gap. */
  get endMs(): number {
    return this.#length / BYTES_PER_MS;
  }

  take(lengthMs: number): Uint8Array {
    return this.#bytes.slice(0, Math.round(lengthMs * BYTES_PER_MS));
  }
}

export class Tape {
  readonly #caller = new Track();
  readonly #assistant = new Track();

  sent(frame: Uint8Array, atMs: number): void {
    this.#caller.put(frame, follow(this.#caller, atMs));
  }

  arrived(payload: Uint8Array, atMs: number): void {
    this.#assistant.put(payload, follow(this.#assistant, atMs));
  }

  sound(): CallSound {
    const length = Math.max(this.#caller.endMs, this.#assistant.endMs);
    return { caller: this.#caller.take(length), assistant: this.#assistant.take(length) };
  }
}

/** Packets come a little early or late: within 60 ms of the piece before, sound goes on without a gap. */
const follow = (track: Track, atMs: number): number => (Math.abs(atMs - track.endMs) < 60 ? track.endMs : atMs);

/** A microphone whose frames are kept. */
export class TapedMicrophone extends Microphone {
  readonly #sent: (frame: Uint8Array) => void;

  constructor(sent: (frame: Uint8Array) => void, ...options: ConstructorParameters<typeof Microphone>) {
    super(...options);
    this.#sent = sent;
  }

  override next(): Uint8Array {
    const frame = super.next();
    this.#sent(frame);
    return frame;
  }
}
