/** What every transcriber keeps to. A room's test calls this with a way to make one and a way to have something said. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Sound, type SoundFormat, samplesPerFrame, silence } from '#audio/frame.ts';
import type { VendorError } from '#kit/errors.ts';
import type { Transcriber, Transcript, TranscriptListener, TranscriptionStream } from './transcriber.ts';

export interface TranscriberContract {
  make: () => Promise<Transcriber>;
  format?: SoundFormat;
  /** What is said, and the sound of it. A double may say what it will hear in `expectNext`. */
  text: string;
  speech: (format: SoundFormat) => Sound;
  expectNext?: (transcriber: Transcriber, text: string) => void;
  /** Lets real or virtual time pass until `condition` holds; throws after the room's own patience. */
  waitFor: (condition: () => boolean) => Promise<void>;
}

/** Everything a stream said, in order. */
export interface Heard {
  partials: Transcript[];
  finals: Transcript[];
  failures: VendorError[];
  /** Everything but partials, by name. */
  order: ('final' | 'end-of-turn' | 'eager' | 'resumed' | 'failed')[];
  listener: TranscriptListener;
}

export function listen(): Heard {
  const heard: Heard = {
    partials: [],
    finals: [],
    failures: [],
    order: [],
    listener: {
      partial: (transcript) => heard.partials.push(transcript),
      final: (transcript) => {
        heard.finals.push(transcript);
        heard.order.push('final');
      },
      endOfTurn: () => heard.order.push('end-of-turn'),
      eagerEndOfTurn: () => heard.order.push('eager'),
      turnResumed: () => heard.order.push('resumed'),
      failed: (error) => {
        heard.failures.push(error);
        heard.order.push('failed');
      },
    },
  };
  return heard;
}

/** What the door says about order; answers what breaks it. */
export function faultsOfOrder(order: Heard['order']): string[] {
  const faults: string[] = [];
  let eager = false;
  let finals = 0;
  order.forEach((event, index) => {
    if (order.indexOf('failed') >= 0 && index > order.indexOf('failed')) faults.push(`${event} after the failure`);
    if (event === 'eager' && eager) faults.push('eager twice');
    if (event === 'resumed' && !eager) faults.push('resumed without eager');
    if (event === 'end-of-turn' && finals === 0) faults.push('an end of turn without a final');
    if (event === 'final') finals++;
    if (event === 'eager') eager = true;
    if (event === 'resumed' || event === 'end-of-turn') eager = false;
    if (event === 'end-of-turn') finals = 0;
  });
  return faults;
}

/** Pushes a sound as a leg would: one reused frame, 20 ms at a time. Answers the time after it. */
export function pushSound(stream: TranscriptionStream, format: SoundFormat, sound: Sound, fromAt: number): number {
  const size = samplesPerFrame(format);
  const frame = { at: fromAt, format, sound: silence(format), concealed: false };
  for (let from = 0; from + size <= sound.length; from += size) {
    frame.sound.set(sound.subarray(from, from + size));
    stream.push(frame);
    frame.at += 20;
  }
  return frame.at;
}

export function describeTranscriber(name: string, contract: TranscriberContract): void {
  const { format = 'mulaw-8000', text } = contract;
  describe(`${name} as a transcriber`, () => {
    let transcriber: Transcriber;
    beforeAll(async () => {
      transcriber = await contract.make();
      await transcriber.warm([text]);
    });
    afterAll(() => transcriber.close());
    const open = (listener: TranscriptListener) => transcriber.open({ format, language: 'en', phrases: [text], listener });
    const quiet = (ms: number) => silence(format, (samplesPerFrame(format) * ms) / 20);

    /** 500 ms of silence (from `at` on), the words, 1 s of silence, with the hints of voice activity. */
    function say(stream: TranscriptionStream, at = 0, leadMs = 500): { fromAt: number; toAt: number } {
      contract.expectNext?.(transcriber, text);
      const fromAt = pushSound(stream, format, quiet(leadMs), at);
      stream.speechStarted(fromAt);
      const toAt = pushSound(stream, format, contract.speech(format), fromAt);
      const end = pushSound(stream, format, quiet(200), toAt);
      stream.speechEnded(toAt);
      pushSound(stream, format, quiet(800), end);
      return { fromAt, toAt };
    }

    test('what is said becomes one final, on the clock of the leg', async () => {
      const heard = listen();
      const stream = open(heard.listener);
      const { fromAt, toAt } = say(stream);
      await contract.waitFor(() => heard.finals.length > 0);
      stream.close();
      expect(heard.failures).toEqual([]);
      const [final] = heard.finals;
      expect(final.text.toLowerCase().replace(/[^a-z ]/g, '')).toBe(text.toLowerCase().replace(/[^a-z ]/g, ''));
      expect(final.toAt).toBeGreaterThan(final.fromAt);
      expect(final.fromAt).toBeGreaterThanOrEqual(fromAt - 400);
      expect(final.toAt).toBeLessThanOrEqual(toAt + 600);
      if (final.confidence !== undefined) expect(final.confidence).toBeLessThanOrEqual(1);
    });

    test('a stream opened in the middle of a call is given the last seconds at once: words keep their place on the leg', async () => {
      const heard = listen();
      const stream = open(heard.listener);
      const { fromAt, toAt } = say(stream, 60_000, 6_000);
      await contract.waitFor(() => heard.finals.length > 0);
      stream.close();
      expect(heard.failures).toEqual([]);
      expect(heard.finals[0].fromAt).toBeGreaterThanOrEqual(fromAt - 400);
      expect(heard.finals[0].toAt).toBeLessThanOrEqual(toAt + 600);
    });

    test('one that ends turns says so after the final, and what was eager is ended or resumed', async () => {
      const heard = listen();
      const stream = open(heard.listener);
      const { toAt } = say(stream);
      await contract.waitFor(() => heard.finals.length > 0);
      if (transcriber.endsTurns) await contract.waitFor(() => heard.order.includes('end-of-turn'));
      pushSound(stream, format, quiet(1_000), toAt + 1_000);
      stream.close();
      expect(faultsOfOrder(heard.order)).toEqual([]);
      expect(heard.failures).toEqual([]);
    });

    test('nothing is called after close', async () => {
      const heard = listen();
      const stream = open(heard.listener);
      say(stream);
      stream.close();
      const before = heard.partials.length + heard.order.length;
      const other = listen();
      const second = open(other.listener);
      say(second);
      await contract.waitFor(() => other.finals.length > 0);
      second.close();
      expect(heard.partials.length + heard.order.length).toBe(before);
      expect(heard.failures).toEqual([]);
    });

    test('a stream that hears nothing says nothing; closing twice does no harm', () => {
      const heard = listen();
      const stream = open(heard.listener);
      pushSound(stream, format, quiet(1_000), 0);
      stream.close();
      stream.close();
      stream.push({ at: 1_000, format, sound: silence(format), concealed: false });
      expect(heard.finals.filter((final) => final.text !== '')).toEqual([]);
      expect(heard.failures).toEqual([]);
    });
  });
}
