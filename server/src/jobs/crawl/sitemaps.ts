/** The pages a site names itself: sitemaps and indexes of sitemaps (sitemaps.org), plain, gzipped or as a list of lines. */
import { unpack } from './body.ts';
import { originOf, pageAddress, type Site } from './page-address.ts';
import { decode } from './page-facts.ts';
import type { PageReader } from './page-reader.ts';

const MAX_FILES = 20;
/** Of a file as it comes, and unpacked: half of what the format allows. */
const MAX_BYTES = 5 * 1024 * 1024;
const MAX_UNPACKED_BYTES = 25 * 1024 * 1024;
/** An index may name indexes. */
const MAX_LEVELS = 3;

export interface SitemapQuery {
  site: Site;
  /** Named by robots.txt. */
  named: readonly string[];
  gapMs: number;
  mayRead: (url: string) => boolean;
  /** Addresses wanted at most. */
  limit: number;
}

/** Addresses of pages, in order, each once. What cannot be read is as if it were not there. */
export async function readSitemaps(reader: PageReader, query: SitemapQuery, signal: AbortSignal): Promise<string[]> {
  const { site, limit, gapMs } = query;
  const found = new Set<string>();
  const asked = new Set<string>();
  let level = [...query.named, `${originOf(site)}/sitemap.xml`];
  for (let depth = 0; depth < MAX_LEVELS; depth++) {
    const next: string[] = [];
    for (const url of level) {
      if (asked.has(url) || asked.size >= MAX_FILES || found.size >= limit || !query.mayRead(url)) continue;
      asked.add(url);
      const text = await readText(reader, url, gapMs, signal);
      const isIndex = /<sitemapindex[\s>]/i.test(text.slice(0, 2_000));
      for (const address of addressesIn(text)) {
        if (isIndex) {
          if (next.length < MAX_FILES && URL.canParse(address, url)) next.push(new URL(address, url).href);
          continue;
        }
        const page = pageAddress(address, url, site);
        if (page !== undefined) found.add(page);
        if (found.size >= limit) break;
      }
    }
    level = next;
  }
  return [...found];
}

async function readText(reader: PageReader, url: string, gapMs: number, signal: AbortSignal): Promise<string> {
  try {
    const { status, bytes } = await reader.readPlain(url, { maxBytes: MAX_BYTES, gapMs }, signal);
    if (status !== 200) return '';
    const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return (packed ? await unpack(bytes, 'gzip', MAX_UNPACKED_BYTES) : bytes).toString('utf8').replace(/^\uFEFF/, '');
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    return '';
  }
}

/** Contents of `<loc>`, or lines of a plain list. */
function* addressesIn(text: string): Generator<string, void, undefined> {
  if (!text.trimStart().startsWith('<')) {
    for (const line of text.split(/\r?\n/)) if (/^https?:\/\//i.test(line)) yield line.trim();
    return;
  }
  const LOC = /<(?:[a-z]+:)?loc\s*>/gi;
  while (LOC.exec(text)) {
    const end = text.indexOf('<', LOC.lastIndex);
    const cdata = text.startsWith('<![CDATA[', LOC.lastIndex);
    const close = cdata ? text.indexOf(']]>', LOC.lastIndex) : end;
    if (close < 0) return;
    yield cdata ? text.slice(LOC.lastIndex + 9, close).trim() : decode(text.slice(LOC.lastIndex, close).slice(0, 4_000)).trim();
    LOC.lastIndex = close;
  }
}
