/** The vocabulary of the floor: its value, what it is told, and what it asks for. All `at` are milliseconds on the call's clock. */
import type { Ending } from '@tandem/contract';
import type { Sense } from './rules/sense.ts';

export type FloorState = 'listen' | 'speech' | 'hold' | 'digits' | 'think' | 'speak' | 'overlap' | 'paused' | 'farewell' | 'closed';

export type ReplyKind = 'greeting' | 'answer' | 'reprompt' | 'apology' | 'goodbye';
/** Stock lines of a reprompt: nobody spoke, nobody understood, and what is said while another takes over. */
export type StockLine = 'idle' | 'missed' | 'moment';
export type TurnSource = 'speech' | 'typed' | 'digits';

/**
 * Who may cut a reply short. `open`: anybody. `notice`: voice may not, digits and typed text may. `last`: nobody, the
 * call ends after it.
 */
export type Protection = 'open' | 'notice' | 'last';

/** What the caller has said and no audible reply has answered yet. */
export interface CallerWords {
  readonly finals: readonly string[];
  /** Not final yet; follows the finals. */
  readonly partial: string;
  readonly digits: string;
  /** Up to where on the call's clock final words reach. */
  readonly finalTo: number;
  readonly finalAt: number | undefined;
  /** When words last changed. */
  readonly changedAt: number;
  /** The transcriber heard something that is not words. */
  readonly wordless: boolean;
}

export interface FloorReply {
  readonly kind: ReplyKind;
  readonly protection: Protection;
  /** The call ends so when the reply has been heard to its end. */
  readonly ending: Ending | undefined;
  /** Its first sound left; undefined before. */
  readonly audibleAt: number | undefined;
}

/** What kind of answer the assistant has just asked for; decides how long a pause in it may be. */
export type Expectation = 'free' | 'yes-no' | 'digits' | 'spelling' | 'email' | 'date' | 'name';

/** An answer in the making that nobody may hear or feel yet: `id` names it, `text` is what it answers. */
export interface SpeculationMark {
  readonly id: number;
  readonly text: string;
  readonly at: number;
}

/** The caller's pauses inside their turns so far: an exponential mean in ms, and how many were seen. */
export interface PauseHabit {
  readonly meanMs: number;
  readonly seen: number;
}

/** The caller began to speak again after so long: a pause of theirs, if words follow. `cutOff`: the assistant had taken the turn. */
export interface Gap {
  readonly ms: number;
  readonly cutOff: boolean;
  /** The transcriber had closed the sentence before it. */
  readonly closed: boolean;
}

export interface Floor {
  readonly state: FloorState;
  /** When the state was entered. */
  readonly since: number;
  /** Of the newest reply. Whatever carries an older one is stale. */
  readonly epoch: number;
  /** The newest committed turn; 0 is the greeting. */
  readonly turn: number;
  /** A committed turn was taken back before its answer was heard: the next commit replaces it. */
  readonly merging: boolean;
  readonly reply: FloorReply | undefined;
  readonly words: CallerWords;
  /** They are only a backchannel: an answer if the assistant has just finished, else nothing. */
  readonly aside: boolean;
  /** Text of the newest commit. */
  readonly committed: string;
  /** Those of its words that were final. */
  readonly committedFinals: readonly string[];
  readonly committedAt: number;
  /** A final transcript of the newest commit has not come yet. */
  readonly owed: boolean;
  /** The caller's voice is heard now. */
  readonly voiced: boolean;
  /** The newest stretch of the caller's voice; `voicedTo` is its end once it is over. */
  readonly voicedFrom: number;
  readonly voicedTo: number;
  /** The voice over the assistant's speech is long enough to pause it. */
  readonly sustained: boolean;
  /** Since when nobody has said anything. */
  readonly quietSince: number;
  /** In a row, since the caller's last words. */
  readonly reprompts: number;
  readonly missed: number;
  /** Nobody transcribes the caller any more. */
  readonly deaf: boolean;
  /** What the assistant's last words asked for. */
  readonly expecting: Expectation;
  /** The transcriber says that the caller has probably finished, since when. */
  readonly eagerAt: number | undefined;
  /** A model of the sound says so, 0…1; undefined when it was not asked or could not tell. */
  readonly turnOver: number | undefined;
  /** The transcriber has foretold an end in this call: words that merely stand still are less of a sign. */
  readonly foretells: boolean;
  readonly speculation: SpeculationMark | undefined;
  /** Ids given so far, and how many of them in this turn. */
  readonly speculationId: number;
  readonly speculations: number;
  /** The transcriber took its `eagerAt` back: words that are not newer than this are not answered in secret again. */
  readonly resumedAt: number | undefined;
  readonly pauses: PauseHabit;
  /** The same for pauses after a sentence that the transcriber had closed: they are another habit. */
  readonly closedPauses: PauseHabit;
  readonly gap: Gap | undefined;
  /** The transcriber has closed a sentence in this call. */
  readonly punctuates: boolean;
  readonly wakeId: number;
  readonly wakeAt: number | undefined;
}

export type FloorEvent =
  /** The leg is answered and everything is ready. */
  | { type: 'opened'; at: number; greetingProtected: boolean }
  /** Instead of `opened`: another conversation came before; `text` is what the caller said and nobody has answered. */
  | { type: 'taken-over'; at: number; turn: number; epoch: number; text: string }
  /** The voice began at `from`, a little before `at`. */
  | { type: 'speech-started'; at: number; from: number }
  /** The voice goes on for `bargeInMs`. */
  | { type: 'speech-sustained'; at: number }
  /** The last voiced frame ended at `to`. */
  | { type: 'speech-ended'; at: number; to: number }
  /** `from` and `to` are when they were said, where the transcriber tells. */
  | { type: 'words'; at: number; text: string; final: boolean; sense: Sense; from?: number; to?: number }
  /** The transcriber says that the caller has finished; the last voiced frame ended at `to`. */
  | { type: 'end-of-turn'; at: number; to: number }
  /** The transcriber says that the caller has probably finished. */
  | { type: 'eager-end-of-turn'; at: number }
  /** And takes it back. */
  | { type: 'turn-resumed'; at: number }
  /** A model of the sound was asked when the voice stopped (`to`): probability that the turn is over. */
  | { type: 'turn-judged'; at: number; to: number; probability: number }
  /** What the assistant's words, now all written or heard, ask for. */
  | { type: 'expects'; at: number; what: Expectation }
  | { type: 'digit'; at: number; digit: string }
  | { type: 'typed'; at: number; text: string }
  | { type: 'reply-audible'; at: number; epoch: number }
  /** Heard to its end. `goodbye`: the language model asked to end the call. */
  | { type: 'reply-finished'; at: number; epoch: number; goodbye: boolean }
  | { type: 'reply-failed'; at: number; epoch: number }
  | { type: 'deaf'; at: number }
  | { type: 'woke'; at: number; id: number }
  /** The leg is gone or the call takes over. */
  | { type: 'closed'; at: number };

export interface CommitMarks {
  speechEndAt: number | undefined;
  endpointAt: number;
  finalAt: number | undefined;
  committedAt: number;
}

export type FloorAction =
  /**
   * Begin the answer to `text` in secret, as the answer to `turn` would be: no tool may act, nothing may be heard or
   * recorded as said. Replaces any speculation before it.
   */
  | { type: 'speculate'; id: number; turn: number; text: string }
  /** The words changed or went on: drop it. */
  | { type: 'forget'; id: number; cause: string }
  /** The caller's turn is complete; its answer follows as `reply`. A second commit of one turn replaces the first. */
  | {
      type: 'commit';
      turn: number;
      text: string;
      source: TurnSource;
      marks: CommitMarks;
      /**
       * What decided that the caller had finished: a rule of `rules/endpointing`, or `transcriber` (its own end of turn),
       * `stuck-voice`, `correction` (a late final changed what is being answered), `hash`, `inter-digit`, `typed`.
       */
      rule: string;
      /** `adopted`: the answer begun in secret answers these very words; `missed`: there was one, to other words. */
      speculation: 'adopted' | 'missed' | 'none';
    }
  /** `round`: how many of this kind there were in a row. `adopt`: the speculation that becomes this reply. */
  | {
      type: 'reply';
      epoch: number;
      turn: number;
      kind: ReplyKind;
      line: StockLine | undefined;
      round: number;
      adopt: number | undefined;
    }
  /** Drop a reply of which nothing was heard. */
  | { type: 'withdraw'; epoch: number }
  | { type: 'duck' }
  | { type: 'unduck' }
  | { type: 'pause' }
  /** Go on: from the start of the clause that was cut, or after a short pause from where it stopped. */
  | { type: 'resume'; from: 'clause' | 'here' }
  /** Silence now; what was heard so far is the turn. */
  | { type: 'interrupt'; epoch: number; cause: string }
  /** A late final corrects what the caller said in `turn`. */
  | { type: 'amend'; turn: number; text: string }
  /** Send `woke` with `id` at `atMs`, instead of any earlier wake. */
  | { type: 'wake'; id: number; atMs: number }
  | { type: 'end'; ending: Ending };
