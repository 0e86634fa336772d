/** Wire to loudspeaker, on the audio thread: 16 kHz PCM16 in, any context rate out; emptied at once by `clear`. */
import { PLAYBACK_RATE, PlaybackRing } from './playback-ring.ts';
import { Resampler } from './resampler.ts';
import type { PlaybackOrder, PlaybackReport } from './worklet-messages.ts';

declare const sampleRate: number;
declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

/** Samples at 16 kHz taken from the ring at a time. */
const PIECE = 32;
const REPORTS_PER_SECOND = 20;

class Playback extends AudioWorkletProcessor {
  readonly #ring = new PlaybackRing();
  readonly #resampler = new Resampler(PLAYBACK_RATE, sampleRate);
  readonly #piece = new Float32Array(PIECE);
  readonly #made = new Float32Array(this.#resampler.mostOutput(PIECE));
  #ready = 0;
  #next = 0;
  #power = 0;
  #sinceReport = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<PlaybackOrder>) => {
      if (data.type === 'sound') this.#ring.push(new Int16Array(data.sound));
      else this.#ring.clear();
    };
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const out = outputs[0]?.[0];
    if (!out) return true;
    for (let n = 0; n < out.length; n++) {
      if (this.#next === this.#ready) {
        this.#ring.pull(this.#piece);
        this.#ready = this.#resampler.process(this.#piece, this.#made);
        this.#next = 0;
      }
      const sample = this.#next < this.#ready ? (this.#made[this.#next++] ?? 0) : 0;
      out[n] = sample;
      this.#power += sample * sample;
    }
    this.#sinceReport += out.length;
    if (this.#sinceReport >= sampleRate / REPORTS_PER_SECOND) this.#report();
    return true;
  }

  #report(): void {
    const report: PlaybackReport = {
      playedMs: this.#ring.playedMs,
      waitingMs: this.#ring.waitingMs,
      level: Math.sqrt(this.#power / this.#sinceReport),
    };
    this.port.postMessage(report);
    this.#sinceReport = 0;
    this.#power = 0;
  }
}

registerProcessor('tandem-playback', Playback);
