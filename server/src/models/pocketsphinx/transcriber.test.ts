import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { silence, type Sound, type SoundFormat } from '#audio/frame.ts';
import { linearToMulaw } from '#audio/g711.ts';
import { createResampler } from '#audio/resampler.ts';
import { SystemClock } from '#kit/clock.ts';
import { SeededRandom } from '#kit/random.ts';
import { testKit } from '#kit/testing.ts';
import { describeTranscriber, listen, pushSound } from '../transcriber.contract.ts';
import { type PocketSphinxOptions, PocketSphinxTranscriber } from './transcriber.ts';
import { pocketSphinxOf, pocketsphinx } from './vendor.ts';

/** Recorded human speech, 8 kHz: Debian package asterisk-core-sounds-en-wav. */
const PROMPTS = '/usr/share/asterisk/sounds/en_US_f_Allison';
const settings = pocketsphinx.settings.parse({});
const kit = { ...testKit(), clock: new SystemClock() };
const installed = (await pocketSphinxOf(settings, kit)) !== undefined && existsSync(PROMPTS);
const needed = process.env.CI === 'true';
const withPocketSphinx = describe.skipIf(!installed && !needed);

const options: PocketSphinxOptions = {
  program: settings.program,
  model: join(settings.models, 'en-us'),
  cmuDictionary: join(settings.models, 'cmudict-en-us.dict'),
  lanes: 2,
  queueLimit: 8,
  deadlineMs: 20_000,
  idleMs: 60_000,
};
const phrases = [
  'Call forwarding',
  'Goodbye',
  'What are your hours?',
  'Hours',
  'Location',
  'Telephone number',
  'How much is 24/7 support?',
];

/** A prompt as it sounds on the line. 44 bytes of header: these files have no other chunk in front. */
function prompt(name: string, format: SoundFormat = 'mulaw-8000'): Sound {
  const file = readFileSync(join(PROMPTS, `${name}.wav`));
  const samples = new Int16Array(file.buffer.slice(file.byteOffset + 44, file.byteOffset + file.length - (file.length % 2)));
  if (format === 'mulaw-8000') {
    const bytes = new Uint8Array(samples.length);
    linearToMulaw(samples, bytes);
    return bytes;
  }
  const resampler = createResampler(8000, 16000);
  const wide = new Int16Array(resampler.outputLength(samples.length));
  resampler.process(samples, wide);
  return wide;
}

/** Processes of a group that still run (zombies wait only for their parent to look). Linux: proc_pid_stat(5). */
function runningIn(group: number): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name) || !existsSync(`/proc/${name}/stat`)) return false;
    const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(pgrp) === group && state !== 'Z';
  });
}

async function waitFor(condition: () => boolean): Promise<void> {
  const clock = new SystemClock();
  const until = clock.now() + 20_000;
  while (!condition()) {
    if (clock.now() > until) throw new Error('waited 20 s in vain');
    await sleep(5);
  }
}

withPocketSphinx('with the packages pocketsphinx, pocketsphinx-en-us and asterisk-core-sounds-en-wav', () => {
  for (const format of ['mulaw-8000', 'linear-16000'] as const) {
    describeTranscriber(`pocketsphinx (${format})`, {
      make: () => Promise.resolve(new PocketSphinxTranscriber(kit, options)),
      format,
      text: 'Telephone number',
      speech: () => prompt('telephone-number', format),
      waitFor,
    });
  }

  let transcriber: PocketSphinxTranscriber;
  beforeAll(async () => {
    transcriber = new PocketSphinxTranscriber(kit, options);
    await transcriber.warm(phrases);
  });
  afterAll(() => transcriber.close());

  async function heard(sound: Sound, from = transcriber): Promise<{ text: string; confidence: number | undefined }> {
    const { listener, finals, failures } = listen();
    const stream = from.open({ format: 'mulaw-8000', language: 'en', phrases, listener });
    stream.speechStarted(0);
    const lead = pushSound(stream, 'mulaw-8000', silence('mulaw-8000', 2_400), 0);
    const end = pushSound(stream, 'mulaw-8000', sound, lead);
    pushSound(stream, 'mulaw-8000', silence('mulaw-8000', 1_600), end);
    stream.speechEnded(end);
    await waitFor(() => finals.length + failures.length > 0);
    stream.close();
    expect(failures).toEqual([]);
    return finals[0];
  }

  test.each([
    ['call-forwarding', 'Call forwarding'],
    ['vm-goodbye', 'Goodbye'],
    ['location', expect.stringMatching(/Location$/)],
    ['telephone-number', 'Telephone number'],
    ['auth-thankyou', 'thank you'],
  ])('%s is understood', async (name, text) => {
    expect(await heard(prompt(name))).toMatchObject({ text });
  });

  test.each(['transfer', 'queue-thankyou', 'vm-nobodyavail', 'im-sorry', 'cannot-complete-as-dialed', 'conf-locked', 'dir-nomatch'])(
    '%s is not in the grammar, and nothing is made of it',
    async (name) => {
      expect(await heard(prompt(name))).toMatchObject({ text: '' });
    },
  );

  test.each([
    ['silence', () => 0],
    ['hiss', (random: SeededRandom) => 3_000 * (random.next() * 2 - 1)],
    ['a cough', (random: SeededRandom, at: number) => 20_000 * Math.exp(-at / 700) * (random.next() * 2 - 1)],
    ['a dial tone', (_: SeededRandom, at: number) => 6_000 * (Math.sin(at * 0.2749) + Math.sin(at * 0.3456))],
  ])('%s is not words', async (_name, sample) => {
    const random = new SeededRandom(7);
    const samples = Int16Array.from({ length: 8_000 }, (_, at) => sample(random, at));
    const sound = new Uint8Array(samples.length);
    linearToMulaw(samples, sound);
    expect(await heard(sound)).toMatchObject({ text: '' });
  });

  test('an utterance beyond ten seconds is final at once, as nothing', async () => {
    expect(await heard(silence('mulaw-8000', 8_000 * 11))).toMatchObject({ text: '' });
  });

  test('finals keep the order of speech, and words lie within their time', async () => {
    const { listener, finals } = listen();
    const stream = transcriber.open({ format: 'mulaw-8000', language: 'en', phrases, listener });
    let at = 0;
    for (const name of ['call-forwarding', 'vm-goodbye', 'auth-thankyou', 'telephone-number']) {
      stream.speechStarted(at);
      at = pushSound(stream, 'mulaw-8000', silence('mulaw-8000', 2_400), at);
      at = pushSound(stream, 'mulaw-8000', prompt(name), at);
      at = pushSound(stream, 'mulaw-8000', silence('mulaw-8000', 1_600), at);
      stream.speechEnded(at);
    }
    await waitFor(() => finals.length === 4);
    stream.close();
    expect(finals.map(({ text }) => text)).toEqual(['Call forwarding', 'Goodbye', 'thank you', 'Telephone number']);
    for (const { words, fromAt, toAt } of finals) expect(words?.at(-1)?.toMs).toBe(toAt - fromAt);
    expect(finals[1].fromAt).toBeGreaterThanOrEqual(finals[0].toAt);
  });

  describe('faults', () => {
    const made: PocketSphinxTranscriber[] = [];
    const folders: string[] = [];
    afterEach(async () => {
      for (const one of made.splice(0)) await one.close();
      for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
    });
    const make = (over: Partial<PocketSphinxOptions> = {}, own: typeof kit = kit) => {
      const one = new PocketSphinxTranscriber(own, { ...options, ...over });
      made.push(one);
      return one;
    };
    async function script(text: string): Promise<string> {
      const folder = await mkdtemp(join(tmpdir(), 'tandem-test-'));
      folders.push(folder);
      writeFileSync(join(folder, 'program'), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
      return join(folder, 'program');
    }
    const say = (one: PocketSphinxTranscriber, hear = listen()) => {
      const stream = one.open({ format: 'mulaw-8000', language: 'en', phrases, listener: hear.listener });
      stream.speechStarted(0);
      stream.speechEnded(pushSound(stream, 'mulaw-8000', prompt('telephone-number'), 0));
      return { ...hear, stream };
    };

    test('programs that are killed are started again, unnoticed', async () => {
      const one = make();
      await one.warm(phrases);
      const before = one.recogniser.pids;
      expect(before).toHaveLength(2);
      for (const pid of before) process.kill(-pid, 'SIGKILL');
      expect(await heard(prompt('telephone-number'), one)).toMatchObject({ text: 'Telephone number' });
      expect(one.recogniser.pids).not.toEqual(before);
    });

    test('a program that dies under the same utterance twice fails the stream, retryable', async () => {
      const { failures, finals } = say(make({ program: await script('exit 3') }));
      await waitFor(() => failures.length > 0);
      expect(failures[0]).toMatchObject({ vendor: 'pocketsphinx', category: 'retryable' });
      expect(finals).toEqual([]);
    });

    test('a program that hangs is given up at the deadline: a final without words', async () => {
      const one = make({ program: await script('exec sleep 60'), deadlineMs: 200 });
      const { finals, failures } = say(one);
      await waitFor(() => finals.length > 0);
      expect(finals[0]).toMatchObject({ text: '' });
      expect(failures).toEqual([]);
      expect(one.recogniser.size).toBe(0);
    });

    test('more utterances than may wait are answered at once', async () => {
      const one = make({ program: await script('exec sleep 60'), lanes: 1, queueLimit: 1 });
      const first = say(one);
      await waitFor(() => one.recogniser.pids.length > 0 && one.recogniser.size === 1);
      const others = [say(one), say(one), say(one)];
      await waitFor(() => others.filter(({ finals }) => finals.length > 0).length === 2);
      expect(first.finals).toEqual([]);
      expect(one.recogniser.size).toBe(2);
      await one.close();
      expect(one.recogniser.size).toBe(0);
    });

    test('a missing dictionary fails the stream', async () => {
      const { failures } = say(make({ cmuDictionary: '/nowhere/cmudict.dict' }));
      await waitFor(() => failures.length > 0);
      expect(failures[0].message).toContain('cmudict');
    });

    test('after close no program, folder or timer is left', async () => {
      const { clock } = testKit();
      const before = readdirSync(tmpdir()).filter((name) => name.startsWith('tandem-pocketsphinx-'));
      const one = make({}, { ...kit, clock: clock as unknown as SystemClock });
      const { stream, finals } = say(one);
      await waitFor(() => finals.length > 0);
      say(one);
      const [pid] = one.recogniser.pids;
      const folders = (await readdir(tmpdir())).filter((name) => name.startsWith('tandem-pocketsphinx-') && !before.includes(name));
      expect(folders.length).toBeGreaterThan(0);
      stream.close();
      await one.close();
      expect(clock.pending).toBe(0);
      expect(runningIn(pid)).toEqual([]);
      expect(folders.filter((name) => existsSync(join(tmpdir(), name)))).toEqual([]);
    });

    test('idle programs are ended', async () => {
      const one = make({ idleMs: 50 });
      await one.warm(phrases);
      expect(one.recogniser.pids).toHaveLength(2);
      await waitFor(() => one.recogniser.pids.length === 0);
      expect(await heard(prompt('telephone-number'), one)).toMatchObject({ text: 'Telephone number' });
    });
  });
});

test('without the program there is no transcriber', async () => {
  expect(await pocketSphinxOf({ ...settings, program: '/nowhere/pocketsphinx_batch' }, kit)).toBeUndefined();
});

test.skipIf(!needed)('continuous integration has the program and the recordings', () => {
  expect(installed).toBe(true);
});
