/** A real call over SIP and RTP to a server of its own: its journal, read in three ways, replays to the same decisions. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemKit } from '#kit/kit.ts';
import { replay } from '#simulate/commands/replay.ts';
import type { Workshop } from '#simulate/commands/command.ts';
import { readCall } from '#simulate/replay/source.ts';
import { verdictOn } from '#simulate/replay/verdict.ts';
import { checkCall } from '#simulate/expectations/check.ts';
import { loadScenarios } from '#simulate/scenario-files.ts';
import { runScenario } from '#simulate/run.ts';
import { simulationRooms } from '../../src/simulation.ts';
import { ask, assistantAt, envOf, eventsOf, ProviderCalls } from '../provider-calls.ts';
import { ADMIN_KEY, type TandemServer } from '../tandem-server.ts';

let calls: ProviderCalls;
let folder: string;
beforeAll(async () => {
  calls = await ProviderCalls.open();
  folder = await mkdtemp(join(tmpdir(), 'tandem-replay-'));
});
afterEach(() => calls.reset());
afterAll(async () => {
  await calls.close();
  await rm(folder, { recursive: true, force: true });
});

function workshopAt(server: TandemServer): { workshop: Workshop; printed: string[] } {
  const printed: string[] = [];
  const workshop: Workshop = {
    kit: systemKit('error', { part: 'test' }),
    folder,
    dataFolder: server.dataFolder,
    serverUrl: server.url,
    apiKey: () => Promise.resolve(ADMIN_KEY),
    models: () => Promise.reject(new Error('no model is asked')),
    rooms: simulationRooms,
    print: (line) => printed.push(line),
    tell: () => {},
    signal: new AbortController().signal,
  };
  return { workshop, printed };
}

describe('the journal of a call over SIP', () => {
  test('replays to the same decisions: from the API, from the data folder while the server runs, and from a file; redacted too', async () => {
    calls.providers.tell({ answers: [{ say: 'We are open from nine.' }] });
    const server = await calls.server({ ...envOf(calls.providers), TANDEM_DEEPGRAM_MODEL: 'nova-3' });
    await assistantAt(server, 'replay', { transcriber: 'deepgram', languageModel: 'openai', synthesizer: 'cartesia', recording: true });
    const caller = await calls.ring(server, 'replay');
    expect(await caller.untilQuiet(600)).toBe(true);
    for (let turn = 0; turn < 3; turn++) await ask(caller, 800 + 150 * turn);
    await caller.hangUp();
    const written = await eventsOf(server, 'replay');
    const [{ callId }] = written;
    const { workshop, printed } = workshopAt(server);

    const fromApi = await readCall(callId, { url: server.url }, workshop);
    const fromJournal = await readCall('latest', {}, workshop);
    expect(fromJournal.callId).toBe(callId);
    expect(fromJournal.from).toMatch(/^journal /);
    expect(fromApi.events.map(({ seq, type }) => [seq, type])).toEqual(fromJournal.events.map(({ seq, type }) => [seq, type]));
    const verdicts = [fromApi, fromJournal].map(({ events }) => verdictOn(callId, events));
    for (const verdict of verdicts) {
      expect(verdict.checks.flatMap(({ faults }) => faults)).toEqual([]);
      expect(verdict).toMatchObject({ outcome: 'same', conversations: [{ difference: undefined, gap: undefined }] });
      expect(verdict.conversations[0].decisions).toBeGreaterThan(8);
    }
    expect(verdicts[0].conversations[0].digest).toBe(verdicts[1].conversations[0].digest);

    expect(await replay.run([callId, '--save', 'call.jsonl'], workshop)).toBe(0);
    expect(printed.at(-1)).toBe('The same decisions.');
    expect(await replay.run(['call.jsonl'], workshop)).toBe(0);
    expect(await replay.run(['call.jsonl', '--redact', '--save', 'shared.jsonl'], workshop)).toBe(0);
    const shared = await readFile(join(folder, 'shared.jsonl'), 'utf8');
    expect(shared).not.toContain(callId);
    expect(await replay.run(['shared.jsonl'], workshop)).toBe(0);

    // Another policy, by the rules alone and then by the engine.
    expect(await replay.run(['call.jsonl', '--policy', 'minDelayMs=2000,sentenceDelayMs=2000,adaptive=false', '--json'], workshop)).toBe(1);
    const { turns } = JSON.parse(printed.at(-1) ?? '{}') as { turns: { turn: number }[] };
    expect(turns.length).toBeGreaterThanOrEqual(3);

    // And as a scenario, with the caller's own recorded voice.
    expect(await replay.run([callId, '--scenario', 'again.yaml', '--sound', 'lines'], workshop)).toBe(0);
    const [made] = await loadScenarios(['again.yaml'], folder);
    expect(made.scenario.caller.filter((step) => 'play' in step).length).toBe(3);
    const call = await runScenario(made.scenario, { kit: workshop.kit, rooms: simulationRooms(), folder, signal: workshop.signal });
    expect(call.fault).toBeUndefined();
    expect(
      checkCall(call)
        .checks.filter(({ passed }) => !passed)
        .map(({ title, found }) => `${title}: ${found}`),
    ).toEqual([]);
  });
});
