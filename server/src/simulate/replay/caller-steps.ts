/** What the caller of a recorded call did, as steps of a scenario: said again after as long a wait, interrupting at the same word. */
import type { CallerStep } from '../scenario.ts';
import type { RecordedTurn } from './recorded-turns.ts';

/** A simulated caller has waited so long when it takes an answer for finished. */
const QUIET_MS = 240;
/** Gaps between a caller's words that are worth a pause. */
const PAUSE_MS = 200;
/** Who begins so little before the end of an answer has waited for it. */
const NEARLY_OVER_MS = 500;
const FASTEST_WORD_MS = 120;
const SLOWEST_WORD_MS = 700;
const USUAL_WORD_MS = 280;

const wordsIn = (text: string): number => text.split(/\s+/).filter(Boolean).length;
const round = (ms: number): number => Math.max(0, Math.round(ms / 10) * 10);

/**
 * `hungUpMs`: when the caller put the phone down, since the answer; undefined when somebody else ended the call. `sounds`:
 * files of what was really said, by turn; a turn that interrupts is spoken anew, at its word.
 */
export function callerSteps(
  turns: readonly RecordedTurn[],
  hungUpMs: number | undefined,
  sounds: ReadonlyMap<number, string> = new Map(),
): CallerStep[] {
  const steps: CallerStep[] = [];
  let before: RecordedTurn | undefined = turns.find(({ turn }) => turn === 0);
  let endedMs = 0;
  for (const turn of turns) {
    if (turn.turn === 0) continue;
    steps.push(...stepsOf(turn, before, endedMs, sounds.get(turn.turn)));
    endedMs = endOf(turn);
    before = turn;
  }
  if (hungUpMs === undefined) return steps;
  if (!before || before.interrupted || hungUpMs < (before.audibleToMs ?? Number.POSITIVE_INFINITY)) {
    return [...steps, { hangUp: true, after: round(hungUpMs - endedMs) }];
  }
  return [...steps, ...heard(before, hungUpMs), { hangUp: true }];
}

function stepsOf(turn: RecordedTurn, before: RecordedTurn | undefined, endedMs: number, sound: string | undefined): CallerStep[] {
  const fromMs = startOf(turn);
  const cut = before?.interrupted === true && turn.source === 'speech' && before.heard !== '';
  if (cut) return [{ bargeIn: turn.said, atWord: Math.max(1, before.wordStartsMs.filter((startMs) => startMs <= fromMs).length) }];
  const listenedTo = before?.audibleToMs !== undefined && fromMs >= before.audibleToMs - NEARLY_OVER_MS ? before : undefined;
  const first = listenedTo ? heard(listenedTo, fromMs) : [];
  const after = listenedTo ? {} : { after: round(fromMs - endedMs) };
  if (turn.source === 'digits' && turn.keys !== '') return [...first, { press: pressed(turn.keys), ...after }];
  if (turn.source === 'typed') return [...first, { type: turn.said, ...after }];
  if (sound !== undefined && turn.source === 'speech') return [...first, { play: sound, text: turn.said, ...after }];
  return [...first, spoken(turn, after)];
}

/** Waits for the end of the answer (or the greeting), and then as long as the caller did. */
function heard({ turn, audibleToMs = 0 }: RecordedTurn, untilMs: number): CallerStep[] {
  const pause = round(untilMs - audibleToMs - QUIET_MS);
  return [{ hear: turn === 0 ? 'greeting' : 'answer' }, ...(pause > 0 ? [{ pause }] : [])];
}

/** In the caller's own pace, with the pauses between what the transcriber closed one by one. */
function spoken({ said, parts }: RecordedTurn, timing: { after?: number }): CallerStep {
  const whole = parts.map(({ text }) => text).join(' ');
  if (parts.length === 0 || wordsIn(whole) !== wordsIn(said)) return { say: said, ...timing };
  const pauses: { afterWord: number; ms: number }[] = [];
  let words = 0;
  let voicedMs = 0;
  for (const [index, part] of parts.entries()) {
    words += wordsIn(part.text);
    voicedMs += part.toMs - part.fromMs;
    const next = parts.at(index + 1);
    if (next && next.fromMs - part.toMs >= PAUSE_MS) pauses.push({ afterWord: words, ms: round(next.fromMs - part.toMs) });
  }
  const wordMs = voicedMs > 0 ? Math.round(Math.min(SLOWEST_WORD_MS, Math.max(FASTEST_WORD_MS, voicedMs / words))) : USUAL_WORD_MS;
  return { say: said, wordMs, ...(pauses.length > 0 ? { pauses } : {}), ...timing };
}

function startOf({ parts, keysAtMs, committedMs }: RecordedTurn): number {
  return parts.at(0)?.fromMs ?? keysAtMs ?? committedMs ?? 0;
}

function endOf({ parts, committedMs }: RecordedTurn): number {
  return parts.at(-1)?.toMs ?? committedMs ?? 0;
}

/** A key of a secret is not known: a zero in its place. */
const pressed = (keys: string): string => keys.replace(/\*/g, '0');
