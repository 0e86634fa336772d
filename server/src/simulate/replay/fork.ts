/**
 * Forks a recorded call: it is held again by the whole engine on the virtual clock, by the same caller, and from one turn on
 * with another prompt, model, assistant or policy.
 */
import type { CallEvent } from '@tandem/contract';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { LanguageModel } from '#models/language-model.ts';
import type { SimulatedCall } from '../outcome.ts';
import type { SimulationRooms } from '../rooms.ts';
import { runScenario } from '../run.ts';
import { scenario as scenarioShape } from '../scenario.ts';
import { delayedModel } from '../scripted-model.ts';
import type { VirtualKit } from '../virtual/centre.ts';
import { ForkModel, inRealTime } from './fork-model.ts';
import { type ForkChanges, revisedPlan } from './fork-plan.ts';
import { conversationsOf } from './recorded-conversation.ts';
import { turnsOf } from './recorded-turns.ts';
import { scenarioOf } from './to-scenario.ts';

export interface ForkOptions {
  kit: Kit;
  rooms: SimulationRooms;
  /** The first turn that is answered anew; all of them when it is 1. */
  turn: number;
  /** Also from there on the assistant says again what it said to the same words: only the turns are taken otherwise. */
  sameAnswers?: boolean;
  changes: ForkChanges;
  /** A model that works in real time, of a configured provider. Absent: answers are taken from the passages in their own words. */
  model?: LanguageModel;
  /** Texts of recorded passages by their id. */
  passages?: ReadonlyMap<string, string>;
  seed?: number;
  signal: AbortSignal;
}

const FIRST_TOKEN_MS = 100;

/** Throws `invalid-input` for a turn that the call does not have, and for a call whose conversation was not journalled. */
export async function forkCall(events: readonly CallEvent[], options: ForkOptions): Promise<SimulatedCall> {
  const { turn, changes, rooms, kit, model, passages = new Map(), signal } = options;
  const turns = turnsOf(events);
  const conversation = conversationsOf(events).find(({ kind }) => kind === 'ordinary');
  const last = turns.at(-1)?.turn ?? 0;
  if (!conversation) throw new TandemError('invalid-input', 'This call has no conversation with a journal of its decisions');
  if (turn < 1 || turn > last) throw new TandemError('invalid-input', `This call has turns 1 to ${last}`);
  const { answers: _answers, expect: _expected, ...input } = scenarioOf(events, { passages });
  const script = scenarioShape.parse({ ...input, name: `fork at turn ${turn}` });
  const firstTokenMs = script.delays?.firstTokenMs ?? FIRST_TOKEN_MS;
  const next = (own: VirtualKit) =>
    model ? inRealTime(model, kit, own, () => own.clock.hold(), signal) : delayedModel(rooms.extractiveModel(own), own, firstTokenMs);
  return runScenario(script, {
    kit,
    rooms,
    level: 'virtual',
    signal,
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    languageModel: (own) =>
      new ForkModel({ kit: own, turns, from: options.sameAnswers ? last + 1 : turn, next: next(own), passages, firstTokenMs }),
    revisePlan: (given) => revisedPlan(given, { ...conversation.plan, policy: conversation.policy }, changes),
  });
}
