/**
 * A person in a browser calls a whole server, and another watches: Chromium with a recorded microphone on the talk page,
 * Chromium on the console. Needs `chromium` and the human voice of `asterisk-core-sounds-en-wav`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Call, CallEvent } from '@tandem/contract';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeWav, encodeWav, parseWav } from '#audio/wav.ts';
import { ADMIN_KEY, startTandem, type TandemServer } from '../tandem-server.ts';
import { chromiumPath, launchChromium, visit } from './chromium.ts';
import { fetchRecording, loudMs, rhythmMatch } from './recorded-call.ts';

const PROMPT = '/usr/share/asterisk/sounds/en_US_f_Allison/tt-weasels.wav';
const CONSOLE = fileURLToPath(new URL('../../../web/dist/index.html', import.meta.url));
/** The caller speaks when the greeting is over. */
const QUIET_FIRST_MS = 13_000;

const missing = [
  chromiumPath ? '' : 'chromium',
  existsSync(PROMPT) ? '' : 'asterisk-core-sounds-en-wav',
  existsSync(CONSOLE) ? '' : 'the built console (npm run build)',
]
  .filter(Boolean)
  .join(', ');
if (missing && process.env.CI === 'true') throw new Error(`CI needs ${missing}`);

/** The prompt, 8 kHz linear. */
function readPrompt(): Int16Array {
  const bytes = new Uint8Array(readFileSync(PROMPT));
  const file = parseWav(bytes);
  if (file?.rate !== 8000) throw new Error(`${PROMPT} is not as expected`);
  return decodeWav(bytes, file)[0];
}

const until = <T>(read: () => T | Promise<T>, timeout = 15_000) => expect.poll(read, { timeout, interval: 50 });

describe.skipIf(missing)(missing ? `a browser call: skipped, missing: ${missing}` : 'a browser call', () => {
  let server: TandemServer;
  let folder: string;
  let prompt: Int16Array;
  const browsers: Browser[] = [];

  /** A browser whose microphone hears `beforeMs` of silence, the prompt and `afterMs` of silence, in turn. */
  async function browserHearing(beforeMs: number, afterMs: number): Promise<Browser> {
    const sound = new Int16Array(beforeMs * 8 + prompt.length + afterMs * 8);
    sound.set(prompt, beforeMs * 8);
    const path = join(folder, `microphone-${browsers.length}.wav`);
    await writeFile(path, encodeWav([sound], 8000));
    const browser = await launchChromium(path);
    browsers.push(browser);
    return browser;
  }
  const liveCall = () => server.until<{ items: Call[] }, Call>('/api/v1/calls?state=live', ({ items }) => items[0]);
  const eventOf = <T extends CallEvent['type']>(callId: string, type: T, nth = 0, withinMs = 30_000) =>
    server.until<{ items: CallEvent[] }, Extract<CallEvent, { type: T }>>(
      `/api/v1/calls/${callId}/events`,
      ({ items }) => items.filter((event) => event.type === type)[nth] as Extract<CallEvent, { type: T }>,
      withinMs,
    );
  const ended = (callId: string) => server.until<Call, Call>(`/api/v1/calls/${callId}`, (call) => (call.ending ? call : false));

  beforeAll(async () => {
    prompt = readPrompt();
    folder = await mkdtemp(join(tmpdir(), 'tandem-browser-'));
    server = await startTandem();
  });
  afterAll(async () => {
    for (const browser of browsers) await browser.close();
    await server?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  test('greets, hears the microphone, answers typed words, takes digits; the console shows it live and afterwards', async () => {
    const browser = await browserHearing(QUIET_FIRST_MS, 30_000);
    const caller = await visit(browser, `${server.url}/talk/demo`);
    const { page } = caller;
    await page.getByTestId('call').click();
    const state = page.getByTestId('call-state');
    await until(() => state.getAttribute('data-state')).toBe('talking');
    const { id } = await liveCall();

    // The greeting, before the caller has made a sound: on screen, in the ear.
    const captions = page.getByTestId('captions');
    await until(() => captions.locator('[data-party=assistant]').first().innerText()).toContain('this is Harbour Dental');
    const played = () => Math.max(0, ...caller.sent.map(({ type, ms = 0 }) => (type === 'played' ? ms : 0)));
    await until(played).toBeGreaterThan(2_000);
    expect(caller.counts.framesIn).toBeGreaterThan(90);

    // Somebody watches it: signed in with the key, the words as they are spoken.
    const watcher = await visit(browser, `${server.url}/`);
    await watcher.page.getByLabel('Admin key').fill(ADMIN_KEY);
    await watcher.page.getByRole('button', { name: 'Sign in' }).click();
    await until(() => watcher.page.getByTestId('live-call').count()).toBe(1);
    await until(() => watcher.page.getByTestId('transcript').innerText()).toContain('Harbour Dental');

    // What the microphone hears gets there, after the greeting.
    await eventOf(id, 'speech-started');
    await eventOf(id, 'speech-ended');

    await page.getByTestId('typed').fill('Where can I park?');
    await page.keyboard.press('Enter');
    await until(() => captions.innerText(), 30_000).toContain('Rope Lane');
    await until(() => watcher.page.getByTestId('transcript').innerText(), 20_000).toContain('Where can I park?');
    await until(() => watcher.page.getByTestId('transcript').innerText(), 20_000).toContain('Rope Lane');

    await page.getByTestId('keypad').click();
    for (const key of ['4', '2', 'Hash'])
      await page.getByRole('group', { name: 'Keypad' }).getByRole('button', { name: key, exact: true }).click();
    await eventOf(id, 'digit-received', 2);

    await page.getByTestId('hang-up').click();
    await until(() => state.getAttribute('data-state')).toBe('ended');
    expect(await state.innerText()).toContain('You hung up');
    const call = await ended(id);
    expect(call).toMatchObject({ gateway: 'browser', ending: { by: 'caller', reason: 'hung-up' }, hasRecording: true });

    const { items: events } = await server.api<{ items: CallEvent[] }>(`/api/v1/calls/${id}/events`);
    expect(events.filter((event) => event.type === 'digit-received').map(({ digit }) => digit)).toEqual(['4', '2', '#']);
    expect(events.find((event) => event.type === 'turn-committed' && event.source === 'typed')).toMatchObject({
      text: 'Where can I park?',
    });

    // Left the human voice, right the assistant's; nothing of either in the other.
    const recording = await fetchRecording(server.url, id);
    expect(rhythmMatch(prompt, recording.caller)).toBeGreaterThan(0.8);
    const typedAt = events.find((event) => event.type === 'turn-committed' && event.source === 'typed')?.at ?? 0;
    expect(loudMs(recording.assistant, 0, typedAt - 500)).toBeGreaterThan(3_000);
    expect(loudMs(recording.assistant, typedAt)).toBeGreaterThan(500);
    expect(loudMs(recording.caller, 0, 3_000)).toBe(0);

    await watcher.page.getByRole('link', { name: 'History' }).first().click();
    const row = watcher.page.getByTestId('history').getByRole('row').nth(1);
    await row.waitFor();
    await row.getByRole('link').first().click();
    await until(() => paintedPixels(watcher.page.getByTestId('waveform').locator('canvas').last())).toBeGreaterThan(500);
    await until(() => watcher.page.getByTestId('transcript').innerText()).toContain('Rope Lane');
    await until(() => watcher.page.getByTestId('waterfall').getByRole('button').count()).toBeGreaterThan(0);

    expect(caller.faults).toEqual([]);
    // Before the key there is no session, and the console asks.
    expect(watcher.faults.filter((fault) => !fault.includes('401'))).toEqual([]);
    await caller.context.close();
    await watcher.context.close();
  });

  test('muted, nothing of the microphone leaves; then it does again', async () => {
    const browser = await browserHearing(0, 400);
    const caller = await visit(browser, `${server.url}/talk/demo`);
    const { page } = caller;
    await page.getByTestId('call').click();
    const { id } = await liveCall();
    await eventOf(id, 'speech-started');
    const mute = page.getByTestId('mute');
    await mute.click();
    await until(() => mute.getAttribute('aria-pressed')).toBe('true');
    const secondsNow = async () => {
      const [minutes, seconds] = (await page.getByTestId('call-state').innerText()).split(':');
      return Number(minutes) * 60 + Number(seconds);
    };
    const mutedAt = await secondsNow();
    await until(secondsNow).toBeGreaterThan(mutedAt + 4);
    await mute.click();
    // At full length: two stretches of speech with silence between them.
    const { items: before } = await server.api<{ items: CallEvent[] }>(`/api/v1/calls/${id}/events`);
    await eventOf(id, 'speech-started', before.filter(({ type }) => type === 'speech-started').length);
    await page.getByTestId('hang-up').click();
    await ended(id);
    const { caller: left, durationMs } = await fetchRecording(server.url, id);
    expect(longestQuietMs(left)).toBeGreaterThan(3_000);
    expect(loudMs(left, durationMs - 600)).toBeGreaterThan(0);
    expect(caller.faults).toEqual([]);
    await caller.context.close();
  });

  test('afterwards the server is free and has logged no error', async () => {
    await server.until<{ items: Call[] }, true>('/api/v1/calls?state=live', ({ items }) => items.length === 0);
    expect(
      server
        .output()
        .split('\n')
        .filter((line) => line.includes('"level":"error"')),
    ).toEqual([]);
  });
});

/** The longest stretch without any sound: what a muted microphone sends is exact silence. */
function longestQuietMs(samples: Int16Array): number {
  let longest = 0;
  for (let from = 0, at = 0; at <= samples.length; at++) {
    if (at < samples.length && Math.abs(samples[at]) < 16) continue;
    longest = Math.max(longest, at - from);
    from = at + 1;
  }
  return longest / 8;
}

/** The part of the browser's canvas that a test asks for; this package has no DOM types. */
interface Canvas {
  width: number;
  height: number;
  getContext(kind: '2d'): { getImageData(x: number, y: number, width: number, height: number): { data: Uint8ClampedArray } };
}

function paintedPixels(canvas: Locator): Promise<number> {
  return canvas.evaluate((element) => {
    const drawn = element as unknown as Canvas;
    const { data } = drawn.getContext('2d').getImageData(0, 0, drawn.width, drawn.height);
    let pixels = 0;
    for (let at = 3; at < data.length; at += 4) if (data[at] > 0) pixels++;
    return pixels;
  });
}
