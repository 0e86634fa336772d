/** The floor of one conversation, and the record of what it was told and decided. */
import { DecisionRecord } from './decision-record.ts';
import type { SettledOptions } from './conversation-options.ts';
import type { Floor, FloorAction, FloorEvent } from './floor-terms.ts';
import { emptyFloor, takeFloor } from './floor.ts';

export class RecordedFloor {
  readonly #options: Pick<SettledOptions, 'at' | 'plan' | 'taker'>;
  readonly #record: DecisionRecord;
  #floor: Floor = emptyFloor;

  constructor(options: Pick<SettledOptions, 'at' | 'plan' | 'taker' | 'record'>) {
    this.#options = options;
    this.#record = new DecisionRecord(options.record);
  }

  get now(): Floor {
    return this.#floor;
  }

  /** Tells it `event`; what it asks for is to be done, then `tend` called. */
  take(event: FloorEvent): FloorAction[] {
    const { plan, taker } = this.#options;
    const [floor, actions] = takeFloor(this.#floor, event, plan.policy);
    this.#floor = floor;
    this.#record.took(event, floor, actions, taker?.secret === true);
    return actions;
  }

  /** The transcriber now listening ends turns itself, or does not: the next one may have other manners. */
  heed(transcriberEndsTurns: boolean): void {
    const { at, plan } = this.#options;
    if (plan.policy.transcriberEndsTurns === transcriberEndsTurns) return;
    plan.policy.transcriberEndsTurns = transcriberEndsTurns;
    this.#record.policyChanged({ type: 'policy-changed', at: at(), transcriberEndsTurns });
  }

  /** Writes what is due of the record. */
  tend(): void {
    this.#record.tend();
  }

  /** After `closed`: writes the rest. */
  close(): void {
    this.#record.close(this.#floor);
  }
}
