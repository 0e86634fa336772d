/** The page of simulated calls in a real browser: it plays, follows the words, and obeys the keyboard; without a network. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkedCall } from '#simulate/report/testing.ts';
import { timelinePage } from '#simulate/report/timeline/page.ts';
import { chromiumPath } from './chromium.ts';

const talk = [
  { assistant: 'Hello, Harbour Dental. How can I help?', turn: 0 },
  { caller: 'What does a crown cost?', turn: 1 },
  { assistant: 'A crown costs six hundred and forty pounds.', turn: 1 },
] as const;

describe.skipIf(!chromiumPath)('the page of simulated calls', () => {
  let folder: string;
  let browser: Browser;
  let page: Page;
  const faults: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tandem-page-'));
    const calls = [
      checkedCall({ name: 'passed', expect: [{ says: 'crown' }] }, talk),
      checkedCall({ name: 'failed', expect: [{ says: 'zebra' }] }, talk),
      checkedCall({ name: 'also passed', expect: [{ says: 'pounds' }] }, talk),
    ];
    const file = join(folder, 'page.html');
    await writeFile(file, timelinePage(calls, { title: 'Calls' }));
    browser = await chromium.launch({
      executablePath: chromiumPath,
      args: ['--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'],
    });
    page = await browser.newPage();
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    page.on('request', (request) => !request.url().startsWith('file:') && faults.push(`asked for ${request.url()}`));
    await page.goto(pathToFileURL(file).href);
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const clock = async () => {
    const [minutes, seconds] = (await page.locator('.failed .clock').textContent())?.split(':') ?? [];
    return Number(minutes) * 60 + Number(seconds);
  };

  test('opens what failed; a click on a word plays from there and its words light up', async () => {
    expect(await page.locator('.call[open] .name').allTextContents()).toEqual(['failed']);
    await page.locator('.failed .conversation span', { hasText: 'hundred' }).click();
    await page.locator('.failed .conversation span.now').first().waitFor();
    await expect.poll(clock, { timeout: 10_000 }).toBeGreaterThan(5);
    expect(await page.locator('.failed .play').textContent()).toContain('Pause');
    await page.locator('.failed .play').click();
    const stopped = await clock();
    await page.waitForTimeout(200);
    expect(await clock()).toBe(stopped);
  });

  test('the keyboard goes back and forth, zooms, and finds the failure', async () => {
    await page.locator('.failed .scroller').focus();
    const from = await clock();
    await page.keyboard.press('ArrowLeft');
    expect(await clock()).toBeCloseTo(from - 1, 1);
    await page.keyboard.press('Home');
    expect(await clock()).toBe(0);
    const width = () => page.locator('.failed .time').evaluate((element: { clientWidth?: number }) => element.clientWidth ?? 0);
    const before = await width();
    await page.keyboard.press('+');
    expect(await width()).toBeGreaterThan(before);
    await page.getByText('also passed').last().click();
    await page.keyboard.press('n');
    expect(
      await page.locator('.failed summary').evaluate((element: { matches?: (query: string) => boolean }) => element.matches?.(':focus')),
    ).toBe(true);
    expect(faults).toEqual([]);
  });
});
