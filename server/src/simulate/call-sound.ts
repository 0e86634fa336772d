/** The sound of a simulated call, kept in memory as a recording keeps it: what the server heard, and what it sent. */
import type { CallRecording, RecordingOptions, Shelf } from '#calls/recording.ts';
import { FRAME_MS, MULAW_SILENCE, type Sound, samplesPerFrame } from '#audio/frame.ts';
import type { CallSound } from './outcome.ts';

const FRAME = samplesPerFrame('mulaw-8000');
/** A minute at first; doubled when it is full. */
const FIRST_FRAMES = 3_000;

/** A shelf for the one recording of a simulated call. */
export class MemoryShelf implements Shelf {
  readonly #keeps: boolean;
  #caller: Uint8Array;
  #assistant: Uint8Array;
  #frames = 0;

  /** `keeps` false: frames are only counted. */
  constructor(keeps: boolean) {
    this.#keeps = keeps;
    const bytes = keeps ? FIRST_FRAMES * FRAME : 0;
    this.#caller = new Uint8Array(bytes);
    this.#assistant = new Uint8Array(bytes);
  }

  /** What was recorded; undefined when nothing was. */
  get sound(): CallSound | undefined {
    const bytes = this.#frames * FRAME;
    return this.#keeps && bytes > 0 ? { caller: this.#caller.slice(0, bytes), assistant: this.#assistant.slice(0, bytes) } : undefined;
  }

  open({ started, stopped }: RecordingOptions): CallRecording {
    started();
    let open = true;
    return {
      write: (heard, sent) => {
        if (open) this.#write(heard, sent);
      },
      close: async (reason) => {
        if (!open) return;
        open = false;
        stopped(reason, this.#frames * FRAME_MS);
      },
    };
  }

  #write(heard: Sound, sent: Sound | undefined): void {
    const at = this.#frames++ * FRAME;
    if (!this.#keeps) return;
    if (at === this.#caller.length) {
      this.#caller = grown(this.#caller);
      this.#assistant = grown(this.#assistant);
    }
    put(heard, this.#caller, at);
    put(sent, this.#assistant, at);
  }
}

function put(sound: Sound | undefined, into: Uint8Array, at: number): void {
  if (sound instanceof Uint8Array) into.set(sound, at);
  else into.fill(MULAW_SILENCE, at, at + FRAME);
}

function grown(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length * 2);
  out.set(bytes);
  return out;
}
