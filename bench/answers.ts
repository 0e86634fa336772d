/**
 * Answers: whether what is asked is found, and whether what cannot be answered is refused, on public question sets in
 * SQuAD's format, as they are written and as a recogniser might hear them (simulated, seeded).
 *
 *   npm run bench -- answers --set xquad.en.json [--set dev-v2.0.json] [--every 1] [--passages 10000,100000] [--licence TEXT]
 *     [--embedder FOLDER]
 *
 * The sets are not part of this repository: XQuAD (github.com/google-deepmind/xquad), SQuAD 2.0 (rajpurkar.github.io/SQuAD-explorer).
 * Paragraphs are cut as the product cuts documents, and the whole set is one business. A hit is a passage of the right
 * paragraph; `span_` figures ask for the passage that holds the answer's words. Figures without a set's name are the first set's.
 * A set whose answers are withheld (a test half) counts all its questions, by paragraph only.
 *
 * `--embedder` names the folder of a sentence model (as `TANDEM_EMBEDDER_PATH` does) in the place of the built-in embedder;
 * the result is written beside, as `answers-embedder`.
 */
import { parseArgs } from 'node:util';
import { type Embed, Finder } from './answers/finders.ts';
import { passagesOfSet, type Question, type QuestionSet, readQuestionSet } from './answers/question-set.ts';
import { type Asked, gainAt5, meanReciprocalRank, rank, recallAt } from './answers/ranking.ts';
import { type Errors, Recogniser } from './answers/recognition-errors.ts';
import { answers, bestBound, isLeftOut, judge, type Judged, shareOf } from './answers/refusals.ts';
import { measureSpeed } from './answers/speed.ts';
import { type Figure, percentile, publish } from './results.ts';
import { SeededRandom } from '../server/src/kit/random.ts';
import { systemKit } from '../server/src/kit/kit.ts';
import type { Embedder } from '../server/src/models/embedder.ts';
import { HashingEmbedder } from '../server/src/models/hashing/embedder.ts';
import { OnnxEmbedder } from '../server/src/models/onnx-embedder/embedder.ts';
import { wordsOf } from '../server/src/models/terms.ts';

const { values } = parseArgs({
  options: {
    set: { type: 'string', multiple: true },
    every: { type: 'string', default: '1' },
    passages: { type: 'string', default: '10000,100000' },
    licence: { type: 'string' },
    embedder: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});
if (!values.set) {
  console.error('usage: npm run bench -- answers --set FILE [--set FILE] (a question set in the JSON format of SQuAD)');
  process.exit(2);
}
const seed = Number(values.seed);
const every = Number(values.every);

/** Undefined is the question as it is written. */
const CONDITIONS: Record<string, Errors | undefined> = {
  clean: undefined,
  unpunctuated: {},
  lost10: { lost: 0.1 },
  lost20: { lost: 0.2 },
  misheard10: { misheard: 0.1 },
  misheard20: { misheard: 0.2 },
  torn10: { torn: 0.1 },
  mixed: { lost: 0.1, misheard: 0.1, torn: 0.05 },
};
const JUDGED = ['clean', 'mixed'];

const kit = systemKit('error');
const embedder: Embedder =
  values.embedder === undefined
    ? new HashingEmbedder()
    : await OnnxEmbedder.load(kit, { folder: values.embedder, runtime: process.env.TANDEM_ONNXRUNTIME ?? 'onnxruntime-node' });
const embed: Embed = (texts, use) => embedder.embed(texts, AbortSignal.timeout(600_000), { use });

function heard(set: QuestionSet, questions: readonly Question[], errors: Errors | undefined): Asked[] {
  if (!errors) return questions.map((question) => ({ ...question, heard: question.text }));
  const lexicon = new Set(set.paragraphs.flatMap(({ text }) => wordsOf(text)));
  const recogniser = new Recogniser(new SeededRandom(seed), lexicon);
  return questions.map((question) => ({ ...question, heard: recogniser.hear(question.text, errors) }));
}

async function ranking(set: QuestionSet, questions: readonly Question[]): Promise<{ figures: Figure[]; samples: Record<string, unknown> }> {
  const finder = await Finder.of(passagesOfSet(set.paragraphs), embed);
  const figures: Figure[] = [];
  const samples: Record<string, unknown> = {};
  const withheld = isWithheld(questions);
  const answerable = withheld ? questions : questions.filter((question) => question.answers.length > 0);
  for (const [condition, errors] of Object.entries(CONDITIONS)) {
    const { ranks, tookMs } = await rank(finder, heard(set, answerable, errors));
    samples[condition] = ranks;
    for (const [way, { paragraph, span }] of Object.entries(ranks)) {
      const n = paragraph.length;
      const name = (figure: string) => `${figure}_${way}_${condition}`;
      for (const k of [1, 3, 5]) figures.push({ name: name(`top${k}_pct`), value: recallAt(paragraph, k), unit: '%', n });
      figures.push({ name: name('mrr'), value: meanReciprocalRank(paragraph), unit: '', n });
      figures.push({ name: name('ndcg5'), value: gainAt5(paragraph), unit: '', n });
      if (!withheld) figures.push({ name: name('span_top5_pct'), value: recallAt(span, 5), unit: '%', n });
    }
    if (condition !== 'clean') continue;
    figures.push({ name: 'search_p50_ms', value: percentile(tookMs, 0.5), unit: 'ms', n: tookMs.length });
    figures.push({ name: 'search_p99_ms', value: percentile(tookMs, 0.99), unit: 'ms', n: tookMs.length });
  }
  return { figures, samples };
}

/** Nobody says which can be answered, and how. */
const isWithheld = (questions: readonly Question[]): boolean => questions.every(({ answers }) => answers.length === 0);

/** Bounds are looked for on the questions of even number, and the product's own are reported on those of odd number. */
async function refusing(set: QuestionSet, questions: readonly Question[]): Promise<{ figures: Figure[]; bounds: Record<string, number> }> {
  const finder = await Finder.of(passagesOfSet(set.paragraphs.filter(({ article }) => !isLeftOut(article))), embed);
  const figures: Figure[] = [];
  const bounds: Record<string, number> = {};
  for (const condition of JUDGED) {
    const asked = heard(set, questions, CONDITIONS[condition]);
    for (const by of ['words', 'hybrid'] as const) {
      const judged = await judge(finder, asked, by);
      bounds[`${by}_${condition}`] = bestBound(judged.filter((_, at) => at % 2 === 0));
      figures.push(
        ...refusalFigures(
          judged.filter((_, at) => at % 2 === 1),
          `_${by}_${condition}`,
        ),
      );
    }
    const known = asked.filter((one) => one.answers.length > 0 && !isLeftOut(one.paragraph.article));
    const said = await answers(kit, finder, known);
    const share = (of: (one: (typeof said)[number]) => boolean) => (100 * said.filter(of).length) / said.length;
    figures.push({ name: `grounded_pct_${condition}`, value: share(({ grounded }) => grounded), unit: '%', n: said.length });
    figures.push({ name: `sentence_holds_answer_pct_${condition}`, value: share(({ right }) => right), unit: '%', n: said.length });
  }
  return { figures, bounds };
}

function refusalFigures(judged: readonly Judged[], suffix: string): Figure[] {
  const count = (kind: Judged['kind']) => judged.filter((one) => one.kind === kind).length;
  const refused = ['clarify', 'unknown'] as const;
  const figures: Figure[] = [
    { name: `false_refusal_pct${suffix}`, value: shareOf(judged, 'answerable', ...refused), unit: '%', n: count('answerable') },
    { name: `false_unknown_pct${suffix}`, value: shareOf(judged, 'answerable', 'unknown'), unit: '%', n: count('answerable') },
    { name: `correct_refusal_pct${suffix}`, value: shareOf(judged, 'outside', ...refused), unit: '%', n: count('outside') },
    { name: `correct_unknown_pct${suffix}`, value: shareOf(judged, 'outside', 'unknown'), unit: '%', n: count('outside') },
    { name: `impossible_refused_pct${suffix}`, value: shareOf(judged, 'impossible', ...refused), unit: '%', n: count('impossible') },
  ];
  return figures.filter(({ n }) => n > 0);
}

function speed(set: QuestionSet): { figures: Figure[]; samples: Record<string, unknown> } {
  const figures: Figure[] = [];
  const samples: Record<string, unknown> = {};
  for (const passages of values.passages.split(',').filter(Boolean).map(Number)) {
    console.log(`${passages} passages …`);
    const { buildMs, ...series } = measureSpeed(set, passages, seed);
    samples[`passages_${passages}`] = series;
    for (const [what, taken] of Object.entries(series)) {
      for (const share of [0.5, 0.99]) {
        const name = `${what.slice(0, -2)}_p${share * 100}_ms_${passages}`;
        const goal = what === 'updateMs' || share < 0.99 ? undefined : passages <= 10_000 ? 1 : 5;
        figures.push({ name, value: percentile(taken, share), unit: 'ms', n: taken.length, goal });
      }
    }
    figures.push({ name: `build_ms_per_passage_${passages}`, value: buildMs / passages, unit: 'ms', n: passages });
  }
  return { figures, samples };
}

const figures: Figure[] = [];
const samples: Record<string, unknown> = {};
const bounds: Record<string, unknown> = {};
const sets: Record<string, unknown>[] = [];
for (const [index, path] of values.set.entries()) {
  const set = readQuestionSet(path, values.licence);
  const questions = set.questions.filter((_, at) => at % every === 0);
  console.log(`${set.name}: ${set.paragraphs.length} paragraphs, ${questions.length} questions …`);
  const found = await ranking(set, questions);
  const refused = isWithheld(questions) ? { figures: [], bounds: {} } : await refusing(set, questions);
  const short = `set${index + 1}`;
  figures.push(...[...found.figures, ...refused.figures].map((figure) => ({ ...figure, name: `${short}_${figure.name}` })));
  if (index === 0) {
    // The names that stay: what the embedded default does with questions as they are written.
    const stays = (name: string, from: string, goal?: number) => {
      const figure = [...found.figures, ...refused.figures].find((one) => one.name === from);
      return figure ? [{ ...figure, name, goal }] : [];
    };
    figures.unshift(
      ...stays('top5_pct', 'top5_pct_hybrid_clean', 97),
      ...stays('top5_pct_recognition_errors', 'top5_pct_hybrid_mixed'),
      ...stays('mrr', 'mrr_hybrid_clean'),
      ...stays('false_refusal_pct', 'false_refusal_pct_hybrid_clean'),
      ...stays('correct_refusal_pct', 'correct_refusal_pct_hybrid_clean'),
      ...stays('grounded_pct', 'grounded_pct_clean'),
    );
    const measured = speed(set);
    figures.push(...measured.figures);
    samples.speed = measured.samples;
  }
  samples[short] = found.samples;
  bounds[short] = refused.bounds;
  const { name, sha256, licence, articles, paragraphs } = set;
  sets.push({ short, name, sha256, licence, articles, paragraphs: paragraphs.length, questions: questions.length, every });
}
publish(
  values.embedder === undefined ? 'answers' : 'answers-embedder',
  {
    sets,
    hit: 'a passage of the right paragraph among those found; span: the passage that holds the words of the answer',
    errors: CONDITIONS,
    vectors: `${embedder.name}, exact search`,
    outside: 'questions about every fourth article, which is not in the knowledge',
    impossible: 'questions marked is_impossible about articles that are',
    refused: 'verdict clarify or unknown; by the bounds of the product, on the questions of odd number',
    bounds_found_on_even_questions: bounds,
  },
  figures,
  samples,
  seed,
);
await embedder.close?.();
