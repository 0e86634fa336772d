/** What a site allows: robots.txt (RFC 9309). */
import robotsParser from 'robots-parser';
import { messageOf } from '#kit/errors.ts';
import { originOf, type Site } from './page-address.ts';
import type { PageReader } from './page-reader.ts';

/** Its declaration names a default export that the module is itself. */
const parseRobots = robotsParser as unknown as typeof robotsParser.default;

/** RFC 9309 §2.5 asks for 500 KiB at least; what is behind is not read. */
const MAX_BYTES = 500 * 1024;
const MAX_DELAY_MS = 10_000;
/** Between two requests when the site says nothing. */
export const GAP_MS = 250;

export interface Robots {
  mayRead(url: string): boolean;
  /** Between the beginnings of two requests. */
  gapMs: number;
  sitemaps: string[];
}

/**
 * Reads a site's rules for `robot`. No such file (4xx) allows everything; a server that fails (5xx), is busy (429) or cannot
 * be reached allows nothing for now: then it answers why.
 */
export async function readRobots(
  reader: PageReader,
  site: Site,
  robot: string,
  leastGapMs: number,
  signal: AbortSignal,
): Promise<Robots | string> {
  const url = `${originOf(site)}/robots.txt`;
  let text = '';
  try {
    const { status, bytes } = await reader.readPlain(url, { maxBytes: MAX_BYTES, gapMs: leastGapMs }, signal);
    if (status === 429 || status >= 500) return `robots.txt answers ${status}: the site is not read until it can be asked`;
    if (status === 200) text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    return `robots.txt cannot be read: ${messageOf(thrown)}`;
  }
  const rules = parseRobots(url, text);
  const delayMs = (rules.getCrawlDelay(robot) ?? 0) * 1_000;
  return {
    mayRead: (page) => rules.isAllowed(page, robot) !== false,
    gapMs: Number.isFinite(delayMs) ? Math.min(MAX_DELAY_MS, Math.max(leastGapMs, delayMs)) : leastGapMs,
    sitemaps: rules.getSitemaps(),
  };
}
