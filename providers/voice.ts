/**
 * What the synthesizers say: watermark tones, or sound shaped like speech. A watermark is two tones for each 100 ms, the lower one
 * naming the turn (500 Hz + 60 Hz each), the higher one the chunk of it (1700 Hz + 90 Hz each), 16 of both: it lies in the
 * telephone band and survives G.711, so that a recording tells which turn is audible and how much of it was heard.
 */
import { encodeAlaw, encodeMulaw } from './g711.ts';

export type Encoding = 'mulaw' | 'alaw' | 'pcm';
export interface SoundShape {
  encoding: Encoding;
  /** Samples a second. */
  rate: number;
}

const CHUNK_MS = 100;
/** After so many the sound comes again. */
const CHUNKS = 16;
const TONE_AMPLITUDE = 5_000;
const RAMP_MS = 4;
/** Loud against any threshold of voice activity, about -17 dBFS. */
const SPEECH_AMPLITUDE = 4_000;

export function bytesPerSample(encoding: Encoding): number {
  return encoding === 'pcm' ? 2 : 1;
}

/** Bytes of so many milliseconds. */
export function bytesOf(ms: number, shape: SoundShape): number {
  return Math.round((ms * shape.rate) / 1000) * bytesPerSample(shape.encoding);
}

export function silence(ms: number, shape: SoundShape): Buffer {
  return Buffer.alloc(bytesOf(ms, shape), shape.encoding === 'mulaw' ? 0xff : shape.encoding === 'alaw' ? 0xd5 : 0);
}

function encode(samples: Float64Array, encoding: Encoding): Buffer {
  if (encoding === 'pcm') {
    const bytes = Buffer.alloc(samples.length * 2);
    for (let i = 0; i < samples.length; i++) bytes.writeInt16LE(Math.round(samples[i]), i * 2);
    return bytes;
  }
  const code = encoding === 'mulaw' ? encodeMulaw : encodeAlaw;
  return Buffer.from(Uint8Array.from(samples, (sample) => code(Math.round(sample))));
}

function watermarkChunk(mark: number, chunk: number, rate: number): Float64Array {
  const samples = new Float64Array((CHUNK_MS * rate) / 1000);
  const ramp = (RAMP_MS * rate) / 1000;
  const low = (2 * Math.PI * (500 + 60 * mark)) / rate;
  const high = (2 * Math.PI * (1700 + 90 * chunk)) / rate;
  for (let i = 0; i < samples.length; i++) {
    const edge = Math.min(1, (i + 1) / ramp, (samples.length - i) / ramp);
    samples[i] = edge * TONE_AMPLITUDE * (Math.sin(i * low) + Math.sin(i * high));
  }
  return samples;
}

/** Half a syllable of a buzzing voice: harmonics of a gliding pitch under two formants, louder in the middle. */
function speechChunk(chunk: number, rate: number): Float64Array {
  const samples = new Float64Array((CHUNK_MS * rate) / 1000);
  const pitch = 110 + 12 * Math.sin(chunk * 1.7);
  const formants = [400 + 250 * Math.sin(chunk * 2.3) ** 2, 1400 + 700 * Math.sin(chunk * 1.1) ** 2];
  const weights: number[] = [];
  for (let harmonic = 1; harmonic * pitch < 3_200; harmonic++) {
    const hz = harmonic * pitch;
    weights.push(formants.reduce((sum, formant) => sum + 1 / (1 + ((hz - formant) / 180) ** 2), 0.02));
  }
  const power = Math.hypot(...weights);
  for (let i = 0; i < samples.length; i++) {
    let value = 0;
    for (let n = 0; n < weights.length; n++) value += weights[n] * Math.sin((2 * Math.PI * (n + 1) * pitch * i) / rate + n * n);
    const envelope = 0.35 + 0.65 * Math.sin((Math.PI * (i + 0.5)) / samples.length) ** 2;
    samples[i] = (envelope * SPEECH_AMPLITUDE * 1.4 * value) / power;
  }
  return samples;
}

/** Encoded chunks that were made once: 256 watermarks and 16 pieces of speech for each format in use. */
const made = new Map<string, Buffer>();

function soundChunk(voice: 'watermark' | 'speech', mark: number, chunk: number, shape: SoundShape): Buffer {
  const key = `${voice}/${shape.encoding}/${shape.rate}/${voice === 'watermark' ? mark : 0}/${chunk}`;
  let bytes = made.get(key);
  if (!bytes) {
    bytes = encode(voice === 'watermark' ? watermarkChunk(mark, chunk, shape.rate) : speechChunk(chunk, shape.rate), shape.encoding);
    made.set(key, bytes);
  }
  return bytes;
}

/** Pieces of sound that were spoken before, and what each is as base64: hundreds of calls are told the same. */
const spoken = new Map<string, Buffer>();
const written = new WeakMap<Buffer, string>();
const MOST_SPOKEN = 4_096;

function remembered(key: string, make: () => Buffer): Buffer {
  let sound = spoken.get(key);
  if (!sound) {
    if (spoken.size >= MOST_SPOKEN) spoken.clear();
    spoken.set(key, (sound = make()));
  }
  return sound;
}

/** Sound of a {@link SpokenTurn} as base64. */
export function base64Of(sound: Buffer): string {
  let text = written.get(sound);
  if (text === undefined) written.set(sound, (text = sound.toString('base64')));
  return text;
}

/** One spoken turn, made piece by piece: silence first, then the voice; the position goes on across pieces. */
export class SpokenTurn {
  #voice: 'watermark' | 'speech' | 'silence';
  readonly #mark: number;
  readonly #shape: SoundShape;
  #silentBytes: number;
  #position = 0;

  constructor(voice: 'watermark' | 'speech', mark: number, shape: SoundShape, leadingSilenceMs = 0) {
    this.#voice = voice;
    this.#mark = mark & 15;
    this.#shape = shape;
    this.#silentBytes = bytesOf(leadingSilenceMs, shape);
  }

  /** Right length, but only silence from here on. */
  mute(): void {
    this.#voice = 'silence';
  }

  /** The next `ms` of sound; leading silence comes on top of it, before the first. Others may be given the same bytes. */
  take(ms: number): Buffer {
    const { encoding, rate } = this.#shape;
    const wanted = bytesOf(ms, this.#shape);
    const lead = this.#silentBytes;
    const from = this.#position % (CHUNKS * bytesOf(CHUNK_MS, this.#shape));
    this.#silentBytes = 0;
    if (this.#voice !== 'silence') this.#position += wanted;
    const mark = this.#voice === 'watermark' ? this.#mark : 0;
    return remembered(`${this.#voice}/${mark}/${encoding}/${rate}/${lead}/${from}/${wanted}`, () => this.#make(lead, from, wanted));
  }

  /** `wanted` bytes of the voice from position `from` on, behind `lead` bytes of silence. */
  #make(lead: number, from: number, wanted: number): Buffer {
    const out = Buffer.alloc(lead + wanted, silence(1, this.#shape).subarray(0, 1));
    if (this.#voice === 'silence') return out;
    const chunkBytes = bytesOf(CHUNK_MS, this.#shape);
    for (let at = lead, position = from; at < out.length; ) {
      const within = position % chunkBytes;
      const chunk = soundChunk(this.#voice, this.#mark, Math.floor(position / chunkBytes) % CHUNKS, this.#shape);
      const copied = chunk.copy(out, at, within, Math.min(chunkBytes, within + out.length - at));
      at += copied;
      position += copied;
    }
    return out;
  }
}
