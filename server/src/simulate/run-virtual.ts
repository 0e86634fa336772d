/** Level `virtual`: the whole engine and a caller on a phone, on the virtual clock. */
import type { LanguageModel } from '#models/language-model.ts';
import { messageOf } from '#kit/errors.ts';
import { SeededRandom } from '#kit/random.ts';
import { indexOf } from './business.ts';
import { hashOf } from './canonical.ts';
import { measure } from './measures.ts';
import type { SimulatedCall } from './outcome.ts';
import { spokenLines } from './outcome-lines.ts';
import { personaOf, playPersona } from './persona.ts';
import type { PreparedRun } from './prepared-run.ts';
import { delayedModel, ScriptedModel } from './scripted-model.ts';
import { StepFault } from './step-fault.ts';
import { SimulatedCaller } from './virtual/caller.ts';
import { CALLER_HOST, SERVER_HOST, VirtualCentre, type VirtualKit, virtualKit } from './virtual/centre.ts';
import { CallerEar } from './virtual/ear.ts';
import { Microphone } from './virtual/microphone.ts';
import { CallerPhone } from './virtual/phone.ts';
import { Recogniser, Trail } from './virtual/recogniser.ts';
import { SimulatedVoice, type WordIndex } from './virtual/voice.ts';

/** What scripted providers take unless the scenario says otherwise: a fast stack, as its vendors declare it. Milliseconds. */
const DELAYS = { transcriberMs: 250, firstTokenMs: 100, firstSoundMs: 190 };
/** From a word's end to the partial that holds it. */
const PARTIAL_MS = 100;
const CALLER_DICE = 0x51ed270b;

/** Of the time that a call takes from a clock that nobody waits for, this is when it is given up. */
const ANSWER_WITHIN_MS = 30_000;

export async function runVirtual(run: PreparedRun): Promise<SimulatedCall> {
  const { scenario, seed, rooms, business, kit: system, bank, store, files } = run;
  const begun = system.clock.now();
  const kit = virtualKit(seed, system.log);
  const delays = { ...DELAYS, ...scenario.delays };
  const trail = new Trail(kit.clock);
  const index: WordIndex = new Map();
  const ear = new CallerEar(index);
  const microphone = new Microphone(trail, scenario.line);
  const centre = new VirtualCentre({
    kit,
    seed,
    rooms,
    business,
    knowledge: indexOf(business),
    tools: scenario.business?.tools ?? [],
    condition: scenario.line,
    sound: run.sound,
    revisePlan: run.revisePlan,
    models: {
      voiceActivity: await rooms.voiceActivity(),
      transcribers: [new Recogniser({ trail, partialMs: Math.min(PARTIAL_MS, delays.transcriberMs), finalMs: delays.transcriberMs })],
      languageModels: [run.languageModel?.(kit) ?? modelOf(run, kit, delays.firstTokenMs)],
      synthesizers: [new SimulatedVoice({ kit, store, firstSoundMs: delays.firstSoundMs, index })],
    },
  });
  const phone = new CallerPhone({
    kit,
    pacer: centre.pacer,
    host: CALLER_HOST,
    transport: centre.callerTransport,
    ports: centre.network.ports(CALLER_HOST),
    microphone,
    hears: (payload) => ear.hears(payload, centre.log.at),
  });
  const caller = new SimulatedCaller({
    clock: kit.clock,
    random: new SeededRandom(seed ^ CALLER_DICE),
    log: centre.log,
    phone,
    microphone,
    ear,
    bank,
    type: (text) => centre.type(text),
    recorded: files.sound,
    ...(run.speak ? { speak: run.speak } : {}),
    scenario,
  });
  let fault: string | undefined;
  try {
    await centre.start();
    const answered = phone.call(scenario.to, scenario.from, SERVER_HOST);
    let settled = false;
    const settle = () => {
      settled = true;
    };
    answered.then(settle, settle);
    await kit.clock.advanceUntil(() => settled, ANSWER_WITHIN_MS);
    if (!settled) throw new StepFault('nobody answered');
    await answered;
    if (scenario.persona) await playPersona(caller, personaOf(run, scenario.persona), centre.log);
    else await caller.play(scenario.caller);
  } catch (error) {
    run.signal?.throwIfAborted();
    fault = messageOf(error);
  } finally {
    centre.stop();
  }
  const { events } = centre.log;
  const lines = spokenLines(caller.lines, events);
  const ended = events.find((event) => event.type === 'call-ended');
  const durationMs = ended?.durationMs ?? 0;
  return {
    scenario,
    ...(run.file === undefined ? {} : { file: run.file }),
    level: 'virtual',
    seed,
    run: run.run,
    events,
    hash: hashOf(events),
    lines,
    measures: measure({ stretches: ear.stretches, lines, pauses: caller.pauses, events, endedMs: durationMs }),
    ...(centre.shelf.sound ? { sound: centre.shelf.sound } : {}),
    durationMs,
    tookMs: system.clock.now() - begun,
    ...(fault === undefined ? (ended ? {} : { fault: 'the call did not end' }) : { fault }),
  };
}

/** The model of the script, else the one that answers from passages in their own words. */
export function modelOf({ scenario, rooms }: PreparedRun, kit: VirtualKit, firstTokenMs: number): LanguageModel {
  const extractive = rooms.extractiveModel(kit);
  if (!scenario.answers) return delayedModel(extractive, kit, firstTokenMs);
  return new ScriptedModel({ kit, answers: scenario.answers, otherwise: extractive, firstTokenMs });
}
