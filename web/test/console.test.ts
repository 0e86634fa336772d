/** The console and the talk page in a real Chromium, against the mock server. Needs `chromium` (Debian's) or TANDEM_CHROMIUM. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
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
  // Pages that stay open go on drawing and playing, and slow the next test down.
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()));
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

  test('a bad turn says why, in words and on the stage that is at fault', async () => {
    const { page, faults } = await visit(`/history/call-0#key=${MOCK_KEY}`);
    const findings = page.getByTestId('findings');
    await until(() => findings.getByRole('listitem').count()).toBe(2);
    await until(() => findings.innerText()).toContain('The language model (openai) needed 0.7 s for its first word');
    const more = findings.getByRole('button', { name: 'One more thing had a part in it' });
    await more.focus();
    await page.keyboard.press('Enter');
    await until(() => findings.innerText()).toContain('The speech recogniser (deepgram)');
    const row = page.getByTestId('waterfall').getByRole('button').nth(4);
    await until(() => row.getAttribute('aria-label')).toContain('At fault: The language model');
    expect(await row.locator('[data-fault]').count()).toBe(1);
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

  test('history says of each call what was bad about its turns, and narrows to slow ones', async () => {
    const { page, faults } = await visit(`/history#key=${MOCK_KEY}`);
    const rows = page.getByTestId('history').getByRole('row');
    await until(() => rows.count()).toBe(51);
    // By what they say: calls of the mock end meanwhile, and their rows come first.
    const saying = (text: string) => rows.filter({ hasText: text }).first().getByTestId('call-problems');
    await until(() => saying('2 slow turns').count()).toBe(1);
    expect(await saying('2 slow turns').textContent()).toBe('What went wrong: 2 slow turns');
    expect(await saying('2 unanswered questions').textContent()).toBe('What went wrong: 1 slow turn, 2 unanswered questions');
    expect(await page.getByTestId('history').getByTestId('call-problems').count()).toBeLessThan(40);
    await page.getByLabel('Answers').selectOption('With slow turns');
    await until(() => rows.count()).toBe(20);
    expect(await page.getByTestId('history').getByTestId('call-problems').count()).toBe(19);
    expect(page.url()).toContain('slow=true');
    await page.reload();
    await until(() => rows.count()).toBe(20);
    await page.getByRole('button', { name: 'Clear' }).click();
    await until(() => rows.count()).toBe(51);
    expect(faults).toEqual([]);
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
    await until(() => deeds.count()).toBe(4);
    expect(await deeds.nth(1).innerText()).toContain('Thinking: OpenAI failed');
    expect(await deeds.nth(1).innerText()).toContain('Anthropic took over');
    expect(await deeds.nth(2).innerText()).toContain('2026-03-02');
    expect(await page.getByTestId('transcript').innerText()).toContain('One moment. (filler)');
    const waterfall = page.getByTestId('waterfall');
    expect(await waterfall.getByRole('button').nth(1).getAttribute('aria-label')).toContain('The answer was begun 140 ms into the wait');
    expect(await waterfall.getByRole('button').nth(3).getAttribute('aria-label')).toContain('A filler was heard first');
    await waterfall.getByText('As a table, with costs').click();
    expect(await waterfall.getByRole('row').nth(2).innerText()).toMatch(/^1\s+350 ms.*433 ms\s+\$0\.\d{4}$/s);
    expect(await page.getByTestId('cost').innerText()).toContain('Cartesia');
    expect(faults).toEqual([]);
  });

  test('files are uploaded, followed until they are ready, refused or failed in words, and replaced', async () => {
    const { page, faults } = await visit(`/knowledge#key=${MOCK_KEY}`);
    const documents = page.getByTestId('documents').getByRole('listitem');
    await documents.first().waitFor();
    await page.getByText('New files get:').click();
    await page.getByLabel('Tags').fill('terms, 2026');
    const file = (name: string, text = 'We are closed on Sundays.') => ({
      name,
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(text),
    });
    const choose = async (button: Locator, ...files: ReturnType<typeof file>[]) => {
      const [chooser] = await Promise.all([page.waitForEvent('filechooser'), button.click()]);
      await chooser.setFiles(files);
    };
    await choose(
      page.getByRole('button', { name: 'Upload files' }),
      file('terms-2026.pdf'),
      file('old-letter.doc'),
      file('consent-scan.pdf'),
      file('empty.txt', ''),
    );
    const refused = page.getByTestId('upload').filter({ hasText: 'old-letter.doc' });
    await until(() => refused.innerText()).toContain('Save it as PDF');
    expect(await page.getByTestId('upload').filter({ hasText: 'empty.txt' }).innerText()).toContain('The file is empty.');
    await page.getByRole('button', { name: 'Forget old-letter.doc' }).click();
    await until(() => refused.count()).toBe(0);
    // It moves, and what it does is said to those who do not see the bar.
    const terms = documents.filter({ hasText: 'terms 2026' });
    const bar = terms.getByRole('progressbar');
    const seen = new Set<string>();
    await until(async () => {
      if (await bar.count()) seen.add((await bar.getAttribute('aria-valuetext', { timeout: 200 }).catch(() => null)) ?? '');
      return terms.getAttribute('data-state');
    }).toBe('ready');
    expect([...seen].join()).toMatch(/Reading the file|Cutting into passages|Making it searchable/);
    expect(await terms.innerText()).toContain('4 passages');
    expect(await terms.innerText()).toContain('2026');
    const scan = documents.filter({ hasText: 'consent scan' });
    await until(() => scan.getAttribute('data-state')).toBe('failed');
    expect(await scan.innerText()).toContain('There is no text in it.');
    expect(await scan.innerText()).toContain('text recognition');
    await scan.getByRole('button', { name: 'Try again to read consent scan' }).click();
    await until(() => scan.getByRole('progressbar').count()).toBe(1);
    await until(() => scan.getAttribute('data-state')).toBe('failed');
    await choose(scan.getByRole('button', { name: 'Replace the file of consent scan' }), file('consent.docx'));
    await until(() => scan.getAttribute('data-state')).toBe('ready');
    expect(await scan.innerText()).toContain('Word');
    // Nothing asks again once nothing moves; the one that takes its time still does.
    expect(await documents.filter({ hasText: 'Treatment catalogue' }).innerText()).toContain('the version before is in use');
    expect(faults).toEqual([]);
  });

  test('files dropped on the page are taken; a document is looked into, changed, downloaded and deleted', async () => {
    const { page, faults } = await visit(`/knowledge#key=${MOCK_KEY}`);
    const documents = page.getByTestId('documents').getByRole('listitem');
    await documents.first().waitFor();
    const dropped = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File(['# Holidays\nClosed in August.'], 'holidays.md', { type: 'text/markdown' }));
      return data;
    });
    for (const type of ['dragenter', 'dragover', 'drop'])
      await page.getByTestId('drop-zone').dispatchEvent(type, { dataTransfer: dropped });
    const holidays = documents.filter({ hasText: 'holidays' });
    await until(() => holidays.getAttribute('data-state')).toBe('ready');
    await holidays.getByRole('button', { name: 'holidays' }).click();
    const sheet = page.getByRole('dialog');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      sheet.getByRole('link', { name: 'Download the original' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('holidays.md');
    await sheet.getByText('What was read from it').click();
    await sheet.getByText('Closed in August.').waitFor();
    await sheet.getByLabel('Knowledge base').fill('front-desk');
    await sheet.getByLabel('Title').fill('Holidays of the practice');
    await sheet.getByRole('button', { name: 'Save changes' }).click();
    await sheet.waitFor({ state: 'detached' });
    const renamed = documents.filter({ hasText: 'Holidays of the practice' });
    await until(() => renamed.innerText()).toContain('front-desk');
    await renamed.getByRole('button', { name: 'Holidays of the practice' }).click();
    await sheet.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
    await until(() => renamed.count()).toBe(0);
    await page.getByRole('button', { name: 'Write one' }).click();
    await sheet.getByLabel('Title').fill('Lost and found');
    await sheet.getByLabel('Text').fill('Umbrellas are kept at the desk.');
    await sheet.getByRole('button', { name: 'Add document' }).click();
    await until(() => documents.filter({ hasText: 'Lost and found' }).getAttribute('data-state')).toBe('ready');
    await page.getByRole('combobox', { name: 'Where they come from' }).selectOption({ label: 'harbour-dental.example.com' });
    await until(() => documents.count()).toBe(3);
    expect(faults).toEqual([]);
  });

  test('a site is added, followed while it is read, and read again; a refusal is said in words', async () => {
    const { page, faults } = await visit(`/knowledge?tab=sites#key=${MOCK_KEY}`);
    const sites = page.getByTestId('site');
    await until(() => sites.count()).toBe(3);
    expect(await sites.filter({ hasText: 'intranet' }).innerText()).toContain('The site does not allow it to be read.');
    await page.getByRole('button', { name: 'Add a site' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('Address').fill('www.pier-dental.example.com');
    await sheet.getByLabel('Read again').selectOption({ label: 'Every week' });
    await sheet.getByRole('button', { name: 'Add and read it' }).click();
    await sheet.waitFor({ state: 'detached' });
    const added = sites.filter({ hasText: 'pier-dental.example.com' });
    await until(() => added.getByRole('progressbar').getAttribute('aria-valuetext')).toMatch(/\d+ of \d+ pages read/);
    await until(() => added.getAttribute('data-state')).toBe('ready');
    expect(await added.innerText()).toMatch(/read\s+12\s+changed\s+3\s+kept out\s+0/);
    expect(await added.innerText()).toContain('every week');
    await added.getByRole('button', { name: 'Read pier-dental.example.com again now' }).click();
    await until(() => added.getAttribute('data-state')).toBe('crawling');
    await added.getByRole('button', { name: 'pier-dental.example.com', exact: true }).click();
    await sheet.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
    await until(() => sites.count()).toBe(3);
    expect(faults).toEqual([]);
  });

  test('a gap is answered in the callers’ own words, another dismissed; its examples lead into the calls', async () => {
    const { page, faults } = await visit(`/knowledge#key=${MOCK_KEY}`);
    await page.getByRole('tab', { name: 'Gaps 4' }).click();
    const gaps = page.getByTestId('gap');
    await until(() => gaps.count()).toBe(4);
    expect(await gaps.first().innerText()).toContain('23');
    await page.getByRole('button', { name: 'Answer: Do you do teeth whitening?' }).click();
    const sheet = page.getByRole('dialog');
    expect(await sheet.getByLabel('Ways to ask it').inputValue()).toBe(
      'Do you do teeth whitening?\nhow much is whitening\ndo you offer bleaching',
    );
    await sheet.getByLabel('Answer').fill('Yes, whitening costs two hundred dollars.');
    await sheet.getByRole('button', { name: 'Approve this answer' }).click();
    await until(() => gaps.count()).toBe(3);
    await page.getByRole('button', { name: 'Dismiss: Do you treat children under three?' }).click();
    await until(() => gaps.count()).toBe(2);
    await page.getByRole('link', { name: 'Open it' }).click();
    await until(() => page.getByRole('dialog').getByLabel('Answer').inputValue()).toContain('two hundred dollars');
    await page.keyboard.press('Escape');
    await page.getByRole('tab', { name: 'Gaps 2' }).click();
    await page.getByRole('group', { name: 'Which gaps' }).getByRole('button', { name: 'Dismissed' }).click();
    await until(() => gaps.innerText()).toContain('children under three');
    await page.getByRole('group', { name: 'Which gaps' }).getByRole('button', { name: 'Open' }).click();
    await gaps.first().getByRole('button', { name: 'How they asked' }).click();
    await gaps.first().getByRole('link', { name: 'Hear it in the call' }).first().click();
    const sought = page.getByTestId('transcript').locator('li[aria-current=true]');
    await until(() => sought.innerText()).toContain('Do you have an appointment tomorrow at nine?');
    const position = page.getByRole('slider', { name: 'Position in the recording' });
    await until(async () => Number(await position.getAttribute('aria-valuenow'))).toBeGreaterThan(20);
    expect(faults).toEqual([]);
  });

  test('a question is tried out: what it would do, from which passages, and how sure', async () => {
    const { page, faults } = await visit(`/knowledge?tab=try#key=${MOCK_KEY}`);
    const ask = async (question: string) => {
      await page.getByLabel('A question, in a caller’s words').fill(question);
      await page.keyboard.press('Enter');
    };
    const result = page.getByTestId('try-result');
    await ask('parking price?');
    await until(() => result.getAttribute('data-verdict')).toBe('clarify');
    expect(await result.innerText()).toContain('It would ask back');
    await ask('How much is a check-up?');
    await until(() => result.getAttribute('data-verdict')).toBe('answer');
    expect(await result.innerText()).toContain('Approved answer');
    expect(await result.innerText()).toContain('Found in 1.4 ms');
    expect(Number(await result.getByRole('meter', { name: 'How well the best passage fits' }).getAttribute('aria-valuenow'))).toBe(95);
    await ask('Do you sell bicycles?');
    await until(() => result.innerText()).toContain('It would say that it does not know');
    await result.getByRole('button', { name: 'Approve an answer to it' }).click();
    expect(await page.getByRole('dialog').getByLabel('Ways to ask it').inputValue()).toBe('Do you sell bicycles?');
    await page.getByRole('dialog').getByLabel('Answer').fill('No, we are dentists.');
    await page.getByRole('dialog').getByRole('button', { name: 'Add question' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await ask('Do you sell bicycles?');
    await until(() => result.getAttribute('data-verdict')).toBe('answer');
    expect(faults).toEqual([]);
  });

  test('each answer of a call shows what it rests on; what was held back is there', async () => {
    const { page, faults } = await visit(`/history/call-0#key=${MOCK_KEY}`);
    const support = page.getByTestId('support');
    await until(() => support.count()).toBe(5);
    const price = support.nth(1);
    expect(await price.innerText()).toBe('Answered from what it knows · Prices of treatments');
    // A mark after the sentence opens its source.
    const line = page.getByTestId('transcript').getByRole('listitem').filter({ hasText: 'A check-up costs' });
    await line.getByRole('button', { name: 'Source 1: Prices of treatments' }).click();
    await until(() => price.innerText()).toContain('Supports “A check-up costs forty-five dollars.”');
    await until(() => price.getByRole('blockquote').innerText()).toContain('A cleaning costs eighty dollars.');
    expect(await price.innerText()).toContain('2 more passages found and not used');
    expect(await price.innerText()).toContain('Without a source: “If you would also like a cleaning, that”');
    await price.getByRole('button').first().click();
    await until(() => price.getByRole('blockquote').count()).toBe(0);
    const calendar = support.nth(3);
    expect(await calendar.innerText()).toContain('Nothing that answers it · find_slot');
    const held = page.getByTestId('deed').first();
    expect(await held.innerText()).toContain('Held back before it was spoken');
    expect(await held.innerText()).toContain('thirty minutes');
    await price.getByRole('button').first().click();
    await price.getByRole('link', { name: 'Prices of treatments' }).click();
    await page.getByRole('dialog').getByText('prices.xlsx').waitFor();
    expect(faults).toEqual([]);
  });

  test('an assistant keeps what it may know, and how strictly', async () => {
    const { page, faults } = await visit(`/assistants/noor#key=${MOCK_KEY}`);
    const bases = page.getByRole('group', { name: /^Knowledge bases/ });
    await bases.getByRole('button', { name: 'front-desk' }).click();
    await bases.getByLabel('Knowledge bases: another').fill('Night Desk');
    await page.keyboard.press('Enter');
    await page.getByRole('group', { name: /^Tags/ }).getByRole('button', { name: 'hours' }).click();
    await page.getByRole('switch', { name: 'Hold back what it cannot prove' }).click();
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.getByText('Saved').waitFor();
    await page.reload();
    await until(() => bases.getByRole('button', { pressed: true }).allInnerTexts()).toEqual(['front-desk', 'night-desk']);
    expect(await page.getByRole('switch', { name: 'Hold back what it cannot prove' }).getAttribute('aria-checked')).toBe('false');
    await bases.getByRole('button', { name: 'front-desk' }).click();
    await bases.getByRole('button', { name: 'night-desk' }).click();
    await page.getByText('Knowledge bases: all of them').waitFor();
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
    const ceiling = page.locator('form').filter({ hasText: 'Most a day may cost' });
    await ceiling.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Saved').waitFor();
    await page.reload();
    await until(() => page.getByLabel('Most a day may cost').inputValue()).toBe('25');
    await page.setViewportSize({ width: 400, height: 800 });
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('dialog').getByRole('link', { name: 'Reports' }).click();
    await page.getByRole('heading', { name: 'Reports' }).waitFor();
    const knowledge = ['', '?tab=sites', '?tab=questions', '?tab=gaps', '?tab=try'].map((tab) => `/knowledge${tab}`);
    for (const path of [...knowledge, '/tools', '/messages', '/reports', '/assistants/ava', '/history/call-0', '/settings']) {
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
