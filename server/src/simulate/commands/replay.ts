/** `npx tandem replay`: takes the decisions of a recorded call again, forks it, redacts it, or makes a scenario of it. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { assistantInput, type Assistant, type CallEvent } from '@tandem/contract';
import { parse, stringify } from 'yaml';
import { TandemError } from '#kit/errors.ts';
import type { LanguageModel } from '#models/language-model.ts';
import { timelinePage } from '../report/timeline/page.ts';
import { differenceOf, recordedSide, sideBySide } from '../replay/difference.ts';
import { forkCall } from '../replay/fork.ts';
import { passageTexts } from '../replay/passage-texts.ts';
import { firstChange, type PolicyDifference } from '../replay/policy-rerun.ts';
import { changedPolicy } from '../replay/fork-plan.ts';
import { conversationsOf } from '../replay/recorded-conversation.ts';
import { turnsOf } from '../replay/recorded-turns.ts';
import { redact } from '../replay/redaction.ts';
import { cutLines } from '../replay/sound-lines.ts';
import { readCall, readRecording, type RecordedCall, serverApi } from '../replay/source.ts';
import { scenarioOf } from '../replay/to-scenario.ts';
import { policyLines, verdictLines, verdictOn } from '../replay/verdict.ts';
import type { Command, Workshop } from './command.ts';
import { readArguments, type ReplayArguments, usage } from './replay-arguments.ts';

const SAME = 0;
const DIFFERS = 1;
const CANNOT = 2;

/** Columns where the terminal does not tell. */
const WIDTH = 120;

export const replay: Command = { name: 'replay', does: 'take the decisions of a call again, or fork it', usage, run };

async function run(args: readonly string[], workshop: Workshop): Promise<number> {
  const asked = readArguments(args);
  const { call, url, business } = asked;
  const read = await readCall(call, { url, business }, workshop);
  const recorded: RecordedCall = asked.redact ? redacted(read, workshop) : read;
  if (asked.save !== undefined) await save(recorded, asked.save, workshop);
  if (asked.scenario !== undefined) await saveScenario(recorded, asked, workshop);
  if (asked.fork !== undefined || Object.keys(asked.policy).length > 0) return fork(recorded, asked, workshop);
  if (asked.redact && asked.save === undefined && asked.scenario === undefined) {
    workshop.print(linesOf(recorded.events));
    return SAME;
  }
  const verdict = verdictOn(recorded.callId, recorded.events);
  if (asked.json) workshop.print(JSON.stringify(verdict, undefined, 2));
  else for (const line of verdictLines(verdict)) workshop.print(line);
  return verdict.outcome === 'same' ? SAME : verdict.outcome === 'differs' ? DIFFERS : CANNOT;
}

function redacted({ events, from }: RecordedCall, { tell }: Workshop): RecordedCall {
  const { events: shown, numbers } = redact(events);
  if (numbers === 'each') tell('Equal digits have equal stand-ins here: other disguises would have changed a decision.');
  return { callId: shown[0]?.callId ?? '', events: shown, from };
}

const linesOf = (events: readonly CallEvent[]): string => events.map((event) => JSON.stringify(event)).join('\n');

async function save({ events }: RecordedCall, file: string, workshop: Workshop): Promise<void> {
  await writeText(resolve(workshop.folder, file), `${linesOf(events)}\n`);
  workshop.tell(`${events.length} events in ${file}`);
}

async function writeText(path: string, text: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  // What a caller said is nobody else's business on this machine.
  await writeFile(path, text, { mode: 0o600 });
}

// A scenario

async function saveScenario(recorded: RecordedCall, asked: ReplayArguments, workshop: Workshop): Promise<void> {
  const file = resolve(workshop.folder, asked.scenario ?? '');
  const sounds = asked.sound === undefined ? undefined : await saveSounds(recorded, asked, workshop, dirname(file));
  const { events, callId } = recorded;
  const scenario = scenarioOf(events, { name: `recorded call ${callId}`, passages: await passagesFor(events, asked, workshop), sounds });
  await writeText(file, stringify(scenario, { lineWidth: WIDTH }));
  workshop.tell(`scenario in ${asked.scenario}: npx tandem simulate ${asked.scenario}`);
}

/** Paths of the sound files by turn, as the scenario beside them names them. */
async function saveSounds(
  recorded: RecordedCall,
  asked: ReplayArguments,
  workshop: Workshop,
  beside: string,
): Promise<Map<number, string>> {
  const { url, business } = asked;
  const recording = await readRecording(recorded, { url, business }, workshop);
  const folder = resolve(workshop.folder, asked.sound ?? '');
  const paths = new Map<number, string>();
  for (const [turn, bytes] of cutLines(recording, turnsOf(recorded.events))) {
    const file = join(folder, `${recorded.callId}-turn-${turn}.wav`);
    await writeText(file, bytes);
    paths.set(turn, relative(beside, file));
  }
  return paths;
}

/** Texts of what the call was answered from, where a server still has them. */
async function passagesFor(events: readonly CallEvent[], { url, business, redact: hidden }: ReplayArguments, workshop: Workshop) {
  if (hidden || (await workshop.apiKey()) === undefined) return new Map<string, string>();
  return passageTexts(events, await serverApi(url ?? workshop.serverUrl, workshop, business));
}

// A fork

async function fork(recorded: RecordedCall, asked: ReplayArguments, workshop: Workshop): Promise<number> {
  const { events } = recorded;
  const { policy, json, print } = { ...asked, ...workshop };
  const conversation = conversationsOf(events).find(({ kind }) => kind === 'ordinary');
  if (!conversation) throw new TandemError('invalid-input', 'There is no journal of decisions in this call');
  let turn = asked.fork;
  let change: PolicyDifference | undefined;
  if (turn === undefined) {
    change = firstChange(conversation, changedPolicy(conversation.policy, policy));
    if (!json) for (const line of policyLines(change)) print(line);
    if (!change) {
      if (json) print(JSON.stringify({ same: true, change: null }, undefined, 2));
      return SAME;
    }
    turn = Math.max(1, change.turn);
  }
  const texts = await passagesFor(events, asked, workshop);
  const now = await forkCall(events, {
    kit: workshop.kit,
    rooms: workshop.rooms(),
    turn,
    // Nothing but the turns is another: who is asked the same says the same.
    sameAnswers: asked.prompt === undefined && asked.model === undefined && asked.assistant === undefined,
    changes: {
      policy,
      ...(asked.prompt === undefined ? {} : { prompt: await promptOf(asked.prompt, workshop) }),
      ...(asked.assistant === undefined ? {} : { assistant: await assistantOf(asked.assistant, asked, workshop) }),
    },
    ...(asked.model === undefined ? {} : { model: await modelOf(asked.model, workshop) }),
    passages: texts,
    signal: workshop.signal,
  });
  if (now.fault !== undefined) workshop.tell(`the fork broke off: ${now.fault}`);
  const difference = differenceOf(events, now.events, turn);
  if (json) print(JSON.stringify({ ...difference, change: change ?? null, fault: now.fault ?? null }, undefined, 2));
  else for (const line of sideBySide(difference, WIDTH)) print(line);
  if (asked.html !== undefined) {
    const sides = [recordedSide(events, now), { ...now, checks: [], passed: now.fault === undefined }];
    const page = timelinePage(sides, {
      title: `${recorded.callId}, forked at turn ${turn}`,
      sideBySide: true,
      labels: ['Recorded', 'Fork'],
    });
    await writeText(resolve(workshop.folder, asked.html), page);
  }
  return difference.same && !change ? SAME : DIFFERS;
}

/** A file's text, else the argument itself. */
async function promptOf(text: string, { folder }: Workshop): Promise<string> {
  return readFile(resolve(folder, text), 'utf8').catch(() => text);
}

const ownPart = assistantInput.partial();

/** A file, else one of the server's by its id. Throws `invalid-input` for a file that describes no assistant. */
async function assistantOf(name: string, { url, business }: ReplayArguments, workshop: Workshop): Promise<Partial<Assistant>> {
  const text = await readFile(resolve(workshop.folder, name), 'utf8').catch(() => undefined);
  if (text === undefined)
    return (await serverApi(url ?? workshop.serverUrl, workshop, business))(`/api/v1/assistants/${encodeURIComponent(name)}`);
  const given: unknown = parse(text);
  const read = ownPart.safeParse(given);
  if (!read.success)
    throw new TandemError('invalid-input', `${name}: ${read.error.issues[0]?.path.join('.')}: ${read.error.issues[0]?.message}`);
  // Defaults of what the file does not name are no changes.
  const named = Object.keys(given as object);
  return Object.fromEntries(Object.entries(read.data).filter(([key]) => named.includes(key)));
}

/** `extractive` is the one that needs no provider. */
async function modelOf(name: string, workshop: Workshop): Promise<LanguageModel | undefined> {
  if (name === 'extractive') return undefined;
  const { languageModels } = await workshop.models();
  const found = languageModels.find((model) => model.name === name || model.model === name);
  if (found) return found;
  const known = languageModels.map((model) => (model.model === undefined ? model.name : `${model.name} (${model.model})`));
  throw new TandemError('not-found', `No language model ${name} is configured; there are ${['extractive', ...known].join(', ')}`);
}
