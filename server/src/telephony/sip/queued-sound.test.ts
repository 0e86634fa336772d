import { describe, expect, test } from 'vitest';
import type { Sound } from '#audio/frame.ts';
import { testKit } from '#kit/testing.ts';
import type { RtpSession } from '#rtp/session.ts';
import { findSound, sweep } from '../leg.contract.ts';
import { Line } from '../line.ts';
import { inPieces, overhear } from '../testing.ts';
import { QueuedSound } from './queued-sound.ts';
import { connected } from './testing.ts';
import { makeWireCodec, WIRE_BYTES } from './wire-codec.ts';

const FRAME = 160;
const MULAW_QUIET = 0xff;
const isQuiet = (sound: readonly number[]) => sound.every((sample) => sample === MULAW_QUIET);

/** Frames heard at the far end from the first that is not quiet on. */
function fromFirstSound(samples: readonly number[]): number[] {
  let from = 0;
  while (from < samples.length && isQuiet(samples.slice(from, from + FRAME))) from += FRAME;
  return samples.slice(from);
}

describe('sound that is queued ahead', () => {
  test('is heard without a gap while JavaScript is held up for 40 ms', async () => {
    const { kit, leg, phone, pass, close, pacer } = await connected({ queues: true });
    overhear(leg);
    const heard = overhear(phone);
    await pass(500);
    const speech = sweep(leg, 1_500);
    leg.play(inPieces(speech));
    await pass(400);
    // The loop of this leg alone is held up: the phone's goes on.
    const late: Parameters<typeof pacer.add>[0] = leg as never;
    for (let stall = 0; stall < 5; stall++) {
      pacer.remove(late);
      await pass(40);
      pacer.add(late);
      await pass(160);
    }
    await pass(1_000);
    expect(leg.stats()).toMatchObject({ framesLate: 0 });
    expect(findSound(leg, heard.samples, speech).likeness).toBeGreaterThan(0.999);
    expect(kit.clock.now()).toBeGreaterThan(0);
    await close();
  });

  test('begins in the place of silence that waits: at the tick, not 60 ms later', async () => {
    const { kit, leg, phone, pass, close } = await connected({ queues: true });
    overhear(leg);
    overhear(phone);
    await pass(500);
    const before = kit.clock.now();
    const playout = leg.play(inPieces(sweep(leg, 400)));
    await pass(60);
    expect((await playout.started) ?? Infinity).toBeLessThanOrEqual(before + 20);
    expect(playout.playedMs).toBeGreaterThanOrEqual(20);
    await pass(500);
    await close();
  });

  test('stops within a frame of a barge-in, counts what was heard, and goes on from there', async () => {
    const { leg, phone, pass, close } = await connected({ queues: true });
    const own: (Sound | undefined)[] = [];
    leg.attach({
      frame: (_heard, sent) => own.push(sent?.slice()),
      digit: () => {},
      typed: () => {},
      recognised: () => {},
      ended: () => {},
    });
    const heard = overhear(phone);
    await pass(500);
    const speech = Uint8Array.from(sweep(leg, 2_000) as Uint8Array, (sample) => (sample === MULAW_QUIET ? 0xfe : sample));
    const playout = leg.play(inPieces(speech));
    await pass(333);
    playout.pause();
    await pass(500);
    const first = fromFirstSound(heard.samples);
    const spoken = first.findIndex((_, i) => i % FRAME === 0 && isQuiet(first.slice(i, i + FRAME)));
    expect(spoken / 8).toBe(playout.playedMs);
    expect(playout.playedMs).toBeGreaterThanOrEqual(300);
    expect(playout.playedMs).toBeLessThanOrEqual(340);
    expect(own.filter((sent) => sent !== undefined)).toHaveLength(playout.playedMs / 20);
    expect(isQuiet(first.slice(spoken))).toBe(true);

    const paused = heard.samples.length;
    playout.resume();
    await pass(2_500);
    expect(await playout.finished).toEqual({ playedMs: 2_000, how: 'played' });
    const rest = fromFirstSound(heard.samples.slice(paused));
    // The fade-in of what goes on aside, not one sample is missing or twice.
    expect(rest.slice(40, 8_000)).toEqual(Array.from(speech.subarray(spoken + 40, spoken + 8_000)));
    expect(own.filter((sent) => sent !== undefined)).toHaveLength(100);
    await close();
  });

  test('lets what is queued leave before digits, and goes on after them', async () => {
    const { leg, phone, pass, close } = await connected({ queues: true });
    overhear(leg);
    const heard = overhear(phone);
    await pass(300);
    const playout = leg.play(inPieces(sweep(leg, 1_000)));
    await pass(300);
    const sent = leg.sendDigits('5#');
    await pass(1_000);
    await sent;
    await pass(2_000);
    expect(heard.digits).toBe('5#');
    expect(await playout.finished).toEqual({ playedMs: 1_000, how: 'played' });
    await close();
  });
});

/** What of a session its queue is. */
function sessionOf(queued: { waiting: number; takenBack: number }): RtpSession {
  const queue = () => queued.waiting++ < 4;
  const takeBack = (atMost: number) => {
    const taken = Math.min(atMost, queued.waiting);
    queued.waiting -= taken;
    queued.takenBack += taken;
    return taken;
  };
  return { queued, queue, takeBack } as unknown as RtpSession;
}

/** A queue whose frames leave when the test says so. */
function byHand(codecName: 'PCMU' | 'G722' = 'PCMU') {
  const { clock, log } = testKit();
  const format = codecName === 'PCMU' ? 'mulaw-8000' : 'linear-16000';
  const line = new Line({ format, clock, log, leads: true });
  const queue = { waiting: 0, left: 0, late: 0, takenBack: 0 };
  const rtp = sessionOf(queue);
  const sound = new QueuedSound(line, format, clock);
  const codec = makeWireCodec(codecName, format);
  const wire = new Uint8Array(WIRE_BYTES);
  const leave = (frames: number, late = 0) => {
    queue.waiting -= frames;
    queue.left += frames;
    queue.late += late;
    sound.settle(rtp);
  };
  return { clock, line, queue, sound, leave, tick: (deadline: number) => sound.fill(rtp, codec, wire, deadline), format } as const;
}

describe('what has left', () => {
  test('late is told of speech alone, however much silence was late', async () => {
    const { clock, line, sound, leave, tick, format } = byHand();
    tick(0);
    leave(3, 3);
    expect(sound.speechLate).toBe(0);
    line.play(inPieces(sweep({ format }, 60)));
    await clock.advance(1);
    tick(60);
    leave(3, 2);
    expect([sound.speechLate, line.framesSent]).toEqual([2, 3]);
  });

  test('after it was asked for is recorded a frame late, and on time again after the next silence', async () => {
    const { clock, line, sound, leave, tick, format } = byHand();
    const recorded: boolean[] = [];
    const step = (n: number, left: number) => {
      tick(n * 20);
      leave(left);
      recorded.push(sound.left() !== undefined);
    };
    step(0, 1);
    step(1, 0);
    step(2, 2);
    for (let n = 3; n < 20; n++) step(n, 1);
    line.play(inPieces(sweep({ format }, 60)));
    await clock.advance(1);
    recorded.length = 0;
    for (let n = 20; n < 26; n++) step(n, 1);
    expect(recorded).toEqual([true, true, true, false, false, false]);
  });

  test('is not owed again to a loop that catches up', () => {
    const { sound, leave, tick } = byHand();
    tick(100);
    leave(3);
    expect([100, 120, 140, 160].map((deadline) => sound.covers(deadline))).toEqual([true, true, true, false]);
  });

  test('with a codec that remembers is never made up for by taking back what it has encoded', async () => {
    const { clock, line, queue, tick, format } = byHand('G722');
    tick(0);
    expect(queue.waiting).toBe(1);
    line.play(inPieces(sweep({ format }, 60)));
    await clock.advance(1);
    tick(20);
    expect(queue.takenBack).toBe(0);
  });
});
