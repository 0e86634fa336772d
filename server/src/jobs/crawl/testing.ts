/** For tests of crawling: a small web site on the loopback, and a store in memory. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Egress } from '#calls/tools/egress.ts';
import { SystemClock } from '#kit/clock.ts';
import type { CrawlStore, FinishedCrawl, PageUpload, SourcePage, SourcePlan, SourceRef } from './crawl-store.ts';
import { EGRESS_BYTES } from './page-reader.ts';

export interface SiteAnswer {
  status?: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
}
type Route = string | SiteAnswer | ((request: http.IncomingMessage, response: http.ServerResponse) => SiteAnswer | string | undefined);

/** Serves `pages` by path with query; a text is an HTML body, a function that answers nothing answers by itself. 404 for the rest. */
export class WebSite {
  readonly pages: Record<string, Route>;
  readonly seen: { url: string; headers: http.IncomingHttpHeaders; at: number }[] = [];
  readonly port: number;
  atOnce = 0;
  mostAtOnce = 0;
  #server: http.Server;

  private constructor(server: http.Server, pages: Record<string, Route>) {
    this.#server = server;
    this.pages = pages;
    this.port = (server.address() as AddressInfo).port;
  }

  static async open(pages: Record<string, Route>): Promise<WebSite> {
    const server = http.createServer((request, response) => site.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const site = new WebSite(server, pages);
    return site;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Paths asked for, robots.txt and sitemaps left out. */
  get asked(): string[] {
    return this.seen.map(({ url }) => url).filter((url) => url !== '/robots.txt' && !url.includes('sitemap'));
  }

  egress(more: readonly WebSite[] = []): Egress {
    const allow = [this, ...more].map(({ port }) => `127.0.0.1:${port}`).join(',');
    return new Egress({ clock: new SystemClock(), allow, maxBytes: EGRESS_BYTES });
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const path = request.url ?? '/';
    this.seen.push({ url: path, headers: request.headers, at: performance.now() });
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
    response.once('close', () => this.atOnce--);
    const route = this.pages[path];
    const made = typeof route === 'function' ? route(request, response) : (route ?? { status: 404, body: 'Not found' });
    if (made === undefined) return;
    const { status = 200, headers = {}, body = '' } = typeof made === 'string' ? { body: made } : made;
    const type = path.endsWith('.txt') ? 'text/plain' : path.endsWith('.xml') ? 'application/xml' : 'text/html; charset=utf-8';
    response.writeHead(status, { 'content-type': type, ...headers });
    response.end(body);
  }
}

/** A page with a text and links. */
export const page = (text: string, links: readonly string[] = [], head = ''): string =>
  `<!doctype html><html><head><title>${text}</title>${head}</head><body><h1>${text}</h1><p>All about ${text}.</p>${links
    .map((link) => `<a href="${link}">${link}</a>`)
    .join(' ')}</body></html>`;

export interface StoredDocument {
  url: string;
  version: number;
  upload: PageUpload;
}

/** Keeps everything in memory; `plan` undefined is a source that is gone. */
export class MemoryCrawlStore implements CrawlStore {
  plan: SourcePlan | undefined;
  readonly pages = new Map<string, SourcePage>();
  readonly documents = new Map<string, StoredDocument>();
  readonly progress: unknown[] = [];
  finished: FinishedCrawl | undefined;
  due: SourceRef[] = [];
  #made = 0;

  constructor(plan: Partial<SourcePlan> & { url: string }) {
    this.plan = { maxDepth: 5, maxPages: 100, everyHours: null, base: 'main', language: 'en', tags: [], audience: 'everyone', ...plan };
  }

  /** Paths of the pages that have a document, sorted. */
  get paths(): string[] {
    return [...this.documents.values()].map(({ url }) => url.replace(/^https?:\/\/[^/]+/, '')).sort();
  }

  documentAt(path: string): StoredDocument & { id: string } {
    const found = [...this.documents].find(([, { url }]) => url.endsWith(path));
    if (!found) throw new Error(`no document of ${path}`);
    return { id: found[0], ...found[1] };
  }

  readSource = async (): Promise<SourcePlan | undefined> => this.plan;
  tellProgress = async (_ref: SourceRef, counts: unknown): Promise<boolean> => {
    this.progress.push({ ...(counts as object) });
    return this.plan !== undefined;
  };
  finishCrawl = async (_ref: SourceRef, finished: FinishedCrawl): Promise<boolean> => {
    this.finished = finished;
    return this.plan !== undefined;
  };
  readPages = async (): Promise<SourcePage[]> => [...this.pages.values()];
  savePage = async (_ref: SourceRef, saved: SourcePage): Promise<void> => void this.pages.set(saved.url, saved);
  removePages = async (_ref: SourceRef, urls: readonly string[]): Promise<void> => {
    for (const url of urls) this.pages.delete(url);
  };
  createPageDocument = async (_ref: SourceRef, _plan: SourcePlan, url: string, upload: PageUpload) => {
    const documentId = `document_${++this.#made}`;
    this.documents.set(documentId, { url, version: 1, upload });
    return { documentId, version: 1 };
  };
  replacePageDocument = async (_businessId: string, documentId: string, upload: PageUpload) => {
    const before = this.documents.get(documentId);
    if (!before) return undefined;
    const version = before.version + 1;
    this.documents.set(documentId, { ...before, version, upload });
    return { documentId, version, fresh: true };
  };
  readPageFile = async (_businessId: string, documentId: string) => this.documents.get(documentId)?.upload;
  deleteDocument = async (_businessId: string, documentId: string): Promise<void> => void this.documents.delete(documentId);
  dueSources = async (): Promise<SourceRef[]> => this.due;
}
