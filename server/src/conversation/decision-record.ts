/**
 * What the floor was told and what it decided, as facts of the call: the floor is pure, so the same inputs under the same
 * policy give the same decisions again. Nothing here runs per frame; a turn has some dozen inputs, written in a few batches.
 */
import type { CallFact } from '@tandem/contract';
import { nextDigest } from './decision-digest.ts';
import type { SettledOptions } from './conversation-options.ts';
import { textOf } from './floor-deadlines.ts';
import { noWords } from './floor-moves.ts';
import type { Floor, FloorAction, FloorEvent } from './floor-terms.ts';
import { endsSentence } from './rules/completeness.ts';

/** All that reaches the floor: what happens, and the one thing of its policy that may change within a call. */
export type DecisionInput = FloorEvent | PolicyChanged;
export type PolicyChanged = { type: 'policy-changed'; at: number; transcriberEndsTurns: boolean };

/** An action and the number of the input (from 0 in its conversation) that brought it. */
export interface Decision {
  input: number;
  action: FloorAction;
}

/** At most a turn's worth is lost when the process dies. */
const MOST_WAITING = 64;

export class DecisionRecord {
  readonly #record: (fact: CallFact) => void;
  #inputs: DecisionInput[] = [];
  #decisions: Decision[] = [];
  #from = 0;
  #digest = '';
  /** Inputs that are not kept, because they hold a secret. */
  #hidden = 0;
  /** Came meanwhile, and goes on to hold. */
  #manners: PolicyChanged | undefined;
  #due = false;

  constructor(record: (fact: CallFact) => void) {
    this.#record = record;
  }

  /** `floor` is the one that `input` led to; `secret`: what the caller says or keys now must not be written anywhere. */
  took(input: FloorEvent, floor: Floor, actions: readonly FloorAction[], secret: boolean): void {
    if (secret || this.#hidden > 0) return this.#hide(floor, secret);
    for (const action of actions) {
      this.#decisions.push({ input: this.#from + this.#inputs.length, action });
      if (action.type === 'commit') this.#due = true;
    }
    this.#inputs.push(input);
    const { type } = input;
    if (type === 'reply-finished' || type === 'reply-failed' || type === 'closed') this.#due = true;
  }

  policyChanged(input: PolicyChanged): void {
    if (this.#hidden > 0) this.#manners = input;
    else this.#inputs.push(input);
  }

  /** Call it when what was decided has been done: writes what is due. */
  tend(): void {
    if (this.#due || this.#inputs.length >= MOST_WAITING) this.#flush();
  }

  /** Nothing more comes. */
  close(floor: Floor): void {
    if (this.#hidden > 0) this.#unhide(floor);
    this.#flush();
  }

  #flush(): void {
    this.#due = false;
    if (this.#inputs.length === 0) return;
    this.#digest = nextDigest(this.#digest, this.#decisions);
    const fact = { type: 'decisions-taken', from: this.#from, inputs: this.#inputs } as const;
    // Where a wake falls is told by the input `woke`; every one of them is in the digest.
    const decisions = this.#decisions.filter(({ action }) => action.type !== 'wake');
    this.#record({ ...fact, decisions, digest: this.#digest });
    this.#from += this.#inputs.length;
    this.#inputs = [];
    this.#decisions = [];
  }

  /** A secret is over when the floor holds none of its words any more: then a copy of the floor is where a replay goes on. */
  #hide(floor: Floor, secret: boolean): void {
    if (this.#hidden === 0) this.#flush();
    this.#hidden++;
    if (!secret && holdsNoWords(floor)) this.#unhide(floor);
  }

  #unhide(floor: Floor): void {
    const kept = withoutWords(floor);
    this.#digest = nextDigest(this.#digest, kept);
    const hidden = { count: this.#hidden, floor: { ...kept } };
    this.#record({ type: 'decisions-taken', from: this.#from, inputs: [], decisions: [], digest: this.#digest, hidden });
    this.#from += this.#hidden;
    this.#hidden = 0;
    if (this.#manners) this.#inputs.push(this.#manners);
    this.#manners = undefined;
  }
}

function holdsNoWords({ words, owed, merging, speculation }: Floor): boolean {
  return textOf(words) === '' && !owed && !merging && !speculation;
}

/** Of the committed words only their end is ever looked at again. */
function withoutWords(floor: Floor): Floor {
  const { finalTo, finalAt, changedAt, wordless } = floor.words;
  const words = { ...noWords, finalTo, finalAt, changedAt, wordless };
  const committed = endsSentence(floor.committed) ? '***.' : '***';
  return { ...floor, words, committed, committedFinals: [], speculation: undefined };
}

/** What a replay must know besides the inputs: the policy and the plan as they were settled, and who was installed. */
export function conversationBegan(options: SettledOptions, speechToSpeech?: string): CallFact {
  const { plan, transcribers, languageModels, synthesizers, leg } = options;
  const { policy, phrases: _phrases, ...said } = plan;
  const named = ({ name, model }: { name: string; model?: string }) => (model === undefined ? name : `${name}/${model}`);
  return {
    type: 'conversation-began',
    kind: speechToSpeech === undefined ? 'ordinary' : 'direct',
    policy: { ...policy },
    plan: { ...said },
    models: {
      transcribers: leg.recognises ? [] : transcribers.map(named),
      languageModels: languageModels.map(named),
      synthesizers: synthesizers.map(named),
      ...(speechToSpeech === undefined ? {} : { speechToSpeech }),
    },
  };
}
