/** What a conversation is told when it starts: what to say, in which voice, and how patient to be. A snapshot; never changes. */
import { defaultLines, type SpokenLines } from './lines.ts';
import type { RuleSettings } from './rules/rule-settings.ts';

/** How soon the assistant takes the turn after the caller's last word. */
export type Eagerness = 'low' | 'medium' | 'high';

/** All times in milliseconds. */
export interface ConversationPolicy {
  /** BCP 47; chooses the word lists of the rules and the assistant's stock lines. */
  language: string;
  /** Silence after the caller's words before a turn is committed, once the words are final or sound complete. */
  minDelayMs: number;
  /** The same when the words are neither: commit with what is there. */
  maxDelayMs: number;
  /** Speech ended and no word came: stop waiting for the transcriber. */
  wordsDeadlineMs: number;
  /** Wordless speech shorter than this is noise: it is not answered. */
  noiseMs: number;
  /** How often in a row the assistant says that it did not catch that. */
  missedMax: number;
  /** Voice activity that never ends, without a new word: a noisy line. */
  stuckSpeechMs: number;
  /** Voice over the assistant's speech that pauses it. */
  bargeInMs: number;
  /** Words over the assistant's speech that interrupt it before that. */
  bargeInWords: number;
  /** Voice that goes on this long (the detector's hangover included) interrupts even when no words came. */
  insistMs: number;
  /** Paused, quiet and still no words: the assistant goes on. */
  falseTimeoutMs: number;
  /** A backchannel this shortly before the end of the assistant's turn is an answer ("Shall I?" "Yes"). */
  asideMs: number;
  /** The greeting cannot be interrupted before this. */
  greetingGuardMs: number;
  /** Decibels by which speech is lowered while it is unclear whether the caller interrupts. */
  duckDb: number;
  /** Silence after the assistant's turn before it asks whether the caller is still there. */
  idleMs: number;
  /** How often it asks before it says goodbye. */
  reprompts: number;
  /** Between two keys of one entry. */
  interDigitMs: number;
  /** From the last sound of a goodbye to the end of the call. */
  lingerMs: number;
  /** Guard: a committed turn that has brought no sound. */
  thinkMs: number;
  /** Guard: one uninterrupted stretch of assistant speech. */
  speakMs: number;
  /** Answers begun before the turn is committed: none, their words, or their first speech too. */
  speculation: 'off' | 'words' | 'speech';
  /** Words that are not final yet and stay the same for so long in silence are worth an answer in secret; final ones are at once. */
  speculateAfterMs: number;
  /** At most so many a turn. */
  speculationsMax: number;
  /** The wait follows what was asked, how it sounds and the caller's own pauses; else only the three waits above. */
  adaptive: boolean;
  /** Silence after a sentence that the transcriber closed, where the waits are adaptive. */
  sentenceDelayMs: number;
  /** The transcriber says itself when a turn ends. */
  transcriberEndsTurns: boolean;
  /** The transcriber closes sentences with full stops and question marks; else that is learnt when it first does. */
  transcriberPunctuates: boolean;
  /** Single rules switched off or tuned. */
  rules?: RuleSettings;
  /** Nothing audible so long after the commit: a filler, unless the answer is expected any moment. */
  fillerAfterMs: number;
  fillers: boolean;
  /** A late language model is asked a second time. */
  hedging: boolean;
  retrievalMs: number;
  /** The language model's first part, and each one after it. */
  firstTokenMs: number;
  nextTokenMs: number;
  /** The synthesizer's first sound of a clause, and each piece after it: there no filler can be heard while it is waited for. */
  firstAudioMs: number;
  nextAudioMs: number;
  /** Rounds of tool calls in one turn. */
  toolSteps: number;
  maxTokens: number;
  /** A reply is cut at the end of the clause that passes this length. */
  maxReplyChars: number;
  /** Turns that go into a prompt. */
  historyTurns: number;
  /** The same two waits for a model and a voice that another can still follow. */
  attemptTokenMs: number;
  attemptAudioMs: number;
}

export interface ConversationPlan {
  greeting: string;
  /** The greeting holds a notice that the law wants heard: voice cannot interrupt it (digits can). */
  greetingProtected?: boolean;
  goodbye: string;
  /** The whole instruction text for the language model. */
  instructions: string;
  /** BCP 47. */
  language: string;
  /** Answered in too, when the caller speaks them. */
  otherLanguages?: readonly string[];
  voice: string;
  /** The voice of a synthesizer (by its name) where it is not `voice`. */
  voices?: Readonly<Record<string, string>>;
  /** What callers are likely to say: a grammar or a bias for the transcriber. */
  phrases: readonly string[];
  /** Stock lines; the language's own where absent. */
  lines?: Partial<SpokenLines>;
  /** `strict` (the default): what no passage, tool or instruction holds is not spoken, be it a number, a date or a name. */
  grounding?: 'strict' | 'off';
  policy: PolicySettings;
}

/** What is not given follows from the eagerness (medium when absent) and the defaults. */
export type PolicySettings = Partial<ConversationPolicy> & { eagerness?: Eagerness };

/** A plan with nothing left open. */
export type SettledPlan = Omit<ConversationPlan, 'policy' | 'lines' | 'grounding'> & {
  policy: ConversationPolicy;
  lines: SpokenLines;
  grounding: 'strict' | 'off';
};

const minDelays: Record<Eagerness, number> = { low: 900, medium: 600, high: 350 };
const sentenceDelays: Record<Eagerness, number> = { low: 700, medium: 400, high: 100 };

export function conversationPolicy(settings: PolicySettings = {}): ConversationPolicy {
  const { eagerness = 'medium', ...changes } = settings;
  return {
    language: 'en',
    minDelayMs: minDelays[eagerness],
    maxDelayMs: 2_500,
    wordsDeadlineMs: 1_500,
    noiseMs: 450,
    missedMax: 3,
    stuckSpeechMs: 10_000,
    bargeInMs: 250,
    bargeInWords: 2,
    insistMs: 1_200,
    falseTimeoutMs: 1_200,
    asideMs: 1_000,
    greetingGuardMs: 300,
    duckDb: 12,
    idleMs: 8_000,
    reprompts: 2,
    interDigitMs: 2_500,
    lingerMs: 300,
    thinkMs: 30_000,
    speakMs: 180_000,
    speculation: 'speech',
    speculateAfterMs: 80,
    speculationsMax: 3,
    adaptive: true,
    sentenceDelayMs: sentenceDelays[eagerness],
    transcriberEndsTurns: false,
    transcriberPunctuates: false,
    fillerAfterMs: 700,
    fillers: true,
    hedging: false,
    retrievalMs: 500,
    firstTokenMs: 8_000,
    nextTokenMs: 5_000,
    firstAudioMs: 5_000,
    nextAudioMs: 1_400,
    toolSteps: 3,
    maxTokens: 400,
    maxReplyChars: 1_500,
    historyTurns: 40,
    attemptTokenMs: 2_000,
    attemptAudioMs: 1_200,
    ...changes,
  };
}

export function settlePlan(plan: ConversationPlan): SettledPlan {
  return {
    ...plan,
    policy: conversationPolicy({ language: plan.language, ...plan.policy }),
    lines: { ...defaultLines(plan.language), ...plan.lines },
    grounding: plan.grounding ?? 'strict',
  };
}
