/** The console and the talk page in a real Chromium, against the mock server. Needs `chromium` (Debian's) or TANDEM_CHROMIUM. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Mock, MOCK_KEY, startMock } from './mock-server.ts';

const executablePath = [process.env['TANDEM_CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => path && existsSync(path),
);
if (!executablePath && process.env['CI']) throw new Error('CI needs a Chromium; set TANDEM_CHROMIUM or install it');

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
];

describe.skipIf(!executablePath)(executablePath ? 'in Chromium' : 'in Chromium: skipped, none was found', () => {
  let folder: string;
  let mock: Mock;
  let browser: Browser;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tandem-console-'));
    await build({
      configFile: fileURLToPath(new URL('../vite.config.ts', import.meta.url)),
      logLevel: 'error',
      build: { outDir: folder, emptyOutDir: true },
    });
    mock = await startMock({ folder });
    browser = await chromium.launch({ executablePath: executablePath ?? '', args });
  });
  afterAll(async () => {
    await browser?.close();
    await mock?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** A fresh visitor; the page's own errors fail the test that reads them. */
  const visit = async (path: string, permissions: string[] = ['microphone']): Promise<{ page: Page; faults: string[] }> => {
    const context = await browser.newContext({ permissions });
    contexts.push(context);
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.message));
    await page.goto(mock.url + path);
    return { page, faults };
  };
  const until = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 10_000 });

  test('the key in the first link signs in and leaves the address bar; a wrong one is refused in words', async () => {
    const { page } = await visit('/');
    await page.getByLabel('Admin key').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This key is not valid.').waitFor();
    await page.goto(`${mock.url}/#key=${MOCK_KEY}`);
    await page.getByRole('heading', { name: 'Live calls' }).waitFor();
    expect(page.url()).toBe(`${mock.url}/`);
  });

  test('live calls show their words as they are spoken, and can be hung up', async () => {
    const { page, faults } = await visit(`/#key=${MOCK_KEY}`);
    const rows = page.getByTestId('live-call');
    await until(() => rows.count()).toBe(3);
    const words = page.getByTestId('transcript');
    await until(() => words.innerText()).toContain('Harbour Dental, you are talking to Ava');
    const before = await words.innerText();
    await until(() => words.innerText()).not.toBe(before);
    await page.getByTestId('hang-up-call').click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Hang up' }).click();
    await until(() => rows.count()).toBeLessThan(3);
    await page.getByRole('link', { name: 'Open the call' }).click();
    await page.getByTestId('waveform').waitFor();
    expect(faults).toEqual([]);
  });

  test('a past call is drawn, played from a clicked word, and explained turn by turn', async () => {
    const { page, faults } = await visit(`/history/call-0#key=${MOCK_KEY}`);
    await page.getByTestId('waveform').waitFor();
    const painted = await page
      .getByTestId('waveform')
      .locator('canvas')
      .last()
      .evaluate((canvas: HTMLCanvasElement) => {
        const { data } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
        let pixels = 0;
        for (let at = 3; at < data.length; at += 4) if ((data[at] ?? 0) > 0) pixels++;
        return pixels;
      });
    expect(painted).toBeGreaterThan(1_000);
    const word = page
      .getByTestId('transcript')
      .getByText('parking', { exact: false })
      .or(page.getByTestId('transcript').locator('[data-word]').nth(20))
      .first();
    await word.click();
    const position = page.getByRole('slider', { name: 'Position in the recording' });
    await until(async () => Number(await position.getAttribute('aria-valuenow'))).toBeGreaterThan(6);
    await until(() => page.locator('[data-word].text-surface').count()).toBeGreaterThan(0);
    await page.keyboard.press('Space');
    await until(() => page.getByTestId('play').getAttribute('aria-label')).toBe('Play');
    expect(await page.getByTestId('waterfall').getByRole('button').count()).toBe(6);
    const slowest = page.getByTestId('waterfall').getByRole('button').nth(4);
    expect(await slowest.getAttribute('aria-label')).toContain('Answered after 2.2 s: Too long');
    expect(faults).toEqual([]);
  });

  test('history narrows by number and loads more', async () => {
    const { page } = await visit(`/history#key=${MOCK_KEY}`);
    const rows = page.getByTestId('history').getByRole('row');
    await until(() => rows.count()).toBe(51);
    await page.getByRole('button', { name: 'Load more' }).click();
    await until(() => rows.count()).toBeGreaterThan(60);
    await page.getByLabel('Search by part of a number').fill('5550142');
    await until(() => rows.count()).toBe(2);
  });

  test('an assistant is made, its fault stands beside its field', async () => {
    const { page } = await visit(`/assistants/new#key=${MOCK_KEY}`);
    await page.getByLabel('Name').fill('bad');
    await page.getByRole('button', { name: 'Create assistant' }).click();
    await page.getByText('This name is taken').waitFor();
    await page.getByLabel('Name').fill('Mia at the desk');
    expect(await page.getByLabel('Address of its talk page').inputValue()).toBe('mia-at-the-desk');
    await page.getByRole('button', { name: 'Create assistant' }).click();
    await page.getByRole('heading', { name: 'Mia at the desk' }).waitFor();
  });

  test('a tool is made with a secret, and nothing ever shows the secret again', async () => {
    const { page, faults } = await visit(`/tools#key=${MOCK_KEY}`);
    await page.getByRole('button', { name: 'Add a web request' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('Name', { exact: true }).fill('look_up_order');
    await sheet.getByLabel('Address').fill('shop.example.com');
    await sheet.getByRole('button', { name: 'Add an argument' }).click();
    await sheet.getByRole('listitem').getByLabel('Name').fill('order_number');
    await sheet.getByRole('button', { name: 'Show as JSON Schema' }).click();
    const schema = JSON.parse(await sheet.getByLabel('JSON Schema of the arguments').inputValue()) as { required: string[] };
    expect(schema.required).toEqual(['order_number']);
    await sheet.getByRole('button', { name: 'Add a header' }).click();
    await sheet.getByLabel('Header 1: name').fill('authorization');
    await sheet.getByLabel('Header 1: value').fill('Bearer {{secret:SHOP}}');
    await sheet.getByRole('button', { name: 'Add a secret' }).click();
    await sheet.getByLabel('Secret 1: name').fill('SHOP');
    await sheet.getByLabel('Secret 1: value').fill('hush-hush');
    await sheet.getByRole('button', { name: 'Add tool' }).click();
    // What the server does not take stands at its field.
    await sheet.getByText('is not an http(s) address').waitFor();
    expect(await sheet.getByLabel('Address').getAttribute('aria-invalid')).toBe('true');
    await sheet.getByLabel('Address').fill('https://shop.example.com/orders/{{order_number}}');
    await sheet.getByRole('button', { name: 'Add tool' }).click();
    await sheet.waitFor({ state: 'detached' });
    const row = page.getByTestId('tools').getByRole('listitem').filter({ hasText: 'look_up_order' });
    await until(() => row.innerText()).toContain('SHOP ***');
    await row.getByRole('button', { name: 'look_up_order' }).click();
    const kept = sheet.getByLabel('New value of SHOP');
    expect(await kept.inputValue()).toBe('');
    expect(await kept.getAttribute('placeholder')).toContain('***');
    expect(await page.content()).not.toContain('hush-hush');
    expect(faults).toEqual([]);
  });

  test('an assistant keeps how it takes turns, who takes over, and what it may do', async () => {
    const { page, faults } = await visit(`/assistants/ava#key=${MOCK_KEY}`);
    const dial = page.getByRole('slider', { name: 'How soon it takes its turn' });
    await dial.focus();
    await page.keyboard.press('ArrowRight');
    expect(await dial.getAttribute('aria-valuetext')).toContain('Quick');
    await page.getByLabel('While the caller finishes').selectOption('words');
    await page.getByRole('switch', { name: 'Ask a late language model a second time' }).click();
    await page.getByLabel('Listening: add a provider').selectOption('deepgram');
    await page.getByRole('button', { name: 'OpenAI: later' }).click();
    await page.getByRole('checkbox', { name: 'Press telephone keys' }).check();
    await page.getByLabel('Most a call may cost').fill('1.5');
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.getByText('Saved').waitFor();
    await page.reload();
    await until(() => dial.inputValue()).toBe('2');
    expect(await page.getByLabel('While the caller finishes').inputValue()).toBe('words');
    expect(await page.getByRole('switch', { name: 'Ask a late language model a second time' }).getAttribute('aria-checked')).toBe('true');
    await page.getByRole('button', { name: 'Deepgram: earlier' }).waitFor();
    expect(await page.getByRole('button', { name: 'Anthropic: earlier' }).isDisabled()).toBe(true);
    expect(await page.getByRole('checkbox', { name: 'Press telephone keys' }).isChecked()).toBe(true);
    expect(await page.getByLabel('Most a call may cost').inputValue()).toBe('1.5');
    // What was chosen can be given up again.
    await page.getByRole('button', { name: 'Take Deepgram out' }).click();
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.getByText('Saved').waitFor();
    await page.reload();
    await page.getByText('The best one installed: Deepgram').waitFor();
    expect(faults).toEqual([]);
  });

  test('what was done stands between what was said; the wait is there in figures, the cost in dollars', async () => {
    const { page, faults } = await visit(`/history/call-0#key=${MOCK_KEY}`);
    const deeds = page.getByTestId('deed');
    await until(() => deeds.count()).toBe(3);
    expect(await deeds.nth(0).innerText()).toContain('Thinking: OpenAI failed');
    expect(await deeds.nth(0).innerText()).toContain('Anthropic took over');
    expect(await deeds.nth(1).innerText()).toContain('2026-03-02');
    expect(await page.getByTestId('transcript').innerText()).toContain('One moment. (filler)');
    const waterfall = page.getByTestId('waterfall');
    expect(await waterfall.getByRole('button').nth(1).getAttribute('aria-label')).toContain('The answer was begun 140 ms into the wait');
    expect(await waterfall.getByRole('button').nth(3).getAttribute('aria-label')).toContain('A filler was heard first');
    await waterfall.getByText('As a table, with costs').click();
    expect(await waterfall.getByRole('row').nth(2).innerText()).toMatch(/^1\s+350 ms.*433 ms\s+\$0\.\d{4}$/s);
    expect(await page.getByTestId('cost').innerText()).toContain('Cartesia');
    expect(faults).toEqual([]);
  });

  test('a message leads to its moment in the call, and can be ticked off', async () => {
    const { page } = await visit(`/messages#key=${MOCK_KEY}`);
    const messages = page.getByTestId('messages').getByRole('listitem');
    await until(() => messages.count()).toBe(2);
    await page.getByRole('checkbox', { name: 'Done: Luis Ortega' }).click();
    await until(() => messages.count()).toBe(1);
    await page.getByRole('checkbox', { name: 'Show those that are done too' }).check();
    await until(() => messages.count()).toBe(3);
    await page.getByRole('tab', { name: 'Callbacks' }).click();
    await page.getByText('tomorrow after four').waitFor();
    await page.getByRole('tab', { name: 'Messages' }).click();
    await messages.filter({ hasText: 'Dana Whitfield' }).getByRole('link', { name: 'Hear it in the call' }).click();
    await until(() => page.locator('[data-testid=deed][aria-current=true]').innerText()).toContain('Message from Dana Whitfield');
    const position = page.getByRole('slider', { name: 'Position in the recording' });
    await until(async () => Number(await position.getAttribute('aria-valuenow'))).toBeGreaterThan(30);
  });

  test('reports show waits and costs, by assistant, over days of one’s own', async () => {
    const { page, faults } = await visit(`/reports#key=${MOCK_KEY}`);
    const waits = page.getByTestId('latency-report');
    await until(() => waits.getByRole('table').count()).toBe(1);
    expect(await waits.getByRole('row').nth(1).innerText()).toMatch(/The whole wait\s+512 ms\s+890 ms\s+1.4 s/);
    await page.getByRole('button', { name: 'By assistant' }).click();
    await until(() => waits.getByRole('table').count()).toBe(2);
    await page.getByRole('button', { name: '30 days' }).click();
    await page.getByRole('button', { name: 'Other…' }).click();
    await page.getByLabel('First day').waitFor();
    expect(new URL(page.url()).searchParams.get('from')).toMatch(/^"?\d{4}-\d\d-\d\d/);
    const costs = page.getByTestId('usage-report');
    await costs.getByText('As a table', { exact: true }).click();
    await until(() => costs.getByRole('table').first().getByRole('row').count()).toBe(31);
    expect(await costs.innerText()).toContain('OpenAI');
    expect(faults).toEqual([]);
  });

  test('a day may be given a ceiling, and on a phone every screen is at hand', async () => {
    const { page } = await visit(`/settings#key=${MOCK_KEY}`);
    await page.getByLabel('Most a day may cost').fill('25');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Saved').waitFor();
    await page.reload();
    await until(() => page.getByLabel('Most a day may cost').inputValue()).toBe('25');
    await page.setViewportSize({ width: 400, height: 800 });
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('dialog').getByRole('link', { name: 'Reports' }).click();
    await page.getByRole('heading', { name: 'Reports' }).waitFor();
    for (const path of ['/tools', '/messages', '/reports', '/assistants/ava', '/history/call-0', '/settings']) {
      await page.goto(mock.url + path);
      await page.getByRole('heading', { level: 2 }).first().or(page.getByRole('listitem').first()).first().waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(400);
    }
  });

  test('a browser call: microphone out, voice in, typed words, a goodbye', async () => {
    const { page, faults } = await visit('/talk/demo');
    await page.getByRole('heading', { name: 'Ava' }).waitFor();
    await page.getByTestId('call').click();
    const state = page.getByTestId('call-state');
    await until(() => state.getAttribute('data-state')).toBe('talking');
    await until(() => page.getByTestId('captions').innerText()).toContain('How can I help you?');
    const from = mock.talked.frames;
    await page.waitForTimeout(1_000);
    const perSecond = mock.talked.frames - from;
    expect(perSecond).toBeGreaterThan(35);
    expect(perSecond).toBeLessThan(65);
    await until(() => mock.talked.loudest).toBeGreaterThan(1_000);
    await until(() => Math.max(0, ...mock.talked.messages.map((message) => (message.type === 'played' ? message.ms : 0)))).toBeGreaterThan(
      500,
    );
    await page.getByTestId('keypad').click();
    await page.getByRole('button', { name: '5' }).click();
    await page.getByTestId('keypad').click();
    await page.getByTestId('typed').fill('When are you open?');
    await page.keyboard.press('Enter');
    await until(() => page.getByTestId('captions').innerText()).toContain('You said: When are you open?');
    await page.getByTestId('typed').fill('Bye');
    await page.keyboard.press('Enter');
    await until(() => state.getAttribute('data-state')).toBe('ended');
    expect(await state.innerText()).toContain('The assistant said goodbye');
    const said = mock.talked.messages.filter(({ type }) => type === 'digit' || type === 'typed');
    expect(said).toEqual([
      { type: 'digit', digit: '5' },
      { type: 'typed', text: 'When are you open?' },
      { type: 'typed', text: 'Bye' },
    ]);
    expect(faults).toEqual([]);
  });

  test('an unknown assistant is said to be unknown', async () => {
    const { page } = await visit('/talk/nobody');
    await page.getByRole('heading', { name: 'Nobody answers here' }).waitFor();
    expect(await page.getByTestId('call').count()).toBe(0);
  });

  test('a connection that goes away is said to be lost, and the caller can call again', async () => {
    const { page } = await visit('/talk/demo');
    const state = page.getByTestId('call-state');
    await page.getByTestId('call').click();
    await until(() => state.getAttribute('data-state')).toBe('talking');
    mock.cut();
    await until(() => state.getAttribute('data-state')).toBe('lost');
    expect(await state.innerText()).toBe('The connection was lost.');
    await page.getByTestId('call').click();
    await until(() => state.getAttribute('data-state')).toBe('talking');
    await page.getByTestId('hang-up').click();
  });

  test('without a microphone the caller types', async () => {
    const { page } = await visit('/talk/demo');
    await page.addInitScript(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
    });
    await page.reload();
    await page.getByTestId('call').click();
    await page.getByText('The microphone is blocked for this page.', { exact: false }).waitFor();
    await page.getByTestId('typed').fill('Hello');
    await page.keyboard.press('Enter');
    await until(() => page.getByTestId('captions').innerText()).toContain('You said: Hello.');
    await page.getByTestId('hang-up').click();
    await until(() => page.getByTestId('call-state').innerText()).toContain('You hung up');
  });
});
