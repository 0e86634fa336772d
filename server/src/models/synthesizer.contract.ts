/** What every synthesizer keeps to. A room's test calls this with a way to make one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { msOf, type SoundFormat } from '#audio/frame.ts';
import { levelOf } from '#audio/level.ts';
import type { SpeechPart, Synthesizer } from './synthesizer.ts';

export interface SynthesizerContract {
  make: () => Promise<Synthesizer>;
  voice: string;
  formats?: readonly SoundFormat[];
}

export function describeSynthesizer(name: string, contract: SynthesizerContract): void {
  const { voice, formats = ['mulaw-8000', 'linear-16000'] } = contract;
  describe(`${name} as a synthesizer`, () => {
    let synthesizer: Synthesizer;
    beforeAll(async () => {
      synthesizer = await contract.make();
      await synthesizer.warm();
    });
    afterAll(() => synthesizer.close());

    const speak = async (text: string, format: SoundFormat, signal = new AbortController().signal): Promise<SpeechPart[]> => {
      const parts: SpeechPart[] = [];
      for await (const part of synthesizer.speak({ text, voice, language: 'en', format, signal })) parts.push(part);
      return parts;
    };

    test.each(formats)('speaks in %s, without leading silence', async (format) => {
      const parts = await speak('We are open from nine to five.', format);
      const totalMs = parts.reduce((sum, part) => sum + msOf(part.sound, format), 0);
      expect(totalMs).toBeGreaterThan(600);
      expect(totalMs).toBeLessThan(6_000);
      for (const { sound } of parts) expect(sound).toBeInstanceOf(format === 'mulaw-8000' ? Uint8Array : Int16Array);
      const first60Ms = parts[0].sound.subarray(0, format === 'mulaw-8000' ? 480 : 960);
      expect(levelOf(first60Ms)).toBeGreaterThan(-50);
    });

    test('times the words of the text, in order, inside the sound', async () => {
      const text = 'It costs $45. Call us at 9:30, please.';
      const parts = await speak(text, 'mulaw-8000');
      const totalMs = parts.reduce((sum, part) => sum + msOf(part.sound, 'mulaw-8000'), 0);
      const words = parts.flatMap((part) => part.words ?? []);
      expect(words.map((word) => word.text).join(' ')).toBe(text);
      let last = 0;
      for (const word of words) {
        expect(word.fromMs).toBeGreaterThanOrEqual(last);
        expect(word.toMs).toBeGreaterThanOrEqual(word.fromMs);
        last = word.fromMs;
      }
      expect(words[words.length - 1].toMs).toBeLessThanOrEqual(totalMs + 1);
    });

    test('the same request gives the same sound', async () => {
      const [once, again] = [await speak('Good morning.', 'mulaw-8000'), await speak('Good morning.', 'mulaw-8000')];
      expect(again.map((part) => Buffer.from(part.sound))).toEqual(once.map((part) => Buffer.from(part.sound)));
    });

    test('nothing to say is no sound, and no error', async () => {
      expect((await speak(' … ', 'mulaw-8000')).reduce((sum, part) => sum + part.sound.length, 0)).toBe(0);
    });

    test('an aborted request throws the reason of its signal', async () => {
      const aborted = new AbortController();
      const reason = new Error('barge-in');
      aborted.abort(reason);
      await expect(speak('Nobody hears this.', 'mulaw-8000', aborted.signal)).rejects.toBe(reason);
      const midway = new AbortController();
      const work = speak('This one is cut off while it is being made, sentence after sentence. And another.', 'mulaw-8000', midway.signal);
      midway.abort(reason);
      await expect(work).rejects.toBe(reason);
    });

    test('serves many at once', async () => {
      const texts = Array.from({ length: 8 }, (_, index) => `Line number ${index + 1}.`);
      const sounds = await Promise.all(texts.map((text) => speak(text, 'mulaw-8000')));
      for (const parts of sounds) expect(parts[0].sound.length).toBeGreaterThan(0);
    });
  });
}
