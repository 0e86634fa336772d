/**
 * What is heard when no voice can be made. The last resort: three rising tones that telephone networks use for "your call cannot be
 * completed" (special information tone, ITU-T E.180 §6).
 */
import { rateOf, type Sound, type SoundFormat } from '#audio/frame.ts';
import { linearToMulaw } from '#audio/g711.ts';
import { sineTone } from '#audio/tones.ts';

const TONES_HZ = [950, 1_400, 1_800];
const TONE_MS = 330;
/** Tone, pause, tone. */
const WAITING_HZ = [480, 0, 480];
const WAITING_MS = 120;

export function cannedTone(format: SoundFormat): Sound {
  return tones(format, TONES_HZ, TONE_MS);
}

/** Two short tones of one height: somebody is still there, although no voice can say so. */
export function waitingTone(format: SoundFormat): Sound {
  return tones(format, WAITING_HZ, WAITING_MS);
}

function tones(format: SoundFormat, heights: readonly number[], eachMs: number): Sound {
  const rate = rateOf(format);
  const length = Math.round((eachMs * rate) / 1000);
  const linear = new Int16Array(length * heights.length);
  heights.forEach((hz, i) => {
    if (hz > 0) linear.set(sineTone(hz, eachMs, rate), i * length);
  });
  if (format === 'linear-16000') return linear;
  const bytes = new Uint8Array(linear.length);
  linearToMulaw(linear, bytes);
  return bytes;
}
