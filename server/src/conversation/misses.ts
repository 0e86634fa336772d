/**
 * Questions that the business's knowledge does not answer. The assistant asks once what is meant; missed again, it says that
 * it does not know and offers a way out; whatever is answered, and a new subject, begins afresh. Pure.
 *
 *   fresh ──missed──▶ asked ──missed──▶ offered ──missed──▶ offered …
 *     ▲                 └──answered, another subject──┐          │
 *     └───────────────────────────────────────────────┴──────────┘
 */
import type { Verdict } from '@tandem/contract';
import { isStopWord, termsOf, wordsOf } from '#models/terms.ts';
import { inLanguage } from './rules/words.ts';

/** What to do about a question that was missed. */
export type MissStep = 'clarify' | 'offer';
export type WayOut = 'person' | 'message';

export interface Misses {
  state: 'fresh' | 'asked' | 'offered';
  /** What the assistant has offered last, and the caller has not answered yet. */
  offered: WayOut | undefined;
  /** Clarifying questions since anything was answered. */
  questions: number;
  /** Of what was missed. */
  terms: readonly string[];
}

export const NO_MISSES: Misses = { state: 'fresh', offered: undefined, questions: 0, terms: [] };

/** What came of a turn. */
export interface TurnOutcome {
  text: string;
  verdict: Verdict;
  /** A tool was called: the caller wanted something done, not known. */
  acted: boolean;
  step: MissStep | undefined;
  offered: WayOut | undefined;
}

/** Whoever goes from subject to subject is not asked again and again. */
const MOST_QUESTIONS = 3;

const SMALL = new Set(
  wordsOf(`yes yeah yep yup no nope nah sure thanks thank bye goodbye good great fine perfect nice morning afternoon evening day night alright
  correct exactly absolutely course go ahead not really later wow cool super much very repeat say name human person there here ja nein danke
  bitte gut tschuss auf wiederhoren genau gerne hallo guten tag morgen abend si gracias adios bueno vale claro hola buenos dias tardes oui non
  merci bonjour bonsoir revoir accord bien`),
);

const CHANGES: Record<string, RegExp> = {
  en: /\b(?:(?:something|anything|somebody) else|another (?:question|thing)|different (?:question|thing|topic|subject)|never ?mind|forget (?:it|that|about)|by the way|(?:and |but )?(?:what|how) about)\b/i,
  de: /\b(?:etwas anderes|andere frage|egal|vergessen sie|übrigens|und was ist mit|wie ist es mit)\b/i,
  es: /\b(?:otra (?:cosa|pregunta)|olvíde(?:lo|se)|da igual|por cierto|y qué hay de)\b/i,
  fr: /\b(?:autre (?:chose|question)|laissez tomber|oubliez|au fait|et pour)\b/i,
};

/** There is something in it that could be looked up: more than a greeting, thanks, a yes or a no. */
export function asksSomething(text: string): boolean {
  return wordsOf(text).some((word) => !SMALL.has(word) && !isStopWord(word));
}

/** Undefined: it is answered, or nothing was asked. */
export function missStep(misses: Misses, verdict: Verdict, text: string, language: string): MissStep | undefined {
  if (verdict === 'answer' || !asksSomething(text)) return undefined;
  const { state, questions } = misses;
  const fresh = state === 'fresh' || changesSubject(misses, text, language);
  return fresh && questions < MOST_QUESTIONS ? 'clarify' : 'offer';
}

export function afterTurn(misses: Misses, { text, verdict, acted, step, offered }: TurnOutcome, language: string): Misses {
  if (verdict === 'answer' && offered === undefined && asksSomething(text)) return NO_MISSES;
  if (acted) return { ...misses, offered: undefined };
  if (step === undefined && offered === undefined) return { ...misses, offered: undefined };
  const terms = changesSubject(misses, text, language) ? [] : misses.terms;
  const questions = misses.questions + (step === 'clarify' ? 1 : 0);
  return {
    state: offered || step === 'offer' ? 'offered' : 'asked',
    offered,
    questions,
    terms: [...new Set([...terms, ...termsOf(text)])],
  };
}

/** Said so; or, once a way out was offered, nothing of it is about the same. Other words for the same are expected after a question. */
function changesSubject({ state, terms }: Misses, text: string, language: string): boolean {
  if (inLanguage(CHANGES, language).test(text)) return true;
  return state === 'offered' && !termsOf(text).some((term) => terms.includes(term));
}
