import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Frame, silence } from '#audio/frame.ts';
import { testKit } from '#kit/testing.ts';
import { SoundOutlet, StreamTime } from './sound-outlet.ts';

function frameOf(at: number, value: number): Frame {
  return { at, format: 'mulaw-8000', sound: silence('mulaw-8000').fill(value), concealed: false };
}

function outletOf(options: { chunkMs?: number; quickMs?: number; fastest?: number; send?: (bytes: Uint8Array) => boolean } = {}) {
  const kit = testKit();
  const sent: number[][] = [];
  const outlet = new SoundOutlet({
    clock: kit.clock,
    format: 'mulaw-8000',
    chunkMs: 80,
    send: (bytes) => {
      sent.push([bytes.length, bytes[0], bytes.at(-1) ?? 0]);
      return true;
    },
    ...options,
  });
  return { kit, sent, outlet };
}

test('frames become chunks; what comes before the vendor is ready waits', () => {
  const { sent, outlet } = outletOf();
  for (let i = 0; i < 6; i++) outlet.push(frameOf(i * 20, i));
  expect(sent).toEqual([]);
  outlet.open();
  expect(sent).toEqual([[640, 0, 3]]);
  expect(outlet.flush()).toBe(true);
  expect(sent[1]).toEqual([640, 4, 0xff]);
});

test('a gap begins a new chunk, and times after it are right', () => {
  const { sent, outlet } = outletOf();
  outlet.open();
  outlet.push(frameOf(1_000, 1));
  for (let i = 0; i < 4; i++) outlet.push(frameOf(5_000 + i * 20, 2));
  expect(sent).toEqual([
    [640, 1, 0xff],
    [640, 2, 2],
  ]);
  expect([0, 10, 80, 130].map((ms) => outlet.legAt(ms))).toEqual([1_000, 1_010, 5_000, 5_050]);
});

test('12 s wait at most: the oldest go, and the rest keeps its place', () => {
  const { sent, outlet } = outletOf();
  for (let i = 0; i < 1_000; i++) outlet.push(frameOf(i * 20, 1));
  outlet.open();
  expect(sent).toHaveLength(150);
  expect(outlet.dropped).toBe(100);
  expect(outlet.legAt(0)).toBe(8_000);
});

test('a replay leaves no faster than the vendor allows, and nothing after close', async () => {
  const { kit, sent, outlet } = outletOf({ fastest: 2 });
  for (let i = 0; i < 500; i++) outlet.push(frameOf(i * 20, 1));
  outlet.open();
  expect(sent).toHaveLength(12); // the burst of 1 s
  await kit.clock.advance(1_000);
  expect(sent.length).toBeGreaterThanOrEqual(36);
  expect(sent.length).toBeLessThanOrEqual(38);
  outlet.close();
  expect(kit.clock.pending).toBe(0);
  outlet.push(frameOf(10_000, 1));
  await kit.clock.advance(1_000);
  expect(sent.length).toBeLessThanOrEqual(38);
});

test('what the vendor does not take now is offered again', () => {
  let takes = false;
  const { outlet } = outletOf({ chunkMs: 20, send: () => takes });
  outlet.open();
  outlet.push(frameOf(0, 1));
  expect(outlet.flush()).toBe(false);
  takes = true;
  outlet.push(frameOf(20, 1));
  expect(outlet.flush()).toBe(true);
});

test('stream time follows the leg through any gaps', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(500), { minLength: 1, maxLength: 60 }), (gaps) => {
      const time = new StreamTime();
      let at = 0;
      const starts = gaps.map((gap) => {
        at += gap * 20;
        const start = at;
        time.note(at, 20);
        at += 20;
        return start;
      });
      starts.forEach((start, index) => expect(time.legAt(index * 20 + 5)).toBe(start + 5));
    }),
  );
});

test('the first quiet behind a voice leaves frame by frame, and its time is known', () => {
  const { outlet, sent } = outletOf({ chunkMs: 80, quickMs: 60 });
  outlet.open();
  const loud = 0x20;
  const quiet = 0xff;
  let at = 0;
  for (const level of [quiet, quiet, loud, loud, loud, quiet, quiet, quiet, quiet, quiet, quiet, quiet]) {
    outlet.push(frameOf(at, level));
    at += 20;
  }
  expect(sent.map(([bytes]) => bytes / 8)).toEqual([80, 40, 20, 20, 80]);
  expect(outlet.legAt(130)).toBe(130);
});
