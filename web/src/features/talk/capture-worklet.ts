/** Microphone to wire, on the audio thread: any context rate in, 20 ms frames of 16 kHz PCM16 out. */
import { Resampler } from './resampler.ts';
import type { CaptureMessage, CaptureOrder } from './worklet-messages.ts';

declare const sampleRate: number;
declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

const FRAME = 320;
const BLOCK = 128;

class Capture extends AudioWorkletProcessor {
  readonly #resampler = new Resampler(sampleRate, 16_000);
  readonly #made = new Float32Array(this.#resampler.mostOutput(BLOCK));
  readonly #nothing = new Float32Array(BLOCK);
  #frame = new Int16Array(FRAME);
  #filled = 0;
  #power = 0;
  #muted = false;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<CaptureOrder>) => {
      this.#muted = data.muted;
    };
  }

  /** Without a microphone, or muted, frames go on as silence: the line stays alive. */
  process(inputs: Float32Array[][]): boolean {
    const heard = this.#muted ? undefined : inputs[0]?.[0];
    const made = this.#resampler.process(heard ?? this.#nothing, this.#made);
    for (let n = 0; n < made; n++) {
      const sample = Math.max(-1, Math.min(1, this.#made[n] ?? 0));
      this.#power += sample * sample;
      this.#frame[this.#filled++] = Math.round(sample * 32_767);
      if (this.#filled === FRAME) this.#send();
    }
    return true;
  }

  #send(): void {
    const message: CaptureMessage = { frame: this.#frame.buffer, level: Math.sqrt(this.#power / FRAME) };
    this.port.postMessage(message, [message.frame]);
    this.#frame = new Int16Array(FRAME);
    this.#filled = 0;
    this.#power = 0;
  }
}

registerProcessor('tandem-capture', Capture);
