/** `npx tandem simulate`: plays scenarios, checks what they expect, and reports. */
import { resolve } from 'node:path';
import { TandemError } from '#kit/errors.ts';
import { checkCall } from '../expectations/check.ts';
import { type Judge, judgeCall } from '../expectations/judge.ts';
import type { CheckedCall } from '../outcome.ts';
import { WavFolder, writeReports } from '../report/files.ts';
import { callLine, summary } from '../report/terminal.ts';
import type { Level } from '../scenario.ts';
import { type LoadedScenario, loadScenarios } from '../scenario-files.ts';
import type { Command, Workshop } from './command.ts';
import { readArguments, type SimulateArguments, usage } from './simulate-arguments.ts';
import { playAll, type PlayWatch, thinkingModel } from './simulate-play.ts';

/** Of more calls than this only failures are told one by one, and the page has the voices of those alone. */
const MANY = 200;
/** How often it is told how far a long run is. */
const PROGRESS_MS = 1_000;

export const simulate: Command = {
  name: 'simulate',
  does: 'play scenarios against the engine or a running server',
  usage,
  async run(args, workshop) {
    const given = readArguments(args);
    const scenarios = atLevel(chosen(await loadScenarios(given.paths, workshop.folder), given.only), given.level, workshop);
    const { clock } = workshop.kit;
    const begun = clock.now();
    const judge = given.judge ? await judgeOf(workshop) : undefined;
    const round = new Round(scenarios.length * given.repeat, given, workshop, judge);
    await playAll(scenarios, { ...given, sound: given.wav !== undefined || given.html !== undefined }, workshop, round);
    for (const line of summary(round.calls, clock.now() - begun)) workshop.print(line);
    for (const line of await writeReports(round.calls, { folder: workshop.folder, ...given })) workshop.tell(line);
    return round.calls.every(({ passed }) => passed) ? 0 : 1;
  },
};

/** Those with one of the tags, or one of the words in their name. Throws `not-found` when there is none. */
function chosen(scenarios: readonly LoadedScenario[], only: readonly string[]): LoadedScenario[] {
  const wanted = only.map((one) => one.toLowerCase());
  const found = scenarios.filter(
    ({ scenario: { name, tags } }) =>
      wanted.length === 0 || wanted.some((one) => tags.some((tag) => tag.toLowerCase() === one) || name.toLowerCase().includes(one)),
  );
  if (found.length > 0) return found;
  const tags = [...new Set(scenarios.flatMap(({ scenario }) => scenario.tags))].sort();
  throw new TandemError(
    'not-found',
    `No scenario has the tag or name ${only.join(', ')}; there are the tags ${tags.join(', ') || '(none)'}`,
  );
}

/** Those that make sense at the level; what is left out is told. Throws `not-found` when none is left. */
function atLevel(scenarios: readonly LoadedScenario[], level: Level, { tell }: Workshop): LoadedScenario[] {
  const fitting = scenarios.filter(({ scenario }) => scenario.levels.includes(level));
  const left = scenarios.length - fitting.length;
  if (fitting.length === 0) throw new TandemError('not-found', `None of the ${left} scenarios is for level ${level}`);
  if (left > 0) tell(`${left} of ${scenarios.length} scenarios are not for level ${level} and are left out`);
  return fitting;
}

async function judgeOf(workshop: Workshop): Promise<Judge> {
  const languageModel = await thinkingModel(workshop);
  if (!languageModel)
    throw new TandemError('bad-request', '--judge needs a language model: set the key of a provider, see docs/providers.md');
  return { languageModel, signal: workshop.signal };
}

/** One run of the command: calls are checked and told as they end, and kept for the reports. */
class Round implements PlayWatch {
  readonly calls: CheckedCall[] = [];
  readonly #total: number;
  readonly #given: SimulateArguments;
  readonly #workshop: Workshop;
  readonly #judge: Judge | undefined;
  readonly #wav: WavFolder | undefined;
  readonly #progress = { over: 0, failed: 0, toldAt: 0 };

  constructor(total: number, given: SimulateArguments, workshop: Workshop, judge: Judge | undefined) {
    this.#total = total;
    this.#given = given;
    this.#workshop = workshop;
    this.#judge = judge;
    this.#wav = given.wav === undefined ? undefined : new WavFolder(resolve(workshop.folder, given.wav));
    this.#progress.toldAt = workshop.kit.clock.now();
  }

  over(call: Parameters<PlayWatch['over']>[0]): void {
    const { kit, print, tell } = this.#workshop;
    const checked = checkCall(call);
    const progress = this.#progress;
    progress.over++;
    if (!checked.passed) progress.failed++;
    if (this.#total <= MANY || !checked.passed) print(callLine(checked));
    const now = kit.clock.now();
    if (this.#total <= MANY || now - progress.toldAt < PROGRESS_MS) return;
    progress.toldAt = now;
    tell(`${progress.over} of ${this.#total} calls, ${progress.failed} failed`);
  }

  async finished(call: Parameters<PlayWatch['finished']>[0]): Promise<void> {
    const checked = checkCall(call);
    const done = this.#judge ? await judgeCall(checked, this.#judge) : checked;
    await this.#wav?.add(done);
    const needed = this.#given.html !== undefined && (this.#total <= MANY || !done.passed);
    this.calls.push(needed ? done : { ...done, sound: undefined });
  }
}
