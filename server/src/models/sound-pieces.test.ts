import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Frame, silence } from '#audio/frame.ts';
import { testKit } from '#kit/testing.ts';
import { SoundOutlet } from './sound-outlet.ts';
import { framesAtOnce, leastFrames } from './sound-pieces.ts';

describe('how much sound goes at once', () => {
  test('as small as ever up to 150 streams, then a frame more for every 50, up to a chunk', () => {
    const least = (streams: number) => leastFrames(4, streams);
    expect([0, 1, 100, 150].map(least)).toEqual([1, 1, 1, 1]);
    expect([151, 200, 201, 250, 251, 500, 5_000].map(least)).toEqual([2, 2, 3, 3, 4, 4, 4]);
  });

  test('with few streams: half chunks of voice, the first quiet at once, single frames where an end is decided', () => {
    const sizes = [0, 20, 40, 100, 120, 300, 320, 600].map((quietMs) => framesAtOnce(quietMs, 4, 150));
    expect(sizes).toEqual([2, 1, 4, 4, 1, 1, 2, 2]);
  });

  test('more streams never make smaller pieces, no piece is longer than a chunk, and the end of a voice never waits', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.integer({ min: 1, max: 10 }), fc.nat(2_000), fc.nat(2_000), (quietFrames, chunkFrames, one, other) => {
        const quietMs = quietFrames * 20;
        const [few, many] = [Math.min(one, other), Math.max(one, other)].map((streams) => framesAtOnce(quietMs, chunkFrames, streams));
        expect(few).toBeLessThanOrEqual(many);
        expect(many).toBeLessThanOrEqual(chunkFrames);
        if (quietMs === 20) expect(many).toBe(1);
      }),
    );
  });
});

test('where many streams live, a turn takes a third less messages, and the last of a voice leaves with the first quiet frame', () => {
  const messagesWith = (streams: number) => {
    const sizes: number[] = [];
    const outlet = new SoundOutlet({
      clock: testKit().clock,
      format: 'mulaw-8000',
      chunkMs: 80,
      quickMs: 600,
      restMs: 240,
      streams: () => streams,
      send: (bytes) => sizes.push(bytes.length / 160) > 0,
    });
    outlet.open();
    const frame = (at: number, level: number): Frame => ({
      at,
      format: 'mulaw-8000',
      sound: silence('mulaw-8000').fill(level),
      concealed: false,
    });
    let sentWithVoice = 0;
    // 1.18 s of voice, and quiet until 10 s have passed.
    for (let i = 0; i < 500; i++) {
      outlet.push(frame(i * 20, i < 59 ? 0x20 : 0xff));
      if (i === 59) sentWithVoice = sizes.reduce((sum, frames) => sum + frames, 0);
    }
    expect(sentWithVoice).toBe(60);
    return sizes.length;
  };
  expect(messagesWith(150)).toBe(86);
  expect(messagesWith(500)).toBe(60);
});
