import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MULAW_SILENCE, type Sound, type SoundFormat, samplesPerFrame, silence } from '#audio/frame.ts';
import { MULAW_TO_LINEAR } from '#audio/g711.ts';
import { VirtualClock } from '#kit/clock.ts';
import type { SpeechSource } from './leg.ts';
import { LegPlayout, type PlayoutOptions } from './playout.ts';

/** Bytes that never look like silence and tell their position. */
const counting = (samples: number, from = 0): Uint8Array => Uint8Array.from({ length: samples }, (_, i) => (from + i) % 127);

async function* inChunks(sound: Sound, size: number): AsyncGenerator<Sound, void, undefined> {
  for (let at = 0; at < sound.length; at += size) yield sound.slice(at, at + size);
}

function playing(source: SpeechSource, options: Partial<PlayoutOptions> = {}) {
  const clock = new VirtualClock();
  const format: SoundFormat = options.format ?? 'mulaw-8000';
  const playout = new LegPlayout({ source, clock, ...options, format });
  const frame = silence(format);
  return {
    clock,
    playout,
    /** One frame as the leg would send it; undefined is silence. */
    pull: async (): Promise<number[] | undefined> => {
      await clock.settle();
      return playout.pull(frame) ? Array.from(frame) : undefined;
    },
    pullAll: async (most = 10_000): Promise<number[]> => {
      const all: number[] = [];
      for (let i = 0; i < most && playout.state !== 'ended'; i++) {
        await clock.settle();
        if (playout.pull(frame)) all.push(...frame);
      }
      return all;
    },
  };
}

describe('a playout', () => {
  test('plays everything in order, whatever the chunks, and pads only the last frame', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 900 }), async (samples, size) => {
        const sound = counting(samples);
        const { playout, pullAll } = playing(inChunks(sound, size));
        const heard = await pullAll();
        expect(heard.slice(0, samples)).toEqual(Array.from(sound));
        expect(heard.length - samples).toBeLessThan(160);
        expect(heard.slice(samples).every((sample) => sample === MULAW_SILENCE)).toBe(true);
        expect(await playout.finished).toEqual({ playedMs: samples / 8, how: 'played' });
        expect(playout.playedMs).toBe(samples / 8);
      }),
      { numRuns: 40 },
    );
  });

  test('is silent from the next frame on when stopped, and never goes on', async () => {
    const { playout, pull, clock } = playing(inChunks(counting(16_000), 400));
    await pull();
    await clock.advance(5);
    expect(await playout.started).toBe(0);
    await pull();
    expect(playout.state).toBe('playing');
    expect(playout.stop()).toBe(40);
    expect(await pull()).toBeUndefined();
    playout.resume(0);
    playout.pause();
    expect(await pull()).toBeUndefined();
    expect(playout.stop()).toBe(40);
    expect(await playout.finished).toEqual({ playedMs: 40, how: 'stopped' });
    expect(playout.bufferedMs).toBe(0);
  });

  test.each([
    [-5, 100],
    [12, 112],
  ])('whose first frame was due %s ms from now starts no sooner than now', async (inMs, startedAt) => {
    const { playout, clock } = playing(inChunks(counting(1_600), 400));
    await clock.advance(100);
    expect(playout.pull(silence('mulaw-8000'), clock.now() + inMs)).toBe(true);
    expect(await playout.started).toBe(startedAt);
    playout.stop();
  });

  test.each(['pause', 'stop'] as const)('%s counts what left since its leg last looked', async (cut) => {
    let left = 0;
    const leg = { takeStock: () => {} };
    const { playout, pull } = playing(inChunks(counting(1_600), 400), { leads: true, takeStock: () => leg.takeStock() });
    leg.takeStock = () => {
      for (; left > 0; left--) playout.markPlayed();
    };
    for (let i = 0; i < 3; i++) await pull();
    left = 2;
    playout[cut]();
    expect(playout.playedMs).toBe(40);
    playout.resume();
    // What goes on fades in; nothing of it is said twice.
    if (cut === 'pause') expect((await pull())?.slice(40)).toEqual(Array.from(counting(120, 360)));
    else expect(await playout.finished).toEqual({ playedMs: 40, how: 'stopped' });
  });

  test('closes a source that nobody wants any more', async () => {
    let closed = false;
    async function* endless(): AsyncGenerator<Sound, void, undefined> {
      try {
        for (;;) yield counting(800);
      } finally {
        closed = true;
      }
    }
    const { playout, pull, clock } = playing(endless());
    await pull();
    playout.stop();
    await clock.settle();
    expect(closed).toBe(true);
  });

  test('never reads further ahead than it may, also from one long chunk', async () => {
    let asked = 0;
    async function* source(): AsyncGenerator<Sound, void, undefined> {
      yield counting(8_000 * 9);
      for (;;) {
        asked++;
        yield counting(800);
      }
    }
    const { playout, pull } = playing(source(), { lookAheadMs: 1_000 });
    for (let i = 0; i < 20; i++) await pull();
    expect(asked).toBe(0);
    expect(playout.bufferedMs).toBe(8_600);
    for (let i = 0; i < 8_600 / 20; i++) await pull();
    const ahead = playout.bufferedMs;
    expect(ahead).toBeGreaterThanOrEqual(1_000);
    expect(ahead).toBeLessThanOrEqual(1_100);
    playout.stop();
  });

  test('pauses, goes on where it was, and goes back as far as it was heard', async () => {
    const sound = counting(160 * 10);
    const { playout, pull } = playing(inChunks(sound, 333));
    for (let i = 0; i < 4; i++) await pull();
    playout.pause();
    expect(await pull()).toBeUndefined();
    expect(playout.state).toBe('paused');
    expect(playout.playedMs).toBe(80);
    playout.resume();
    // Past the 2.5 ms fade in the sound is as it was.
    expect((await pull())?.slice(20)).toEqual(Array.from(sound.slice(640 + 20, 800)));
    playout.pause();
    playout.resume(40);
    expect((await pull())?.slice(20)).toEqual(Array.from(sound.slice(320 + 20, 480)));
    expect(playout.playedMs).toBe(100); // what was heard stays heard
    playout.resume(5_000); // nobody can jump ahead of what was heard
    expect((await pull())?.slice(20)).toEqual(Array.from(sound.slice(800 + 20, 960)));
  });

  test('goes back at most 10 s', async () => {
    const { playout, pull } = playing(inChunks(counting(8_000 * 15), 4_000));
    for (let i = 0; i < 12 * 50; i++) await pull();
    playout.pause();
    playout.resume(0);
    expect((await pull())?.slice(20)).toEqual(Array.from(counting(140, 16_000 + 20)));
    playout.stop();
  });

  test('fades in after a cut instead of clicking', async () => {
    const loud = new Uint8Array(1_600).fill(0x80); // the loudest positive code
    const { playout, pull } = playing(inChunks(loud, 1_600));
    await pull();
    playout.pause();
    playout.resume();
    const frame = (await pull()) ?? [];
    const level = frame.map((code) => MULAW_TO_LINEAR[code]);
    expect(level[0]).toBeLessThan(3_000);
    for (let i = 1; i < 20; i++) expect(level[i]).toBeGreaterThanOrEqual(level[i - 1]);
    expect(frame[20]).toBe(0x80);
    playout.stop();
  });

  test.each(['mulaw-8000', 'linear-16000'] as const)('ducks over 40 ms and comes back to the very same samples (%s)', async (format) => {
    const size = samplesPerFrame(format);
    const loud = format === 'mulaw-8000' ? new Uint8Array(size * 20).fill(0x80) : new Int16Array(size * 20).fill(20_000);
    const linear = (frame: number[] | undefined, i: number) =>
      format === 'mulaw-8000' ? MULAW_TO_LINEAR[frame?.[i] ?? 0] : (frame?.[i] ?? 0);
    const { playout, pull } = playing(inChunks(loud, size * 3), { format });
    const full = linear(await pull(), 5);
    playout.duck(20);
    const falling = await pull();
    expect(linear(falling, size - 1)).toBeLessThan(full * 0.6);
    expect(linear(falling, 0)).toBeGreaterThan(full * 0.9);
    await pull();
    expect(linear(await pull(), 0)).toBeGreaterThan(full * 0.095);
    expect(linear(await pull(), 0)).toBeLessThan(full * 0.105);
    playout.duck(0);
    await pull();
    await pull();
    expect(await pull()).toEqual(Array.from(loud.slice(0, size)));
    playout.stop();
  });

  test('plays what a failing source gave, then says why it failed', async () => {
    async function* failing(): AsyncGenerator<Sound, void, undefined> {
      yield counting(200);
      throw new Error('voice server went away');
    }
    const { playout, pullAll } = playing(failing());
    expect((await pullAll()).length).toBe(320);
    expect(await playout.finished).toMatchObject({ how: 'failed', playedMs: 25, error: { message: 'voice server went away' } });
  });

  test('a source of the wrong format, or none at all, fails without a throw', async () => {
    const wrong = playing(inChunks(new Int16Array(320), 320));
    await wrong.pullAll(5);
    expect(await wrong.playout.finished).toMatchObject({ how: 'failed', playedMs: 0 });
    expect(await wrong.playout.started).toBeUndefined();
    const broken = playing({
      [Symbol.asyncIterator]: () => {
        throw new Error('no source');
      },
    });
    await broken.pullAll(5);
    expect(await broken.playout.finished).toMatchObject({ how: 'failed', error: { message: 'no source' } });
  });

  test('an empty source is played at once', async () => {
    const { playout, pullAll } = playing(inChunks(new Uint8Array(0), 1));
    expect(await pullAll(3)).toEqual([]);
    expect(await playout.finished).toEqual({ playedMs: 0, how: 'played' });
  });

  test('waits for a slow source, and plays its rest when no more comes', async () => {
    const more = Promise.withResolvers<void>();
    async function* slow(): AsyncGenerator<Sound, void, undefined> {
      yield counting(200);
      await more.promise;
      yield counting(120, 200);
    }
    const { playout, pull } = playing(slow());
    expect((await pull())?.length).toBe(160);
    expect(await pull()).toBeUndefined();
    expect(await pull()).toBeUndefined();
    expect((await pull())?.slice(0, 41)).toEqual([...counting(40, 160), MULAW_SILENCE]);
    expect(await pull()).toBeUndefined();
    expect(playout.state).toBe('waiting');
    more.resolve();
    await pull();
    expect((await pull()) ?? (await pull())).toBeUndefined();
    expect(await playout.finished).toEqual({ playedMs: 40, how: 'played' });
  });

  test('on a wire that leads, counts only what was played before the cut and repeats the rest', async () => {
    let cuts = 0;
    const sound = counting(160 * 10);
    const { playout, pull } = playing(inChunks(sound, 160), { leads: true, onCut: () => cuts++ });
    for (let i = 0; i < 6; i++) expect(await pull()).toBeDefined();
    expect(await pull()).toBeUndefined(); // at most 120 ms ahead
    expect(playout.playedMs).toBe(0);
    playout.markPlayed();
    expect(playout.playedMs).toBe(20);
    playout.pause();
    expect(cuts).toBe(1);
    playout.markPlayed();
    expect(playout.playedMs).toBe(20);
    playout.resume();
    expect((await pull())?.slice(20)).toEqual(Array.from(sound.slice(180, 320)));
    expect(playout.stop()).toBe(20);
    expect(cuts).toBe(2);
  });
});
