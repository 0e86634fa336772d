import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { SystemClock, VirtualClock } from '#kit/clock.ts';
import { TandemError } from '#kit/errors.ts';
import { silentLog } from '#kit/log.ts';
import { extractInChild } from './extract-in-child.ts';
import { ExtractionError, type ExtractionLimits } from './extraction.ts';
import { makeDocx, makePdf, pdfStream, writePdf } from './testing.ts';

const kit = { clock: new SystemClock(), log: silentLog };
const never = () => new AbortController().signal;

/** Processes that this one has started (Linux tells; elsewhere nobody is seen). */
function children(): string[] {
  const tasks = `/proc/${process.pid}/task`;
  if (!existsSync(tasks)) return [];
  return readdirSync(tasks).flatMap((task) => readFileSync(`${tasks}/${task}/children`, 'utf8').split(' ').filter(Boolean));
}
const before = children();
const ours = () => children().filter((pid) => !before.includes(pid));
afterEach(() => expect(ours()).toEqual([]));

const faultOf = async (bytes: Uint8Array, limits: Partial<ExtractionLimits>) => {
  const error: unknown = await extractInChild(kit, limits)({ bytes }, { signal: never() }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ExtractionError);
  return (error as ExtractionError).fault;
};

test('a document is read in a child, which tells how far it is', async () => {
  const told: number[] = [];
  const bytes = makePdf(Array.from({ length: 20 }, (_, index) => [`This is page number ${index}.`]));
  const extracted = await extractInChild(kit)({ bytes }, { signal: never(), progress: (share) => told.push(share) });
  expect(extracted).toMatchObject({ format: 'pdf', pages: 20 });
  expect(extracted.text).toContain('This is page number 19.');
  expect(told.length).toBeGreaterThan(5);
  expect(told).toEqual(told.toSorted((a, b) => a - b));
  expect(told.at(-1)).toBe(1);
});

test('a fault of the document keeps its reason', async () => {
  expect(await faultOf(makePdf([['x']], { encrypted: true }), {})).toBe('file-encrypted');
});

test('time: a child that is not done is killed', async () => {
  const started = performance.now();
  expect(await faultOf(makeDocx(['Words.']), { timeMs: 20 })).toBe('too-slow');
  expect(performance.now() - started).toBeLessThan(5_000);
});

test('memory outside the heap: a PDF whose page unpacks to 250 MB', async () => {
  const bomb = deflateSync(deflateSync(Buffer.alloc(250 * 1024 * 1024, 32), { level: 1 }));
  const bytes = writePdf([
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Count 1 /Kids [3 0 R] >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources << >> /Contents 4 0 R >>',
    pdfStream(bomb, '/Filter [/FlateDecode /FlateDecode]'),
  ]);
  expect(bytes.length).toBeLessThan(200_000);
  expect(await faultOf(bytes, { memoryMb: 160 })).toBe('too-much-memory');
});

test('memory of the heap: a page of a million elements', async () => {
  expect(await faultOf(Buffer.from(`<html><body>${'<b>x</b>'.repeat(1_000_000)}`), { memoryMb: 110 })).toBe('too-much-memory');
});

test('an abort kills the child, and its reason is what is thrown', async () => {
  const aborted = new AbortController();
  const reading = extractInChild(kit)({ bytes: makeDocx(['Words.']) }, { signal: aborted.signal });
  await new Promise((resolve) => setImmediate(resolve));
  aborted.abort(new Error('the document was deleted'));
  await expect(reading).rejects.toThrow('the document was deleted');
  expect(ours()).toEqual([]);
  await expect(extractInChild(kit)({ bytes: Buffer.from('x') }, { signal: aborted.signal })).rejects.toThrow('the document was deleted');
});

test.runIf(existsSync('/proc/self/environ'))('the child knows nothing of the environment', async () => {
  process.env.TANDEM_TEST_SECRET = 'hush';
  const aborted = new AbortController();
  const reading = extractInChild(kit)({ bytes: Buffer.from('x') }, { signal: aborted.signal });
  let environment = '';
  for (let tries = 0; !environment.includes('NODE_CHANNEL_FD') && tries < 1_000; tries++) {
    environment = ours()
      .map((pid) => readFileSync(`/proc/${pid}/environ`, 'utf8'))
      .join();
    await new Promise((resolve) => setImmediate(resolve));
  }
  aborted.abort(new Error('seen'));
  delete process.env.TANDEM_TEST_SECRET;
  await expect(reading).rejects.toThrow('seen');
  expect(environment).toContain('NODE_CHANNEL_FD');
  expect(environment).not.toMatch(/TANDEM|hush|HOME/);
});

test('so many at once, so many waiting, the rest is refused', async () => {
  const extract = extractInChild(kit, {}, { children: 1, waiting: 1 });
  const bytes = Buffer.from('Some words.');
  const leaving = new AbortController();
  const first = extract({ bytes }, { signal: never() });
  const second = extract({ bytes }, { signal: leaving.signal });
  const third: unknown = await extract({ bytes }, { signal: never() }).catch((error: unknown) => error);
  expect(third).toBeInstanceOf(TandemError);
  expect((third as TandemError).code).toBe('unavailable');
  expect(ours().length).toBeLessThanOrEqual(1);
  leaving.abort(new Error('changed my mind'));
  await expect(second).rejects.toThrow('changed my mind');
  const fourth = extract({ bytes }, { signal: never() });
  expect((await first).text).toBe('Some words.');
  expect((await fourth).text).toBe('Some words.');
});

test('no timer and no listener is left', async () => {
  const clock = new VirtualClock();
  const { signal } = new AbortController();
  await extractInChild({ clock, log: silentLog })({ bytes: Buffer.from('Some words.') }, { signal });
  expect(clock.pending).toBe(0);
});
