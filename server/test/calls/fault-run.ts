/** One cell of the fault matrix as a whole call: greeting, a question while something fails, a second question, the end. */
import type { CallEvent, Ending } from '@tandem/contract';
import { FRAME_MS } from '#audio/frame.ts';
import type { ModelMessage } from '#models/language-model.ts';
import { ANSWER, type Cell, Probe, QUESTION } from './fault-cells.ts';
import { CallCentre, type Caller } from './telephone.ts';

export interface Silence {
  fromMs: number;
  ms: number;
  /** What was heard before it: nothing of this turn, a filler, or the answer itself. */
  after: 'nothing' | 'filler' | 'speech';
}

/** What one cell came to. Times in milliseconds. */
export interface CellResult {
  /** From the commit (without one: from the end of the caller's speech) to the first sound. */
  firstSoundMs: number | undefined;
  committed: boolean;
  /** The call was over before the caller had asked. */
  endedEarly: boolean;
  /** While it was the assistant's turn, the longest first. */
  silences: Silence[];
  /** How long the first turn took, to its last sound. */
  turnMs: number;
  /** What the first turn's reply came to, fillers left out. */
  heard: string;
  /** The second question was answered. */
  wentOn: boolean;
  ending: Ending | undefined;
  failures: { stage: string; provider: string; next: string | undefined }[];
  /** History of the last request, and what the caller heard of each turn before it. */
  told: string[];
  heardTurns: string[];
  /** Sound at the caller's ear in all, and what the facts say was played. */
  audibleMs: number;
  playedMs: number;
  timersLeft: number;
  callsLeft: number;
  events: readonly CallEvent[];
  probe: Probe;
}

const WORD_MS = 280;
const LONGEST_TURN_MS = 60_000;
const LATEST_COMMIT_MS = 1_000;

export async function runCell(cell: Cell, seed = 1): Promise<CellResult> {
  const probe = new Probe();
  const options = cell.options(probe);
  // The model of the matrix says the same whatever it is told: it is not to be judged by what is known.
  const centre = await CallCentre.open({ seed, ...options, assistant: { grounding: 'off', ...options.assistant } });
  const caller = await centre.call();
  await caller.untilQuiet(400, 8_000);
  await caller.says(QUESTION, { wordMs: WORD_MS });
  const saidAt = caller.now;
  const endedEarly = caller.ended !== undefined;
  await untilAnswered(centre, caller, 1);
  const over = caller.now;
  let wentOn = false;
  if (caller.ended === undefined) {
    const before = centre.events('turn-completed').length;
    await caller.says(QUESTION, { wordMs: WORD_MS });
    await untilAnswered(centre, caller, (centre.events('turn-completed').at(-1)?.turn ?? 0) + 1);
    wentOn = centre
      .events('turn-completed')
      .slice(before)
      .some(({ heard }) => heard === ANSWER);
    if (caller.ended === undefined) await caller.hangsUp();
  }
  const timersLeft = await centre.close();
  const told = toldTo(probe.requests.at(-1)?.messages ?? []);
  return { ...measure(centre, caller, saidAt, over), told, endedEarly, wentOn, timersLeft, callsLeft: centre.switchboard.live, probe };
}

/** The turn (or what is said instead of one) is over, or the call. */
async function untilAnswered(centre: CallCentre, caller: Caller, turn: number): Promise<void> {
  const end = caller.now + LONGEST_TURN_MS;
  const from = caller.heard.length;
  const instead = centre.events('reply-started').filter(({ kind }) => kind === 'reprompt').length;
  while (caller.now < end && caller.ended === undefined) {
    await centre.kit.clock.advance(FRAME_MS);
    const completed = centre.events('turn-completed').some((event) => event.turn >= turn);
    const asked = centre.events('reply-started').filter(({ kind }) => kind === 'reprompt').length > instead;
    const quiet = caller.heard.slice(-30).every((loud) => !loud) && caller.heard.lastIndexOf(true) >= from;
    if ((completed || asked) && quiet) return;
  }
}

/** What a model is told that the assistant has said. */
const toldTo = (messages: readonly ModelMessage[]): string[] =>
  messages.flatMap((message) => (message.role === 'assistant' && message.text !== '' ? [message.text] : []));

function measure(centre: CallCentre, caller: Caller, saidAt: number, over: number) {
  const answeredAt = centre.events('call-answered')[0].at;
  const onLine = (at: number) => at - answeredAt;
  const commit = centre.events('turn-committed').find(({ turn }) => turn === 1);
  const committed = commit !== undefined && onLine(commit.at) <= over;
  // A model that hears and speaks answers before it says what it has heard: the commit is told late.
  const from = committed ? Math.min(Math.max(0, onLine(commit.at)), saidAt + LATEST_COMMIT_MS) : saidAt;
  const played = centre.events('speech-played');
  const fillers = played.filter(({ filler }) => filler);
  const silences: Silence[] = [];
  let quietSince = from;
  let firstSoundMs: number | undefined;
  for (let i = Math.floor(from / FRAME_MS); i < caller.heard.length && i * FRAME_MS < over; i++) {
    if (!caller.heard[i]) continue;
    const at = i * FRAME_MS;
    firstSoundMs ??= Math.max(0, at - from);
    const filler = fillers.some(({ toAt }) => Math.abs(onLine(toAt) - quietSince) <= 120);
    if (at - quietSince > 3 * FRAME_MS)
      silences.push({
        fromMs: quietSince - from,
        ms: at - quietSince,
        after: quietSince === from ? 'nothing' : filler ? 'filler' : 'speech',
      });
    quietSince = at + FRAME_MS;
  }
  const ended = centre.events('call-ended')[0];
  const completed = centre.events('turn-completed');
  return {
    firstSoundMs,
    committed,
    silences: silences.toSorted((a, b) => b.ms - a.ms),
    turnMs: quietSince - from,
    heard: completed.find(({ turn }) => turn === 1)?.heard ?? '',
    ending: ended && { by: ended.by, reason: ended.reason },
    failures: centre.events('provider-failed').map(({ stage, provider, next }) => ({ stage, provider, next })),
    heardTurns: completed.map(({ heard }) => heard),
    audibleMs: caller.heard.filter(Boolean).length * FRAME_MS,
    playedMs: played.reduce((sum, { fromAt, toAt }) => sum + toAt - fromAt, 0),
    events: centre.journal.events,
  };
}
