/** Questions that mean the same, together: each is compared with the clusters that share its words, the likeliest first. */
import { termsOf } from '#models/terms.ts';
import type { GapExample, GapFinding, KnownGap } from '#store/gaps.ts';

/** Two questions this much alike are one. */
const SAME = 0.65;
/** Clusters compared with a question: those that share most of its terms. */
const MAX_COMPARED = 10;
/** Questions of a cluster that its name is chosen from; the first is what others are compared with: clusters do not drift. */
const MAX_QUESTIONS = 5;
const MAX_TERMS = 50;

/** 0…1. Must not throw. */
export type SameQuestion = (a: string, b: string) => number;

interface Cluster {
  id: string;
  questions: string[];
  examples: GapExample[];
}

export class Clusters {
  readonly #sameQuestion: SameQuestion;
  readonly #all: Cluster[];
  readonly #byTerm = new Map<string, Set<Cluster>>();
  /** By the question that others are compared with: the same words need no comparison. */
  readonly #byQuestion = new Map<string, Cluster>();

  constructor(known: readonly KnownGap[], sameQuestion: SameQuestion) {
    this.#sameQuestion = sameQuestion;
    this.#all = known.map(({ id, question }) => ({ id, questions: [question], examples: [] }));
    for (const cluster of this.#all) this.#index(cluster, cluster.questions[0]);
  }

  /** Goes to the cluster it is most like, or begins one with a new id. */
  add(example: GapExample, newId: () => string): void {
    let best = this.#byQuestion.get(example.text);
    let most = SAME;
    for (const cluster of best ? [] : this.#near(example.text)) {
      const likeness = this.#sameQuestion(cluster.questions[0], example.text);
      if (likeness < most || (best && likeness === most)) continue;
      most = likeness;
      best = cluster;
    }
    if (!best) {
      this.#all.push((best = { id: newId(), questions: [], examples: [] }));
      this.#index(best, example.text);
    }
    best.examples.push(example);
    if (best.questions.length < MAX_QUESTIONS && !best.questions.includes(example.text)) best.questions.push(example.text);
  }

  /** Clusters that something was added to. */
  findings(): GapFinding[] {
    return this.#all
      .filter(({ examples }) => examples.length > 0)
      .map(({ id, questions, examples }) => {
        const question = clearestOf(questions, this.#sameQuestion);
        return { gapId: id, question, terms: [...new Set(termsOf(question))].slice(0, MAX_TERMS), examples };
      });
  }

  #near(text: string): Cluster[] {
    const shared = new Map<Cluster, number>();
    for (const term of new Set(termsOf(text)))
      for (const cluster of this.#byTerm.get(term) ?? []) shared.set(cluster, (shared.get(cluster) ?? 0) + 1);
    const ranked = [...shared].sort(([, a], [, b]) => b - a).slice(0, MAX_COMPARED);
    return ranked.map(([cluster]) => cluster);
  }

  #index(cluster: Cluster, question: string): void {
    if (!this.#byQuestion.has(question)) this.#byQuestion.set(question, cluster);
    for (const term of termsOf(question)) {
      const clusters = this.#byTerm.get(term) ?? new Set();
      this.#byTerm.set(term, clusters.add(cluster));
    }
  }
}

/** The one most like all others; of equals the shorter, then the earlier. */
export function clearestOf(questions: readonly string[], sameQuestion: SameQuestion): string {
  if (questions.length === 1) return questions[0];
  const scores = questions.map((one) => questions.reduce((sum, other) => sum + sameQuestion(one, other), 0));
  let best = 0;
  for (let index = 1; index < questions.length; index++) {
    const better = scores[index] - scores[best];
    if (better > 1e-9 || (better > -1e-9 && questions[index].length < questions[best].length)) best = index;
  }
  return questions[best];
}
