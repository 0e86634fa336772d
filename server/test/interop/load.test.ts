/** The shipped load generator against a whole server: ten callers over each wire, all answered, measured, and nothing left. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemKit } from '#kit/kit.ts';
import type { Workshop } from '#simulate/commands/command.ts';
import { load } from '#simulate/commands/load.ts';
import type { LoadReport } from '#simulate/load/summary.ts';
import { startTandem, type TandemServer } from '../tandem-server.ts';
import { addScriptedAssistant, scriptedModels } from './scripted-assistant.ts';

const accountSid = `AC${'0123456789abcdef'.repeat(2)}`;
const authToken = 'the-auth-token-of-this-test';
const CALLS = 10;

let server: TandemServer;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-load-'));
  await writeFile(join(folder, 'token'), `${authToken}\n`);
  const models = scriptedModels('are you open today too', 'We are open from nine to five.');
  const twilio = { TWILIO_ACCOUNT_SID: accountSid, TWILIO_AUTH_TOKEN: authToken };
  server = await startTandem({ env: { ...models, ...twilio, TANDEM_SCRIPTED_END_OF_TURN: 'true', LOG_LEVEL: 'warn' } });
  await addScriptedAssistant(server, { slug: 'desk', address: '+15550111', greeting: 'Good morning.' });
});

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function run(...args: string[]): Promise<{ code: number; lines: string[]; told: string[]; report: LoadReport | undefined }> {
  const [lines, told]: string[][] = [[], []];
  const workshop = {
    kit: systemKit('warn'),
    folder,
    serverUrl: server.url,
    print: (line: string) => void lines.push(line),
    tell: (line: string) => void told.push(line),
    signal: new AbortController().signal,
  };
  const code = await load.run([...args, '--json', 'report.json'], workshop as unknown as Workshop);
  const text = await readFile(join(folder, 'report.json'), 'utf8').catch(() => undefined);
  await rm(join(folder, 'report.json'), { force: true });
  return { code, lines, told, report: text === undefined ? undefined : (JSON.parse(text) as LoadReport) };
}

const crowd = ['--calls', String(CALLS), '--seconds', '12', '--warm-up', '2', '--backchannels', '0'];
const wires: [string, string[]][] = [
  ['sip', []],
  ['twilio', ['+15550111', '--account-sid', accountSid, '--auth-token-file', 'token']],
  ['browser', ['desk']],
];

describe('ten callers', () => {
  test.each(wires)('over %s are answered, heard and gone', async (wire, own) => {
    const target = wire === 'sip' ? [`sip:+15550111@127.0.0.1:${server.sipPort}`] : own;
    const { code, report, lines, told } = await run(...target, '--wire', wire, ...crowd);
    expect(code).toBe(0);
    expect(report?.totals).toMatchObject({ offered: CALLS, answered: CALLS, live: 0, refused: {}, failed: {} });
    const { setupMs, v2vMs } = report?.distributions ?? {};
    expect(setupMs?.n).toBe(CALLS);
    // Each caller had time for a turn or two; what the machine was too busy to measure is left out, not made up.
    expect(report?.totals.turns).toBeGreaterThanOrEqual(CALLS);
    expect((v2vMs?.n ?? 0) + (report?.totals.leftOut ?? 0) + (report?.totals.missed ?? 0)).toBeGreaterThanOrEqual(CALLS);
    if (v2vMs && v2vMs.n > 0) expect(v2vMs.p50).toBeGreaterThan(100);
    expect(report?.frames.frames).toBeGreaterThan(CALLS * 50);
    expect(report?.perCall).toHaveLength(CALLS);
    expect(report?.own.cpuPct).toBeGreaterThan(0);
    expect(lines.join('\n')).toContain(`${CALLS}, ${CALLS}`);
    expect(told.length).toBeGreaterThan(8);
    const live = await server.until<{ items: unknown[] }, true>('/api/v1/calls?state=live', ({ items }) => items.length === 0, 20_000);
    expect(live).toBe(true);
  });

  test('with a length are followed by the next ones', async () => {
    const { report } = await run(
      `sip:+15550111@127.0.0.1:${server.sipPort}`,
      '--calls',
      '4',
      '--seconds',
      '14',
      '--length',
      '2-3',
      '--warm-up',
      '1',
    );
    expect(report?.totals.answered).toBeGreaterThanOrEqual(8);
    expect(report?.totals).toMatchObject({ live: 0, failed: {} });
  });

  test('that nobody answers are refusals, and how fast', async () => {
    const { code, report } = await run(`sip:+15559999@127.0.0.1:${server.sipPort}`, '--calls', '3', '--seconds', '2', '--warm-up', '1');
    expect(code).toBe(1);
    expect(report?.totals.refused).toEqual({ 404: 3 });
    expect(report?.distributions.refusedAfterMs.n).toBe(3);
  });

  test('are not sent to another machine unless that is said', async () => {
    const { code, told, report } = await run('sip:demo@192.0.2.1');
    expect({ code, report }).toEqual({ code: 2, report: undefined });
    expect(told).toEqual([expect.stringContaining('--anywhere')]);
  });
});
