/** One fault injected into a whole call: four questions, one of them (or two) at fault, and what the explanation says of each turn. */
import type { CallEvent, CauseCode, TurnFinding } from '@tandem/contract';
import { FRAME_MS } from '#audio/frame.ts';
import { explainCall } from '#calls/explain/explain.ts';
import { assistantInput } from '@tandem/contract';
import type { FaultKind } from './explain-cells.ts';
import { Scene, sceneEar, sceneModel, sceneTool, sceneVoice, search } from './explain-models.ts';
import { ForeignKnowledge, ToolShelf } from './faulty-models.ts';
import { CallCentre, type Caller } from './telephone.ts';

const QUESTIONS = [
  '',
  'when are you open this week please',
  'where can I park my car',
  'does the dentist have time today',
  'which languages do you speak there',
];
const LONGEST_TURN_MS = 40_000;

export interface Verdict {
  kind: string;
  size: number;
  turn: number;
  /** Undefined: the turn was in order. */
  truth: { problem: string; code: CauseCode } | undefined;
  findings: readonly TurnFinding[];
  /** At fault: something was found, and every finding names the cause. In order: nothing was found. */
  right: boolean;
}

export interface ExplainedCall {
  verdicts: Verdict[];
  events: readonly CallEvent[];
}

export async function runFault(kind: FaultKind, size: number, at: readonly number[], seed: number): Promise<ExplainedCall> {
  const faulty = new Map(at.map((turn) => [turn, kind.manners?.(size) ?? {}]));
  let scene: Scene | undefined;
  const { turnTaking } = assistantInput.parse({
    name: 'Ada',
    slug: 'demo',
    greeting: 'Hello.',
    turnTaking: { ...kind.assistant, ...unfinished(kind, size) },
  });
  const centre = await CallCentre.open({
    seed,
    assistant: { turnTaking, grounding: kind.grounding ?? 'off' },
    models: (kit, air) => {
      const made = (scene = new Scene(kit, kind.usual ?? {}, faulty));
      return {
        transcribers: [sceneEar(kit, air, made)],
        languageModels: (kind.fallback ? ['one', 'two'] : ['one']).map((name) => sceneModel(kit, made, name)),
        synthesizers: [sceneVoice(kit, made)],
      };
    },
    shop: (kit) => new ToolShelf(kit, [sceneTool(kit, () => scene)]),
    knowledge: (source) => new ForeignKnowledge(source, () => search(scene)),
  });
  const played = scene as unknown as Scene;
  const caller = await centre.call(undefined, undefined, kind.line?.(size));
  await caller.untilQuiet(400, 8_000);
  const bad = new Set<number>();
  for (let turn = 1; turn < QUESTIONS.length && caller.ended === undefined; turn++) {
    played.turn = turn;
    const fault = at.includes(turn);
    const asked = await ask(kind, size, fault, turn, { centre, caller });
    if (asked !== undefined && (fault || kind.line)) bad.add(asked);
  }
  if (caller.ended === undefined) await caller.hangsUp();
  await centre.close();
  return { verdicts: judge(kind, size, bad, centre.journal.events), events: centre.journal.events };
}

/** The rule whose wait is the fault. */
const unfinished = ({ code }: FaultKind, size: number) => (code === 'endpoint-waited' ? { rules: { unfinished: size } } : {});

/** Resolves with the turn that is at fault, where the caller's ear says that the fault had any effect. */
async function ask(
  kind: FaultKind,
  size: number,
  fault: boolean,
  turn: number,
  deed: { centre: CallCentre; caller: Caller },
): Promise<number | undefined> {
  const { centre, caller } = deed;
  const deeds = fault ? (kind.deeds?.(size) ?? {}) : {};
  const commits = () => centre.events('turn-committed');
  const [before, committed] = [centre.events('turn-completed').length, commits().length];
  const newest = commits().at(-1)?.turn ?? 0;
  if (deeds.instead) {
    const reprompts = () => centre.events('reply-started').filter(({ kind: said }) => said === 'reprompt').length;
    const so = reprompts();
    await deeds.instead(deed);
    await quiet(centre, caller, () => reprompts() > so);
  }
  await caller.says(deeds.question ?? QUESTIONS[turn] ?? '');
  const from = caller.heard.length;
  await deeds.afterQuestion?.(deed);
  let over = from;
  if (deeds.overAnswer) {
    const end = caller.now + 8_000;
    while (caller.now < end && caller.heard.slice(from).filter(Boolean).length < 50) await centre.kit.clock.advance(FRAME_MS);
    over = caller.heard.length;
    await deeds.overAnswer(deed);
  }
  await quiet(centre, caller, () => centre.events('turn-completed').length > before);
  if (kind.turnBefore) return newest;
  return hadEffect(kind, caller, from, over) ? commits()[committed]?.turn : undefined;
}

const SLOW_MS = 1_500;
const STOP_MS = 300;

/** As the caller hears it: the explanation is not asked. */
function hadEffect({ problem, code, assistant }: FaultKind, { heard }: Caller, from: number, over: number): boolean {
  // Behind fillers the ear cannot tell the answer from them, and it stands still with the machine.
  if (problem === 'slow' && assistant && code !== 'machine-late') return (heard.indexOf(true, from) - from) * FRAME_MS > SLOW_MS;
  if (problem !== 'false-interruption') return true;
  const stop = heard.indexOf(false, over);
  const again = heard.indexOf(true, stop);
  return again !== -1 && (again - stop) * FRAME_MS >= STOP_MS;
}

/** Until `over`, and then a second of silence. */
async function quiet(centre: CallCentre, caller: Caller, over: () => boolean): Promise<void> {
  const end = caller.now + LONGEST_TURN_MS;
  while (caller.now < end && caller.ended === undefined) {
    await centre.kit.clock.advance(FRAME_MS);
    if (over() && caller.heard.slice(-60).every((loud) => !loud)) return;
  }
}

function judge(kind: FaultKind, size: number, bad: ReadonlySet<number>, events: readonly CallEvent[]): Verdict[] {
  const { findings } = explainCall(events);
  const truth = { problem: kind.problem, code: kind.code };
  const committed = new Set(events.flatMap((event) => (event.type === 'turn-committed' ? [event.turn] : [])));
  return [0, ...committed].map((turn) => {
    const its = findings.filter((finding) => finding.turn === turn);
    const wrong = bad.has(turn);
    const right = wrong
      ? its.length > 0 && its.every(({ problem, causes }) => problem === truth.problem && causes[0]?.code === truth.code)
      : its.length === 0;
    return { kind: kind.name, size, turn, truth: wrong ? truth : undefined, findings: its, right };
  });
}
