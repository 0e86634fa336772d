/**
 * A language model without a model: it answers from the passages it is given, in their own words, or says that it does
 * not know. Deterministic; invents nothing; needs no key.
 */
import type { Kit } from '#kit/kit.ts';
import type { LanguageModel, ModelMessage, ModelPart, ModelPassage, ModelRequest } from '../language-model.ts';
import { type Phrases, phrasesFor } from './phrases.ts';
import { bestAnswer } from './sentences.ts';
import { smallTalkOf } from './small-talk.ts';

const MAX_WORDS = 35;
const END_CALL = 'end_call';
const SENTENCE_PASSAGES = 3; // passages whose sentences compete

interface Said {
  text: string;
  endCall?: boolean;
}

export class ExtractiveLanguageModel implements LanguageModel {
  readonly name = 'extractive';
  #kit: Kit;

  constructor(kit: Kit) {
    this.#kit = kit;
  }

  async *generate(request: ModelRequest): AsyncIterable<ModelPart> {
    request.signal.throwIfAborted();
    const said = reply(request);
    for (const text of partsOf(said.text)) {
      request.signal.throwIfAborted();
      yield { type: 'text', text };
    }
    if (said.endCall && request.tools.some((tool) => tool.name === END_CALL)) {
      yield { type: 'tool-call', call: { id: this.#kit.ids.make('toolcall'), name: END_CALL, arguments: { reason: 'goodbye' } } };
    }
    const words = (text: string) => Math.ceil(text.length / 4);
    const input = request.messages.reduce((sum, message) => sum + words('text' in message ? message.text : message.result), 0);
    yield { type: 'usage', inputTokens: input, outputTokens: words(said.text) };
  }
}

/** Words with the blank before them, as a model streams tokens. */
const partsOf = (text: string): string[] => text.match(/^\S+|\s+\S+/g) ?? [];

function reply(request: ModelRequest): Said {
  const phrases = phrasesFor(request.language);
  const { messages } = request;
  const last = messages.at(-1);
  // Asked again after a tool returned: the sentence was said before the call; only a failure is worth a word.
  if (last?.role === 'tool') return { text: '' };
  const asked = messages.findLast((message) => message.role === 'user')?.text ?? '';
  const turn = messages.filter((message) => message.role === 'user').length;
  const choose = (choices: readonly string[]): string => choices[turn % choices.length];
  const before = lastAssistant(messages);

  const kind = smallTalkOf(asked);
  if (kind === 'repeat') return { text: before || choose(phrases.nothingToRepeat) };
  if (kind === 'yes' && offeredToTake(before, phrases)) return { text: choose(phrases.questionTaken) };
  if (kind === 'no' && askedAnythingElse(before)) return { text: choose(phrases.smallTalk.goodbye), endCall: true };
  if (kind === 'goodbye') return { text: choose(phrases.smallTalk.goodbye), endCall: true };
  const answer = answerFrom(asked, request);
  // An approved question wins over small talk ("Can I speak to a person?" may have its own answer).
  if (kind && !(answer?.approved && kind === 'human')) return { text: choose(phrases.smallTalk[kind]) };
  if (answer) return { text: answer.text };
  const failedBefore = phrases.unknownFirst.includes(before) || phrases.unknownAgain.includes(before);
  return { text: choose(failedBefore ? phrases.unknownAgain : phrases.unknownFirst) };
}

function lastAssistant(messages: readonly ModelMessage[]): string {
  const said = messages.findLast((message) => message.role === 'assistant' && message.text.trim() !== '');
  return said && 'text' in said ? said.text.trim() : '';
}

const offeredToTake = (before: string, phrases: Phrases): boolean => phrases.unknownAgain.includes(before);
const askedAnythingElse = (before: string): boolean => /\b(?:anything|something|what) else\b[^.?!]*\?\s*$/i.test(before);

/** The approved answer of the best passage as it stands; otherwise the best sentences among the best passages. */
function answerFrom(question: string, request: ModelRequest): { text: string; approved: boolean } | undefined {
  if (!request.answerable || request.passages.length === 0) return undefined;
  const ranked = request.passages.toSorted((a, b) => b.score - a.score);
  const top = ranked[0];
  if (top.answer !== undefined && top.answer.trim() !== '') return { text: top.answer.trim(), approved: true };
  let best: { text: string; score: number } | undefined;
  for (const passage of ranked.slice(0, SENTENCE_PASSAGES)) {
    const found = sentencesFrom(question, passage, top.score);
    if (found && (!best || found.score > best.score)) best = found;
  }
  return best ? { text: best.text, approved: false } : undefined;
}

/** A passage further down must be clearly better in its sentence to beat retrieval's order. */
function sentencesFrom(question: string, passage: ModelPassage, topScore: number): { text: string; score: number } | undefined {
  if (passage.answer !== undefined) return undefined;
  const found = bestAnswer(question, passage.text, MAX_WORDS);
  if (!found) return undefined;
  const standing = topScore > 0 ? (passage.score / topScore) ** 2 : 1;
  return { text: found.text, score: (found.score + 0.1) * standing };
}
