/**
 * Saying "I don't know" at the right time. Every fourth article is left out of the knowledge; what is asked about it cannot
 * be answered from the others. `impossible` are questions of SQuAD 2.0 about an indexed paragraph that does not answer
 * them although it has all their words: words and cosines cannot tell, only a reader can.
 */
import type { Verdict } from '../../contract/src/knowledge.ts';
import { ExtractiveLanguageModel } from '../../server/src/models/extractive/language-model.ts';
import type { Kit } from '../../server/src/kit/kit.ts';
import type { Retrieval } from '../../server/src/knowledge/library.ts';
import type { Finder } from './finders.ts';
import type { Asked } from './ranking.ts';

export type Kind = 'answerable' | 'outside' | 'impossible';
export const KINDS: readonly Kind[] = ['answerable', 'outside', 'impossible'];

export interface Judged {
  kind: Kind;
  verdict: Verdict;
  score: number;
}

/** Articles of which nothing is known. */
export const isLeftOut = (article: number): boolean => article % 4 === 3;

export async function judge(finder: Finder, asked: readonly Asked[], by: 'words' | 'hybrid'): Promise<Judged[]> {
  const judged: Judged[] = [];
  for (const { heard, paragraph, answers } of asked) {
    const found = (await finder.find(heard))[by];
    const kind = isLeftOut(paragraph.article) ? 'outside' : answers.length > 0 ? 'answerable' : 'impossible';
    judged.push({ kind, verdict: found.verdict ?? 'unknown', score: found.confidence?.score ?? 0 });
  }
  return judged;
}

export function shareOf(judged: readonly Judged[], kind: Kind, ...verdicts: Verdict[]): number {
  const own = judged.filter((one) => one.kind === kind);
  return (100 * own.filter(({ verdict }) => verdicts.includes(verdict)).length) / own.length;
}

/** The score from which on to answer, by these questions: 2 x refused answerable + answered outside is smallest. */
export function bestBound(judged: readonly Judged[]): number {
  const scores = (kind: Kind): number[] => judged.filter((one) => one.kind === kind).map(({ score }) => score);
  const [answerable, outside] = [scores('answerable'), scores('outside')];
  let best = { bound: 0, cost: Number.POSITIVE_INFINITY };
  for (let bound = 0; bound <= 1; bound += 0.01) {
    const refused = answerable.filter((score) => score < bound).length / Math.max(1, answerable.length);
    const answered = outside.filter((score) => score >= bound).length / Math.max(1, outside.length);
    const cost = 2 * refused + answered;
    if (cost < best.cost) best = { bound, cost };
  }
  return best.bound;
}

export interface Answered {
  /** Numbers and names of the answer are all in the passages that it was made from. */
  grounded: boolean;
  /** It holds the words of an answer of the set. */
  right: boolean;
}

/** What the built-in model says to answerable questions that were not refused. */
export async function answers(kit: Kit, finder: Finder, asked: readonly Asked[]): Promise<Answered[]> {
  const model = new ExtractiveLanguageModel(kit);
  const signal = new AbortController().signal;
  const said: Answered[] = [];
  for (const { heard, answers: right } of asked) {
    const { hybrid } = await finder.find(heard);
    if (!hybrid.answerable) continue;
    let text = '';
    const passages = hybrid.passages.slice(0, 5);
    const request = { instructions: '', messages: [{ role: 'user' as const, text: heard }], passages, answerable: true, tools: [] };
    for await (const part of model.generate({ ...request, language: 'en', maxTokens: 200, signal }))
      if (part.type === 'text') text += part.text;
    said.push({ grounded: isGrounded(text, { ...hybrid, passages }), right: right.some((answer) => text.includes(answer)) });
  }
  return said;
}

function isGrounded(text: string, { passages }: Retrieval): boolean {
  const source = passages.map((passage) => `${passage.title} ${passage.answer ?? passage.text}`).join(' ');
  const claims = text.match(/\d[\d.,:]*\d|\d|(?<=[\p{L}\d,;:]\s)\p{Lu}[\p{L}'’-]+/gu) ?? [];
  return claims.every((claim) => source.includes(claim));
}
