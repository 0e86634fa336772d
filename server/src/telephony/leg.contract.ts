/**
 * What every room's leg must do: one suite, given a way to make a connected leg, to be the far end of its wire, and to
 * let time pass (on a virtual clock, or in real time where sockets are involved).
 */
import { afterEach, describe, expect, test } from 'vitest';
import { FRAME_MS, MULAW_SILENCE, type Sound, msOf, rateOf, samplesPerFrame, silence } from '#audio/frame.ts';
import { MULAW_TO_LINEAR } from '#audio/g711.ts';
import type { Leg, LegEndCause, LegListener } from './leg.ts';

/** The other end of the wire, driven by the test. Sound is in the leg's format. */
export interface FarEnd {
  /** Sends this sound at the speed of speech, from now on. */
  say(sound: Sound): void;
  /** Everything heard since the start, in order; silence between included where the wire tells. */
  heard(): Sound;
  press(digits: string): void;
  hangUp(): void;
  /** True once the far end knows that the call is over. */
  gone(): boolean;
}

export interface LegUnderTest {
  leg: Leg;
  far: FarEnd;
  /** Lets `ms` pass. */
  pass: (ms: number) => Promise<void>;
  /** Everything closed; rejects when something was left open. */
  close(): Promise<void>;
}

export interface LegContract {
  name: string;
  make(): Promise<LegUnderTest>;
  /** False where the wire cannot carry our digits. */
  sendsDigits: boolean;
  /** What the codec may change: lowest correlation between what was said and what was heard. Default 1 (exact). */
  likeness?: number;
  /** How late or early the far end's clock may run against ours: 0 on a virtual clock. Frames. */
  slackFrames?: number;
}

interface Heard {
  at: number[];
  sound: number[];
  sent: (number[] | undefined)[];
  digits: string[];
  ended: LegEndCause[];
  afterEnd: number;
}

function listenTo(leg: Leg): Heard {
  const heard: Heard = { at: [], sound: [], sent: [], digits: [], ended: [], afterEnd: 0 };
  const check = () => {
    if (heard.ended.length > 0) heard.afterEnd++;
  };
  const listener: LegListener = {
    frame(frame, sent) {
      check();
      expect(frame.format).toBe(leg.format);
      expect(frame.sound.length).toBe(samplesPerFrame(leg.format));
      heard.at.push(frame.at);
      for (const sample of frame.sound) heard.sound.push(sample);
      heard.sent.push(sent && Array.from(sent));
    },
    digit(digit) {
      check();
      heard.digits.push(digit);
    },
    typed: check,
    recognised: check,
    ended(cause) {
      check();
      heard.ended.push(cause);
    },
  };
  leg.attach(listener);
  return heard;
}

/** A sweep no part of which looks like another: order and completeness show in its correlation. */
export function sweep(leg: Pick<Leg, 'format'>, ms: number, fromHz = 300, toHz = 1_500): Sound {
  const rate = rateOf(leg.format);
  const sound = silence(leg.format, Math.round((ms * rate) / 1000));
  for (let i = 0; i < sound.length; i++) {
    const t = i / rate;
    const phase = 2 * Math.PI * (fromHz * t + ((toHz - fromHz) * t * t) / (2 * (ms / 1000)));
    const linear = Math.round(9_000 * Math.sin(phase));
    sound[i] = leg.format === 'mulaw-8000' ? nearestMulaw(linear) : linear;
  }
  return sound;
}

function nearestMulaw(linear: number): number {
  let best = 0;
  for (let code = 0; code < 256; code++) {
    if (Math.abs(MULAW_TO_LINEAR[code] - linear) < Math.abs(MULAW_TO_LINEAR[best] - linear)) best = code;
  }
  return best;
}

const levels = (leg: Leg, sound: ArrayLike<number>): Float64Array =>
  Float64Array.from(sound, (sample) => (leg.format === 'mulaw-8000' ? MULAW_TO_LINEAR[sample] : sample));

/** Best normalised correlation of `part` anywhere in `whole`, and where. */
export function findSound(leg: Leg, whole: ArrayLike<number>, part: ArrayLike<number>): { likeness: number; at: number } {
  const a = levels(leg, whole);
  const b = levels(leg, part);
  let energyB = 0;
  for (const sample of b) energyB += sample * sample;
  let best = { likeness: 0, at: -1 };
  for (let at = 0; at + b.length <= a.length; at++) {
    let dot = 0;
    let energyA = 0;
    for (let i = 0; i < b.length; i++) {
      dot += a[at + i] * b[i];
      energyA += a[at + i] * a[at + i];
    }
    const likeness = energyA === 0 ? 0 : dot / Math.sqrt(energyA * energyB);
    if (likeness > best.likeness) best = { likeness, at };
  }
  return best;
}

const loud = (leg: Leg, sound: ArrayLike<number>): boolean => {
  const quiet = leg.format === 'mulaw-8000' ? MULAW_SILENCE : 0;
  return Array.from(sound).some((sample) => sample !== quiet && Math.abs(levels(leg, [sample])[0]) > 200);
};

async function* chunks(sound: Sound, samples: number): AsyncGenerator<Sound, void, undefined> {
  for (let at = 0; at < sound.length; at += samples) yield sound.slice(at, at + samples);
}

export function describeLeg(contract: LegContract): void {
  const exact = contract.likeness ?? 0.9999;
  const slack = contract.slackFrames ?? 0;

  describe(`the leg of ${contract.name}`, () => {
    let made: LegUnderTest | undefined;
    const make = async () => {
      made = await contract.make();
      return made;
    };
    afterEach(async () => {
      await made?.close();
      made = undefined;
    });

    test('brings a frame every 20 ms, in order, from 0', async () => {
      const { leg, pass } = await make();
      const heard = listenTo(leg);
      await pass(1_000);
      expect(heard.at.length).toBeGreaterThanOrEqual(50 - 1 - slack);
      expect(heard.at.length).toBeLessThanOrEqual(50 + 1 + slack);
      expect(heard.at).toEqual(heard.at.map((_, i) => i * FRAME_MS));
    });

    test('brings what the far end says, whole and in order', async () => {
      const { leg, far, pass } = await make();
      const heard = listenTo(leg);
      await pass(200);
      const speech = sweep(leg, 400);
      far.say(speech);
      await pass(1_000);
      expect(findSound(leg, heard.sound, speech).likeness).toBeGreaterThan(exact - 0.03);
    });

    test('plays a source to the far end in order and complete, and counts what it played', async () => {
      const { leg, far, pass } = await make();
      listenTo(leg);
      await pass(100);
      const speech = sweep(leg, 490);
      const playout = leg.play(chunks(speech, 700));
      await pass(1_000);
      expect(await playout.finished).toEqual({ playedMs: msOf(speech, leg.format), how: 'played' });
      expect(playout.playedMs).toBe(490);
      expect(playout.state).toBe('ended');
      expect(await playout.started).toBeTypeOf('number');
      expect(findSound(leg, far.heard(), speech).likeness).toBeGreaterThan(exact);
    });

    test('shows its listener what it sent, frame for frame', async () => {
      const { leg, pass } = await make();
      const heard = listenTo(leg);
      const speech = sweep(leg, 300);
      leg.play(chunks(speech, 160));
      await pass(700);
      const sent = heard.sent.flatMap((frame) => frame ?? []);
      expect(sent.slice(0, speech.length)).toEqual(Array.from(speech));
      expect(heard.sent.filter((frame) => frame).length).toBe(15);
    });

    test('is silent at once when stopped; playedMs is what was sent', async () => {
      const { leg, far, pass } = await make();
      const heard = listenTo(leg);
      const playout = leg.play(chunks(sweep(leg, 3_000), 1_600));
      await pass(600);
      const played = playout.stop();
      const before = heard.sent.filter((frame) => frame).length;
      expect(played).toBe(before * FRAME_MS);
      await pass(300);
      const arrived = far.heard().length;
      await pass(400);
      expect(heard.sent.filter((frame) => frame).length).toBe(before);
      expect(loud(leg, far.heard().slice(arrived))).toBe(false);
      expect(await playout.finished).toEqual({ playedMs: played, how: 'stopped' });
    });

    test('pauses, and resumes where it was or further back', async () => {
      const { leg, far, pass } = await make();
      const heard = listenTo(leg);
      const speech = sweep(leg, 900);
      const playout = leg.play(chunks(speech, 800));
      await pass(400);
      playout.pause();
      const played = playout.playedMs;
      const frames = heard.sent.length;
      await pass(300);
      expect(playout.playedMs).toBe(played);
      expect(heard.sent.slice(frames).every((frame) => frame === undefined)).toBe(true);
      playout.resume(Math.max(0, played - 100));
      await pass(1_200);
      expect(await playout.finished).toEqual({ playedMs: 900, how: 'played' });
      const rate = rateOf(leg.format);
      const rest = speech.slice(((played - 95) * rate) / 1000);
      expect(findSound(leg, far.heard(), rest).likeness).toBeGreaterThan(exact - 0.01);
    });

    test('ducks, and comes back', async () => {
      const { leg, pass } = await make();
      const heard = listenTo(leg);
      const playout = leg.play(chunks(sweep(leg, 2_000), 800));
      await pass(300);
      playout.duck(18);
      await pass(200);
      playout.duck(0);
      await pass(200);
      playout.stop();
      const peaks = heard.sent.filter((frame) => frame).map((frame) => Math.max(...levels(leg, frame ?? [])));
      const full = Math.max(...peaks);
      const ducked = Math.min(...peaks.slice(5));
      expect(ducked).toBeLessThan(full * 0.16);
      expect(ducked).toBeGreaterThan(full * 0.1);
      expect(peaks.at(-1)).toBeGreaterThan(full * 0.9);
    });

    test('plays one thing at a time', async () => {
      const { leg, pass } = await make();
      listenTo(leg);
      const first = leg.play(chunks(sweep(leg, 2_000), 800));
      await pass(200);
      const second = leg.play(chunks(sweep(leg, 200), 800));
      expect(first.state).toBe('ended');
      expect((await first.finished).how).toBe('stopped');
      await pass(500);
      expect(await second.finished).toEqual({ playedMs: 200, how: 'played' });
    });

    test('brings every digit exactly once', async () => {
      const { leg, far, pass } = await make();
      const heard = listenTo(leg);
      await pass(100);
      far.press('1590#*');
      await pass(3_000);
      expect(heard.digits.join('')).toBe('1590#*');
    });

    test('sends digits, or says that it cannot', async () => {
      const { leg, pass } = await make();
      listenTo(leg);
      await expect(leg.sendDigits('12x')).rejects.toMatchObject({ name: 'TandemError' });
      let outcome = 'pending';
      leg.sendDigits('42').then(
        () => (outcome = 'sent'),
        () => (outcome = 'rejected'),
      );
      await pass(1_500);
      expect(outcome).toBe(contract.sendsDigits ? 'sent' : 'rejected');
    });

    test('hangs up once, tells the far end, and says nothing afterwards', async () => {
      const { leg, far, pass } = await make();
      const heard = listenTo(leg);
      const playout = leg.play(chunks(sweep(leg, 2_000), 800));
      await pass(200);
      const gone = Promise.all([leg.hangUp({ by: 'assistant', reason: 'goodbye' }), leg.hangUp()]);
      await pass(300);
      await gone;
      await leg.hangUp();
      far.press('1');
      far.say(sweep(leg, 100));
      await pass(500);
      expect(heard.ended).toEqual(['local']);
      expect(heard.afterEnd).toBe(0);
      expect((await playout.finished).how).toBe('stopped');
      expect(far.gone()).toBe(true);
      const late = leg.play(chunks(sweep(leg, 200), 800));
      expect(await late.finished).toEqual({ playedMs: 0, how: 'stopped' });
      await expect(leg.sendDigits('1')).rejects.toMatchObject({ name: 'TandemError' });
      leg.caption({ party: 'assistant', turn: 0, text: 'too late', final: true });
    });

    test('learns that the far end hung up', async () => {
      const { leg, far, pass } = await make();
      const heard = listenTo(leg);
      await pass(200);
      far.hangUp();
      await pass(500);
      await leg.hangUp();
      expect(heard.ended).toEqual(['hung-up']);
      expect(heard.afterEnd).toBe(0);
    });

    test('tells when the sound of a frame arrived on the wire, in order', async () => {
      const { leg, far, pass } = await make();
      const arrivals: number[] = [];
      leg.attach({
        frame: ({ concealed, arrivedAt }) => void (!concealed && arrivals.push(arrivedAt ?? Number.NaN)),
        digit: () => {},
        typed: () => {},
        recognised: () => {},
        ended: () => {},
      });
      await pass(100);
      far.say(sweep(leg, 600));
      await pass(900);
      expect(arrivals.length).toBeGreaterThan(20);
      expect(arrivals.filter((at) => !Number.isFinite(at))).toEqual([]);
      for (let i = 1; i < arrivals.length; i++) expect(arrivals[i]).toBeGreaterThanOrEqual(arrivals[i - 1]);
      expect(arrivals[arrivals.length - 1] - arrivals[0]).toBeGreaterThan(400);
    });

    test('counts what went over the wire', async () => {
      const { leg, far, pass } = await make();
      listenTo(leg);
      far.say(sweep(leg, 1_000));
      leg.play(chunks(sweep(leg, 400), 800));
      await pass(1_000);
      const stats = leg.stats();
      expect(stats.framesSent).toBeGreaterThanOrEqual(20);
      expect(stats.packetsReceived).toBeGreaterThan(30);
      expect(stats.packetsLost).toBeLessThanOrEqual(10);
      expect(stats.framesLate).toBeLessThanOrEqual(stats.framesSent);
      expect(stats.jitterMs).toBeGreaterThanOrEqual(0);
    });
  });
}
