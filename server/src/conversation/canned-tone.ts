/**
 * The last resort when no voice can be made: three rising tones that telephone networks use for "your call cannot be
 * completed" (special information tone, ITU-T E.180 §6).
 */
import { rateOf, type Sound, type SoundFormat } from '#audio/frame.ts';
import { linearToMulaw } from '#audio/g711.ts';
import { sineTone } from '#audio/tones.ts';

const TONES_HZ = [950, 1_400, 1_800];
const TONE_MS = 330;

export function cannedTone(format: SoundFormat): Sound {
  const rate = rateOf(format);
  const length = Math.round((TONE_MS * rate) / 1000);
  const linear = new Int16Array(length * TONES_HZ.length);
  TONES_HZ.forEach((hz, i) => linear.set(sineTone(hz, TONE_MS, rate), i * length));
  if (format === 'linear-16000') return linear;
  const bytes = new Uint8Array(linear.length);
  linearToMulaw(linear, bytes);
  return bytes;
}
