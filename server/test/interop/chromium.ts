/** A Chromium whose microphone plays a file. */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const PLACES = [process.env.TANDEM_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Debian's `chromium`, Chrome, or what TANDEM_CHROMIUM names. */
export const chromiumPath = PLACES.find((path) => path !== undefined && existsSync(path));

const ARGUMENTS = [
  '--no-sandbox',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** `microphone`: a WAVE file that is played from its beginning when the microphone is opened, again and again. */
export function launchChromium(microphone: string): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath, args: [...ARGUMENTS, `--use-file-for-fake-audio-capture=${microphone}`] });
}

export interface Visit {
  page: Page;
  context: BrowserContext;
  /** Errors of the page: thrown, logged to its console, or answers from 400 on. */
  faults: string[];
  /** JSON messages that the page sent over its WebSockets. */
  sent: { type: string; ms?: number }[];
  /** Binary messages that came in. */
  counts: { framesIn: number };
}

export async function visit(browser: Browser, url: string): Promise<Visit> {
  const context = await browser.newContext({ permissions: ['microphone'] });
  const page = await context.newPage();
  const made: Visit = { page, context, faults: [], sent: [], counts: { framesIn: 0 } };
  page.on('pageerror', (error) => made.faults.push(`thrown: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && made.faults.push(`console: ${message.text()}`));
  page.on('response', (response) => response.status() >= 400 && made.faults.push(`${response.status()} ${response.url()}`));
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => {
      if (typeof payload === 'string' && payload.startsWith('{')) made.sent.push(JSON.parse(payload) as { type: string });
    });
    socket.on('framereceived', ({ payload }) => {
      if (typeof payload !== 'string') made.counts.framesIn++;
    });
  });
  await page.goto(url);
  return made;
}
