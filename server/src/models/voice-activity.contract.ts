/** What every voice activity detector keeps to. A room's test calls this with a way to make one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Frame, type Sound, type SoundFormat, samplesPerFrame, silence } from '#audio/frame.ts';
import type { VoiceActivityDetector, VoiceActivityDetectorFactory } from './voice-activity.ts';

export interface VoiceActivityContract {
  make: () => Promise<VoiceActivityDetectorFactory>;
  /** Sound that must be heard as speech, at least 2 s of it at about -20 dBFS. */
  speech: (format: SoundFormat) => Sound;
  formats?: readonly SoundFormat[];
  /** For a detector that answers later: lets 20 ms pass after every frame. */
  afterFrame?: () => Promise<void>;
}

/** Verdicts on a whole sound, frame by frame. */
export function detectAll(detector: VoiceActivityDetector, format: SoundFormat, heard: Sound, sent?: Sound): boolean[] {
  const size = samplesPerFrame(format);
  const frame: Frame = { at: 0, format, sound: heard, concealed: false };
  const out: boolean[] = [];
  for (let from = 0; from + size <= heard.length; from += size) {
    frame.sound = heard.subarray(from, from + size);
    out.push(detector.detect(frame, sent?.subarray(from, from + size)).speech);
    frame.at += 20;
  }
  return out;
}

/** The same for a detector that answers later. */
export async function detectPaced(
  detector: VoiceActivityDetector,
  format: SoundFormat,
  heard: Sound,
  afterFrame: () => Promise<void>,
  sent?: Sound,
): Promise<boolean[]> {
  const size = samplesPerFrame(format);
  const out: boolean[] = [];
  for (let from = 0; from + size <= heard.length; from += size) {
    out.push(...detectAll(detector, format, heard.subarray(from, from + size), sent?.subarray(from, from + size)));
    await afterFrame();
  }
  return out;
}

export const shareOf = (verdicts: readonly boolean[]): number => verdicts.filter(Boolean).length / Math.max(1, verdicts.length);

export function describeVoiceActivity(name: string, contract: VoiceActivityContract): void {
  const formats: readonly SoundFormat[] = contract.formats ?? ['mulaw-8000', 'linear-16000'];
  describe.each(formats)(`${name} as a voice activity detector, %s`, (format) => {
    let factory: VoiceActivityDetectorFactory;
    const opened: VoiceActivityDetector[] = [];
    const open = (): VoiceActivityDetector => {
      const detector = factory(format);
      opened.push(detector);
      return detector;
    };
    beforeAll(async () => {
      factory = await contract.make();
    });
    afterAll(() => {
      for (const detector of opened) detector.close();
    });
    const listen = async (detector: VoiceActivityDetector, heard: Sound): Promise<boolean[]> =>
      contract.afterFrame ? detectPaced(detector, format, heard, contract.afterFrame) : detectAll(detector, format, heard);
    const quiet = (ms: number) => silence(format, (samplesPerFrame(format) * ms) / 20);

    test('silence is no speech, and reads as silence', async () => {
      const detector = open();
      expect(shareOf(await listen(detector, quiet(2_000)))).toBe(0);
      const verdict = detector.detect({ at: 2_000, format, sound: silence(format), concealed: false }, undefined);
      expect(verdict.levelDb).toBeLessThanOrEqual(-90);
      expect(verdict.probability).toBeLessThan(0.1);
    });

    test('speech is heard within 100 ms, and its end within 400 ms', async () => {
      const detector = open();
      await listen(detector, quiet(500));
      const verdicts = await listen(detector, contract.speech(format));
      expect(verdicts.slice(0, 6)).toContain(true);
      expect(shareOf(verdicts)).toBeGreaterThan(0.6);
      expect(shareOf((await listen(detector, quiet(1_000))).slice(20))).toBe(0);
    });

    test('one verdict object is overwritten, and stays in its ranges', () => {
      const detector = open();
      const frame: Frame = { at: 0, format, sound: contract.speech(format).subarray(0, samplesPerFrame(format)), concealed: false };
      const first = detector.detect(frame, undefined);
      expect(detector.detect(frame, undefined)).toBe(first);
      expect(first.probability).toBeGreaterThanOrEqual(0);
      expect(first.probability).toBeLessThanOrEqual(1);
      expect(first.levelDb).toBeGreaterThanOrEqual(-96);
      expect(first.levelDb).toBeLessThanOrEqual(0);
    });

    test('after a reset it is as new', async () => {
      const [fresh, used] = [open(), open()];
      await listen(used, contract.speech(format));
      used.reset();
      const sound = contract.speech(format);
      const again = await listen(used, sound);
      expect(again).toEqual(await listen(fresh, sound));
    });

    test('calls do not disturb one another', async () => {
      const [alone, beside, other] = [open(), open(), open()];
      const speech = contract.speech(format);
      const expected = await listen(alone, speech);
      const size = samplesPerFrame(format);
      const got: boolean[] = [];
      for (let from = 0; from + size <= speech.length; from += size) {
        detectAll(other, format, silence(format));
        got.push(...(await listen(beside, speech.subarray(from, from + size))));
      }
      expect(got).toEqual(expected);
    });

    test('an empty frame and a closed detector do no harm', () => {
      const detector = open();
      const empty = format === 'mulaw-8000' ? new Uint8Array(0) : new Int16Array(0);
      expect(detector.detect({ at: 0, format, sound: empty, concealed: true }, undefined).speech).toBe(false);
      detector.close();
      detector.close();
      expect(() => detector.detect({ at: 20, format, sound: silence(format), concealed: false }, undefined)).not.toThrow();
    });
  });
}
