/**
 * Was it one of the phrases? A grammar always finds its nearest phrase, whatever was said, so its path is held
 * against the path of a loop of all phones, which explains any sound: words of the grammar score nearly as well,
 * other words far worse. Both decoders must score all senones (`-compallsen yes`), or the two scores are normalised
 * by different sums and mean nothing together.
 *
 * Calibrated through µ-law on three sets. Recorded human speech, 65 phrases in the grammar and 221 prompts of 1-8
 * words outside it: 83.1 % rightly accepted, 1.5 % accepted as another phrase, 3.7 % of the strangers accepted. Four
 * synthetic voices, 143 utterances of the demo's questions and small talk, 130 outside: 91.6, 3.5 and 5.4 % (half of
 * these one word off: "can I bring my dog" for "my child"). 230 bursts of noise: none accepted.
 */
import { type DecodedPath, isFiller } from './decoded-path.ts';

export interface Verdict {
  /** Words of the best path, fillers left out. Empty when there is no path. Frames of 10 ms, `last` included. */
  words: { text: string; first: number; last: number }[];
  accepted: boolean;
  /** 0..1: how likely such differences were in the grammar and rightly recognised. */
  confidence: number;
}

/** Grammar minus loop, per frame of 10 ms, in units of the decoder's logarithm. */
export interface Difference {
  /** Path scores, over the whole utterance. */
  path: number;
  /** Acoustic scores, over the words alone: noise hides its one short word in a long silence. */
  speech: number;
  /** Acoustic scores of the worst word: one stranger in a known sentence. */
  worstWord: number;
}

/** Words this short are told from a stranger's with less certainty. */
const FEW_WORDS = 2;
const LEAST_PATH = { few: -8.5, more: -11.5 };
const LEAST_SPEECH = -16;
const LEAST_WORD = -32;
/** A word's difference is spread over this many frames more than it has: "a" and "the" may be mumbled. */
const WORD_MARGIN = 6;
/** What is shorter in all is a knock or a cough. */
const SHORTEST_SPEECH = 15;
/** Logistic regression of "in the grammar, and rightly recognised". */
const CONFIDENCE = { base: 3.165, path: 0.304, speech: 0.067 };

/** Acoustic score of all frames before each frame, a segment's score spread evenly. */
function running(path: DecodedPath, frames: number): Float64Array {
  const sums = new Float64Array(frames + 1);
  for (const { first, last, score } of path.segments) {
    for (let frame = first; frame <= last; frame++) sums[frame + 1] = score / (last - first + 1);
  }
  for (let frame = 0; frame < frames; frame++) sums[frame + 1] += sums[frame];
  return sums;
}

/** Undefined when either has no path or the grammar's has no words. */
export function differenceOf(grammar: DecodedPath, loop: DecodedPath): Difference | undefined {
  const frames = Math.max(grammar.segments.at(-1)?.last ?? -1, loop.segments.at(-1)?.last ?? -1) + 1;
  const words = grammar.segments.filter(({ word }) => !isFiller(word));
  if (words.length === 0 || loop.segments.length === 0) return undefined;
  const ours = running(grammar, frames);
  const theirs = running(loop, frames);
  let spoken = 0;
  let speech = 0;
  let worstWord = Number.POSITIVE_INFINITY;
  for (const { first, last } of words) {
    const difference = ours[last + 1] - ours[first] - (theirs[last + 1] - theirs[first]);
    const length = last - first + 1;
    spoken += length;
    speech += difference;
    worstWord = Math.min(worstWord, difference / (length + WORD_MARGIN));
  }
  return { path: (grammar.score - loop.score) / frames, speech: speech / spoken, worstWord };
}

export function judge(grammar: DecodedPath, loop: DecodedPath): Verdict {
  const words = grammar.segments.filter(({ word }) => !isFiller(word)).map(({ word, first, last }) => ({ text: word, first, last }));
  const difference = differenceOf(grammar, loop);
  if (!difference) return { words, accepted: false, confidence: 0 };
  const { path, speech, worstWord } = difference;
  const spoken = words.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const accepted =
    spoken >= SHORTEST_SPEECH &&
    path > (words.length <= FEW_WORDS ? LEAST_PATH.few : LEAST_PATH.more) &&
    speech > LEAST_SPEECH &&
    worstWord > LEAST_WORD;
  const confidence = 1 / (1 + Math.exp(-(CONFIDENCE.base + CONFIDENCE.path * path + CONFIDENCE.speech * speech)));
  return { words, accepted, confidence };
}
