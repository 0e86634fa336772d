import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MULAW_TO_LINEAR } from '#audio/g711.ts';
import { decodeWav, parseWav } from '#audio/wav.ts';
import { WavFolder, writeReports } from './files.ts';
import { stereoWav } from './stereo.ts';
import { checkedCall } from './testing.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-reports-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const call = (name: string, run = 0) => checkedCall({ name, expect: [{ says: 'hello' }] }, [{ assistant: 'Hello.', turn: 0 }], { run });

test('reports go where they were asked for, and folders are made', async () => {
  const written = await writeReports([call('one')], {
    folder,
    junit: 'a/b/junit.xml',
    json: 'report.json',
    html: 'page.html',
    htmlSound: true,
  });
  expect(written).toEqual(['written: a/b/junit.xml', 'written: report.json', 'written: page.html']);
  expect(await readFile(join(folder, 'a/b/junit.xml'), 'utf8')).toContain('<testsuite name="one"');
  expect(await readFile(join(folder, 'page.html'), 'utf8')).toContain('data-channel="caller"');
  const report = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as Record<string, unknown>;
  expect(report).toMatchObject({
    passed: true,
    counts: { calls: 1, passed: 1, failed: 0 },
    passHat: [1],
    calls: [{ scenario: 'one', passed: true, checks: [{ title: 'says "hello"', passed: true }] }],
  });
  expect(JSON.stringify(report)).not.toContain('"sound"');
});

test('nothing is written unasked, and a path that cannot be written is named', async () => {
  expect(await writeReports([call('one')], { folder, htmlSound: false })).toEqual([]);
  await writeFile(join(folder, 'file'), '');
  await expect(writeReports([call('one')], { folder, json: 'file/report.json', htmlSound: false })).rejects.toMatchObject({
    code: 'bad-request',
    message: expect.stringContaining('file/report.json') as string,
  });
});

test('sounds have names of their own', async () => {
  const wavs = new WavFolder(join(folder, 'wav'));
  for (const one of [call('A price, please!'), call('a PRICE please'), call('A price, please!', 1), call('???')]) await wavs.add(one);
  await wavs.add({ ...call('silent'), sound: undefined });
  expect((await readdir(join(folder, 'wav'))).sort()).toEqual([
    'a-price-please-2.wav',
    'a-price-please-run-2.wav',
    'a-price-please.wav',
    'call.wav',
  ]);
});

test('the caller is left, the assistant right, and the shorter one is silent to the end', () => {
  const file = stereoWav({ caller: Uint8Array.of(0x00, 0x10, 0x20), assistant: Uint8Array.of(0x80) });
  const wav = parseWav(file);
  expect(wav).toMatchObject({ encoding: 'mulaw', channels: 2, rate: 8000, frames: 3 });
  if (!wav) return;
  const [left, right] = decodeWav(file, wav).map((channel) => [...channel]);
  expect(left).toEqual([0x00, 0x10, 0x20].map((byte) => MULAW_TO_LINEAR[byte]));
  expect(right).toEqual([MULAW_TO_LINEAR[0x80], 0, 0]);
});
