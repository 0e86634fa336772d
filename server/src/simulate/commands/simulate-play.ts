/** Plays what `npx tandem simulate` was asked for, at the level that was asked for. */
import { availableParallelism } from 'node:os';
import type { LanguageModel } from '#models/language-model.ts';
import type { SimulatedCall } from '../outcome.ts';
import { type Order, ordersOf, runAll } from '../run-all.ts';
import type { LoadedScenario } from '../scenario-files.ts';
import { runOverSip } from '../sip-level/run.ts';
import { type SipTarget, sipTarget } from '../sip-level/target.ts';
import type { Workshop } from './command.ts';
import type { SimulateArguments } from './simulate-arguments.ts';

/** Calls whose sound is in memory at once: 100 MB when they last half a minute. */
const BATCH = 200;

export type PlayArguments = Pick<SimulateArguments, 'level' | 'repeat' | 'seed' | 'jobs' | 'server' | 'anywhere'> & { sound: boolean };

export interface PlayWatch {
  /** As soon as a call is over, in no order. */
  over(call: SimulatedCall): void;
  /** In the order of the report; its sound may be dropped then. */
  finished(call: SimulatedCall): Promise<void>;
}

/** Scenario by scenario, each as often as asked for. Rejects with the signal's reason when it is stopped. */
export async function playAll(
  scenarios: readonly LoadedScenario[],
  given: PlayArguments,
  workshop: Workshop,
  watch: PlayWatch,
): Promise<void> {
  const orders = ordersOf(scenarios, given);
  const personaModel = scenarios.some(({ scenario }) => scenario.persona) ? await thinkingModel(workshop) : undefined;
  const target = given.level === 'sip' ? await sipTarget(given, workshop) : undefined;
  for (let from = 0; from < orders.length; from += BATCH) {
    const batch = orders.slice(from, from + BATCH);
    const calls = target
      ? await playOverSip(batch, target, personaModel, given, workshop, watch)
      : await playHere(batch, personaModel, given, workshop, watch);
    for (const call of calls) await watch.finished(call);
  }
}

/** The first language model of this installation that can judge or play a part; the one that only quotes passages cannot. */
export async function thinkingModel(workshop: Workshop): Promise<LanguageModel | undefined> {
  const { languageModels } = await workshop.models();
  return languageModels.find(({ name }) => name !== 'extractive');
}

function playHere(
  orders: readonly Order[],
  personaModel: LanguageModel | undefined,
  { level, sound, jobs = availableParallelism() }: PlayArguments,
  { kit, rooms, signal }: Workshop,
  watch: PlayWatch,
): Promise<SimulatedCall[]> {
  return runAll(orders, {
    kit,
    rooms: rooms(),
    level: level === 'text' ? 'text' : 'virtual',
    sound,
    jobs,
    signal,
    ...(personaModel ? { personaModel } : {}),
    progress: (_done, call) => watch.over(call),
  });
}

/** One after the other unless asked for more: many at once are a load test (`npx tandem load`). */
async function playOverSip(
  orders: readonly Order[],
  target: SipTarget,
  personaModel: LanguageModel | undefined,
  { sound, jobs = 1 }: PlayArguments,
  { kit, rooms, signal }: Workshop,
  watch: PlayWatch,
): Promise<SimulatedCall[]> {
  const calls: SimulatedCall[] = Array.from({ length: orders.length });
  const options = { kit, rooms: rooms(), sound, signal, target, personaModel };
  let next = 0;
  const work = async () => {
    while (next < orders.length) {
      signal.throwIfAborted();
      const index = next++;
      const { scenario, ...order } = orders[index];
      calls[index] = await runOverSip(scenario, { ...options, ...order });
      watch.over(calls[index]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, orders.length) }, work));
  return calls;
}
