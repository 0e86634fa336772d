/** How long each state of the floor may last. */
import type { CallerWords, Floor } from './floor-terms.ts';
import type { ConversationPolicy } from './plan.ts';
import { waitFor } from './rules/endpointing/endpoint.ts';
import { readWords, type Situation } from './rules/endpointing/situation.ts';
import { hasContent } from './rules/hesitation.ts';
import type { EndpointRuleName } from './rules/rule-settings.ts';

/** Timers of a machine may ring this much before their time. */
export const EARLY_MS = 2;
/** An answer begun earlier than this before its turn is committed gains nothing more. */
const AHEAD_MS = 1_500;
/** A transcriber that foretells ends has had its say so long after the voice. */
const FORETOLD_MS = 300;
/** The end of a voice is seen so long after it. */
const NOTICED_MS = 200;
/** After a sound too short for more than a word: longer than 95 of 100 transcripts take. */
const BLIP_TIMEOUT_MS = 800;

/** Everything the caller has said in this turn: finals, then the partial, then digits. */
export function textOf(words: CallerWords): string {
  return [...words.finals, words.partial, words.digits].filter((part) => part !== '').join(' ');
}

/** When the present state is left if nothing else happens; undefined only for `closed`. Milliseconds on the call's clock. */
export function deadlineOf(floor: Floor, policy: ConversationPolicy): number | undefined {
  const { since, words } = floor;
  switch (floor.state) {
    case 'listen':
      return Math.max(since, floor.quietSince + policy.idleMs);
    case 'speech':
      return earlier(stuckAt(floor, policy), forgetAt(floor, policy));
    case 'hold':
      return earlier(endpointOf(floor, policy).atMs, speculateAt(floor, policy));
    case 'digits':
      return Math.max(since, words.changedAt) + policy.interDigitMs;
    case 'think':
      return since + policy.thinkMs;
    case 'speak':
      return since + policy.speakMs;
    case 'overlap':
      return floor.sustained ? Math.max(since, greetingGuardEnd(floor, policy)) : since + policy.stuckSpeechMs;
    case 'paused':
      return Math.max(since, floor.voiced ? floor.voicedFrom + policy.insistMs : floor.voicedTo + falseTimeout(floor, policy));
    case 'farewell':
      return since + policy.lingerMs;
    default:
      return undefined;
  }
}

/** A cough is over sooner than a word that the transcriber still works on. */
function falseTimeout({ voicedFrom, voicedTo }: Floor, policy: ConversationPolicy): number {
  return voicedTo - voicedFrom < policy.noiseMs ? Math.min(policy.falseTimeoutMs, BLIP_TIMEOUT_MS) : policy.falseTimeoutMs;
}

function earlier(one: number, other: number | undefined): number {
  return other === undefined ? one : Math.min(one, other);
}

/** Until when the greeting cannot be interrupted by voice. */
export function greetingGuardEnd(floor: Floor, policy: ConversationPolicy): number {
  if (floor.reply?.kind !== 'greeting') return 0;
  return floor.reply.audibleAt === undefined ? Number.POSITIVE_INFINITY : floor.reply.audibleAt + policy.greetingGuardMs;
}

/** A voice without new words is given up as a noisy line. */
export function stuckAt(floor: Floor, policy: ConversationPolicy): number {
  return Math.max(floor.since, floor.voicedFrom, floor.words.changedAt) + policy.stuckSpeechMs;
}

export interface Endpoint {
  atMs: number;
  /** Which rule says so. */
  rule: EndpointRuleName;
}

/** When the caller, quiet since `voicedTo`, counts as finished: what the endpointing rules say of what is known now. */
export function endpointOf(floor: Floor, policy: ConversationPolicy): Endpoint {
  const { words, voicedFrom, voicedTo } = floor;
  const read = readWords(textOf(words));
  const situation: Situation = {
    ...read,
    settled: words.partial === '' || read.closed,
    covered: words.partial !== '' || words.finalTo >= voicedFrom,
    blip: voicedTo - voicedFrom < policy.noiseMs,
    wordless: words.wordless,
    language: policy.language,
    expecting: floor.expecting,
    pauses: read.closed ? floor.closedPauses : floor.pauses,
    eager: floor.eagerAt !== undefined,
    turnOver: floor.turnOver,
    punctuates: floor.punctuates || policy.transcriberPunctuates,
    endsTurns: policy.transcriberEndsTurns,
    waits: {
      minMs: policy.minDelayMs,
      maxMs: policy.maxDelayMs,
      sentenceMs: policy.sentenceDelayMs,
      wordsMs: policy.wordsDeadlineMs,
    },
  };
  const { waitMs, rule } = waitFor(situation, policy);
  return { atMs: voicedTo + waitMs, rule };
}

/**
 * When the words so far are to be answered in secret; undefined when they are not, or not before the endpoint. Stable
 * words are: final ones at once, others after a while, or when the transcriber is eager. After words that ask for a long
 * wait (an unfinished sentence, half a number) only towards its end: most likely more words come.
 */
export function speculateAt(floor: Floor, policy: ConversationPolicy): number | undefined {
  if (floor.state !== 'hold' || !maySpeculate(floor, policy)) return undefined;
  const endpoint = endpointOf(floor, policy);
  if (endpoint.rule === 'no-words') return undefined;
  const certain = floor.eagerAt !== undefined || floor.words.partial === '';
  const stableAt =
    Math.max(floor.voicedTo, floor.words.changedAt) +
    (certain ? 0 : floor.foretells ? Math.max(FORETOLD_MS, policy.speculateAfterMs) : policy.speculateAfterMs);
  const atMs = endpoint.rule === 'silence' ? stableAt : Math.max(stableAt, endpoint.atMs - AHEAD_MS);
  return atMs < endpoint.atMs ? atMs : undefined;
}

/** Whether the words so far may be answered in secret at all. */
export function maySpeculate(floor: Floor, policy: ConversationPolicy): boolean {
  const { words, resumedAt } = floor;
  if (policy.speculation === 'off' || floor.speculation || floor.speculations >= policy.speculationsMax) return false;
  if (words.digits !== '' || (resumedAt !== undefined && words.changedAt <= resumedAt)) return false;
  return hasContent(textOf(words), policy.language);
}

/** When an answer begun in secret is dropped because the caller goes on speaking: a cough is no reason yet. */
export function forgetAt({ state, since, voiced, voicedFrom, speculation }: Floor, policy: ConversationPolicy): number | undefined {
  if (!speculation || state !== 'speech' || !voiced || since <= speculation.at) return undefined;
  return voicedFrom + policy.noiseMs + NOTICED_MS;
}
