/** How long a search by words takes in large knowledge: passages put together from the words of the set, as often as they are there. */
import { SeededRandom } from '../../server/src/kit/random.ts';
import { KnowledgeEngine } from '../../server/src/knowledge/engine.ts';
import { wordsOf } from '../../server/src/models/terms.ts';
import type { QuestionSet } from './question-set.ts';

const WORDS = 80;
const WARM_UP = 300;

export interface Speed {
  searchMs: number[];
  /** With a scope that keeps one passage of a hundred. */
  narrowMs: number[];
  updateMs: number[];
  buildMs: number;
}

export function measureSpeed(set: QuestionSet, passages: number, seed: number): Speed {
  const random = new SeededRandom(seed);
  const words = set.paragraphs.flatMap(({ text }) => wordsOf(text));
  const engine = new KnowledgeEngine();
  const record = (number: number) => {
    const text = Array.from({ length: WORDS }, () => words[random.below(words.length)]);
    return {
      id: `d${number >> 3}#${number & 7}`,
      documentId: `d${number >> 3}`,
      base: 'main',
      title: words[random.below(words.length)],
      text: `${text.join(' ')} item${number % 20_000}`,
      language: 'en',
      tags: [number % 100 === 0 ? 'few' : 'many'],
      audience: 'everyone',
    };
  };
  const from = performance.now();
  for (let number = 0; number < passages; number++) engine.upsert([record(number)]);
  const buildMs = performance.now() - from;
  const timed = (act: () => unknown): number => {
    const start = performance.now();
    act();
    return performance.now() - start;
  };
  const ask = (tags: string[]): number[] =>
    Array.from({ length: 2_000 + WARM_UP }, (_, i) => {
      const { text } = set.questions[(i * 7) % set.questions.length];
      return timed(() => engine.search({ text, scope: { tags } }));
    }).slice(WARM_UP);
  return {
    searchMs: ask([]),
    narrowMs: ask(['few']),
    updateMs: Array.from({ length: 500 }, () => {
      const changed = record(random.below(passages));
      return timed(() => engine.upsert([changed]));
    }),
    buildMs,
  };
}
