import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { rateOf, type SoundFormat } from '#audio/frame.ts';
import { linearToMulaw } from '#audio/g711.ts';
import { linearLevel } from '#audio/level.ts';
import { decodeWav, parseWav } from '#audio/wav.ts';
import { SeededRandom } from '#kit/random.ts';
import { speechLike, speechLikeSound } from '../scripted/speech-like.ts';
import { describeVoiceActivity, detectAll, shareOf } from '../voice-activity.contract.ts';
import { WebRtcVoiceActivityDetector } from './detector.ts';
import { Fvad } from './fvad.ts';

const fvad = await Fvad.load();
const FRAME = 160;
const RATE = 8_000;

describeVoiceActivity('webrtc-vad', {
  make: async () => (format) => new WebRtcVoiceActivityDetector(fvad, format, 2),
  speech: (format) => speechLikeSound(new SeededRandom(7), 3_000, format),
});

const clamp = (value: number) => Math.max(-32768, Math.min(32767, Math.round(value)));
const gained = (samples: Int16Array, db: number) => Int16Array.from(samples, (value) => clamp(value * 10 ** (db / 20)));
const mixed = (a: Int16Array, b: Int16Array) => Int16Array.from(a, (value, index) => clamp(value + (b[index] ?? 0)));
const seconds = (count: number, rate = RATE) => Math.round(count * rate);

function delayed(samples: Int16Array, ms: number): Int16Array {
  const out = new Int16Array(samples.length);
  out.set(samples.subarray(0, samples.length - (ms * RATE) / 1000), (ms * RATE) / 1000);
  return out;
}

function noise(kind: 'white' | 'pink' | 'hum' | 'clicks', length: number, levelDb: number, rate = RATE): Int16Array {
  const random = new SeededRandom(3);
  const out = new Float64Array(length);
  let low = 0;
  for (let i = 0; i < length; i++) {
    const white = random.next() + random.next() - 1;
    low = 0.95 * low + 0.05 * white;
    if (kind === 'white') out[i] = white;
    else if (kind === 'pink') out[i] = low + 0.05 * white;
    else if (kind === 'hum')
      out[i] = Math.sin((2 * Math.PI * 50 * i) / rate) + 0.5 * Math.sin((2 * Math.PI * 150 * i) / rate) + 0.02 * white;
    else out[i] = i % (rate / 2) < 16 ? 20 * white : 0.01 * white;
  }
  const power = out.reduce((sum, value) => sum + value * value, 0) / length;
  const gain = (32768 * 10 ** (levelDb / 20)) / Math.sqrt(power);
  return Int16Array.from(out, (value) => clamp(value * gain));
}

const bytesOf = (samples: Int16Array): Uint8Array => {
  const bytes = new Uint8Array(samples.length);
  linearToMulaw(samples, bytes);
  return bytes;
};

function listen(heard: Int16Array, sent?: Int16Array): boolean[] {
  const detector = new WebRtcVoiceActivityDetector(fvad, 'mulaw-8000', 2);
  const verdicts = detectAll(detector, 'mulaw-8000', bytesOf(heard), sent && bytesOf(sent));
  detector.close();
  return verdicts;
}

/** Frames within 30 dB of the loudest: what a listener would call speech. */
function spoken(samples: Int16Array): boolean[] {
  const levels: number[] = [];
  for (let from = 0; from + FRAME <= samples.length; from += FRAME) levels.push(linearLevel(samples.subarray(from, from + FRAME)));
  const loudest = Math.max(...levels);
  return levels.map((level) => level > loudest - 30);
}

/** Share of spoken frames heard, and of frames far from speech (250 ms after, 60 ms before) heard wrongly. */
function rates(verdicts: boolean[], truth: boolean[]): { hit: number; falseAlarm: number } {
  const near = truth.map((_, index) => truth.slice(Math.max(0, index - 12), index + 4).some(Boolean));
  return {
    hit: shareOf(verdicts.filter((_, index) => truth[index])),
    falseAlarm: shareOf(verdicts.filter((_, index) => !near[index])),
  };
}

const PROMPTS = '/usr/share/asterisk/sounds/en_US_f_Allison';
const havePrompts = existsSync(PROMPTS);

/** Recorded prompts one after the other with half a second between, from the `skip`-th on. */
function prompts(skip: number, length: number): Int16Array {
  const out = new Int16Array(length);
  let at = 0;
  for (const name of readdirSync(PROMPTS)
    .filter((file) => file.endsWith('.wav'))
    .sort()
    .slice(skip)) {
    if (at >= length) break;
    const file = readFileSync(join(PROMPTS, name));
    const header = parseWav(file);
    if (!header) throw new Error(`${name} is no WAV file`);
    const samples = decodeWav(file, header)[0].subarray(0, length - at);
    out.set(samples, at);
    at += samples.length + RATE / 2;
  }
  return out;
}

interface Voices {
  caller: Int16Array;
  assistant: Int16Array;
}
const made = (): Voices => ({
  caller: speechLike(new SeededRandom(5), 20_000, RATE, -20).samples,
  assistant: speechLike(new SeededRandom(9), 20_000, RATE, -20).samples,
});
const recorded = (): Voices => ({ caller: prompts(20, seconds(20)), assistant: prompts(150, seconds(20)) });

describe.each([
  ['made speech', made, true],
  ['recorded prompts (asterisk-core-sounds-en-wav)', recorded, havePrompts],
] as const)('%s', (_name, voices, available) => {
  describe.skipIf(!available)('detector', () => {
    test.each(['white', 'pink', 'hum'] as const)('hears speech in %s noise at 20 and 10 dB, and not the noise', (kind) => {
      const { caller } = voices();
      const truth = spoken(caller);
      for (const [snr, expected] of [
        [20, 0.95],
        [10, 0.85],
      ]) {
        const verdicts = listen(mixed(caller, noise(kind, caller.length, linearLevel(caller) - snr)));
        // The first 3 s are for learning the noise.
        const { hit, falseAlarm } = rates(verdicts.slice(150), truth.slice(150));
        expect(hit).toBeGreaterThan(expected);
        expect(falseAlarm).toBeLessThan(0.05);
      }
    });

    test.each([-12, -20, -30, -40])(
      'its own echo at %i dB is not a caller, at any delay; a caller as loud as it was sent is heard over it',
      (attenuation) => {
        const { caller, assistant } = voices();
        const line = noise('pink', assistant.length, -60);
        for (const ms of [40, 100, 200, 300]) {
          const echo = mixed(delayed(gained(assistant, attenuation), ms), line);
          expect(shareOf(listen(echo, assistant))).toBeLessThan(0.02);
          // The caller speaks for 1.5 s, every 4 s.
          const bargeIn = new Int16Array(caller.length);
          for (let at = 4; at < 19; at += 4) bargeIn.set(caller.subarray(seconds(at), seconds(at + 1.5)), seconds(at));
          const verdicts = listen(mixed(echo, bargeIn), assistant);
          const truth = spoken(bargeIn);
          for (let at = 4; at < 19; at += 4) {
            const onset = truth.indexOf(true, at * 50);
            // 60 ms of speech in a row soon after the onset; over the loudest echo a soft first syllable may drown.
            const found = verdicts.findIndex((_, index) => index >= onset && verdicts[index] && verdicts[index + 1] && verdicts[index + 2]);
            expect((found - onset) * 20).toBeLessThanOrEqual(attenuation > -15 ? 700 : 400);
          }
        }
      },
    );
  });
});

describe('noise alone', () => {
  test.each([
    ['white', -60],
    ['white', -35],
    ['pink', -60],
    ['pink', -35],
    ['hum', -45],
    ['hum', -25],
    ['clicks', -35],
  ] as const)('%s at %i dBFS is no speech', (kind, level) => {
    expect(shareOf(listen(noise(kind, seconds(20), level)))).toBeLessThan(0.01);
  });

  test('loud noise that begins in a call is learned within 2.5 s', () => {
    const sound = mixed(noise('pink', seconds(20), -65), new Int16Array(seconds(20)));
    sound.set(noise('pink', seconds(15), -28), seconds(5));
    expect(shareOf(listen(sound).slice(7.5 * 50))).toBeLessThan(0.02);
  });

  test('the floor learns neither speech nor echo', () => {
    const detector = new WebRtcVoiceActivityDetector(fvad, 'mulaw-8000', 2);
    const line = noise('pink', seconds(20), -60);
    detectAll(detector, 'mulaw-8000', bytesOf(mixed(made().caller, line)));
    expect(detector.line.floorDb).toBeLessThan(-50);
    const { assistant } = made();
    detectAll(detector, 'mulaw-8000', bytesOf(mixed(delayed(gained(assistant, -12), 100), line)), bytesOf(assistant));
    expect(detector.line.floorDb).toBeLessThan(-50);
    expect(Math.abs((detector.echo.lagMs ?? 0) - 100)).toBeLessThanOrEqual(20);
    expect(Math.abs(detector.echo.couplingDb + 12)).toBeLessThanOrEqual(4);
    detector.close();
  });
});

test('wideband: speech in noise, hum and hiss', () => {
  const format: SoundFormat = 'linear-16000';
  const rate = rateOf(format);
  const run = (samples: Int16Array) => {
    const detector = new WebRtcVoiceActivityDetector(fvad, format, 2);
    const verdicts = detectAll(detector, format, samples);
    detector.close();
    return verdicts;
  };
  const { samples } = speechLike(new SeededRandom(5), 10_000, rate, -20);
  expect(shareOf(run(mixed(samples, noise('pink', samples.length, -50, rate))))).toBeGreaterThan(0.6);
  for (const kind of ['hum', 'white', 'pink'] as const) expect(shareOf(run(noise(kind, seconds(10, rate), -40, rate)))).toBeLessThan(0.02);
});
