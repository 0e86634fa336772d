/** Speech-like sound for the mock server: syllables of a harmonic voice, no recording of anybody. */

const BIAS = 0x84;

/** Linear 16-bit to µ-law (ITU-T G.711 §3). */
export function mulaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(32_635, Math.abs(sample)) + BIAS;
  const exponent = 31 - Math.clz32(magnitude) - 7;
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f)) & 0xff;
}

/** One sample of a voice of `pitch` Hz, `seconds` into a phrase: five syllables a second, three harmonics. */
export function voiceAt(seconds: number, pitch: number): number {
  const syllable = Math.max(0, Math.sin(Math.PI * 5 * seconds)) * (0.55 + 0.45 * Math.sin(seconds * 2.3));
  const angle = 2 * Math.PI * pitch * (1 + 0.03 * Math.sin(seconds * 3)) * seconds;
  return Math.round(9_000 * syllable * (Math.sin(angle) + 0.5 * Math.sin(2 * angle) + 0.25 * Math.sin(3 * angle)));
}

type Speech = { party: 'caller' | 'assistant'; fromMs: number; toMs: number };

/** A stereo µ-law WAVE file at 8 kHz, the caller on the left. */
export function recordingOf(speech: readonly Speech[], durationMs: number): Buffer {
  const samples = durationMs * 8;
  const data = Buffer.alloc(samples * 2, 0xff);
  for (const { party, fromMs, toMs } of speech) {
    for (let n = fromMs * 8; n < Math.min(samples, toMs * 8); n++) {
      data[n * 2 + (party === 'caller' ? 0 : 1)] = mulaw(voiceAt((n - fromMs * 8) / 8000, party === 'caller' ? 130 : 205));
    }
  }
  const head = Buffer.alloc(58);
  head.write('RIFF', 0);
  head.writeUInt32LE(50 + data.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(18, 16);
  head.writeUInt16LE(7, 20);
  head.writeUInt16LE(2, 22);
  head.writeUInt32LE(8000, 24);
  head.writeUInt32LE(16_000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(8, 34);
  head.write('fact', 38);
  head.writeUInt32LE(4, 42);
  head.writeUInt32LE(samples, 46);
  head.write('data', 50);
  head.writeUInt32LE(data.length, 54);
  return Buffer.concat([head, data]);
}
