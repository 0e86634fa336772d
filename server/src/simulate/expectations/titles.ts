/** Expectations in words, for people who did not write them. */
import { partyWords, reasonWords } from './ending-words.ts';
import type { Expectation } from '../scenario.ts';
import { times } from './finding.ts';
import { valueWords } from './sameness.ts';
import { wordsTitle } from './words.ts';

const seconds = (ms: number): string => (ms < 1_000 ? `${ms} ms` : `${Number((ms / 1_000).toFixed(2))} s`);

/** `says "eight until six"`, `calls book with day "friday"`. */
export function titleOf(expected: Expectation): string {
  if ('says' in expected) return `says ${wordsTitle(expected.says)}${expected.turn === undefined ? '' : ` in turn ${expected.turn}`}`;
  if ('neverSays' in expected) return `never says ${wordsTitle(expected.neverSays)}`;
  if ('inOrder' in expected) return `says in order ${expected.inOrder.map(wordsTitle).join(', then ')}`;
  if ('calls' in expected) {
    const given = expected.with === undefined ? '' : ` with ${valueWords(expected.with)}`;
    const outcome = expected.outcome === undefined ? '' : `, which is ${expected.outcome}`;
    return `calls ${expected.calls}${given}${outcome}${expected.times === undefined ? '' : ` ${times(expected.times)}`}`;
  }
  if ('neverCalls' in expected) return `never calls ${expected.neverCalls}`;
  if ('toolOrder' in expected) return `calls ${expected.toolOrder.join(', then ')}`;
  if ('ends' in expected) return endingTitle(expected.ends);
  if ('turns' in expected) {
    const { min, max } = expected.turns;
    const noun = (max ?? min) === 1 ? 'turn' : 'turns';
    return `has ${[min === undefined ? '' : `at least ${min}`, max === undefined ? '' : `at most ${max}`].filter(Boolean).join(' and ')} ${noun}`;
  }
  if ('voiceToVoiceMs' in expected) {
    const bounds = Object.entries(expected.voiceToVoiceMs).map(([name, ms]) => `${name} ${seconds(ms)}`);
    return `answers within ${bounds.join(', ')}`;
  }
  if ('interruptions' in expected) return `is stopped by noise or a backchannel ${atMost(expected.interruptions.max)}`;
  if ('cutOffs' in expected) return `speaks into a pause of the caller ${atMost(expected.cutOffs.max)}`;
  if ('deadAirMs' in expected) return `is silent for at most ${seconds(expected.deadAirMs.max)}`;
  if ('grounded' in expected) return `answers from "${expected.grounded.document}"`;
  if ('fact' in expected) return `leaves a ${expected.fact}${expected.with === undefined ? '' : ` with ${valueWords(expected.with)}`}`;
  if ('recording' in expected) {
    const { minMs, channels } = expected.recording;
    return `is recorded${minMs === undefined ? '' : ` for at least ${seconds(minMs)}`}${channels === undefined ? '' : ` in ${channels} channels`}`;
  }
  if ('event' in expected) {
    const given = expected.with === undefined ? '' : ` with ${valueWords(expected.with)}`;
    return `has ${expected.event}${given}${expected.times === undefined ? '' : ` ${times(expected.times)}`}`;
  }
  return `is judged: ${expected.judge}`;
}

const atMost = (max: number): string => (max === 0 ? 'never' : `at most ${times(max)}`);

function endingTitle({ by, reason }: Extract<Expectation, { ends: unknown }>['ends']): string {
  if (by === undefined && reason === undefined) return 'ends';
  const who = by === undefined ? 'somebody' : partyWords(by);
  return `ends: ${who} ${reason === undefined ? 'ends it' : reasonWords(reason)}`;
}
