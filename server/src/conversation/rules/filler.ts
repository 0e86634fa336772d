/** Words that fill a gap while an answer is made: when they are due, and which ones fit what was asked. */
import type { ConversationPolicy } from '../plan.ts';
import { hasContent } from './hesitation.ts';
import { inLanguage, wordsOf } from './words.ts';

/** An answer so much later than the filler would begin is left to come by itself: two voices in a row sound worse. */
const ANY_MOMENT_MS = 300;
/** A gap that is sure to be long is filled as soon as a person would. */
const SURE_MS = 450;
/** The caller hears something within 1.5 s, whatever was expected; the voice needs its time too. */
const LATEST_MS = 1_200;

export interface Waiting {
  /** Since the turn was committed (or since the last sound of the reply, in the middle of one). */
  sinceCommitMs: number;
  /** What such an answer usually takes from the commit to its first sound; undefined while nothing is known. */
  expectedMs: number | undefined;
  toolRunning: boolean;
  policy: Pick<ConversationPolicy, 'fillers' | 'fillerAfterMs'>;
}

/** Whether the silence should be filled now. */
export function fillerDue(waiting: Waiting): boolean {
  const dueMs = fillerAtMs(waiting);
  return dueMs !== undefined && waiting.sinceCommitMs >= dueMs;
}

/** How long after the commit that will be, as far as is known now; undefined when fillers are off. */
export function fillerAtMs({ expectedMs, toolRunning, policy }: Omit<Waiting, 'sinceCommitMs'>): number | undefined {
  const { fillers, fillerAfterMs } = policy;
  if (!fillers) return undefined;
  const soonMs = Math.min(SURE_MS, fillerAfterMs);
  if (toolRunning) return soonMs;
  if (expectedMs === undefined) return Math.min(fillerAfterMs, LATEST_MS);
  if (expectedMs > fillerAfterMs + ANY_MOMENT_MS) return soonMs;
  return Math.max(Math.min(fillerAfterMs, LATEST_MS), Math.min(expectedMs + ANY_MOMENT_MS, LATEST_MS));
}

/** `look-up`: the caller wants to know something. `tool`: something is being done. `thinking`: anything else. */
export type FillerKind = 'look-up' | 'tool' | 'thinking';

const lines: Record<string, Readonly<Record<FillerKind, readonly string[]>>> = {
  en: {
    'look-up': ['Let me look that up.', 'Let me check that for you.', 'One moment, I am looking.'],
    tool: ['One moment, I am doing that now.', 'Just a second while I do that.', 'I am on it.'],
    thinking: ['Let me see.', 'Okay.', 'Right, one moment.'],
  },
  de: {
    'look-up': ['Ich sehe kurz nach.', 'Das schaue ich für Sie nach.', 'Einen Moment, ich sehe nach.'],
    tool: ['Einen Moment, ich mache das gerade.', 'Das erledige ich sofort.', 'Ich bin dabei.'],
    thinking: ['Mal sehen.', 'Gut.', 'Einen Moment.'],
  },
  es: {
    'look-up': ['Déjeme mirarlo.', 'Lo compruebo ahora mismo.', 'Un momento, lo estoy mirando.'],
    tool: ['Un momento, lo estoy haciendo.', 'Ahora mismo lo hago.', 'Estoy en ello.'],
    thinking: ['Vamos a ver.', 'De acuerdo.', 'Un momento.'],
  },
  fr: {
    'look-up': ['Je regarde.', 'Je vérifie cela pour vous.', 'Un instant, je cherche.'],
    tool: ['Un instant, je le fais.', 'Je m’en occupe tout de suite.', 'C’est en cours.'],
    thinking: ['Voyons.', 'D’accord.', 'Un instant.'],
  },
};

/** First words of a question that has an answer somewhere. */
const questionWords: Record<string, ReadonlySet<string>> = {
  en: new Set('what when where which who whose how is are do does did can could will would has have whats wheres hows'.split(' ')),
  de: new Set('was wann wo welche welcher welches wer wie ist sind gibt kann konnen haben hat kostet wieviel'.split(' ')),
  es: new Set('que cuando donde cual cuales quien como cuanto cuanta cuantos hay es son tiene tienen puedo'.split(' ')),
  fr: new Set('que quoi quand ou quel quelle quels quelles qui comment combien est estce avez peuton puisje y'.split(' ')),
};

/** What the caller's words make the assistant do while they wait. */
export function fillerKindOf(asked: string, toolRunning: boolean, language: string): FillerKind {
  if (toolRunning) return 'tool';
  const first = wordsOf(asked).find((word) => hasContent(word, language));
  const question = asked.includes('?') || (first !== undefined && inLanguage(questionWords, language).has(first));
  return question ? 'look-up' : 'thinking';
}

/** A line of the kind; `turn` makes it vary, `last` (the line said before) is never said again at once. */
export function fillerLine(kind: FillerKind, language: string, turn: number, last: string | undefined): string {
  const choices = inLanguage(lines, language)[kind];
  const line = choices[turn % choices.length];
  return line === last ? choices[(turn + 1) % choices.length] : line;
}

/** Every line that may be said, so that its speech can be made beforehand. */
export function fillerLines(language: string): string[] {
  return Object.values(inLanguage(lines, language)).flat();
}
