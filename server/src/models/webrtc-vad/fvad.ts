/** WebRTC's voice activity detector (libfvad in WebAssembly): one instance of the module for all calls, a handle per call. */
import createFvad from '@echogarden/fvad-wasm';
import type { SoundFormat } from '#audio/frame.ts';
import { MULAW_TO_LINEAR } from '#audio/g711.ts';

/** How eagerly it rejects: 0 hears most, 3 is strictest. */
export type Aggressiveness = 0 | 1 | 2 | 3;

const LONGEST_FRAME = 320; // samples: 20 ms at 16 kHz

/** The loaded module with the one buffer all detectors hand their samples over in (they run one after the other). */
export class Fvad {
  #module: Awaited<ReturnType<typeof createFvad>>;
  #bufferAt: number;

  private constructor(module: Awaited<ReturnType<typeof createFvad>>) {
    this.#module = module;
    this.#bufferAt = module._malloc(2 * LONGEST_FRAME);
  }

  static async load(): Promise<Fvad> {
    return new Fvad(await createFvad());
  }

  /** Throws when the module's memory is used up. */
  open(format: SoundFormat, aggressiveness: Aggressiveness): FvadHandle {
    const handle = this.#module._fvad_new();
    if (handle === 0) throw new Error('no memory for another voice activity detector');
    return new FvadHandle(this.#module, this.#bufferAt, handle, format, aggressiveness);
  }
}

export class FvadHandle {
  #module: Awaited<ReturnType<typeof createFvad>>;
  #bufferAt: number;
  #handle: number;
  #format: SoundFormat;
  #aggressiveness: Aggressiveness;

  constructor(
    module: Awaited<ReturnType<typeof createFvad>>,
    bufferAt: number,
    handle: number,
    format: SoundFormat,
    aggressiveness: Aggressiveness,
  ) {
    this.#module = module;
    this.#bufferAt = bufferAt;
    this.#handle = handle;
    this.#format = format;
    this.#aggressiveness = aggressiveness;
    this.reset();
  }

  /** One frame of 10, 20 (or 30) ms. */
  isSpeech(sound: Uint8Array | Int16Array): boolean {
    if (this.#handle === 0) return false;
    const heap = this.#module.HEAP16;
    const at = this.#bufferAt >> 1;
    const length = Math.min(sound.length, LONGEST_FRAME);
    if (sound instanceof Int16Array) for (let i = 0; i < length; i++) heap[at + i] = sound[i];
    else {
      const table = MULAW_TO_LINEAR;
      for (let i = 0; i < length; i++) heap[at + i] = table[sound[i]];
    }
    return this.#module._fvad_process(this.#handle, this.#bufferAt, length) === 1;
  }

  reset(): void {
    if (this.#handle === 0) return;
    // libfvad's reset also forgets mode and rate.
    this.#module._fvad_reset(this.#handle);
    this.#module._fvad_set_mode(this.#handle, this.#aggressiveness);
    this.#module._fvad_set_sample_rate(this.#handle, this.#format === 'mulaw-8000' ? 8000 : 16000);
  }

  close(): void {
    if (this.#handle !== 0) this.#module._fvad_free(this.#handle);
    this.#handle = 0;
  }
}
