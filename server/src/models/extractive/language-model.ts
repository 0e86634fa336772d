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

const TAKE_MESSAGE = 'take_message';
const TRANSFER_CALL = 'transfer_call';

interface Said {
  text: string;
  endCall?: boolean;
  call?: { name: string; arguments: unknown };
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
    if (said.call) yield { type: 'tool-call', call: { id: this.#kit.ids.make('toolcall'), ...said.call } };
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
  const asked = messages.findLast((message) => message.role === 'user')?.text ?? '';
  const turn = messages.filter((message) => message.role === 'user').length;
  const choose = (choices: readonly string[]): string => choices[turn % choices.length];
  const before = lastAssistant(messages);
  if (last?.role === 'tool') return afterTool(last, phrases, choose);

  const kind = smallTalkOf(asked);
  if (kind === 'repeat') return { text: before || choose(phrases.nothingToRepeat) };
  if (kind === 'yes' && request.offered) {
    const call = request.offered === 'person' ? transfer(request) : message(request);
    if (call) return { text: '', call };
  }
  if (kind === 'yes' && offeredToTake(before, phrases)) return { text: choose(phrases.questionTaken) };
  if (kind === 'no' && askedAnythingElse(before)) return { text: choose(phrases.smallTalk.goodbye), endCall: true };
  if (kind === 'no' && request.offered) return { text: choose(phrases.anythingElse) };
  if (kind === 'goodbye') return { text: choose(phrases.smallTalk.goodbye), endCall: true };
  const answer = answersFrom(asked, request, phrases);
  // An approved question wins over small talk ("Can I speak to a person?" may have its own answer).
  const person = kind === 'human' && !answer?.approved ? transfer(request) : undefined;
  if (person) return { text: '', call: person };
  if (kind && !(answer?.approved && kind === 'human')) return { text: choose(phrases.smallTalk[kind]) };
  if (answer) return { text: answer.text };
  if (request.shortfall) return { text: request.shortfall.line };
  const failedBefore = phrases.unknownFirst.includes(before) || phrases.unknownAgain.includes(before);
  return { text: choose(failedBefore ? phrases.unknownAgain : phrases.unknownFirst) };
}

/** The tool has said nothing itself: how it ended is told. Whoever is connected does not hear it any more. */
function afterTool(
  { name, result }: Extract<ModelMessage, { role: 'tool' }>,
  phrases: Phrases,
  choose: (choices: readonly string[]) => string,
): Said {
  if (name === TAKE_MESSAGE) return { text: choose(/"taken":true/.test(result) ? phrases.questionTaken : phrases.notTaken) };
  return { text: name === TRANSFER_CALL && /"error"/.test(result) ? choose(phrases.nobodyThere) : '' };
}

/** The questions that were not answered, in the caller's words. */
function message({ messages, tools }: ModelRequest): Said['call'] {
  if (!tools.some(({ name }) => name === TAKE_MESSAGE)) return undefined;
  const asked = messages.flatMap((one) => (one.role === 'user' && smallTalkOf(one.text) === undefined ? [one.text.trim()] : []));
  const text = asked.slice(-2).join(' / ');
  return text === '' ? undefined : { name: TAKE_MESSAGE, arguments: { text: `The caller asked: ${text}` } };
}

/** To the first whom the caller may be connected to. */
function transfer({ tools }: ModelRequest): Said['call'] {
  const tool = tools.find(({ name }) => name === TRANSFER_CALL);
  const { properties } = (tool?.parameters ?? {}) as { properties?: { target?: { enum?: unknown[]; const?: unknown } } };
  const target = properties?.target?.enum?.[0] ?? properties?.target?.const;
  return typeof target === 'string' ? { name: TRANSFER_CALL, arguments: { target } } : undefined;
}

function lastAssistant(messages: readonly ModelMessage[]): string {
  const said = messages.findLast((message) => message.role === 'assistant' && message.text.trim() !== '');
  return said && 'text' in said ? said.text.trim() : '';
}

const offeredToTake = (before: string, phrases: Phrases): boolean => phrases.unknownAgain.includes(before);
const askedAnythingElse = (before: string): boolean => /\b(?:anything|something|what) else\b[^.?!]*\?\s*$/i.test(before);

/** What passages say to a question. */
interface Quote {
  text: string;
  approved: boolean;
}

/** Each of several questions from the passages that were found for it; then that the rest is not known. */
function answersFrom(asked: string, request: ModelRequest, phrases: Phrases): Quote | undefined {
  if (!request.answerable) return undefined;
  const { passages, unanswered = [] } = request;
  const several = [...new Set(passages.flatMap(({ questions = [] }) => questions))];
  if (several.length === 0) return answerFrom(asked, passages);
  const found = several.flatMap(
    (question) =>
      answerFrom(
        question,
        passages.filter(({ questions }) => questions?.includes(question)),
      ) ?? [],
  );
  if (found.length === 0) return undefined;
  const texts = new Set(found.map(({ text }) => text));
  const rest = unanswered.length > 0 ? [phrases.restUnknown] : [];
  return { text: [...texts, ...rest].join(' '), approved: found.every(({ approved }) => approved) };
}

/** The approved answer of the best passage as it stands; otherwise the best sentences among the best passages. */
function answerFrom(question: string, passages: readonly ModelPassage[]): Quote | undefined {
  if (passages.length === 0) return undefined;
  const ranked = passages.toSorted((a, b) => b.score - a.score);
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
