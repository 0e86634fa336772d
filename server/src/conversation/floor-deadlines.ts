/** How long each state of the floor may last. */
import type { CallerWords, Floor } from './floor-terms.ts';
import type { ConversationPolicy } from './plan.ts';
import { endsSentence, isUnfinished } from './rules/completeness.ts';

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
      return Math.max(since, floor.voicedFrom, words.changedAt) + policy.stuckSpeechMs;
    case 'hold':
      return endpointOf(floor, policy);
    case 'digits':
      return Math.max(since, words.changedAt) + policy.interDigitMs;
    case 'think':
      return since + policy.thinkMs;
    case 'speak':
      return since + policy.speakMs;
    case 'overlap':
      return floor.sustained ? Math.max(since, greetingGuardEnd(floor, policy)) : since + policy.stuckSpeechMs;
    case 'paused':
      return floor.voiced ? Math.max(since, floor.voicedFrom + policy.insistMs) : Math.max(since, floor.voicedTo + policy.falseTimeoutMs);
    case 'farewell':
      return since + policy.lingerMs;
    default:
      return undefined;
  }
}

/** Until when the greeting cannot be interrupted by voice. */
export function greetingGuardEnd(floor: Floor, policy: ConversationPolicy): number {
  if (floor.reply?.kind !== 'greeting') return 0;
  return floor.reply.audibleAt === undefined ? Number.POSITIVE_INFINITY : floor.reply.audibleAt + policy.greetingGuardMs;
}

/**
 * When the caller counts as finished. Words that are final or sound complete: `minDelayMs` after the voice. Words that
 * end in the middle of a sentence: `maxDelayMs`. Voice without words yet: `wordsDeadlineMs`.
 */
function endpointOf(floor: Floor, policy: ConversationPolicy): number {
  const { words, voicedFrom, voicedTo } = floor;
  const text = textOf(words);
  const blip = voicedTo - voicedFrom < policy.noiseMs;
  const covered = words.partial !== '' || words.finalTo >= voicedFrom;
  if (text === '') return voicedTo + (words.wordless ? policy.minDelayMs : policy.wordsDeadlineMs);
  if (!covered && !blip) return voicedTo + (words.wordless ? policy.minDelayMs : policy.wordsDeadlineMs);
  if (isUnfinished(text, policy.language)) return voicedTo + policy.maxDelayMs;
  const complete = words.partial === '' || endsSentence(text);
  return voicedTo + (complete ? policy.minDelayMs : policy.maxDelayMs);
}
