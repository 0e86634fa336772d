import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { textOf } from './floor-deadlines.ts';
import type { Expectation, Floor, FloorAction, FloorEvent } from './floor-terms.ts';
import { emptyFloor, takeFloor } from './floor.ts';
import { conversationPolicy } from './plan.ts';
import { sameWords } from './rules/words.ts';

/** What the world may do next; `wait` lets the floor's own wake come. */
type Stimulus =
  | { do: 'wait' }
  | { do: 'pause'; ms: number }
  | { do: 'voice' }
  | { do: 'quiet' }
  | { do: 'sustain' }
  | { do: 'words'; text: string; final: boolean; sense: 'nothing' | 'echo' | 'stop' | 'backchannel' | 'words'; ago: number | undefined }
  | { do: 'end-of-turn' }
  | { do: 'eager' }
  | { do: 'resumed' }
  | { do: 'judged'; probability: number; late: boolean }
  | { do: 'expects'; what: Expectation }
  | { do: 'digit'; digit: string }
  | { do: 'typed'; text: string }
  | { do: 'audible'; stale: number }
  | { do: 'finished'; stale: number; goodbye: boolean }
  | { do: 'failed'; stale: number }
  | { do: 'deaf' }
  | { do: 'stale-wake'; back: number }
  | { do: 'hang-up' };

const stale = fc.integer({ min: 0, max: 2 });
const stimulus: fc.Arbitrary<Stimulus> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Stimulus>({ do: 'wait' }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pause' as const), ms: fc.integer({ min: 0, max: 3_000 }) }) },
  { weight: 5, arbitrary: fc.constant<Stimulus>({ do: 'voice' }) },
  { weight: 5, arbitrary: fc.constant<Stimulus>({ do: 'quiet' }) },
  { weight: 3, arbitrary: fc.constant<Stimulus>({ do: 'sustain' }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('words' as const),
      text: fc.constantFrom('', 'yes', 'Yes.', 'um', 'I want to', 'cancel it.', 'my order please', 'five five'),
      final: fc.boolean(),
      sense: fc.constantFrom('nothing', 'echo', 'stop', 'backchannel', 'words'),
      ago: fc.option(fc.integer({ min: 0, max: 4_000 }), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Stimulus>({ do: 'end-of-turn' }) },
  { weight: 2, arbitrary: fc.constant<Stimulus>({ do: 'eager' }) },
  { weight: 1, arbitrary: fc.constant<Stimulus>({ do: 'resumed' }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('judged' as const),
      probability: fc.double({ min: 0, max: 1, noNaN: true }),
      late: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('expects' as const),
      what: fc.constantFrom<Expectation>('free', 'yes-no', 'digits', 'spelling', 'email', 'date', 'name'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('digit' as const), digit: fc.constantFrom('1', '2', '#', '*') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('typed' as const), text: fc.constantFrom('', 'hello there') }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('audible' as const), stale }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('finished' as const), stale, goodbye: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('failed' as const), stale }) },
  { weight: 1, arbitrary: fc.constant<Stimulus>({ do: 'deaf' }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stale-wake' as const), back: fc.integer({ min: 1, max: 3 }) }) },
);

const policy = conversationPolicy();

interface Step {
  at: number;
  event: FloorEvent;
  before: Floor;
  after: Floor;
  actions: FloorAction[];
}

/** Runs stimuli as a shell would: wakes come when they are due, the voice alternates, a reply must have begun to end. */
function live(stimuli: readonly Stimulus[], greetingProtected = false): Step[] {
  const steps: Step[] = [];
  let floor = emptyFloor;
  let at = 0;
  let voiced = false;
  const feed = (event: FloorEvent) => {
    const [after, actions] = takeFloor(floor, event, policy);
    steps.push({ at, event, before: floor, after, actions });
    floor = after;
  };
  /** Wakes that fall due on the way come in order. */
  const until = (target: number) => {
    for (let n = 0; floor.wakeAt !== undefined && floor.wakeAt <= target && floor.state !== 'closed'; n++) {
      if (n > 10_000) throw new Error('the floor wakes itself for ever');
      at = Math.max(at, floor.wakeAt);
      feed({ type: 'woke', at, id: floor.wakeId });
    }
    at = Math.max(at, target);
  };
  feed({ type: 'opened', at, greetingProtected });
  for (const next of stimuli) {
    until(at + (next.do === 'pause' ? next.ms : 7));
    if (next.do === 'wait' && floor.wakeAt !== undefined) until(floor.wakeAt);
    if (next.do === 'voice' && !voiced) feed({ type: 'speech-started', at, from: Math.max(0, at - 80) });
    if (next.do === 'quiet' && voiced) feed({ type: 'speech-ended', at, to: Math.max(0, at - 200) });
    if (next.do === 'sustain' && voiced) feed({ type: 'speech-sustained', at });
    if (next.do === 'voice') voiced = true;
    if (next.do === 'quiet') voiced = false;
    if (next.do === 'words') {
      const from = next.ago === undefined ? undefined : Math.max(0, at - next.ago);
      feed({ type: 'words', at, text: next.text, final: next.final, sense: next.text === '' ? 'nothing' : next.sense, from });
    }
    if (next.do === 'end-of-turn') feed({ type: 'end-of-turn', at, to: at });
    if (next.do === 'eager') feed({ type: 'eager-end-of-turn', at });
    if (next.do === 'resumed') feed({ type: 'turn-resumed', at });
    if (next.do === 'judged') feed({ type: 'turn-judged', at, to: floor.voicedTo - (next.late ? 500 : 0), probability: next.probability });
    if (next.do === 'expects') feed({ type: 'expects', at, what: next.what });
    if (next.do === 'digit') feed({ type: 'digit', at, digit: next.digit });
    if (next.do === 'typed') feed({ type: 'typed', at, text: next.text });
    if (next.do === 'audible') feed({ type: 'reply-audible', at, epoch: floor.epoch - next.stale });
    if (next.do === 'finished') feed({ type: 'reply-finished', at, epoch: floor.epoch - next.stale, goodbye: next.goodbye });
    if (next.do === 'failed') feed({ type: 'reply-failed', at, epoch: floor.epoch - next.stale });
    if (next.do === 'deaf') feed({ type: 'deaf', at });
    if (next.do === 'stale-wake') feed({ type: 'woke', at, id: floor.wakeId - next.back });
    if (next.do === 'hang-up') feed({ type: 'closed', at });
  }
  return steps;
}

const lives = fc.tuple(fc.array(stimulus, { maxLength: 80 }), fc.boolean());
const check = (property: (steps: Step[]) => void) =>
  fc.assert(
    fc.property(lives, ([stimuli, guarded]) => property(live(stimuli, guarded))),
    { numRuns: 2_000, seed: 7 },
  );

describe('whatever happens', () => {
  test('every state but closed has a deadline that was asked for', () => {
    check((steps) => {
      let asked: number | undefined;
      for (const { after, actions } of steps) {
        for (const action of actions) if (action.type === 'wake') asked = action.id;
        if (after.state === 'closed') continue;
        expect(after.wakeAt).toBeTypeOf('number');
        expect(Number.isFinite(after.wakeAt)).toBe(true);
        expect(asked).toBe(after.wakeId);
      }
    });
  });

  test('left alone, every call comes to an end', () => {
    check((steps) => {
      let floor = (steps.at(-1) as Step).after;
      // Replies begin and end at once, the caller is silent: what is left are the floor's own deadlines.
      for (let n = 0; floor.state !== 'closed'; n++) {
        expect(n).toBeLessThan(100);
        const { epoch, state } = floor;
        const at = floor.wakeAt as number;
        if (state === 'think') [floor] = takeFloor(floor, { type: 'reply-audible', at: floor.since, epoch }, policy);
        else if (state === 'speak') [floor] = takeFloor(floor, { type: 'reply-finished', at: floor.since, epoch, goodbye: false }, policy);
        else [floor] = takeFloor(floor, { type: 'woke', at, id: floor.wakeId }, policy);
      }
    });
  });

  test('each commit brings exactly one answer, in the same step', () => {
    check((steps) => {
      for (const { actions } of steps) {
        const commits = actions.filter(({ type }) => type === 'commit');
        const answers = actions.filter((action) => action.type === 'reply' && action.kind === 'answer');
        expect(answers).toHaveLength(commits.length);
        expect(commits.length).toBeLessThanOrEqual(1);
      }
    });
  });

  test('a commit has words, and turns count up by one, a merged turn keeping its number', () => {
    check((steps) => {
      for (const { before, actions } of steps) {
        for (const action of actions) {
          if (action.type !== 'commit') continue;
          expect(action.text).not.toBe('');
          expect([before.turn, before.turn + 1]).toContain(action.turn);
        }
      }
    });
  });

  test('one reply at a time: the one before is finished, failed, withdrawn or interrupted before the next begins', () => {
    check((steps) => {
      let running: number | undefined;
      for (const { event, before, actions } of steps) {
        const ended = event.type === 'reply-finished' || event.type === 'reply-failed';
        if (ended && event.epoch === before.epoch && before.state !== 'closed') running = undefined;
        for (const action of actions) {
          if (action.type === 'withdraw' || action.type === 'interrupt') {
            expect(action.epoch).toBe(running);
            running = undefined;
          }
          if (action.type === 'reply') {
            expect(running).toBeUndefined();
            running = action.epoch;
          }
        }
      }
    });
  });

  test('stale epochs and stale wakes change nothing', () => {
    check((steps) => {
      for (const { event, before, after, actions } of steps) {
        const staleWake = event.type === 'woke' && event.id !== before.wakeId;
        const staleEpoch = 'epoch' in event && event.epoch !== before.epoch;
        if (!staleWake && !staleEpoch) continue;
        expect(after).toBe(before);
        expect(actions).toEqual([]);
      }
    });
  });

  test('after the end there are no actions', () => {
    check((steps) => {
      const end = steps.findIndex(({ after }) => after.state === 'closed');
      if (end < 0) return;
      for (const { actions } of steps.slice(end + 1)) expect(actions).toEqual([]);
      expect(steps[end].actions.filter(({ type }) => type === 'end').length).toBeLessThanOrEqual(1);
    });
  });

  test('voice never interrupts a legal notice, and nothing interrupts the last words', () => {
    check((steps) => {
      for (const { event, before, actions } of steps) {
        const cut = actions.some(({ type }) => type === 'interrupt' || type === 'pause' || type === 'duck');
        if (!cut || event.type === 'woke') continue;
        expect(before.reply?.protection).not.toBe('last');
        if (before.reply?.protection === 'notice') expect(['digit', 'typed']).toContain(event.type);
      }
    });
  });

  test('pause and resume alternate, and nothing is paused that is not being said', () => {
    check((steps) => {
      for (const { before, after, actions } of steps) {
        for (const { type } of actions) {
          if (type === 'pause') expect(before.state).toBe('overlap');
          if (type === 'resume') expect(before.state).toBe('paused');
        }
        if (after.state === 'paused' || after.state === 'overlap' || after.state === 'speak') expect(after.reply?.audibleAt).toBeDefined();
      }
    });
  });

  test('at most one speculation is alive, and it ends exactly once: forgotten, adopted by a commit, or with the call', () => {
    check((steps) => {
      let alive: number | undefined;
      let newest = 0;
      for (const { after, actions } of steps) {
        for (const action of actions) {
          if (action.type === 'speculate') {
            expect(alive).toBeUndefined();
            expect(action.id).toBeGreaterThan(newest);
            alive = newest = action.id;
          } else if (action.type === 'forget' || (action.type === 'reply' && action.adopt !== undefined)) {
            expect(action.type === 'forget' ? action.id : action.adopt).toBe(alive);
            alive = undefined;
          }
        }
        if (after.state === 'closed') alive = undefined;
        expect(after.speculation?.id).toBe(alive);
        if (alive !== undefined) expect(['speech', 'hold']).toContain(after.state);
      }
    });
  });

  test('what is adopted answers these very words and this very turn, and only what is adopted says so', () => {
    check((steps) => {
      const begun = new Map<number, { text: string; turn: number }>();
      for (const { actions } of steps) {
        for (const [i, action] of actions.entries()) {
          if (action.type === 'speculate') begun.set(action.id, action);
          if (action.type !== 'commit') continue;
          const reply = actions.slice(i).find(({ type }) => type === 'reply') as FloorAction & { type: 'reply' };
          expect(reply.adopt !== undefined).toBe(action.speculation === 'adopted');
          expect(action.rule).not.toBe('');
          if (reply.adopt === undefined) continue;
          const speculation = begun.get(reply.adopt) as { text: string; turn: number };
          expect(sameWords(speculation.text, action.text)).toBe(true);
          expect(speculation.turn).toBe(action.turn);
        }
      }
    });
  });

  test('a speculation answers the words so far, changes no epoch and no turn, and adds nothing that can be heard', () => {
    check((steps) => {
      for (const { before, after, actions } of steps) {
        const speculate = actions.find((action) => action.type === 'speculate');
        if (!speculate) continue;
        expect(speculate.text).toBe(textOf(after.words));
        expect(['speech', 'hold']).toContain(after.state);
        expect(after.words.digits).toBe('');
        expect(actions.filter(({ type }) => type === 'reply' || type === 'commit')).toEqual([]);
        // The epoch may have changed in this step because a reply was cut, never because an answer was begun in secret.
        const cut = actions.some(({ type }) => type === 'interrupt' || type === 'withdraw');
        if (!cut) expect([after.epoch, after.turn]).toEqual([before.epoch, before.turn]);
      }
    });
  });

  test('no turn has more speculations than the policy allows, however often it is merged', () => {
    check((steps) => {
      const counts = new Map<number, number>();
      for (const { actions } of steps) {
        for (const action of actions) {
          if (action.type !== 'speculate') continue;
          counts.set(action.turn, (counts.get(action.turn) ?? 0) + 1);
          expect(counts.get(action.turn)).toBeLessThanOrEqual(policy.speculationsMax);
        }
      }
    });
  });

  test("the caller's pauses stay within what a person pauses", () => {
    check((steps) => {
      for (const { before, after } of steps) {
        expect(after.pauses.meanMs).toBeGreaterThanOrEqual(0);
        expect(after.pauses.meanMs).toBeLessThanOrEqual(2_500);
        expect(after.pauses.seen - before.pauses.seen).toBeLessThanOrEqual(1);
      }
    });
  });
});
