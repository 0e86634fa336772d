import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '#kit/random.ts';
import { JitterBuffer, type Pulled } from './jitter-buffer.ts';
import { emptyRtpHeader, type RtpHeader } from './packet.ts';

const SILENCE = 0xff;

/** A sender whose every 20 ms of sound carries its own number, so that what is played can be read back. */
class Sender {
  readonly bytes = new Uint8Array(12 + 480);
  readonly header: RtpHeader = emptyRtpHeader();
  sequence: number;
  timestamp: number;
  ssrc = 7;
  frames: number;
  #label = 0;

  constructor(options: { sequence?: number; timestamp?: number; frames?: number } = {}) {
    this.sequence = options.sequence ?? 100;
    this.timestamp = options.timestamp ?? 5000;
    this.frames = options.frames ?? 1;
  }

  /** The next packet of `frames` × 20 ms (also 0.5); labels count 1 to 250 in steps of a frame. */
  next(marker = false): { header: RtpHeader; bytes: Uint8Array; label: number } {
    const length = 160 * this.frames;
    const bytes = new Uint8Array(12 + length);
    for (let i = 0; i < length; i++) bytes[12 + i] = (Math.floor(this.#label + i / 160) % 250) + 1;
    const header = {
      marker,
      payloadType: 0,
      sequence: this.sequence,
      timestamp: this.timestamp,
      ssrc: this.ssrc,
      payloadStart: 12,
      payloadEnd: 12 + length,
    };
    const label = (Math.floor(this.#label) % 250) + 1;
    this.#label += this.frames;
    this.sequence = (this.sequence + 1) & 0xffff;
    this.timestamp = (this.timestamp + length) >>> 0;
    return { header, bytes, label };
  }

  /** Lets time pass without a packet. */
  pause(ms: number): void {
    this.timestamp = (this.timestamp + 8 * ms) >>> 0;
  }
}

interface Arrival {
  atMs: number;
  packet: { header: RtpHeader; bytes: Uint8Array };
}

/** Plays arrivals against a pull every 20 ms; returns what each pull gave: its label, or how it was missing. */
function play(buffer: JitterBuffer, arrivals: Arrival[], untilMs: number, everyPull?: (pulled: Pulled) => void): (number | Pulled)[] {
  const queue = arrivals.toSorted((a, b) => a.atMs - b.atMs);
  const heard: (number | Pulled)[] = [];
  const out = new Uint8Array(160);
  let next = 0;
  for (let at = 10; at < untilMs; at += 20) {
    while (next < queue.length && queue[next].atMs <= at) {
      buffer.push(queue[next].packet.header, queue[next].packet.bytes);
      next++;
    }
    const pulled = buffer.pull(out);
    everyPull?.(pulled);
    heard.push(pulled === 'played' ? out[80] : pulled);
  }
  return heard;
}

const numbers = (heard: (number | Pulled)[]) => heard.filter((one) => typeof one === 'number');
const sequence = (from: number, count: number) => Array.from({ length: count }, (_, i) => ((from - 1 + i) % 250) + 1);

describe('an even stream', () => {
  test('starts 40 ms behind and plays everything in order', () => {
    const sender = new Sender();
    const arrivals = Array.from({ length: 100 }, (_, i) => ({ atMs: 20 * i, packet: sender.next() }));
    const heard = play(new JitterBuffer({ silence: SILENCE }), arrivals, 2000);
    expect(heard.slice(0, 2)).toEqual(['silence', 'silence']);
    expect(heard.slice(2)).toEqual(sequence(1, 98));
  });

  test.each([0.5, 1, 1.5, 2, 3])('packets of %f frames are cut into frames of 20 ms', (frames) => {
    const sender = new Sender({ frames });
    const arrivals = Array.from({ length: Math.floor(200 / frames) }, (_, i) => ({ atMs: 20 * frames * i, packet: sender.next() }));
    const buffer = new JitterBuffer({ silence: SILENCE });
    const heard = numbers(play(buffer, arrivals, 3000));
    expect(heard).toEqual(sequence(1, heard.length));
    expect(heard.length).toBeGreaterThan(140);
    expect(buffer.stats().concealed).toBe(0);
  });

  test('sequence and timestamp wrap unnoticed', () => {
    const sender = new Sender({ sequence: 65500, timestamp: 0xffffffff - 3333 });
    const arrivals = Array.from({ length: 200 }, (_, i) => ({ atMs: 20 * i, packet: sender.next() }));
    const heard = play(new JitterBuffer({ silence: SILENCE }), arrivals, 4000);
    expect(heard.slice(2)).toEqual(sequence(1, 198));
  });

  test.each([0.5, 4, 9, 14, 19])(
    'with times, packets that come %f ms before a pull wait less than 26 ms, and none is missed',
    (aheadMs) => {
      const sender = new Sender();
      const buffer = new JitterBuffer({ silence: SILENCE });
      const out = new Uint8Array(160);
      let waitedMs = Number.NaN;
      for (let dueAt = 1000; dueAt < 21_000; dueAt += 20) {
        const { header, bytes } = sender.next();
        buffer.push(header, bytes, dueAt - aheadMs);
        buffer.pull(out, dueAt);
        waitedMs = dueAt - buffer.arrivedAt;
      }
      expect(waitedMs).toBeGreaterThanOrEqual(2);
      expect(waitedMs).toBeLessThan(26);
      expect(buffer.stats()).toMatchObject({ concealed: 0, inserted: 0, late: 0 });
    },
  );

  test('in calm the delay comes down to 20 ms, in silence', () => {
    const sender = new Sender();
    const arrivals = Array.from({ length: 1000 }, (_, i) => ({ atMs: 20 * i, packet: sender.next() }));
    const quiet = (frame: Uint8Array) => frame[0] % 50 === 0;
    const buffer = new JitterBuffer({ silence: SILENCE, quiet });
    const heard = play(buffer, arrivals, 20_000);
    expect(buffer.stats()).toMatchObject({ removed: 1, inserted: 0, concealed: 0, delayMs: 20 });
    const missing = sequence(1, 250).filter((label) => !heard.slice(350, 650).includes(label));
    for (const label of missing) expect(label % 50).toBe(0);
  });
});

describe('how soon it comes down', () => {
  const quiet = (frame: Uint8Array) => frame[0] % 10 === 0;
  /** Packet `i` is `lateMs(i)` late; answers what had been removed after each second. */
  const removals = (lateMs: (i: number) => number): number[] => {
    const sender = new Sender();
    const arrivals = Array.from({ length: 1000 }, (_, i) => ({ atMs: 20 * i + lateMs(i), packet: sender.next() }));
    const buffer = new JitterBuffer({ silence: SILENCE, quiet });
    const removed: number[] = [];
    play(buffer, arrivals, 20_000, () => removed.push(buffer.stats().removed));
    return removed.filter((_, pull) => pull % 50 === 49);
  };

  test('a line that was never late: in its first quiet frame after 2 s', () => {
    expect(removals(() => 0).slice(0, 4)).toEqual([0, 0, 1, 1]);
  });

  test('with jitter that it needs, not at all', () => {
    expect(removals((i) => (i % 30 === 29 ? 25 : 0)).at(-1)).toBe(0);
  });

  test('a line that has been late: after 8 s of calm', () => {
    const removed = removals((i) => (i === 60 ? 75 : 0));
    expect(removed[7]).toBe(0);
    expect(removed.at(-1)).toBeGreaterThan(0);
  });
});

describe('a disturbed stream', () => {
  test('reordered packets are put in order, duplicates ignored', () => {
    const sender = new Sender();
    const arrivals: Arrival[] = [];
    for (let i = 0; i < 300; i++) {
      const packet = sender.next();
      arrivals.push({ atMs: 20 * i + (i % 5 === 2 ? 25 : 0), packet });
      if (i % 3 === 0) arrivals.push({ atMs: 20 * i + 3, packet }, { atMs: 20 * i + 90, packet });
    }
    const buffer = new JitterBuffer({ silence: SILENCE });
    const heard = play(buffer, arrivals, 6100);
    expect(heard.slice(2, 302)).toEqual(sequence(1, 300));
    expect(buffer.stats()).toMatchObject({ duplicates: 200, late: 0, inserted: 0 });
  });

  test('a lost packet is one concealed frame, and time goes on', () => {
    const sender = new Sender();
    const arrivals = Array.from({ length: 100 }, (_, i) => ({ atMs: 20 * i, packet: sender.next() })).filter((_, i) => i !== 50);
    const heard = play(new JitterBuffer({ silence: SILENCE }), arrivals, 2000);
    expect(heard[52]).toBe('concealed');
    expect(heard.slice(53)).toEqual(sequence(52, 47));
  });

  test('loss of 5 % does not make the delay grow', () => {
    const random = new SeededRandom(1);
    const sender = new Sender();
    const arrivals = Array.from({ length: 3000 }, (_, i) => ({ atMs: 20 * i, packet: sender.next() })).filter(() => random.next() > 0.05);
    const buffer = new JitterBuffer({ silence: SILENCE });
    play(buffer, arrivals, 60_000);
    expect(buffer.stats().delayMs).toBeLessThanOrEqual(40);
    expect(buffer.stats().inserted).toBe(0);
    // A frame less of delay is taken out of a gap, so one loss goes unheard.
    expect(Math.abs(buffer.stats().concealed - (3000 - arrivals.length))).toBeLessThanOrEqual(2);
  });

  test('jitter of 80 ms: the delay grows until hardly anything is late, then shrinks in calm', () => {
    const random = new SeededRandom(2);
    const sender = new Sender();
    const arrivals = Array.from({ length: 3000 }, (_, i) => ({
      atMs: 20 * i + (i < 1500 ? 80 * random.next() : 0),
      packet: sender.next(),
    }));
    const buffer = new JitterBuffer({ silence: SILENCE });
    const heard = play(buffer, arrivals, 60_000);
    expect(heard.slice(200, 1500).filter((one) => one === 'concealed').length).toBeLessThan(13);
    expect(buffer.stats().delayMs).toBeLessThanOrEqual(40);
  });

  test('a stall of 300 ms: at most 100 ms of it is played late, and the delay recovers', () => {
    const sender = new Sender();
    const arrivals = Array.from({ length: 1500 }, (_, i) => ({ atMs: i >= 100 && i < 115 ? 2300 : 20 * i, packet: sender.next() }));
    const buffer = new JitterBuffer({ silence: SILENCE });
    let deepest = 0;
    const heard = play(buffer, arrivals, 30_000, () => {
      deepest = Math.max(deepest, buffer.stats().depthMs);
    });
    expect(deepest).toBeLessThanOrEqual(180);
    expect(heard.slice(102, 115).filter((one) => typeof one === 'number').length).toBe(0);
    expect(heard.slice(102, 105)).toEqual(['concealed', 'concealed', 'concealed']);
    expect(heard[110]).toBe('silence');
    expect(numbers(heard.slice(1000))).toHaveLength(500);
    expect(buffer.stats().delayMs).toBeLessThanOrEqual(40);
  });

  test('another SSRC starts afresh', () => {
    const first = new Sender();
    const second = new Sender({ sequence: 40_000, timestamp: 0x70000000 });
    second.ssrc = 8;
    const arrivals = [
      ...Array.from({ length: 50 }, (_, i) => ({ atMs: 20 * i, packet: first.next() })),
      ...Array.from({ length: 50 }, (_, i) => ({ atMs: 1000 + 20 * i, packet: second.next() })),
    ];
    const heard = play(new JitterBuffer({ silence: SILENCE }), arrivals, 2000);
    expect(heard.slice(52)).toEqual(sequence(1, 48));
  });

  test('a timestamp jump is followed, one stray timestamp is not', () => {
    const sender = new Sender();
    const arrivals: Arrival[] = [];
    for (let i = 0; i < 200; i++) {
      if (i === 100) sender.timestamp = (sender.timestamp + 1_000_000) >>> 0;
      const packet = sender.next();
      if (i === 50) packet.header.timestamp = 42;
      arrivals.push({ atMs: 20 * i, packet });
    }
    const heard = play(new JitterBuffer({ silence: SILENCE }), arrivals, 4000);
    expect(heard[52]).toBe('concealed');
    expect(heard.slice(53, 100)).toEqual(sequence(52, 47));
    expect(numbers(heard.slice(110))).toHaveLength(90);
  });

  test('pauses without packets are silence, talk-spurts come whole, also when the sender’s clock stood still', () => {
    for (const still of [false, true]) {
      const sender = new Sender();
      const arrivals: Arrival[] = [];
      let at = 0;
      for (let spurt = 0; spurt < 10; spurt++) {
        for (let i = 0; i < 25; i++) {
          arrivals.push({ atMs: at, packet: sender.next(i === 0) });
          at += 20;
        }
        at += 400;
        if (!still) sender.pause(400);
      }
      const buffer = new JitterBuffer({ silence: SILENCE });
      const heard = play(buffer, arrivals, at + 100);
      expect(numbers(heard)).toEqual(sequence(1, 250));
      expect(buffer.stats().late).toBe(0);
    }
  });

  test('comfort noise makes the pause silent at once', () => {
    const sender = new Sender();
    const buffer = new JitterBuffer({ silence: SILENCE });
    const out = new Uint8Array(160);
    for (let i = 0; i < 20; i++) {
      const packet = sender.next();
      buffer.push(packet.header, packet.bytes);
      buffer.pull(out);
    }
    buffer.pushSilence(sender.next().header);
    const pulls = Array.from({ length: 5 }, () => buffer.pull(out));
    expect(pulls).toEqual(['played', 'played', 'silence', 'silence', 'silence']);
    expect(out.every((byte) => byte === SILENCE)).toBe(true);
  });
});

describe.each([200, -200])('a clock %i ppm off', (ppm) => {
  test('stays bounded for an hour, and changes only quiet frames', () => {
    const sender = new Sender();
    const buffer = new JitterBuffer({ silence: SILENCE, quiet: (frame) => frame[0] % 50 === 0 });
    const out = new Uint8Array(160);
    const random = new SeededRandom(3);
    let due = 0;
    let deepest = 0;
    let concealed = 0;
    for (let at = 10; at < 3_600_000; at += 20) {
      while (due <= at) {
        const packet = sender.next();
        buffer.push(packet.header, packet.bytes);
        due += 20 * (1 - ppm / 1e6) + (random.next() - 0.5) * 0.1;
      }
      if (buffer.pull(out) === 'concealed') concealed++;
      deepest = Math.max(deepest, buffer.depth);
    }
    const stats = buffer.stats();
    expect(deepest).toBeLessThanOrEqual(8 * 80);
    expect(concealed).toBe(0);
    expect(stats.late).toBe(0);
    // 0.72 s of drift are 36 frames, and one to settle.
    expect(Math.abs(stats.removed - stats.inserted) - 36).toBeLessThanOrEqual(2);
    expect(Math.min(stats.removed, stats.inserted)).toBeLessThanOrEqual(2);
  });
});

test('any packets in any order: one frame per pull, bounded depth, only sound or silence', () => {
  const packet = fc.record({
    sequence: fc.nat(0xffff),
    timestamp: fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 0xffffffff })),
    ssrc: fc.nat(2),
    marker: fc.boolean(),
    length: fc.oneof(fc.constantFrom(0, 80, 160, 240, 480), fc.nat(2000)),
    pulls: fc.nat(4),
    silent: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 60 }), (packets) => {
      const buffer = new JitterBuffer({ silence: SILENCE });
      const out = new Uint8Array(160);
      let pulls = 0;
      for (const { sequence, timestamp, ssrc, marker, length, pulls: wanted, silent } of packets) {
        const header = { marker, payloadType: 0, sequence, timestamp, ssrc, payloadStart: 0, payloadEnd: length };
        if (silent && length === 0) buffer.pushSilence(header);
        else buffer.push(header, new Uint8Array(length).fill(1));
        expect(buffer.depth).toBeLessThanOrEqual(4096);
        for (let i = 0; i < wanted; i++) {
          const pulled = buffer.pull(out);
          pulls++;
          for (const byte of out) expect(byte === SILENCE || (byte === 1 && pulled === 'played')).toBe(true);
        }
      }
      const stats = buffer.stats();
      expect(stats.played + stats.concealed + stats.silent).toBe(pulls);
      for (let i = 0; i < 100; i++) buffer.pull(out);
      expect(buffer.pull(out)).toBe('silence');
    }),
    { numRuns: 300 },
  );
});

test('tells when the sound of each frame arrived, whatever the timestamps and however late it was played', () => {
  for (const timestamp of [5_000, 5_077, 0xffffff00]) {
    const buffer = new JitterBuffer({ silence: SILENCE });
    const sender = new Sender({ timestamp });
    const out = new Uint8Array(160);
    const arrivedAt = new Map<number, number>();
    const waits: number[] = [];
    const random = new SeededRandom(3);
    for (let i = 0; i < 200; i++) {
      const { header, bytes, label } = sender.next();
      const at = i * 20 + 12 * random.next();
      buffer.push(header, bytes, at);
      arrivedAt.set(label, at);
      if (i === 50) buffer.pull(out); // a pull too many: the next packets are late and played behind
      if (buffer.pull(out) !== 'played' || out[0] !== out[159]) continue;
      expect(buffer.arrivedAt).toBe(arrivedAt.get(out[0]));
      waits.push(i * 20 + 20 - buffer.arrivedAt);
    }
    expect(waits.length).toBeGreaterThan(150);
    expect(Math.max(...waits)).toBeLessThan(100);
  }
  expect(new JitterBuffer({ silence: SILENCE }).arrivedAt).toBeNaN();
});
