/**
 * Walks through one site: level by level from its first page and its sitemaps, two pages at once, as robots.txt allows. What
 * becomes of a page is its visitor's affair.
 *
 * ```
 *  robots.txt ─▶ first page ─▶ sitemaps ─▶ level 1 ─▶ level 2 ─▶ … ─▶ outcome
 *      │ closed      │ not there                 links of each, in order
 *      └─────────────┴──▶ CrawlFault: nothing is known of the site, nothing is forgotten
 * ```
 */
import { createHash } from 'node:crypto';
import type { DocumentFault } from '@tandem/contract';
import type { Clock } from '#kit/clock.ts';
import { textOf } from './body.ts';
import { mayMove, pageAddress, type Site, siteOf, TrapWatch } from './page-address.ts';
import { type PageFacts, readPage, robotRules } from './page-facts.ts';
import { isHtml, type Page, type PageAnswer, type PageReader } from './page-reader.ts';
import { type Robots, readRobots } from './robots.ts';
import { readSitemaps } from './sitemaps.ts';

const AT_ONCE = 2;
/** Addresses known of a site at most, for each page that may be read. */
const FOUND_PER_PAGE = 10;
/** So many pages one after the other that cannot be had: the site is down. */
const MAX_FAILURES_IN_A_ROW = 8;
const RETRY_AFTER_MS = 2_000;

/** The site cannot be crawled at all. */
export class CrawlFault extends Error {
  readonly fault: DocumentFault;

  constructor(fault: DocumentFault, message: string) {
    super(message);
    this.name = 'CrawlFault';
    this.fault = fault;
  }
}

export interface FoundPage {
  url: string;
  mediaType: string;
  bytes: Buffer;
  /** Its `<title>`. */
  title?: string;
  /** Of what can be read on it. */
  digest: string;
  etag?: string;
  lastModified?: string;
}

/** What the walk asks and tells. */
export interface SiteVisitor {
  /** What the page was when it was last read, where it and its file are still known. */
  validators(url: string): { etag?: string; lastModified?: string } | undefined;
  /** The text that the validators belong to, empty for what is no HTML; undefined when it is not kept. */
  storedHtml(url: string): Promise<string | undefined>;
  /** A page to be known. */
  onPage(page: FoundPage): Promise<void>;
  /** It is as it was. */
  onUnchanged(url: string): Promise<void>;
  /** It is not there any more, or must not be shown. */
  onGone(url: string): Promise<void>;
  onCounts(counts: { found: number; read: number; refused: number }): void;
}

export interface SiteCrawlOptions {
  clock: Clock;
  reader: PageReader;
  /** Name in robots.txt and robots rules, lower case. */
  robot: string;
  url: string;
  maxDepth: number;
  maxPages: number;
  withinMs: number;
  /** Between two requests at least. */
  gapMs: number;
  visitor: SiteVisitor;
}

export interface SiteOutcome {
  /** Every page that can be reached was reached: what was not met is not there. */
  whole: boolean;
  stopped?: 'pages' | 'time' | 'failures';
  /** Pages that are there, or may be. */
  alive: ReadonlySet<string>;
}

/** What is there: as it is, or as it was kept. */
type Answer = Page | { kind: 'unchanged'; url: string; robots: string; html: string };
type Asked = Answer | Exclude<PageAnswer, { kind: 'page' | 'unchanged' }>;

export class SiteCrawl {
  readonly #its: SiteCrawlOptions;
  readonly #signal: AbortSignal;
  readonly #endsAt: number;
  readonly #seen = new Set<string>();
  readonly #alive = new Set<string>();
  /** Pages that name another as the one to be known (RFC 6596), and which. */
  readonly #aliases = new Map<string, string>();
  /** Asked for and not to be had. */
  readonly #dead = new Set<string>();
  readonly #traps = new TrapWatch();
  readonly #counts = { read: 0, refused: 0, failed: 0, failedInARow: 0, leftOut: 0 };
  #site: Site;
  #robots: Robots | undefined;
  #stopped: SiteOutcome['stopped'];

  /** Throws `CrawlFault` for what is no web address. */
  constructor(options: SiteCrawlOptions, signal: AbortSignal) {
    const site = siteOf(options.url);
    if (!site) throw new CrawlFault('unreachable', 'It is not a web address');
    this.#its = options;
    this.#signal = signal;
    this.#site = site;
    this.#endsAt = options.clock.now() + options.withinMs;
  }

  /** Rejects with `CrawlFault`, the signal's reason, or as the visitor does. */
  async run(): Promise<SiteOutcome> {
    const { maxDepth } = this.#its;
    let level = await this.#begin();
    if (maxDepth > 0) level.push(...(await this.#sitemapPages()));
    for (let depth = 1; depth <= maxDepth && level.length > 0 && !this.#stopped; depth++) {
      level = await this.#walk(level);
    }
    return { whole: !this.#stopped && this.#counts.failed === 0 && this.#counts.leftOut === 0, stopped: this.#stopped, alive: this.#alive };
  }

  /** Reads the first page, which decides the site's scheme; answers with its links. */
  async #begin(): Promise<string[]> {
    const { url } = this.#its;
    await this.#obey();
    const start = pageAddress(url, url, this.#site);
    if (start === undefined) throw new CrawlFault('format-unknown', 'It is not the address of a page');
    if (!this.#mayRead(start)) throw new CrawlFault('forbidden', 'robots.txt does not allow this page to be read');
    const answer = await this.#ask(start);
    const there = this.#mustBeThere(answer);
    const site = siteOf(there.url) as Site;
    if (site.protocol !== this.#site.protocol) {
      this.#site = site;
      await this.#obey();
      if (!this.#mayRead(there.url)) throw new CrawlFault('forbidden', 'robots.txt does not allow this page to be read');
    }
    const address = pageAddress(there.url, there.url, this.#site) ?? start;
    this.#offer(start);
    this.#offer(address);
    const more: string[] = [];
    const links = await this.#receive(address, there, more);
    return this.#merge([links, more]);
  }

  #mustBeThere(answer: Asked): Answer {
    switch (answer.kind) {
      case 'page':
      case 'unchanged':
        return answer;
      case 'gone':
        throw new CrawlFault('unreachable', 'There is no page at this address');
      case 'moved-away':
        throw new CrawlFault('unreachable', `The site sends on to ${siteOf(answer.to)?.host ?? 'another address'}: give that address`);
      case 'disallowed':
        throw new CrawlFault('forbidden', 'robots.txt does not allow this page to be read');
      case 'refused':
        throw new CrawlFault(answer.fault, answer.detail);
      default:
        throw new CrawlFault('unreachable', answer.detail);
    }
  }

  async #obey(): Promise<void> {
    const { reader, robot, gapMs } = this.#its;
    const robots = await readRobots(reader, this.#site, robot, gapMs, this.#signal);
    if (typeof robots === 'string') throw new CrawlFault('unreachable', robots);
    this.#robots = robots;
  }

  async #sitemapPages(): Promise<string[]> {
    const { reader, maxPages } = this.#its;
    const { sitemaps, gapMs } = this.#robots as Robots;
    const limit = maxPages * FOUND_PER_PAGE;
    const query = { site: this.#site, named: sitemaps, gapMs, mayRead: (url: string) => this.#mayRead(url), limit };
    return this.#merge([await readSitemaps(reader, query, this.#signal)]);
  }

  /** Reads the pages of a level, `AT_ONCE` at a time; answers with the next level. */
  async #walk(level: string[]): Promise<string[]> {
    const links: string[][] = [];
    let next = 0;
    const work = async () => {
      while (next < level.length && this.#mayGoOn()) {
        const index = next++;
        links[index] = await this.#visit(level[index], level);
      }
    };
    const workers = Array.from({ length: AT_ONCE }, work);
    // All have ended before one's failure goes on: nothing is written behind the caller's back.
    await Promise.allSettled(workers);
    await Promise.all(workers);
    return this.#merge(links);
  }

  #mayGoOn(): boolean {
    this.#signal.throwIfAborted();
    if (this.#counts.read >= this.#its.maxPages) this.#stopped ??= 'pages';
    else if (this.#its.clock.now() >= this.#endsAt) this.#stopped ??= 'time';
    else if (this.#counts.failedInARow >= MAX_FAILURES_IN_A_ROW) this.#stopped ??= 'failures';
    return !this.#stopped;
  }

  /** Answers with the page's links. `level` may grow by a page that is the canonical one. */
  async #visit(url: string, level: string[]): Promise<string[]> {
    if (!this.#mayRead(url)) return this.#refuse(url);
    const answer = await this.#ask(url);
    if (answer.kind !== 'failed') this.#counts.failedInARow = 0;
    switch (answer.kind) {
      case 'page':
      case 'unchanged': {
        const address = pageAddress(answer.url, answer.url, this.#site);
        if (address === undefined || !mayMove(this.#site, siteOf(answer.url) as Site)) return this.#refuse(url);
        // A redirect to a page that is known by its own address.
        if (address !== url && !this.#offer(address)) return [];
        return this.#receive(address, answer, level);
      }
      case 'gone':
        await this.#its.visitor.onGone(url);
        return this.#refuse(url);
      case 'failed':
        this.#alive.add(url);
        this.#counts.failed++;
        this.#counts.failedInARow++;
        return this.#refuse(url);
      default:
        return this.#refuse(url);
    }
  }

  #refuse(url: string): string[] {
    this.#dead.add(url);
    this.#counts.refused++;
    this.#tell();
    return [];
  }

  /** Asks once more where that may help. */
  async #ask(url: string): Promise<Asked> {
    const { reader, clock, visitor } = this.#its;
    const manners = { gapMs: this.#robots?.gapMs ?? this.#its.gapMs, mayRead: (to: string) => this.#mayRead(to) };
    const anew = async (): Promise<Asked> => {
      const answer = await reader.read({ url }, manners, this.#signal);
      return answer.kind === 'unchanged' ? { kind: 'failed', detail: 'It answers 304 to a request without conditions' } : answer;
    };
    const answer = await reader.read({ url, ...visitor.validators(url) }, manners, this.#signal);
    if (answer.kind === 'unchanged') {
      const html = await visitor.storedHtml(url);
      return html === undefined ? anew() : { ...answer, html };
    }
    if (answer.kind !== 'failed') return answer;
    if (answer.retryAfterMs === undefined) await clock.sleep(RETRY_AFTER_MS, this.#signal);
    return anew();
  }

  async #receive(url: string, answer: Answer, level: string[]): Promise<string[]> {
    const { visitor, robot } = this.#its;
    const rules = robotRules(answer.robots, robot);
    const facts = answer.kind === 'page' ? factsOf(answer, robot) : readPage(answer.html, robot);
    this.#counts.read++;
    if (rules.noindex || facts.noindex) {
      await visitor.onGone(url);
      this.#refuse(url);
    } else if (!this.#isAlias(url, facts, level)) {
      this.#alive.add(url);
      if (answer.kind === 'unchanged') await visitor.onUnchanged(url);
      else await visitor.onPage(foundPage(url, answer, facts));
    }
    this.#tell();
    if (rules.nofollow || facts.nofollow) return [];
    const base = facts.base !== undefined && URL.canParse(facts.base, url) ? new URL(facts.base, url).href : url;
    return facts.links.map((link) => pageAddress(link, base, this.#site)).filter((link) => link !== undefined);
  }

  /** True when the page says that another one of the site is to be known instead of it, and that one can be. */
  #isAlias(url: string, { canonical }: PageFacts, level: string[]): boolean {
    const other = canonical === undefined ? undefined : pageAddress(canonical, url, this.#site);
    if (other === undefined || other === url || this.#aliases.get(other) === url || !this.#mayRead(other)) return false;
    const isNew = this.#offer(other);
    if (isNew) level.push(other);
    else if (this.#dead.has(other)) return false;
    this.#aliases.set(url, other);
    return true;
  }

  #mayRead(url: string): boolean {
    return this.#robots?.mayRead(url) !== false;
  }

  /** True the first time. */
  #offer(url: string): boolean {
    if (this.#seen.has(url)) return false;
    this.#seen.add(url);
    return true;
  }

  /** Addresses that are new, in order; the site cannot make more of them than are bearable. */
  #merge(lists: readonly (readonly string[] | undefined)[]): string[] {
    const next: string[] = [];
    const most = this.#its.maxPages * FOUND_PER_PAGE;
    for (const url of lists.flatMap((list) => list ?? [])) {
      if (this.#seen.has(url)) continue;
      if (this.#seen.size >= most) {
        this.#counts.leftOut++;
        break;
      }
      this.#offer(url);
      if (this.#traps.isTrap(url)) this.#counts.refused++;
      else next.push(url);
    }
    this.#tell();
    return next;
  }

  #tell(): void {
    this.#its.visitor.onCounts({ found: this.#seen.size, read: this.#counts.read, refused: this.#counts.refused });
  }
}

function factsOf(page: Page, robot: string): PageFacts {
  if (isHtml(page.mediaType)) return readPage(textOf(page.bytes, page.charset), robot);
  return { links: [], noindex: false, nofollow: false, digest: '' };
}

function foundPage(url: string, page: Page, facts: PageFacts): FoundPage {
  const { mediaType, bytes, etag, lastModified } = page;
  const digest = facts.digest || createHash('sha256').update(bytes).digest('base64url').slice(0, 32);
  return { url, mediaType, bytes, title: facts.title, digest, etag, lastModified };
}
