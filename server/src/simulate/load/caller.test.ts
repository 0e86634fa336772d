import { expect, test } from 'vitest';
import { SeededRandom } from '#kit/random.ts';
import { Caller } from './caller.ts';
import { OwnTime } from './lateness.ts';
import { cycleTalk, type UtteranceKind } from './talk.ts';
import { Tally } from './tally.ts';
import type { LoadLine } from './wire.ts';

const LOUD = 1e7;

/**
 * A caller on a line without a network: `assistant(saidMs)` is asked each 10 ms, with the time since the caller's last sample
 * (undefined before the first), whether the assistant can be heard.
 */
function talk(
  kinds: readonly UtteranceKind[],
  seconds: number,
  assistant: (at: number, caller: { speaking: boolean; silentSince: number }) => boolean,
  answerMs?: number,
) {
  const tally = new Tally();
  tally.measuring = true;
  const own = new OwnTime();
  own.looked(0);
  const state = { speaking: false, silentSince: 0 };
  const line: LoadLine = {
    send: (sound) => {
      if (sound) state.speaking = true;
      else if (state.speaking) state.speaking = false;
    },
    press: () => {},
    counts: () => ({ frames: 0, lost: 0, judged: 0, late: 0 }),
    hangUp: () => {},
  };
  const caller = new Caller({ call: 0, line: 0, talk: cycleTalk(kinds), random: new SeededRandom(3), tally, own, answerMs }, 0);
  for (let now = 20; now <= seconds * 1_000; now += 20) {
    for (const at of [now - 20, now - 10]) caller.heard(assistant(at, state) ? LOUD : 0, at);
    const spoke = state.speaking;
    caller.tick(now, line);
    if (spoke && !state.speaking) state.silentSince = now - 20;
  }
  return { tally, caller };
}

/** Greets for a second; answers `waitMs` after the caller's last sample, for `forMs`; silent `stopMs` after the caller begins. */
function answering({ waitMs, forMs, stopMs }: { waitMs: number; forMs: number; stopMs: number }) {
  let spokenSince = 0;
  let cut = true;
  return (at: number, { speaking, silentSince }: { speaking: boolean; silentSince: number }): boolean => {
    if (at < 1_000) return true;
    if (speaking) {
      if (spokenSince === 0) {
        spokenSince = at;
        cut = false;
      }
      if (at - spokenSince >= stopMs) cut = true;
    } else spokenSince = 0;
    if (silentSince === 0) return false;
    if (speaking) return !cut && at < silentSince + waitMs + forMs && at >= silentSince + waitMs;
    return at >= silentSince + waitMs && at < silentSince + waitMs + forMs;
  };
}

/** Answers what lasts longer than an uh-huh, for 4 s; at the first sound of the caller it falls silent for good. */
function startledForGood() {
  let [spokenAt, answersAt] = [0, Number.POSITIVE_INFINITY];
  return (at: number, { speaking }: { speaking: boolean }): boolean => {
    if (speaking) {
      if (spokenAt === 0) spokenAt = at;
      answersAt = Number.POSITIVE_INFINITY;
    } else if (spokenAt > 0) {
      if (at - spokenAt > 600) answersAt = at + 400;
      spokenAt = 0;
    }
    return at < 1_000 || (at >= answersAt && at < answersAt + 4_000);
  };
}

test('voice to voice is from the last sample to the first audible one', () => {
  const { tally, caller } = talk(['ordinary'], 30, answering({ waitMs: 400, forMs: 1_500, stopMs: 0 }));
  const { v2vMs } = tally.distributions();
  expect(v2vMs.n).toBeGreaterThan(5);
  expect(v2vMs.p50).toBeGreaterThan(395);
  expect(v2vMs.max).toBeLessThanOrEqual(420);
  expect(tally.totals).toMatchObject({ missed: 0, deadAir: 0, overlapped: 0, leftOut: 0 });
  expect(caller.greetingMs).toBe(0);
});

test('nobody answers: the turns are missed, and dead air', () => {
  const { tally } = talk(['ordinary'], 40, (at) => at < 1_000);
  expect(tally.totals.missed).toBeGreaterThan(2);
  expect(tally.totals.deadAir).toBe(tally.totals.missed);
  expect(tally.distributions().v2vMs.n).toBe(0);
});

test('an interruption is measured until the last audible sample', () => {
  const { tally } = talk(['long', 'barge-in'], 40, answering({ waitMs: 400, forMs: 6_000, stopMs: 260 }));
  const { bstMs } = tally.distributions();
  expect(bstMs.n).toBeGreaterThan(3);
  expect(bstMs.p50).toBeGreaterThan(240);
  expect(bstMs.max).toBeLessThan(320);
  for (const { heardMs } of tally.bargeIns) expect(heardMs).toBeGreaterThan(1_200);
  expect(tally.totals.bargeInsNever).toBe(0);
});

test('an assistant that does not stop never does', () => {
  const { tally } = talk(['long', 'barge-in'], 30, answering({ waitMs: 100, forMs: 9_000, stopMs: 100_000 }));
  expect(tally.totals.bargeInsNever).toBeGreaterThan(0);
  expect(tally.distributions().bstMs.n).toBe(0);
});

test('an answer into a pause is a cut-off', () => {
  const polite = talk(['pause'], 30, answering({ waitMs: 900, forMs: 1_000, stopMs: 0 }));
  expect(polite.tally.totals.pauses).toBeGreaterThan(3);
  expect(polite.tally.totals.cutOffs).toBe(0);
  const rude = talk(['pause'], 30, answering({ waitMs: 100, forMs: 1_000, stopMs: 0 }));
  expect(rude.tally.totals.cutOffs).toBe(rude.tally.totals.pauses);
});

test('a backchannel that stops the answer for good is a false interruption', () => {
  const deaf = talk(['long', 'backchannel'], 30, answering({ waitMs: 100, forMs: 4_000, stopMs: 100_000 }), 4_000);
  expect(deaf.tally.totals).toMatchObject({ harmlessFailed: 0, harmlessPaused: 0 });
  expect(deaf.tally.totals.harmless).toBeGreaterThan(1);
  const startled = talk(['long', 'backchannel'], 30, startledForGood(), 4_000).tally.totals;
  expect(startled.harmless).toBeGreaterThan(1);
  expect(startled).toMatchObject({ harmlessFailed: startled.harmless, harmlessPaused: startled.harmless });
});

test('the same seed says the same', () => {
  const once = () => talk(['ordinary', 'pause'], 20, answering({ waitMs: 300, forMs: 900, stopMs: 0 })).tally.turns;
  expect(once()).toEqual(once());
});
