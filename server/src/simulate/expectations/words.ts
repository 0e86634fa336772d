/** Expectations on what the assistant said: `says`, `neverSays`, `inOrder`. */
import type { SimulatedCall } from '../outcome.ts';
import { type Finding, failed, passed } from './finding.ts';
import { patternOf } from './sameness.ts';
import { likeness, saysPhrase } from './spoken-form.ts';
import { assistantTurns, clockOf, saidAt, sentencesOf, type Utterance } from './transcript.ts';

/** A phrase, compared loosely, or a regular expression. */
export type Words = string | { matches: string };

export const wordsTitle = (words: Words): string => (typeof words === 'string' ? `"${words}"` : `/${words.matches}/`);

/** Whether `text` holds the words. Throws `SyntaxError` for what is no regular expression. */
export const holdsWords = (text: string, words: Words): boolean =>
  typeof words === 'string' ? saysPhrase(text, words) : patternOf(words.matches).test(text);

export function checkSays(call: SimulatedCall, words: Words, turn?: number): Finding {
  const turns = assistantTurns(call);
  const heard = turn === undefined ? turns : turns.filter((one) => one.turn === turn);
  if (heard.some(({ text }) => holdsWords(text, words))) return passed;
  if (turn !== undefined) {
    const elsewhere = turns.find(({ text }) => holdsWords(text, words));
    if (elsewhere) return failed(`said in turn ${elsewhere.turn ?? '?'} instead, at ${clockOf(elsewhere.fromMs)}`);
  }
  return failed(nearest(heard, words));
}

export function checkNeverSays(call: SimulatedCall, words: Words): Finding {
  const said = assistantTurns(call).find(({ text }) => holdsWords(text, words));
  if (!said) return passed;
  const sentence = sentencesOf(said.text).find((one) => holdsWords(one, words)) ?? said.text;
  return failed(`said at ${clockOf(saidAt(said, sentence))}: "${sentence}"`);
}

/** Each in a sentence at or behind the one before; two may be in one sentence, in their order. */
export function checkInOrder(call: SimulatedCall, all: readonly Words[]): Finding {
  const sentences = assistantTurns(call).flatMap(({ text }) => sentencesOf(text));
  let rest = sentences;
  for (const [index, words] of all.entries()) {
    // The shortest stretch of what is left that holds the words, so that what follows has as much as possible.
    const at = rest.findIndex((_, end) => holdsWords(rest.slice(Math.max(0, end - 1), end + 1).join(' '), words));
    if (at < 0) {
      const before = index === 0 ? '' : ` after ${wordsTitle(all[index - 1])}`;
      const early = sentences.some((sentence) => holdsWords(sentence, words));
      return failed(`${wordsTitle(words)} was ${early ? 'said, but not' : 'not said'}${before}`);
    }
    rest = [behind(rest[at], words), ...rest.slice(at + 1)];
  }
  return passed;
}

/** What is left of a sentence behind the words: nothing of them may be counted again. */
function behind(sentence: string, words: Words): string {
  const pieces = sentence.split(/\s+/);
  for (let end = 1; end <= pieces.length; end++) {
    if (holdsWords(pieces.slice(0, end).join(' '), words)) return pieces.slice(end).join(' ');
  }
  return '';
}

function nearest(turns: readonly Utterance[], words: Words): string {
  const sentences = turns.flatMap((turn) => sentencesOf(turn.text).map((sentence) => ({ sentence, fromMs: saidAt(turn, sentence) })));
  const last = sentences.at(-1);
  if (!last) return 'the assistant said nothing';
  const wanted = typeof words === 'string' ? words : words.matches.replace(/[^\p{L}\p{N}\s]/gu, ' ');
  let best = { score: 0, ...last };
  for (const one of sentences) {
    const score = likeness(one.sentence, wanted);
    if (score > best.score) best = { score, ...one };
  }
  return best.score > 0
    ? `nearest, at ${clockOf(best.fromMs)}: "${best.sentence}"`
    : `nothing like it; last said, at ${clockOf(last.fromMs)}: "${last.sentence}"`;
}
