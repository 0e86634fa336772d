import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { SoundFormat } from '#audio/frame.ts';
import { linearToMulaw } from '#audio/g711.ts';
import { linearLevel } from '#audio/level.ts';
import { createResampler } from '#audio/resampler.ts';
import { decodeWav, parseWav } from '#audio/wav.ts';
import { SystemClock } from '#kit/clock.ts';
import { SeededRandom } from '#kit/random.ts';
import { testKit } from '#kit/testing.ts';
import { describeVoiceActivity, detectPaced, shareOf } from '../voice-activity.contract.ts';
import { Batcher } from './batcher.ts';
import { SileroVoiceActivityDetector } from './detector.ts';
import { loadModel } from './model.ts';
import type { SileroModel } from './shape.ts';
import { silero } from './vendor.ts';

function listeningKit() {
  const warnings: Record<string, unknown>[] = [];
  const kit = testKit();
  return {
    warnings,
    kit: { ...kit, clock: new SystemClock(), log: { ...kit.log, warn: (fields: Record<string, unknown>) => warnings.push(fields) } },
  };
}

describe('as configured', () => {
  test('without a model file it is not there, and says nothing', async () => {
    const { kit, warnings } = listeningKit();
    expect(await silero.voiceActivity(silero.settings.parse({}), kit)).toBeUndefined();
    expect(warnings).toEqual([]);
  });

  test('with a model file and no runtime it warns how to install it, and leaves the field to the next detector', async () => {
    const { kit, warnings } = listeningKit();
    const settings = silero.settings.parse({ model: '/nowhere/silero.onnx', runtime: 'no-such-onnxruntime' });
    expect(await silero.voiceActivity(settings, kit)).toBeUndefined();
    expect(warnings).toHaveLength(1);
    expect(warnings[0].error).toContain('npm install --no-save --ignore-scripts onnxruntime-node');
  });
});

const { TANDEM_SILERO_MODEL: file, TANDEM_ONNXRUNTIME: runtime = 'onnxruntime-node' } = process.env;
/** Recorded human speech, 8 kHz: Debian package asterisk-core-sounds-en-wav. */
const PROMPTS = '/usr/share/asterisk/sounds/en_US_f_Allison';

function installed(): boolean {
  try {
    createRequire(import.meta.url).resolve(runtime);
    return file !== undefined && existsSync(file) && existsSync(PROMPTS);
  } catch {
    return false;
  }
}

/** Recorded prompts one after the other from the `skip`-th on, each from its first loud frame, at -20 dBFS. */
function prompts(skip: number, ms: number, gapMs: number): Int16Array {
  const out = new Int16Array(ms * 8);
  const names = readdirSync(PROMPTS).filter((name) => name.endsWith('.wav'));
  let at = 0;
  for (const name of names.sort().slice(skip)) {
    if (at >= out.length) break;
    const bytes = readFileSync(join(PROMPTS, name));
    const header = parseWav(bytes);
    if (!header) throw new Error(`${name} is no WAV file`);
    const samples = decodeWav(bytes, header)[0];
    const gain = 10 ** ((-20 - linearLevel(samples)) / 20);
    const from = samples.findIndex((_, index) => index % 160 === 0 && linearLevel(samples.subarray(index, index + 160)) > -35);
    const piece = Int16Array.from(samples.subarray(Math.max(0, from), from + out.length - at), (value) =>
      Math.max(-32768, Math.min(32767, value * gain)),
    );
    out.set(piece.subarray(0, out.length - at), at);
    at += piece.length + gapMs * 8;
  }
  return out;
}

function soundOf(samples: Int16Array, format: SoundFormat) {
  if (format === 'mulaw-8000') {
    const bytes = new Uint8Array(samples.length);
    linearToMulaw(samples, bytes);
    return bytes;
  }
  const resampler = createResampler(8000, 16000);
  const wide = new Int16Array(resampler.outputLength(samples.length));
  resampler.process(samples, wide);
  return wide;
}

function noise(length: number, levelDb: number): Int16Array {
  const random = new SeededRandom(3);
  const peak = 32768 * 10 ** (levelDb / 20) * Math.sqrt(3);
  return Int16Array.from({ length }, () => peak * (2 * random.next() - 1));
}

// Not part of Tandem: the model and its runtime are the user's, so this is skipped where they are not, with CI=true too.
describe.skipIf(!installed())('the real model (TANDEM_SILERO_MODEL and onnxruntime-node are the user’s to install)', async () => {
  if (!installed()) {
    test.skip('contract, batches, noise and echo');
    return;
  }
  const loaded = await loadModel({ clock: new SystemClock(), model: file as string, runtime });
  afterAll(() => loaded.close());
  // Runs take real time; the calls' clock stands still meanwhile.
  let running: Promise<void> = Promise.resolve();
  const model: SileroModel = {
    exchange: loaded.exchange,
    run(rows) {
      running = loaded.run(rows);
      return running;
    },
  };
  const kit = testKit();
  const batcher = new Batcher(model, kit);
  const afterFrame = async () => {
    const until = kit.clock.now() + 20;
    for (;;) {
      await running;
      await kit.clock.settle();
      const { runs } = batcher.counts;
      if (kit.clock.now() < until) await kit.clock.advance(10);
      else if (runs === batcher.counts.runs) return;
    }
  };
  const open = (format: SoundFormat) => new SileroVoiceActivityDetector(batcher.open(), format);

  describeVoiceActivity('silero', { make: async () => open, speech: (format) => soundOf(prompts(20, 3_000, 0), format), afterFrame });

  test('batched answers are those of a call alone', async () => {
    const { exchange } = loaded;
    const random = new SeededRandom(5);
    const rows = 5;
    const input = Float32Array.from({ length: rows * 288 }, () => random.next() - 0.5);
    exchange.input.set(input);
    exchange.state.fill(0);
    await loaded.run(rows);
    const together = exchange.probability.slice(0, rows);
    for (let row = 0; row < rows; row++) {
      exchange.input.set(input.subarray(row * 288, (row + 1) * 288));
      exchange.state.fill(0);
      await loaded.run(1);
      expect(exchange.probability[0]).toBeCloseTo(together[row], 5);
    }
  });

  test.each([-60, -40, -25])('white noise at %i dBFS is no speech; speech 15 dB above it is', async (levelDb) => {
    const hiss = noise(8 * 10_000, levelDb);
    const quiet = open('mulaw-8000');
    expect(shareOf(await detectPaced(quiet, 'mulaw-8000', soundOf(hiss, 'mulaw-8000'), afterFrame))).toBeLessThan(0.01);
    const gain = 10 ** ((levelDb + 15 + 20) / 20);
    const speech = prompts(30, 10_000, 0);
    const mixed = hiss.map((value, index) => Math.max(-32768, Math.min(32767, value + speech[index] * Math.min(1, gain))));
    expect(shareOf(await detectPaced(quiet, 'mulaw-8000', soundOf(mixed, 'mulaw-8000'), afterFrame))).toBeGreaterThan(0.5);
    quiet.close();
  });

  test('our own echo is no caller, at any delay; a caller over it is', async () => {
    const [caller, assistant] = [prompts(20, 6_000, 300), prompts(150, 6_000, 300)];
    for (const [echoDb, delayMs] of [
      [-12, 200],
      [-25, 40],
    ]) {
      const echo = new Int16Array(assistant.length);
      echo.set(
        assistant.subarray(0, assistant.length - delayMs * 8).map((value) => value * 10 ** (echoDb / 20)),
        delayMs * 8,
      );
      const hear = (samples: Int16Array) =>
        detectPaced(open('mulaw-8000'), 'mulaw-8000', soundOf(samples, 'mulaw-8000'), afterFrame, soundOf(assistant, 'mulaw-8000'));
      expect(shareOf(await hear(echo))).toBeLessThan(0.01);
      const both = echo.map((value, index) => Math.max(-32768, Math.min(32767, value + (index < 24_000 ? 0 : caller[index - 24_000]))));
      const verdicts = await hear(both);
      expect(shareOf(verdicts.slice(0, 150))).toBeLessThan(0.01);
      expect(verdicts.indexOf(true) - 150).toBeLessThan(400 / 20);
    }
  });
});
