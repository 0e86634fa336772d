/**
 * Several questions in one breath: "What are your opening hours? And do you have parking?". Each is looked up by itself,
 * because what answers one has few of the words of the other.
 */
import type { ModelPassage } from '#models/language-model.ts';
import { isStopWord, wordsOf } from '#models/terms.ts';
import { plainWords } from './approved-answers.ts';
import type { LibraryQuery, Retrieval } from './library.ts';

/** Who asks more at once is answered the first ones; what is left goes with the last of them. */
const MOST_QUESTIONS = 3;
/** Of all questions together. */
const MOST_PASSAGES = 6;
/** "… and when" is the beginning of something, not a question. */
const LEAST_WORDS = 3;

const WH = '(?:what|when|where|who|whom|whose|which|why|how)';
const AUX = '(?:do|does|did|is|are|was|were|can|could|will|would|may|should|must|have|has|had)';
const SUBJECT = '(?:i|you|we|they|he|she|it|there|the|a|an|my|your|our|this|that|these|those|any|anybody|anyone|somebody)';
const DIRECT = `(?:${WH}(?:['’](?:s|re)\\b|(?:\\s+[\\p{L}\\p{N}'’-]+){0,3}?\\s+${AUX}\\b)|(?:what|how) about\\b|${AUX}(?:n['’]?t)?\\s+${SUBJECT}\\b)`;
const OPENS = new RegExp(`^${DIRECT}`, 'iu');
/** "I would like to know when you open": its next question need not be turned round either. */
const INDIRECT = new RegExp(`\\b(?:know|tell me|ask|wonder(?:ing)?|find out)\\b.*\\b(?:${WH}|if|whether)\\b`, 'iu');
/** Asks without the form of a question. */
const REQUESTS = /\b(?:tell me|(?:like|want|need) to know|wonder(?:ing)?)\b/i;
const INDIRECT_REST = new RegExp(`^(?:${WH}|whether|if)\\b`, 'iu');
const JOINT = '(?:,\\s*|\\s+)(?:and|but|also)\\s+(?:also\\s+|then\\s+)?';
const BEFORE_DIRECT = new RegExp(`${JOINT}(?=${DIRECT})`, 'iu');
const BEFORE_INDIRECT = new RegExp(`${JOINT}(?=(?:${WH}|if|whether)\\b)`, 'iu');
const JOINING = /^(?:(?:and|also|but|oh|so|then|plus|well)\b[\s,]*)+/i;
/** An abbreviation's full stop ends nothing. */
const SENTENCE_END = /(?<=[?!？！]["')\]]?)\s+|(?<=(?<!\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|\p{L}\.\p{L}))\.)\s+(?=\p{Lu})/u;

/** The caller's words question by question, in order; one when there is no more than one. What is no question goes with the next. */
export function questionsIn(text: string): string[] {
  const found: string[] = [];
  let waiting = '';
  for (const piece of text.split(SENTENCE_END).flatMap(partsOf)) {
    const joined = waiting === '' ? piece : `${waiting} ${piece}`;
    waiting = '';
    if (!asks(piece)) waiting = joined;
    else if (found.length < MOST_QUESTIONS) found.push(joined);
    else found[found.length - 1] += ` ${joined}`;
  }
  if (found.length === 0) return [text];
  if (waiting !== '') found[found.length - 1] += ` ${waiting}`;
  return found.length === 1 ? [text] : found.map(bare);
}

/** A sentence at the joints where another question begins. */
function partsOf(sentence: string): string[] {
  const parts: string[] = [];
  const joint = INDIRECT.test(sentence) ? BEFORE_INDIRECT : BEFORE_DIRECT;
  let rest = sentence;
  for (let from = 0; ; ) {
    const found = joint.exec(rest.slice(from));
    if (!found) return [...parts, rest];
    const at = from + found.index;
    const [before, after] = [rest.slice(0, at), rest.slice(at + found[0].length)];
    if (hasContent(before) && wordsOf(after).length >= LEAST_WORDS && hasContent(after)) {
      parts.push(before);
      rest = after;
      from = 0;
    } else from = at + found[0].length;
  }
}

/** Something could be looked up: "Are you there?" asks nothing that anybody has written down. */
function asks(piece: string): boolean {
  if (!hasContent(piece)) return false;
  const question = /[?？]["')\]]?\s*$/.test(piece) || OPENS.test(piece.replace(JOINING, ''));
  return question || INDIRECT.test(piece) || INDIRECT_REST.test(piece) || REQUESTS.test(piece);
}

const hasContent = (piece: string): boolean => wordsOf(piece).some((word) => !isStopWord(word));

/** "And do you have parking?" without its joint; "And on Sunday?" needs it. */
function bare(question: string): string {
  const rest = question.replace(JOINING, '');
  return OPENS.test(rest) ? rest : question;
}

/** Each question by itself, later ones with the earlier in front: "and is it free?" takes its subject from them. Undefined: there is one. */
export function severalIn(query: LibraryQuery): LibraryQuery[] | undefined {
  const { text, history = [] } = query;
  const questions = questionsIn(text);
  if (questions.length === 1) return undefined;
  return questions.map((question, at) => ({ ...query, text: question, history: [...history, ...questions.slice(0, at)] }));
}

/** What was found for each of several questions, as one. `whole`: what was found for all their words together. */
export function togetherOf(whole: Retrieval, queries: readonly LibraryQuery[], found: readonly Retrieval[], asked: string): Retrieval {
  // Somebody has written an answer to these very words.
  if (whole.approved && plainWords(whole.approved.text) === plainWords(asked)) return whole;
  const answered = found.flatMap((one, at) => (one.answerable ? [{ ...one, question: queries[at].text }] : []));
  if (answered.length === 0) return whole;
  const unanswered = queries.flatMap(({ text }, at) => (found[at].answerable ? [] : [text]));
  const sure = answered.flatMap(({ confidence }) => confidence ?? []).sort((a, b) => a.score - b.score);
  const [approved, ...approvedToo] = approvedOf(answered, queries.length);
  return {
    passages: inTurn(answered, Math.max(answered.length, Math.min(MOST_PASSAGES, queries[0].limit ?? MOST_PASSAGES))),
    answerable: true,
    ...(approved ? { approved } : {}),
    ...(approvedToo.length > 0 ? { approvedToo } : {}),
    ...(unanswered.length > 0 ? { unanswered } : {}),
    verdict: 'answer',
    // As sure as of the one that is least sure.
    ...(sure.length > 0 ? { confidence: sure[0] } : {}),
  };
}

/** Spoken as they stand only when that answers everything; each once. */
function approvedOf(answered: readonly Retrieval[], count: number): ModelPassage[] {
  const approved = answered.flatMap((one) => one.approved ?? []);
  if (approved.length < count) return [];
  return [...new Map(approved.map((passage) => [passage.documentId, passage])).values()];
}

/** The best of each question, then the second of each, and so on; each passage once, with the questions that it was found for. */
function inTurn(answered: readonly { question: string; passages: readonly ModelPassage[] }[], most: number): ModelPassage[] {
  const merged = new Map<string, ModelPassage>();
  const longest = Math.max(...answered.map(({ passages }) => passages.length));
  for (let rank = 0; rank < longest; rank++) {
    for (const { question, passages } of answered) {
      const passage = passages[rank];
      if (!passage) continue;
      const before = merged.get(passage.id);
      if (!before && merged.size >= most) continue;
      merged.set(passage.id, {
        ...passage,
        score: Math.max(passage.score, before?.score ?? 0),
        questions: [...(before?.questions ?? []), question],
      });
    }
  }
  return [...merged.values()];
}
