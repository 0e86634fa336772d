/** Where in a call a check is about, for reports that point there. */
import type { CallEvent } from '@tandem/contract';
import { holdsWords } from '../expectations/words.ts';
import { toolUses } from '../expectations/tools.ts';
import { answeredAt } from '../expectations/transcript.ts';
import type { Check, CheckedCall } from '../outcome.ts';

/** Milliseconds since the answer; undefined for what is about the whole call. */
export function checkedAt(call: CheckedCall, { expectation, passed, found }: Check): number | undefined {
  if ('says' in expectation && passed) {
    return call.lines.find(({ who, text }) => who === 'assistant' && holdsWords(text, expectation.says))?.fromMs;
  }
  if ('neverSays' in expectation && !passed) {
    return call.lines.find(({ who, text }) => who === 'assistant' && holdsWords(text, expectation.neverSays))?.fromMs;
  }
  if ('calls' in expectation) return toolUses(call).find(({ name }) => name === expectation.calls)?.at;
  if ('neverCalls' in expectation) return toolUses(call).find(({ name }) => name === expectation.neverCalls)?.at;
  if ('ends' in expectation)
    return placeOf(
      call,
      call.events.findLast(({ type }) => type === 'call-ended'),
    );
  if ('event' in expectation)
    return placeOf(
      call,
      call.events.find(({ type }) => type === expectation.event),
    );
  if ('voiceToVoiceMs' in expectation) return slowestAnswerAt(call);
  // Words that were looked for name the nearest sentence with its time.
  const clock = /\bat (\d+):(\d\d)\.(\d)/.exec(found ?? '');
  return clock ? (Number(clock[1]) * 60 + Number(clock[2])) * 1_000 + Number(clock[3]) * 100 : undefined;
}

function slowestAnswerAt(call: CheckedCall): number | undefined {
  const waits = call.measures.voiceToVoiceMs;
  const slowest = waits.indexOf(Math.max(...waits));
  const answers = call.events.filter(
    (event) => event.type === 'turn-completed' && event.stages.firstPacketAt !== undefined && event.turn > 0,
  );
  return slowest < 0 ? undefined : placeOf(call, answers[slowest]);
}

const placeOf = (call: CheckedCall, event: CallEvent | undefined): number | undefined => event && event.at - answeredAt(call);
