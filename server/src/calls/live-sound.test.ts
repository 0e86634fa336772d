import { expect, test } from 'vitest';
import { type Sound, type SoundFormat, samplesPerFrame, silence } from '#audio/frame.ts';
import { testKit } from '#kit/testing.ts';
import type { Leg } from '#telephony/leg.ts';
import { LegPlayout } from '#telephony/playout.ts';
import { LiveSound, SoundPath } from './live-sound.ts';

function line(live: LiveSound) {
  const kit = testKit();
  const playout = new LegPlayout({ source: live, format: live.format, clock: kit.clock });
  live.playOn({ play: () => playout } as unknown as Leg);
  return { kit, playout, out: silence(live.format) };
}
const frame = (format: SoundFormat, value: number): Sound => silence(format).fill(value);

test('every frame that is pushed in step is played, in order, 20 ms later', async () => {
  const live = new LiveSound('mulaw-8000');
  const { kit, playout, out } = line(live);
  const played: number[] = [];
  for (let value = 1; value <= 100; value++) {
    live.push(frame('mulaw-8000', value));
    await kit.clock.settle();
    if (playout.pull(out)) played.push(out[0]);
  }
  expect(played).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  expect(live.dropped).toBe(0);
});

test('a line that runs ahead of the other does not lengthen the way: never more than 100 ms', async () => {
  const live = new LiveSound('mulaw-8000');
  const { kit, playout, out } = line(live);
  for (let i = 0; i < 1_000; i++) {
    live.push(frame('mulaw-8000', i & 0x7f));
    if (i % 10 === 0) live.push(frame('mulaw-8000', i & 0x7f)); // 10 % too fast
    await kit.clock.settle();
    expect(playout.bufferedMs).toBeLessThanOrEqual(100);
    playout.pull(out);
  }
  expect(live.dropped).toBeGreaterThan(80);
  for (let i = 0; i < 50; i++) live.push(frame('mulaw-8000', 1)); // a burst without any pull
  await kit.clock.settle();
  expect(playout.bufferedMs).toBeLessThanOrEqual(100);
});

test('it ends when it is closed, after what is on the way', async () => {
  const live = new LiveSound('linear-16000');
  const { kit, playout, out } = line(live);
  live.push(frame('linear-16000', 7));
  await kit.clock.settle();
  live.close();
  live.push(frame('linear-16000', 8));
  await kit.clock.settle();
  expect(playout.pull(out)).toBe(true);
  expect(playout.pull(out)).toBe(false);
  expect(await playout.finished).toMatchObject({ how: 'played', playedMs: 20 });
});

test.each([
  ['mulaw-8000', 'linear-16000'],
  ['linear-16000', 'mulaw-8000'],
  ['linear-16000', 'linear-16000'],
] satisfies [SoundFormat, SoundFormat][])('from %s to %s as much sound comes out as went in', async (from, to) => {
  const path = new SoundPath(from, to);
  const { kit, playout, out } = line(path.live);
  let frames = 0;
  for (let i = 0; i < 100; i++) {
    path.push(frame(from, 0));
    path.push(new Uint8Array(3)); // not a frame
    await kit.clock.settle();
    if (playout.pull(out)) frames++;
  }
  expect(frames).toBeGreaterThanOrEqual(98);
  expect(out.length).toBe(samplesPerFrame(to));
});
