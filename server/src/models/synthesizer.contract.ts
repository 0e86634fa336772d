/** What every synthesizer keeps to. A room's test calls this with a way to make one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { msOf, type SoundFormat } from '#audio/frame.ts';
import { levelOf } from '#audio/level.ts';
import type { SpeechPart, Synthesizer } from './synthesizer.ts';

export interface SynthesizerContract {
  make: () => Promise<Synthesizer>;
  voice: string;
  formats?: readonly SoundFormat[];
  /** False for a voice that never says the same thing twice alike; then only the length must agree. */
  repeats?: boolean;
}

export function describeSynthesizer(name: string, contract: SynthesizerContract): void {
  const { voice, formats = ['mulaw-8000', 'linear-16000'], repeats = true } = contract;
  describe(`${name} as a synthesizer`, () => {
    let synthesizer: Synthesizer;
    beforeAll(async () => {
      synthesizer = await contract.make();
      await synthesizer.warm();
    });
    afterAll(() => synthesizer.close());

    const speak = async (
      text: string,
      format: SoundFormat,
      signal = new AbortController().signal,
      reply?: string,
    ): Promise<SpeechPart[]> => {
      const parts: SpeechPart[] = [];
      for await (const part of synthesizer.speak({ text, voice, language: 'en', format, reply, signal })) parts.push(part);
      return parts;
    };
    const soundOf = (parts: SpeechPart[]): Buffer => Buffer.concat(parts.map(({ sound }) => Buffer.from(sound)));
    const expectAlike = (parts: SpeechPart[], others: SpeechPart[]) => {
      // How it is cut into parts is a matter of the network.
      if (repeats) expect(soundOf(parts).equals(soundOf(others))).toBe(true);
      else expect(Math.abs(soundOf(parts).length - soundOf(others).length)).toBeLessThan(400);
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
      expectAlike(again, once);
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

    test('after an abort the next request is served, whole', async () => {
      const aborted = new AbortController();
      const alone = await speak('And this one is heard.', 'mulaw-8000');
      for await (const part of synthesizer.speak({
        text: 'The caller does not want to hear this any more.',
        voice,
        language: 'en',
        format: 'mulaw-8000',
        signal: aborted.signal,
      })) {
        expect(part.sound.length).toBeGreaterThan(0);
        break;
      }
      aborted.abort(new Error('barge-in'));
      expectAlike(await speak('And this one is heard.', 'mulaw-8000'), alone);
    });

    test('clauses of one reply are each whole, and timed from their own start', async () => {
      const clauses = ['Let me see.', 'Your order leaves today,', 'and it arrives on Friday.'];
      for (const text of clauses) {
        const parts = await speak(text, 'mulaw-8000', undefined, 'reply-1');
        const totalMs = parts.reduce((sum, part) => sum + msOf(part.sound, 'mulaw-8000'), 0);
        const words = parts.flatMap((part) => part.words ?? []);
        expect(words.map((word) => word.text).join(' ')).toBe(text);
        expect(words[0].fromMs).toBeLessThan(totalMs / 2);
        expect(words[words.length - 1].toMs).toBeLessThanOrEqual(totalMs + 1);
        expect(words[words.length - 1].toMs).toBeGreaterThan(totalMs / 2);
      }
      const both = await Promise.all(['This is one.', 'This is another.'].map((text) => speak(text, 'mulaw-8000', undefined, 'reply-2')));
      for (const parts of both) expect(soundOf(parts).length).toBeGreaterThan(0);
    });

    test('serves many at once', async () => {
      const texts = Array.from({ length: 8 }, (_, index) => `Line number ${index + 1}.`);
      const sounds = await Promise.all(texts.map((text) => speak(text, 'mulaw-8000')));
      for (const parts of sounds) expect(parts[0].sound.length).toBeGreaterThan(0);
    });
  });
}
