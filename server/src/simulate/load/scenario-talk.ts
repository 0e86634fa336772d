/**
 * A scenario's caller as a load caller: its sounds and its timing, not its words; expectations are for `npx tandem simulate`.
 * Lines of text become speech-like sound of the length that speaking them takes.
 */
import { TandemError } from '#kit/errors.ts';
import type { Random } from '#kit/random.ts';
import type { CallerStep, Scenario } from '../scenario.ts';
import { endingWithSpeech, type Part, type Talk, type Utterance } from './talk.ts';
import { cough, voice } from './voices.ts';

const WORD_MS = 300;
/** Where a word of an answer is, as far as somebody who does not listen to words can know. */
const ANSWER_WORD_MS = 330;
const BARGE_IN_AFTER_MS = 1_200;

type Read = (path: string) => Uint8Array;

const wordCount = (text: string): number => text.split(/\s+/).filter(Boolean).length;

function spoken(line: number, step: Extract<CallerStep, { say: string }>): Part[] {
  const wordMs = step.wordMs ?? WORD_MS;
  const parts: Part[] = [];
  let from = 0;
  for (const { afterWord, ms } of (step.pauses ?? []).toSorted((a, b) => a.afterWord - b.afterWord)) {
    if (afterWord <= from) continue;
    parts.push({ sound: voice(line, (afterWord - from) * wordMs), pauseMs: ms });
    from = afterWord;
  }
  parts.push({ sound: voice(line, Math.max(1, wordCount(step.say) - from) * wordMs), pauseMs: 0 });
  return parts;
}

function overAfter(step: { atWord?: number; atMs?: number }): number {
  return step.atMs ?? (step.atWord === undefined ? BARGE_IN_AFTER_MS : step.atWord * ANSWER_WORD_MS);
}

/** Undefined for a step that is only waiting. */
function utteranceOf(step: CallerStep, line: number, random: Random, read: Read): Utterance | undefined {
  if ('say' in step) return { kind: 'ordinary', parts: spoken(line, step), waitMs: step.after };
  if ('play' in step) return { kind: 'ordinary', parts: [{ sound: read(step.play), pauseMs: 0 }], waitMs: step.after };
  if ('bargeIn' in step) {
    return {
      kind: 'barge-in',
      parts: [{ sound: voice(line, wordCount(step.bargeIn) * WORD_MS), pauseMs: 0 }],
      overAfterMs: overAfter(step),
    };
  }
  if ('backchannel' in step) return { kind: 'backchannel', parts: [{ sound: voice(line, 300), pauseMs: 0 }], overAfterMs: overAfter(step) };
  if ('press' in step) return { kind: 'backchannel', parts: [], digits: step.press, waitMs: step.after };
  if ('sound' in step) return { kind: 'cough', parts: [{ sound: cough(step.ms, random), pauseMs: 0 }], waitMs: step.after };
  return undefined;
}

/**
 * Throws `invalid-input` for a scenario that a crowd of callers cannot play: a persona, typing, or nothing to say. `read`
 * answers a WAV file's sound as µ-law at 8 kHz. The script begins anew when it is over, unless it hangs up.
 */
export function scenarioTalk(scenario: Scenario, read: Read): Talk {
  if (scenario.persona) throw new TandemError('invalid-input', `${scenario.name}: a persona cannot be many callers; write its lines`);
  if (scenario.caller.some((step) => 'type' in step))
    throw new TandemError('invalid-input', `${scenario.name}: nobody types on a telephone line`);
  const end = scenario.caller.findIndex((step) => 'hangUp' in step);
  const steps = (end < 0 ? scenario.caller : scenario.caller.slice(0, end)).filter((step) => !('hear' in step) && !('pause' in step));
  if (steps.length === 0) throw new TandemError('invalid-input', `${scenario.name}: its caller says nothing`);
  const sounds = new Map<string, Uint8Array>();
  const once: Read = (path) => {
    const known = sounds.get(path) ?? endingWithSpeech(read(path));
    sounds.set(path, known);
    return known;
  };
  return {
    utterance(line, index, random) {
      if (end >= 0 && index >= steps.length) return undefined;
      return utteranceOf(steps[index % steps.length], line, random, once);
    },
  };
}
