/** Checks a simulated call against all that its scenario expects. Pure: the same call, the same checks. */
import { messageOf } from '#kit/errors.ts';
import type { Check, CheckedCall, SimulatedCall } from '../outcome.ts';
import type { Expectation } from '../scenario.ts';
import { type Finding, failed, skipped } from './finding.ts';
import { checkCutOffs, checkDeadAir, checkInterruptions, checkVoiceToVoice } from './manners.ts';
import { checkEnds, checkEvent, checkFact, checkGrounded, checkRecording, checkTurns } from './record.ts';
import { titleOf } from './titles.ts';
import { checkCalls, checkNeverCalls, checkToolOrder } from './tools.ts';
import { checkInOrder, checkNeverSays, checkSays } from './words.ts';

/** Every expectation, and that the simulation itself went well. `judge` is left to {@link judgeCall}: skipped here. */
export function checkCall(call: SimulatedCall): CheckedCall {
  const checks = call.scenario.expect.map((expectation) => checkOne(call, expectation));
  return { ...call, checks, passed: call.fault === undefined && checks.every((check) => check.passed) };
}

/** One expectation. Never throws: what cannot be checked has failed and says why. */
export function checkOne(call: SimulatedCall, expectation: Expectation): Check {
  return { expectation, title: titleOf(expectation), ...find(call, expectation) };
}

function find(call: SimulatedCall, expected: Expectation): Finding {
  try {
    return findingOf(call, expected);
  } catch (error) {
    return failed(`cannot be checked: ${messageOf(error)}`);
  }
}

/** What an ear alone can tell; all else needs the events of the call. */
const BY_EAR = ['voiceToVoiceMs', 'cutOffs', 'deadAirMs', 'judge'];

function findingOf(call: SimulatedCall, expected: Expectation): Finding {
  if (call.level === 'sip' && call.events.length === 0 && !BY_EAR.some((kind) => kind in expected)) {
    return skipped("not known without the server's API key: only waits and silences are heard from outside");
  }
  if ('says' in expected) return checkSays(call, expected.says, expected.turn);
  if ('neverSays' in expected) return checkNeverSays(call, expected.neverSays);
  if ('inOrder' in expected) return checkInOrder(call, expected.inOrder);
  if ('calls' in expected) return checkCalls(call, expected);
  if ('neverCalls' in expected) return checkNeverCalls(call, expected.neverCalls);
  if ('toolOrder' in expected) return checkToolOrder(call, expected.toolOrder);
  if ('ends' in expected) return checkEnds(call, expected.ends);
  if ('turns' in expected) return checkTurns(call, expected.turns);
  if ('voiceToVoiceMs' in expected) return checkVoiceToVoice(call, expected.voiceToVoiceMs);
  if ('interruptions' in expected) return checkInterruptions(call, expected.interruptions.max);
  if ('cutOffs' in expected) return checkCutOffs(call, expected.cutOffs.max);
  if ('deadAirMs' in expected) return checkDeadAir(call, expected.deadAirMs.max);
  if ('grounded' in expected) return checkGrounded(call, expected.grounded.document);
  if ('fact' in expected) return checkFact(call, expected.fact, expected.with);
  if ('recording' in expected) return checkRecording(call, expected.recording);
  if ('event' in expected) return checkEvent(call, expected);
  return skipped('no language model is configured to judge it');
}
