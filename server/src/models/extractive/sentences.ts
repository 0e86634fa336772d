/** Choosing the sentence of a passage that answers a question: BM25 over the sentences, light stemming, no model. */
import { termsOf } from '../terms.ts';

export const wordCount = (text: string): number => text.split(/\s+/).filter(Boolean).length;

/** Whole sentences; lines without a full stop (headings, list items) count as one each. */
export function splitSentences(text: string): string[] {
  return text
    .split(/\n+|(?<=(?<!\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|e\.g|i\.e))[.!?]["')]?)\s+(?=[\p{Lu}\d"'(])/u)
    .map((sentence) => sentence.replace(/^\s*(?:[-*•]|\d+[.)]|#{1,6})\s+/, '').trim())
    .filter((sentence) => /\p{L}/u.test(sentence));
}

/** What kind of thing the question asks for, as a sentence would show it. */
const EXPECTED: [question: RegExp, sign: RegExp][] = [
  [/\b(how much|price|cost|fee|charge)\b/i, /[$€£]\s?\d|\d\s?[$€£]|\bfree\b|\b(dollars|euros|pounds|percent)\b|\d%/i],
  [
    /\b(when|what time|opening|hours|how late|how early)\b/i,
    /\d{1,2}(:\d{2})?\s?([ap]\.?m|o'clock)|\d:\d\d|\b(mon|tues|wednes|thurs|fri|satur|sun)day|\bhours?\b/i,
  ],
  [
    /\b(how long|how soon|how many days)\b/i,
    /\b(\d+|one|two|three|four|five|six|seven|ten|fourteen|thirty)\b.{0,20}\b(minutes?|hours?|days?|weeks?|months?|years?)\b/i,
  ],
  [/\b(where|address|located|location)\b/i, /\b(street|avenue|road|floor|building|station|corner|park|city|at \d)\b/i],
  [/\b(phone|number|call|email|e-mail|contact|reach)\b/i, /@|\d{3}[-\s]\d{3,4}|\+\d/],
];

export interface Scored {
  sentence: string;
  index: number;
  score: number;
}

/** BM25 (k1 1.2, b 0.5) of every sentence for the question, plus a bonus for the kind of fact it asks for. */
export function scoreSentences(question: string, sentences: readonly string[]): Scored[] {
  const asked = new Set(termsOf(question));
  const bags = sentences.map(termsOf);
  const averageLength = bags.reduce((sum, bag) => sum + bag.length, 0) / Math.max(1, bags.length) || 1;
  const expected = EXPECTED.filter(([pattern]) => pattern.test(question)).map(([, sign]) => sign);
  return sentences.map((sentence, index) => {
    let score = 0;
    for (const term of asked) {
      const count = bags[index].filter((word) => word === term).length;
      if (count === 0) continue;
      const holding = bags.filter((bag) => bag.includes(term)).length;
      const rarity = Math.log(1 + (bags.length - holding + 0.5) / (holding + 0.5));
      score += (rarity * count * 2.2) / (count + 1.2 * (0.5 + (0.5 * bags[index].length) / averageLength));
    }
    for (const sign of expected) if (sign.test(sentence)) score += 0.8;
    // A question in the text (a heading, a FAQ line) is not an answer.
    if (sentence.endsWith('?')) score *= 0.25;
    return { sentence, index, score };
  });
}

/**
 * The sentence that answers best, with the one after it while that also bears on the question and the whole stays
 * within `maxWords`. A single longer sentence is cut at its last clause that fits.
 */
export function bestAnswer(question: string, text: string, maxWords = 35): { text: string; score: number } | undefined {
  const sentences = splitSentences(text);
  const scored = scoreSentences(question, sentences).sort((a, b) => b.score - a.score || a.index - b.index);
  const best = scored[0];
  if (!best) return undefined;
  let chosen = best.sentence;
  const next = scored.find((one) => one.index === best.index + 1);
  if (next && next.score > 0.4 * best.score && next.score > 0 && wordCount(chosen) + wordCount(next.sentence) <= maxWords) {
    chosen = `${ended(chosen)} ${next.sentence}`;
  }
  if (wordCount(chosen) > maxWords) chosen = shortened(chosen, maxWords);
  return { text: ended(chosen), score: best.score };
}

const ended = (sentence: string): string => (/[.!?]["')]?$/.test(sentence) ? sentence : `${sentence.replace(/[,;:\s]+$/, '')}.`);

/** Up to the last clause end inside the limit; a sentence without one stays whole, because half a fact misleads. */
function shortened(sentence: string, maxWords: number): string {
  const head = sentence.split(/\s+/).slice(0, maxWords).join(' ');
  const end = Math.max(head.lastIndexOf('; '), head.lastIndexOf(', but '), head.lastIndexOf(', and '));
  return end > head.length / 3 ? head.slice(0, end) : sentence;
}
