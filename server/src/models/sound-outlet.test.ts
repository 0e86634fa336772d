import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Frame, silence } from '#audio/frame.ts';
import { testKit } from '#kit/testing.ts';
import { SoundOutlet, StreamTime } from './sound-outlet.ts';

function frameOf(at: number, value: number): Frame {
  return { at, format: 'mulaw-8000', sound: silence('mulaw-8000').fill(value), concealed: false };
}

function outletOf(
  options: { chunkMs?: number; quickMs?: number; restMs?: number; fastest?: number; send?: (bytes: Uint8Array) => boolean } = {},
) {
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

test('quiet behind a voice leaves in small pieces where an end is decided, in large ones when it lasts, and its time is known', () => {
  const { outlet, sent } = outletOf({ chunkMs: 80, quickMs: 400, restMs: 160 });
  outlet.open();
  let at = 0;
  const push = (level: number, frames: number) => {
    for (let i = 0; i < frames; i++, at += 20) outlet.push(frameOf(at, level));
    const sizes = sent.map(([bytes]) => bytes / 8);
    sent.length = 0;
    return sizes;
  };
  expect(push(0xff, 2)).toEqual([]);
  // Room for 160 ms, but a voice does not wait for them.
  expect(push(0x20, 4)).toEqual([60, 40]);
  expect(push(0xff, 1)).toEqual([40]);
  expect(push(0xff, 4)).toEqual([80]);
  expect(push(0xff, 10)).toEqual(Array.from({ length: 10 }, () => 20));
  expect(push(0xff, 5)).toEqual([40, 40]);
  expect(push(0xff, 31)).toEqual([80, 80, 80, 80, 80, 80, 80, 80]);
  expect(push(0xff, 16)).toEqual([160, 160]);
  expect(outlet.legAt(130)).toBe(130);
  expect(outlet.legAt(1_111)).toBe(1_111);
});

test('every frame leaves once and in order, whatever is loud', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 80 })), { maxLength: 20 }),
      fc.constantFrom(0, 60, 600),
      fc.constantFrom(undefined, 160),
      (stretches, quickMs, restMs) => {
        const kit = testKit();
        const heard: number[] = [];
        const send = (bytes: Uint8Array) => {
          for (let i = 0; i < bytes.length; i += 160) heard.push(bytes[i]);
          return true;
        };
        const outlet = new SoundOutlet({ clock: kit.clock, format: 'mulaw-8000', chunkMs: 80, quickMs, restMs, send });
        outlet.open();
        const said = stretches.flatMap(([loud, frames]) => Array.from({ length: frames }, (_, i) => (loud ? 0x10 : 0xe0) + (i % 16)));
        said.forEach((level, i) => outlet.push(frameOf(i * 20, level)));
        expect(heard).toEqual(said.slice(0, heard.length));
        expect(said.length - heard.length).toBeLessThan(restMs === undefined ? 4 : 8);
        outlet.flush();
        expect(heard.slice(0, said.length)).toEqual(said);
      },
    ),
  );
});
