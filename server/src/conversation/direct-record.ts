/** What is remembered and recorded of a direct conversation: turns and their marks, what was heard, what it cost. */
import type { TurnStages } from '@tandem/contract';
import { messageOf, type VendorError } from '#kit/errors.ts';
import type { SettledOptions } from './conversation-options.ts';
import type { DirectReply } from './direct-reply.ts';
import { DirectTurns } from './direct-turns.ts';
import { History } from './history.ts';
import { LineMeter } from './line-meter.ts';
import { TurnRecord } from './turn-record.ts';
import { UsageMeter } from './usage.ts';

export class DirectRecord {
  readonly history: History;
  readonly turns: DirectTurns;
  readonly usage: UsageMeter;
  readonly line: LineMeter;
  readonly #options: SettledOptions;
  readonly #open: TurnRecord;
  #epoch = 0;
  #isOpen = false;

  constructor(options: SettledOptions) {
    const { leg, plan, record, at } = options;
    this.#options = options;
    this.history = new History(plan.policy.historyTurns);
    this.usage = new UsageMeter(record, options.price, options.costCeilingMicros, options.leftToday);
    this.line = new LineMeter(leg, at);
    this.#open = new TurnRecord(record, () => this.line.take());
    const caption = (turn: number, text: string, final: boolean) => leg.caption({ party: 'caller', turn, text, final });
    this.turns = new DirectTurns({ history: this.history, record, caption, now: at });
  }

  /** Of the newest reply. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Marks of the open turn. */
  get stages(): TurnStages {
    return this.#open.stages;
  }

  /** The newest turn is not over yet. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The newest turn awaits its answer. */
  open(stages: TurnStages): void {
    this.#isOpen = true;
    this.#open.open(this.turns.turn, stages);
  }

  /** Once per turn; does nothing when none is open. */
  complete(interrupted: boolean): void {
    this.#isOpen = false;
    const turn = this.#open.complete(interrupted);
    if (turn !== undefined) this.usage.settle(turn);
  }

  /** The first sound of a reply left. */
  audible({ turn, kind, text, audibleAt, filler }: DirectReply): void {
    const { record, leg } = this.#options;
    if (filler) {
      if (this.#isOpen) this.stages.fillerAt ??= audibleAt;
      return;
    }
    if (kind === 'greeting' || kind === 'answer') this.stages.firstPacketAt ??= audibleAt;
    record({ type: 'reply-started', turn, epoch: ++this.#epoch, kind });
    if (text !== '') leg.caption({ party: 'assistant', turn, text, final: false });
  }

  /** A reply is over; what was heard of it is what was said. */
  heard({ turn, line, heard, filler }: DirectReply, interrupted: boolean): void {
    const { record, leg } = this.#options;
    if (line) record({ type: 'speech-played', turn, ...line });
    if (filler) return;
    this.history.callerHeard(turn, heard, interrupted);
    this.#open.heard(heard);
    if (heard !== '') leg.caption({ party: 'assistant', turn, text: heard, final: true });
  }

  failed(stage: 'speech-to-speech', provider: string, error: VendorError, next: string): void {
    const head = { type: 'provider-failed', turn: this.turns.turn, stage, provider } as const;
    this.#options.record({ ...head, category: error.category, message: messageOf(error), next });
  }

  /**
   * Another goes on from here. `behind`: somebody waits for an answer, and the newest turn is the other's to commit.
   * Returns the newest turn that stays, the words that nobody has answered, and whether there is a turn whose words
   * nobody knows.
   */
  leave(greeted: boolean, behind: boolean): { turn: number; text: string | undefined; wordless: boolean } {
    const newest = this.turns.turn;
    const unanswered = behind && this.#isOpen;
    const text = unanswered ? this.turns.text : undefined;
    const wordless = unanswered && text === undefined && newest > 0;
    const taken = !greeted || (unanswered && newest > 0);
    if (!taken) this.complete(false);
    const turn = taken ? this.turns.giveUpNewest() : newest;
    this.turns.settle();
    return { turn, text, wordless };
  }

  /** Nothing more happens: what is open is closed. */
  close(): void {
    this.turns.settle();
    this.complete(true);
    this.usage.settle(this.turns.turn);
  }
}
