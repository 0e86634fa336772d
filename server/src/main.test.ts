import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_KEY, freeSipPort, startTandem } from '../test/tandem-server.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const START_WITHIN_MS = 90_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-main-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs main.ts until it ends by itself. */
async function run(env: Record<string, string>): Promise<{ code: number | null; errors: string }> {
  const clean = { ...process.env, DATABASE_URL: undefined, LOG_LEVEL: 'silent', ...env };
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN], {
    env: clean,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const deadline = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(deadline);
  return { code, errors };
}

test('every wrong setting is listed by name, no secret is shown, and nothing is started', async () => {
  const wrong = {
    PORT: 'ninety',
    LOG_LEVEL: 'loud',
    PUBLIC_URL: 'voice',
    RTP_PORTS: '9-8',
    TANDEM_ADMIN_KEY: 'too-short',
    TANDEM_DATA: join(folder, 'never'),
  };
  const { code, errors } = await run(wrong);
  expect(code).toBe(1);
  for (const name of ['PORT', 'LOG_LEVEL', 'PUBLIC_URL', 'RTP_PORTS', 'TANDEM_ADMIN_KEY']) expect(errors).toContain(`  ${name}: `);
  expect(errors).toContain('5 settings are wrong');
  expect(errors).not.toMatch(/too-short|\bat .*\.ts:/);
  await expect(stat(wrong.TANDEM_DATA)).rejects.toThrow('ENOENT');
}, 60_000);

test('a data folder that cannot be made is said in one line', async () => {
  const dataFolder = join(folder, 'file', 'data');
  await writeFile(join(folder, 'file'), '');
  const { code, errors } = await run({ TANDEM_DATA: dataFolder });
  expect(code).toBe(1);
  expect(errors).toBe(`The data folder ${dataFolder} cannot be written (ENOTDIR); set TANDEM_DATA to another one\n`);
}, 60_000);

test(
  'the first start prints its key once in a link; a second process is told who has the folder; a given key is honoured',
  async () => {
    const dataFolder = join(folder, 'data');
    const first = await startTandem({ dataFolder, env: { TANDEM_ADMIN_KEY: '' }, withinMs: START_WITHIN_MS });
    const key = (await readFile(join(dataFolder, 'admin-key'), 'utf8')).trim();
    const statusOf = async (url: string, bearer: string) =>
      (await fetch(`${url}/api/v1/businesses`, { headers: { authorization: `Bearer ${bearer}` } })).status;
    try {
      expect(first.output()).toContain(`${first.url}/#key=${key}`);
      expect(first.output()).toContain(`${first.url}/talk/demo`);
      expect(first.output()).toContain(`sip:demo@127.0.0.1:${first.sipPort}`);
      for (const secret of ['admin-key', 'session-secret']) expect((await stat(join(dataFolder, secret))).mode & 0o777).toBe(0o600);
      expect([await statusOf(first.url, key), await statusOf(first.url, ADMIN_KEY)]).toEqual([200, 401]);
      const second = await run({ TANDEM_DATA: dataFolder, PORT: '65000', SIP_PORT: String(await freeSipPort()) });
      expect(second).toEqual({ code: 1, errors: `The data folder ${dataFolder} is in use by process ${first.child.pid}\n` });
    } finally {
      expect(await first.stop()).toBe(0);
    }
    const again = await startTandem({ dataFolder });
    try {
      expect([await statusOf(again.url, key), await statusOf(again.url, ADMIN_KEY)]).toEqual([200, 200]);
      expect(again.output()).not.toContain('#key=');
    } finally {
      expect(await again.stop()).toBe(0);
    }
  },
  2 * START_WITHIN_MS,
);

test(
  'a port that is taken is named with the setting that changes it',
  async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const port = String((taken.address() as AddressInfo).port);
    const datagrams = createSocket('udp4');
    await new Promise<void>((resolve) => datagrams.bind(0, '127.0.0.1', resolve));
    const sip = String(datagrams.address().port);
    try {
      for (const [setting, value] of [
        ['PORT', port],
        ['TANDEM_MEDIA_PORT', port],
        ['SIP_PORT', sip],
        ['SIP_PORT', port],
      ]) {
        const free = {
          PORT: String(await freeSipPort()),
          TANDEM_MEDIA_PORT: String(await freeSipPort()),
          SIP_PORT: String(await freeSipPort()),
        };
        const { code, errors } = await run({ TANDEM_DATA: join(folder, 'data'), ...free, [setting]: value });
        expect(code, setting).toBe(1);
        expect(errors).toContain(value);
        expect(errors).toContain(setting);
        expect(errors).not.toMatch(/\bat .*\.ts:/);
        expect(errors.trim().split('\n')).toHaveLength(1);
      }
    } finally {
      taken.close();
      datagrams.close();
    }
  },
  2 * START_WITHIN_MS,
);
