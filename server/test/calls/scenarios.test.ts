/** The demo business's own scenarios, in text and on the virtual clock; and the command that people play them with. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '#kit/log.ts';
import { systemKit } from '#kit/kit.ts';
import type { Workshop } from '#simulate/commands/command.ts';
import { simulate } from '#simulate/commands/simulate.ts';
import { checkCall } from '#simulate/expectations/check.ts';
import { callLine } from '#simulate/report/terminal.ts';
import { runScenario } from '#simulate/run.ts';
import { loadScenarios } from '#simulate/scenario-files.ts';
import { simulationRooms } from '../../src/simulation.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const kit = { ...systemKit('error'), log: silentLog };
const rooms = simulationRooms();
const set = await loadScenarios(['scenarios'], root);

describe.each(['text', 'virtual'] as const)('level %s', (level) => {
  const fitting = set.filter(({ scenario }) => scenario.levels.includes(level));
  test.each(fitting.map((loaded) => [loaded.scenario.name, loaded] as const))('%s', async (_name, { scenario, file, folder }) => {
    const call = checkCall(await runScenario(scenario, { kit, rooms, level, file, folder, sound: false }));
    expect(call.fault).toBeUndefined();
    expect(call.checks.filter(({ passed }) => !passed).map(({ title, found }) => `${title}: ${found}`)).toEqual([]);
    expect(callLine(call)).toMatch(/^✓/);
  });
});

test('the set has what a business should try', () => {
  expect(set.length).toBeGreaterThanOrEqual(12);
  expect(set.every(({ scenario }) => scenario.expect.length > 0 && scenario.description !== undefined && scenario.tags.length > 0)).toBe(
    true,
  );
  expect(new Set(set.map(({ scenario }) => scenario.name)).size).toBe(set.length);
});

describe('npx tandem simulate', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tandem-simulate-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function run(...args: string[]) {
    const lines = { printed: [] as string[], told: [] as string[] };
    const workshop: Workshop = {
      kit,
      folder,
      dataFolder: folder,
      serverUrl: 'http://127.0.0.1:9',
      apiKey: () => Promise.resolve(undefined),
      models: () => Promise.reject(new Error('no model is asked for')),
      rooms: () => rooms,
      print: (line) => void lines.printed.push(line),
      tell: (line) => void lines.told.push(line),
      signal: new AbortController().signal,
    };
    const code = await simulate.run(args, workshop);
    return { code, ...lines };
  }

  const price = (expected: string, more = '') =>
    `name: A price\ncaller:\n  - hear: greeting\n  - say: What does a crown cost?\n  - hear: answer\nexpect:\n  - says: ${expected}\n${more}`;

  test('plays a folder, repeats, writes every report, and answers 0', async () => {
    await writeFile(join(folder, 'good.yaml'), price('six hundred and forty pounds'));
    const asked = ['good.yaml', '--repeat', '2', '--jobs', '1', '--junit', 'j.xml', '--json', 'r.json', '--html', 'p.html', '--wav', 'wav'];
    const { code, printed, told } = await run(...asked);
    expect(code).toBe(0);
    expect(printed.slice(0, 2).every((line) => line.startsWith('✓ A price'))).toBe(true);
    expect(printed.join('\n')).toMatch(/A price\s+2 of 2\s+100\.0 %\s+100\.0 %/);
    expect(printed.at(-1)).toContain('2 passed, 0 failed: 2 calls');
    expect(told).toEqual(['written: j.xml', 'written: r.json', 'written: p.html']);
    const report = JSON.parse(await readFile(join(folder, 'r.json'), 'utf8')) as { calls: { seed: number; hash: string }[] };
    expect(report.calls.map(({ seed }) => seed)).toEqual([1, 2]);
    const wav = await readFile(join(folder, 'wav', 'a-price-run-2.wav'));
    expect(wav.length).toBeGreaterThan(100_000);
    expect(await readFile(join(folder, 'p.html'), 'utf8')).toContain('A price (run 2, seed 2)');
  });

  test('answers 1 when a check failed, and says what was found', async () => {
    await writeFile(join(folder, 'bad.yaml'), price('five hundred pounds'));
    const { code, printed } = await run('bad.yaml', '--level', 'text');
    expect(code).toBe(1);
    expect(printed.join('\n')).toContain('"A crown costs six hundred and forty pounds."');
  });

  test('refuses bad files with every fault, and choices that leave nothing', async () => {
    await writeFile(join(folder, 'faulty.yaml'), 'name: x\ncaller:\n  - say: 7\nexpect:\n  - ends: { by: nobody }\n');
    await expect(run('faulty.yaml')).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(/faulty\.yaml:3: caller\[0\].*\n.*faulty\.yaml:5: expect\[0\]/) as string,
    });
    await writeFile(join(folder, 'sound.yaml'), price('x', 'levels: [virtual]\ntags: [line]\n'));
    await expect(run('sound.yaml', '--level', 'text')).rejects.toMatchObject({ code: 'not-found' });
    await expect(run('sound.yaml', '--only', 'tools')).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('line') as string,
    });
    await expect(run('nowhere.yaml')).rejects.toMatchObject({ code: 'not-found' });
    await expect(run('good.yaml', '--level', 'sip', '--server', '192.0.2.1:5060')).rejects.toMatchObject({ code: 'forbidden' });
    await expect(run('good.yaml', '--judge')).rejects.toThrow('no model is asked for');
  });
});
