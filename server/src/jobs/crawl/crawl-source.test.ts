import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { Egress } from '#calls/tools/egress.ts';
import { SystemClock, type Timer } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { testKit } from '#kit/testing.ts';
import { Crawler, type CrawlerOptions } from './crawl-source.ts';
import type { SourcePlan } from './crawl-store.ts';
import { EGRESS_BYTES } from './page-reader.ts';
import { MemoryCrawlStore, page, WebSite } from './testing.ts';

/** Counts the timers that are still waiting. */
class CountingClock extends SystemClock {
  readonly waiting = new Set<object>();

  override after(delayMs: number, run: () => void): Timer {
    const timer = super.after(delayMs, () => {
      this.waiting.delete(timer);
      run();
    });
    this.waiting.add(timer);
    return {
      cancel: () => {
        this.waiting.delete(timer);
        timer.cancel();
      },
    };
  }
}

const clock = new CountingClock();
const kit: Kit = { ...testKit(), clock };
/** Of the tests' own servers. */
const aside = new SystemClock();
const ref = { businessId: 'business_1', sourceId: 'source_1' };
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  expect(clock.waiting.size).toBe(0);
  for (const close of closing.splice(0).toReversed()) await close();
});

async function siteOf(pages: WebSite['pages']): Promise<WebSite> {
  const site = await WebSite.open(pages);
  closing.push(() => site.close());
  return site;
}

type Setup = { plan?: Partial<SourcePlan>; store?: MemoryCrawlStore; egress?: Egress; options?: Partial<CrawlerOptions>; more?: WebSite[] };

/** Crawls it once and answers with what came of it. */
async function crawl(site: WebSite, { plan = {}, store, egress, options, more }: Setup = {}) {
  const kept = store ?? new MemoryCrawlStore({ url: `${site.url}/`, ...plan });
  const out = egress ?? site.egress(more);
  closing.push(() => out.close());
  const jobs: { name: string; payload: unknown; key: string | undefined }[] = [];
  let changed = 0;
  const crawler = new Crawler({
    kit,
    store: kept,
    queue: { send: async (name, payload, more = {}) => jobs.push({ name, payload, key: more.singletonKey }) > 0 },
    egress: out,
    version: '1.2',
    about: 'https://tandem.example/bot',
    changed: () => changed++,
    gapMs: 0,
    pageWithinMs: 1_500,
    ...options,
  });
  site.seen.length = 0;
  const signal = new AbortController().signal;
  await crawler.crawlSource(ref, { signal, attempt: 1, attempts: 1 });
  return { store: kept, jobs, changed: () => changed, finished: kept.finished, crawler };
}

const linked = {
  '/': page('Home', ['/about', 'hours.html?utm_source=x#today', '/deep/1']),
  '/about': page('About', ['/', '/missing']),
  '/hours.html': page('Opening hours'),
  '/deep/1': page('Deep one', ['2']),
  '/deep/2': page('Deep two', ['3']),
  '/deep/3': page('Deep three'),
};

describe('finding pages', () => {
  test('follows links of the host, each page once, and makes a document and a job of each', async () => {
    const site = await siteOf(linked);
    const { store, jobs, finished } = await crawl(site, { plan: { everyHours: 24 } });
    expect(store.paths).toEqual(['/', '/about', '/deep/1', '/deep/2', '/deep/3', '/hours.html']);
    expect(jobs).toHaveLength(6);
    const hours = store.documentAt('/hours.html');
    expect(hours).toMatchObject({ version: 1, upload: { title: 'Opening hours', fileName: 'hours.html', mediaType: 'text/html' } });
    expect(jobs).toContainEqual({
      name: 'ingest-document',
      payload: { businessId: 'business_1', documentId: hours.id, version: 1 },
      key: `${hours.id}:1`,
    });
    expect(finished).toMatchObject({ state: 'ready', found: 7, read: 6, changed: 6, refused: 1 });
    expect(finished?.nextAt?.getTime()).toBe((finished?.crawledAt.getTime() ?? 0) + 24 * 3_600_000);
    expect(site.seen[0].headers['user-agent']).toBe('TandemBot/1.2 (+https://tandem.example/bot)');
    expect(site.asked.filter((path) => path === '/hours.html')).toHaveLength(1);
  });

  test('depth and number of pages have their limits', async () => {
    const site = await siteOf(linked);
    expect((await crawl(site, { plan: { maxDepth: 0 } })).store.paths).toEqual(['/']);
    expect(site.seen.map(({ url }) => url)).toEqual(['/robots.txt', '/']);
    expect((await crawl(site, { plan: { maxDepth: 1 } })).store.paths).toEqual(['/', '/about', '/deep/1', '/hours.html']);
    const few = await crawl(site, { plan: { maxPages: 2 } });
    expect(few.store.documents.size).toBeLessThanOrEqual(3);
    expect(few.finished?.detail).toMatch(/more than the 2 pages/);
  });

  test('other hosts, other ports, other schemes and files without text are not asked for', async () => {
    const other = await siteOf({ '/': page('Other') });
    const links = [
      other.url,
      'mailto:a@b.example',
      'javascript:void(0)',
      '/logo.png',
      '/app.js',
      '/brochure.zip',
      'http://user:pw@127.0.0.1/',
      '//nowhere.invalid/',
    ];
    const site = await siteOf({ '/': page('Home', links) });
    const { store } = await crawl(site, { more: [other] });
    expect(store.paths).toEqual(['/']);
    expect(site.asked).toEqual(['/']);
    expect(other.seen).toEqual([]);
  });

  test('sitemaps, indexes of sitemaps and gzipped ones name pages that nothing links to', async () => {
    const site = await siteOf({
      '/robots.txt': (request) => `User-agent: *\nSitemap: http://${request.headers.host}/my-sitemap-index.xml`,
      '/my-sitemap-index.xml': (request) =>
        `<?xml version="1.0"?><sitemapindex><sitemap><loc>http://${request.headers.host}/sitemap-a.xml.gz</loc></sitemap></sitemapindex>`,
      '/sitemap-a.xml.gz': (request) => ({
        headers: { 'content-type': 'application/gzip' },
        body: gzipSync(
          `<urlset><url><loc>http://${request.headers.host}/a?x=1&amp;y=2</loc></url><url><loc>https://elsewhere.example/</loc></url></urlset>`,
        ),
      }),
      '/sitemap.xml': (request) => `<urlset><url><loc><![CDATA[http://${request.headers.host}/b]]></loc></url></urlset>`,
      '/': page('Home'),
      '/a?x=1&y=2': page('A'),
      '/b': page('B'),
    });
    expect((await crawl(site)).store.paths).toEqual(['/', '/a?x=1&y=2', '/b']);
  });

  test('a sitemap that unpacks to more than its limit is as if it were not there', async () => {
    const site = await siteOf({
      '/': page('Home'),
      '/sitemap.xml': { headers: { 'content-type': 'application/gzip' }, body: gzipSync(Buffer.alloc(40 * 1024 * 1024)) },
    });
    expect((await crawl(site)).store.paths).toEqual(['/']);
  });

  test('loops that a site makes of itself end', async () => {
    const site = await siteOf({ '/': page('Home', ['/a/b', '/calendar/2026/1', '/list?page=1']) });
    const answer = site.pages;
    const proxy = new Proxy(answer, {
      get: (target, path: string) => {
        if (path in target) return target[path];
        const calendar = /^\/calendar\/(\d+)\/(\d+)$/.exec(path);
        if (calendar) return page(`Month ${calendar[1]} ${calendar[2]}`, [`/calendar/${calendar[1]}/${Number(calendar[2]) + 1}`]);
        const list = /^\/list\?page=(\d+)$/.exec(path);
        if (list) return page(`List ${list[1]}`, [`/list?page=${Number(list[1]) + 1}`]);
        return path.startsWith('/a/') ? page(`Nested ${path}`, [`${path.slice(1)}/b`.replace(/^.*\//, '') + '/b', 'b/b']) : undefined;
      },
    });
    Object.defineProperty(site, 'pages', { value: proxy });
    const { store, finished } = await crawl(site, { plan: { maxDepth: 10, maxPages: 2_000 } });
    expect(finished?.state).toBe('ready');
    expect(store.paths.filter((path) => path.includes('calendar')).length).toBeLessThanOrEqual(40);
    expect(store.paths.filter((path) => path.startsWith('/a/')).every((path) => (path.match(/\/b/g)?.length ?? 0) < 3)).toBe(true);
  });
});

describe('what a site allows', () => {
  test('robots.txt is obeyed, by our own name first', async () => {
    const site = await siteOf({
      '/robots.txt': 'User-agent: *\nDisallow: /\n\nUser-agent: TandemBot\nDisallow: /private\nAllow: /private/open\n',
      '/': page('Home', ['/private/x', '/private/open', '/b']),
      '/private/x': page('X'),
      '/private/open': page('Open'),
      '/b': page('B'),
    });
    const { store, finished } = await crawl(site);
    expect(store.paths).toEqual(['/', '/b', '/private/open']);
    expect(site.asked).not.toContain('/private/x');
    expect(finished?.refused).toBe(1);
  });

  test.each([
    [{ status: 500 }, 'unreachable', /robots.txt answers 500/],
    [{ status: 429 }, 'unreachable', /robots.txt answers 429/],
    [{ body: 'User-agent: *\nDisallow: /' }, 'forbidden', /does not allow/],
  ])('robots.txt %j closes the site, and what is known of it stays', async (robots, fault, detail) => {
    const site = await siteOf({ ...linked });
    const { store } = await crawl(site);
    site.pages['/robots.txt'] = robots;
    const again = await crawl(site, { store });
    expect(again.finished).toMatchObject({ state: 'failed', fault });
    expect(again.finished?.detail).toMatch(detail);
    expect(site.asked).toEqual([]);
    expect(store.documents.size).toBe(6);
  });

  test('a server that hangs on robots.txt closes the site too', async () => {
    const site = await siteOf({ '/robots.txt': () => undefined, '/': page('Home') });
    const { finished } = await crawl(site, { options: { pageWithinMs: 200 } });
    expect(finished).toMatchObject({ state: 'failed', fault: 'unreachable' });
  });

  test('noindex and nofollow, in the page, in the header, and for our own name', async () => {
    const site = await siteOf({
      '/': page('Home', ['/noindex', '/nofollow', '/header', '/ours', '/theirs']),
      '/noindex': page('Hidden', ['/behind-noindex'], '<meta name="robots" content="NOINDEX">'),
      '/behind-noindex': page('Behind'),
      '/nofollow': page('Shown', ['/behind-nofollow'], '<meta content="nofollow" name=robots>'),
      '/behind-nofollow': page('Never'),
      '/header': { headers: { 'x-robots-tag': 'googlebot: nofollow, tandembot: noindex' }, body: page('Header') },
      '/ours': page('Ours', [], '<meta name="tandembot" content="none">'),
      '/theirs': { headers: { 'x-robots-tag': 'otherbot: noindex' }, body: page('Theirs', ['/x"  rel="nofollow']) },
      '/x': page('X'),
    });
    expect((await crawl(site)).store.paths).toEqual(['/', '/behind-noindex', '/nofollow', '/theirs']);
  });

  test('a page that names another as canonical is not known twice', async () => {
    const to = (path: string) => `<link rel="canonical" href="${path}">`;
    const site = await siteOf({
      '/': page('Home', ['/print/a', '/one', '/two', '/foreign', '/dead']),
      '/print/a': page('A for printing', [], to('/a')),
      '/a': page('A', [], to('/a')),
      '/one': page('One', [], to('/two')),
      '/two': page('Two', [], to('/one')),
      '/foreign': page('Foreign', [], to('https://elsewhere.example/foreign')),
    });
    const { store } = await crawl(site);
    expect(store.paths).toHaveLength(4);
    expect(store.paths).toEqual(expect.arrayContaining(['/', '/a', '/foreign']));
    expect(store.paths.filter((path) => path === '/one' || path === '/two')).toHaveLength(1);
  });

  test('two at once at most, with the gap that is asked for', async () => {
    const slow = (text: string) => (_request: unknown, response: { writeHead: Function; end: Function }) => {
      aside.after(30, () => {
        response.writeHead(200, { 'content-type': 'text/html' });
        response.end(page(text));
      });
      return undefined;
    };
    const names = ['a', 'b', 'c', 'd', 'e'];
    const site = await siteOf({
      '/robots.txt': 'User-agent: *\nCrawl-delay: 0.06',
      '/': page('Home', names),
      ...Object.fromEntries(names.map((name) => [`/${name}`, slow(name) as never])),
    });
    const { store } = await crawl(site);
    expect(store.documents.size).toBe(6);
    expect(site.mostAtOnce).toBeLessThanOrEqual(2);
    const times = site.seen.slice(2).map(({ at }) => at);
    for (let i = 1; i < times.length; i++) expect(times[i] - times[i - 1]).toBeGreaterThan(45);
  });
});

describe('answers that are not a page', () => {
  test('only what holds text is kept: HTML, PDF, plain text', async () => {
    const typed = (type: string, body: string) => ({ headers: { 'content-type': type }, body });
    const site = await siteOf({
      '/': page('Home', ['/pdf', '/text', '/image', '/json', '/none']),
      '/pdf': typed('application/pdf', '%PDF-1.4 …'),
      '/text': typed('text/plain; charset=utf-8', 'Plain words.'),
      '/image': typed('image/png', 'PNG'),
      '/json': typed('application/json', '{}'),
      '/none': typed('application/octet-stream', 'x'),
    });
    const { store, finished } = await crawl(site);
    expect(store.paths).toEqual(['/', '/pdf', '/text']);
    expect(store.documentAt('/pdf').upload).toMatchObject({ title: 'pdf', fileName: 'pdf', mediaType: 'application/pdf' });
    expect(finished?.refused).toBe(3);
  });

  test('a page of 100 MB, declared or not, is left after its limit', async () => {
    let sent = 0;
    const piece = Buffer.alloc(64 * 1024, 'x');
    const flood = (declared: boolean) => (_request: unknown, response: import('node:http').ServerResponse) => {
      response.writeHead(200, { 'content-type': 'text/html', ...(declared && { 'content-length': String(100 * 1024 * 1024) }) });
      const push = (): void => {
        while (!response.destroyed && sent < 100 * 1024 * 1024) {
          sent += piece.length;
          if (!response.write(piece)) {
            response.once('drain', push);
            return;
          }
        }
        response.end();
      };
      push();
      return undefined;
    };
    const site = await siteOf({ '/': page('Home', ['/declared', '/flood']), '/declared': flood(true), '/flood': flood(false) });
    const { store, finished } = await crawl(site);
    expect(store.paths).toEqual(['/']);
    expect(finished).toMatchObject({ state: 'ready', refused: 2 });
    expect(sent).toBeLessThan(40 * 1024 * 1024);
  });

  test('a page that drips is given up after its time, the rest of the site is read', async () => {
    const drip = (_request: unknown, response: import('node:http').ServerResponse) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      const next = () => {
        if (response.destroyed) return;
        response.write('x');
        aside.after(20, next);
      };
      next();
      return undefined;
    };
    const site = await siteOf({ '/': page('Home', ['/drip', '/b']), '/drip': drip, '/b': page('B') });
    const { store, finished } = await crawl(site, { options: { pageWithinMs: 150 } });
    expect(store.paths).toEqual(['/', '/b']);
    expect(finished).toMatchObject({ state: 'ready', refused: 1, detail: expect.stringMatching(/could not be read/) });
    expect(site.asked.filter((path) => path === '/drip')).toHaveLength(2);
  }, 15_000);

  test('redirects are followed within the host only, and not without end', async () => {
    const other = await siteOf({ '/': page('Other') });
    const to = (location: string) => ({ status: 302, headers: { location } });
    const site = await siteOf({
      '/': page('Home', ['/old', '/out', '/private', '/loop', '/same', '/hidden']),
      '/robots.txt': 'User-agent: *\nDisallow: /secret',
      '/old': to('/new'),
      '/new': page('New'),
      '/out': to(`${other.url}/`),
      '/private': to('http://169.254.169.254/latest/meta-data/'),
      '/loop': to('/loop?again=1'),
      '/loop?again=1': to('/loop'),
      '/same': to('/new#there'),
      '/hidden': to('/secret'),
      '/secret': page('Secret'),
    });
    const { store, finished } = await crawl(site, { more: [other] });
    expect(store.paths).toEqual(['/', '/new']);
    expect(other.seen).toEqual([]);
    expect(site.asked).not.toContain('/secret');
    expect(finished).toMatchObject({ state: 'ready', refused: 4 });
  });

  test('private addresses are not reached, neither at the start nor by a name', async () => {
    const site = await siteOf({ '/': page('Home') });
    const strict = (resolve?: () => Promise<string[]>) =>
      new Egress({ clock: kit.clock, maxBytes: EGRESS_BYTES, ports: [site.port], resolve });
    const byAddress = await crawl(site, { egress: strict() });
    expect(byAddress.finished).toMatchObject({ state: 'failed', fault: 'unreachable' });
    const byName = await crawl(site, { plan: { url: `http://rebound.example:${site.port}/` }, egress: strict(async () => ['127.0.0.1']) });
    expect(byName.finished).toMatchObject({ state: 'failed' });
    expect(site.seen).toEqual([]);
  });

  test.each([
    [{ status: 404 }, 'unreachable', /no page/],
    [{ status: 403 }, 'forbidden', /403/],
    [{ status: 301, headers: { location: 'https://www.other.example/' } }, 'unreachable', /www\.other\.example/],
    [{ headers: { 'content-type': 'image/gif' } }, 'format-unknown', /image\/gif/],
  ])('a first page that answers %j fails the crawl with its reason', async (answer, fault, detail) => {
    const site = await siteOf({ '/': answer });
    const { finished } = await crawl(site);
    expect(finished).toMatchObject({ state: 'failed', fault });
    expect(finished?.detail).toMatch(detail);
  });
});

describe('crawling again', () => {
  test('304 and equal texts cost nothing; what differs is a new version; what is gone goes', async () => {
    const tagged =
      (text: string, links: string[] = []) =>
      (request: { headers: Record<string, unknown> }) =>
        request.headers['if-none-match'] === `"${text}"` ? { status: 304 } : { headers: { etag: `"${text}"` }, body: page(text, links) };
    let token = 0;
    const dated = (request: { headers: Record<string, unknown> }) =>
      request.headers['if-modified-since']
        ? { status: 304 }
        : { headers: { 'last-modified': 'Mon, 05 Jan 2026 09:00:00 GMT' }, body: page('Dated') };
    const site = await siteOf({
      '/': tagged('Home', ['/token', '/prices', '/gone', '/orphan', '/dated']),
      '/token': () => `${page('Token')}<script>var csrf = "${++token}"</script><input type="hidden" value="${token}">`,
      '/prices': page('Prices 10'),
      '/gone': page('Gone'),
      '/orphan': page('Orphan'),
      '/dated': dated,
    });
    const { store } = await crawl(site);
    expect(store.documents.size).toBe(6);

    const same = await crawl(site, { store });
    expect(same.jobs).toEqual([]);
    expect(same.finished).toMatchObject({ state: 'ready', read: 6, changed: 0 });
    expect(site.seen.find(({ url }) => url === '/dated')?.headers['if-modified-since']).toBe('Mon, 05 Jan 2026 09:00:00 GMT');

    site.pages['/'] = tagged('Home anew', ['/token', '/prices', '/gone', '/dated']) as never;
    site.pages['/prices'] = page('Prices 12');
    site.pages['/gone'] = { status: 410 };
    const third = await crawl(site, { store });
    expect(store.paths).toEqual(['/', '/dated', '/prices', '/token']);
    expect([...store.pages.keys()].map((url) => new URL(url).pathname).sort()).toEqual(['/', '/dated', '/prices', '/token']);
    expect(store.documentAt('/prices').version).toBe(2);
    expect(third.jobs).toHaveLength(2);
    expect(third.finished).toMatchObject({ changed: 2 });
    expect(third.changed()).toBe(2);
  });

  test('nothing is forgotten while a page fails or the site is down', async () => {
    const site = await siteOf({ ...linked });
    const { store } = await crawl(site);
    site.pages['/deep/1'] = { status: 503, headers: { 'retry-after': '0' } };
    const again = await crawl(site, { store });
    expect(again.finished).toMatchObject({ state: 'ready', detail: expect.stringMatching(/could not be read/) });
    expect(store.documents.size).toBe(6);
    await site.close();
    const down = await crawl(site, { store });
    expect(down.finished).toMatchObject({ state: 'failed', fault: 'unreachable' });
    expect(store.documents.size).toBe(6);
  });

  test('a document that a person deleted is not made again', async () => {
    const site = await siteOf({ ...linked });
    const { store } = await crawl(site);
    const about = store.documentAt('/about');
    store.documents.delete(about.id);
    const row = [...store.pages.values()].find(({ documentId }) => documentId === about.id);
    if (row) store.pages.set(row.url, { ...row, documentId: null });
    site.pages['/about'] = page('About, rewritten', ['/missing']);
    await crawl(site, { store });
    expect(store.paths).not.toContain('/about');
    expect(store.pages.size).toBe(6);
  });

  test('of pages that say the same one is kept, and its twin takes over when it goes', async () => {
    const site = await siteOf({ '/': page('Home', ['/a', '/b']), '/a': page('Twin'), '/b': page('Twin') });
    const { store } = await crawl(site);
    expect(store.documents.size).toBe(2);
    const { id } = [...store.documents].map(([key, { url }]) => ({ id: key, url })).find(({ url }) => /\/[ab]$/.test(url)) ?? { id: '' };
    const kept = [...store.pages.values()].find(({ documentId }) => documentId === id)?.url ?? '';
    const [gone, heir] = kept.endsWith('/a') ? ['/a', '/b'] : ['/b', '/a'];
    site.pages['/'] = page('Home', [heir]);
    delete site.pages[gone];
    await crawl(site, { store });
    expect(store.documents.has(id)).toBe(true);
    expect([...store.pages.values()].find(({ documentId }) => documentId === id)?.url).toBe(`${site.url}${heir}`);
  });
});

describe('as a job', () => {
  test('a source that is deleted meanwhile ends it quietly', async () => {
    const store = new MemoryCrawlStore({ url: 'http://127.0.0.1/' });
    const site = await siteOf({
      '/': () => {
        store.plan = undefined;
        return page('Home', ['/a']);
      },
      '/a': page('A'),
    });
    if (store.plan) store.plan.url = `${site.url}/`;
    await crawl(site, { store, options: { gapMs: 300 } });
    expect(store.finished).toBeUndefined();
  });

  test('an abort from outside gives the job back', async () => {
    const site = await siteOf({ '/': () => undefined });
    const store = new MemoryCrawlStore({ url: `${site.url}/` });
    const egress = site.egress();
    closing.push(() => egress.close());
    const crawler = new Crawler({
      kit,
      store,
      queue: { send: async () => true },
      egress,
      version: '1',
      about: 'x',
      changed: () => {},
      gapMs: 0,
    });
    const stop = new AbortController();
    aside.after(50, () => stop.abort(new Error('shutdown')));
    await expect(crawler.crawlSource(ref, { signal: stop.signal, attempt: 1, attempts: 3 })).rejects.toThrow('shutdown');
    expect(store.finished).toBeUndefined();
  });

  test('a store that fails is tried again, and in the end said', async () => {
    const site = await siteOf({ '/': page('Home') });
    const store = new MemoryCrawlStore({ url: `${site.url}/` });
    store.savePage = () => Promise.reject(new Error('connection refused'));
    const egress = site.egress();
    closing.push(() => egress.close());
    const crawler = new Crawler({
      kit,
      store,
      queue: { send: async () => true },
      egress,
      version: '1',
      about: 'x',
      changed: () => {},
      gapMs: 0,
    });
    const signal = new AbortController().signal;
    await expect(crawler.crawlSource(ref, { signal, attempt: 1, attempts: 2 })).rejects.toThrow('connection refused');
    await crawler.crawlSource(ref, { signal, attempt: 2, attempts: 2 });
    expect(store.finished).toMatchObject({ state: 'failed', fault: 'internal-error' });
    expect(store.documents.size).toBe(0);
  });

  test('due sources are sent', async () => {
    const site = await siteOf({});
    const { crawler, store, jobs } = await crawl(site);
    store.due = [ref, { businessId: 'business_1', sourceId: 'source_2' }];
    jobs.length = 0;
    expect(await crawler.sendDue()).toBe(2);
    expect(jobs).toEqual([
      { name: 'crawl-source', payload: ref, key: 'source_1' },
      { name: 'crawl-source', payload: { businessId: 'business_1', sourceId: 'source_2' }, key: 'source_2' },
    ]);
  });
});
