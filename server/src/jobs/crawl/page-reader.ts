/**
 * One page over HTTP as a crawler asks for it: through the safe way out, at the host's pace, redirects followed within the
 * site and as robots.txt allows, only what holds text, and never more bytes or time than set.
 */
import type { DocumentFault } from '@tandem/contract';
import type { Egress } from '#calls/tools/egress.ts';
import { childOf } from '#kit/abort.ts';
import type { Clock } from '#kit/clock.ts';
import { messageOf, VendorError } from '#kit/errors.ts';
import { bodyOf, TooLarge, typeOf } from './body.ts';
import type { HostPace } from './host-pace.ts';
import { mayMove, type Site, siteOf } from './page-address.ts';

/** From the request to the last byte, redirects included. */
const PAGE_WITHIN_MS = 20_000;
/** A file takes longer than a page. */
const FILE_WITHIN_MS = 60_000;
export const MAX_PAGE_BYTES = 5 * 1024 * 1024;
/** As large as an upload may be. */
export const MAX_FILE_BYTES = 25 * 1024 * 1024;
/** More than any limit here, so that the limit is what is met. */
export const EGRESS_BYTES = MAX_FILE_BYTES + 1024 * 1024;
const MAX_REDIRECTS = 5;
const MAX_RETRY_AFTER_MS = 30_000;

const HTML = /^(text\/html|application\/xhtml\+xml)$/;
const FILES = /^(application\/pdf|text\/(plain|markdown|x-markdown|csv))$/;
export const isHtml = (mediaType: string): boolean => HTML.test(mediaType);

export interface PageRequest {
  url: string;
  /** Answered as `unchanged` when the page is still the same (RFC 9110 §13). */
  etag?: string;
  lastModified?: string;
}

export interface Page {
  kind: 'page';
  /** Where it was found in the end. */
  url: string;
  mediaType: string;
  charset: string | undefined;
  bytes: Buffer;
  /** Of `X-Robots-Tag`, all of them. */
  robots: string;
  etag?: string;
  lastModified?: string;
}

export type PageAnswer =
  | Page
  | { kind: 'unchanged'; url: string; robots: string }
  /** 404, 410. */
  | { kind: 'gone' }
  /** To another host, or from https to http. */
  | { kind: 'moved-away'; to: string }
  /** Robots.txt keeps the address out that it was sent on to. */
  | { kind: 'disallowed' }
  | { kind: 'refused'; fault: DocumentFault; detail: string }
  /** May work another time; the host is left alone for `retryAfterMs`, whoever asks. */
  | { kind: 'failed'; detail: string; retryAfterMs?: number };

/** How a host is to be asked. */
export interface Manners {
  /** Between the beginnings of two requests. */
  gapMs: number;
  /** Of addresses that a redirect leads to. */
  mayRead: (url: string) => boolean;
}

export interface PageReaderOptions {
  clock: Clock;
  /** Made with `maxBytes` of {@link EGRESS_BYTES}. */
  egress: Egress;
  pace: HostPace;
  /** `TandemBot/1.0 (+https://…)`. */
  userAgent: string;
  pageWithinMs?: number;
  fileWithinMs?: number;
}

export class PageReader {
  readonly #its: PageReaderOptions;

  constructor(options: PageReaderOptions) {
    this.#its = options;
  }

  /** Never rejects but with the signal's reason. */
  async read(request: PageRequest, manners: Manners, signal: AbortSignal): Promise<PageAnswer> {
    const { clock, pageWithinMs = PAGE_WITHIN_MS, fileWithinMs = FILE_WITHIN_MS } = this.#its;
    const scope = childOf(signal);
    let timer: { cancel(): void } | undefined;
    // Time spent waiting for a turn is not the page's.
    const begin = (withinMs: number) => {
      timer?.cancel();
      timer = clock.after(withinMs, () => scope.abort('deadline'));
    };
    const first = siteOf(request.url);
    try {
      if (!first) return { kind: 'refused', fault: 'unreachable', detail: 'It is not a web address' };
      let url = request.url;
      for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
        const step = await this.#its.pace.run(siteOf(url)?.host ?? '', manners.gapMs, signal, () => {
          if (hop === 0) begin(pageWithinMs);
          return this.#exchange(hop === 0 ? request : { url }, scope.signal, () => begin(fileWithinMs));
        });
        if (step.kind === 'failed' && step.retryAfterMs !== undefined) this.#its.pace.holdBack(siteOf(url)?.host ?? '', step.retryAfterMs);
        if (step.kind !== 'redirect') return step;
        const to = siteOf(step.to);
        if (!to || !mayMove(siteOf(url) as Site, to)) return { kind: 'moved-away', to: step.to };
        if (!manners.mayRead(step.to)) return { kind: 'disallowed' };
        url = step.to;
      }
      return { kind: 'refused', fault: 'unreachable', detail: 'It was sent on too often' };
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      if (scope.signal.aborted) return { kind: 'failed', detail: 'It did not answer in time' };
      return answerOf(thrown);
    } finally {
      timer?.cancel();
      scope.abort('done'); // whatever is still open of it is closed
    }
  }

  async #exchange(request: PageRequest, signal: AbortSignal, isFile: () => void): Promise<PageAnswer | { kind: 'redirect'; to: string }> {
    const { url, etag, lastModified } = request;
    const own = childOf(signal);
    const headers = {
      'user-agent': this.#its.userAgent,
      accept: 'text/html,application/xhtml+xml,application/pdf,text/plain,text/markdown,text/csv;q=0.9',
      ...(etag !== undefined && { 'if-none-match': etag }),
      ...(lastModified !== undefined && { 'if-modified-since': lastModified }),
    };
    try {
      const response = await this.#its.egress.fetch(url, { headers, signal: own.signal });
      const { status } = response;
      const robots = response.headers.get('x-robots-tag') ?? '';
      const location = response.headers.get('location');
      if (status === 304) return { kind: 'unchanged', url, robots };
      if (location !== null && [301, 302, 303, 307, 308].includes(status)) {
        if (!URL.canParse(location, url)) return { kind: 'failed', detail: 'It was sent on to an address that cannot be read' };
        return { kind: 'redirect', to: new URL(location, url).href };
      }
      if (status !== 200) return statusAnswer(status, retryAfter(response.headers.get('retry-after'), this.#its.clock));
      const [mediaType, charset] = typeOf(response.headers.get('content-type') ?? '');
      if (!HTML.test(mediaType) && !FILES.test(mediaType))
        return { kind: 'refused', fault: 'format-unknown', detail: `${mediaType || 'What it is'} is not read` };
      if (!HTML.test(mediaType)) isFile();
      const bytes = await bodyOf(response, HTML.test(mediaType) ? MAX_PAGE_BYTES : MAX_FILE_BYTES);
      return {
        kind: 'page',
        url,
        mediaType,
        charset,
        bytes,
        robots,
        etag: response.headers.get('etag') ?? undefined,
        lastModified: response.headers.get('last-modified') ?? undefined,
      };
    } finally {
      own.abort('done');
    }
  }

  /**
   * The bytes of a file that belongs to crawling itself (robots.txt, a sitemap), at most `maxBytes` of them; redirects are
   * followed to any host that is safe to reach.
   */
  async readPlain(
    url: string,
    limits: { maxBytes: number; gapMs: number },
    signal: AbortSignal,
  ): Promise<{ status: number; bytes: Buffer }> {
    const scope = childOf(signal);
    let timer: { cancel(): void } | undefined;
    try {
      let at = url;
      for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
        const answer = await this.#its.pace.run(siteOf(at)?.host ?? '', limits.gapMs, signal, async () => {
          timer ??= this.#its.clock.after(this.#its.pageWithinMs ?? PAGE_WITHIN_MS, () => scope.abort('deadline'));
          return this.#plain(at, limits.maxBytes, scope.signal);
        });
        if (answer.location === undefined) return answer;
        at = answer.location;
      }
      return { status: 404, bytes: Buffer.alloc(0) };
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      throw scope.signal.aborted ? new VendorError(siteOf(url)?.host ?? 'crawl', 'retryable', 'did not answer in time') : thrown;
    } finally {
      timer?.cancel();
      scope.abort('done');
    }
  }

  async #plain(url: string, maxBytes: number, signal: AbortSignal): Promise<{ status: number; bytes: Buffer; location?: string }> {
    const own = childOf(signal);
    try {
      const response = await this.#its.egress.fetch(url, { headers: { 'user-agent': this.#its.userAgent }, signal: own.signal });
      const location = response.headers.get('location');
      const none = Buffer.alloc(0);
      if (location !== null && [301, 302, 303, 307, 308].includes(response.status) && URL.canParse(location, url))
        return { status: response.status, bytes: none, location: new URL(location, url).href };
      if (response.status !== 200) return { status: response.status, bytes: none };
      return { status: 200, bytes: await bodyOf(response, maxBytes, 'cut') };
    } finally {
      own.abort('done');
    }
  }
}

/** RFC 9110 §10.2.3: seconds, or a date. */
function retryAfter(header: string | null, clock: Clock): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - clock.wall();
  return Number.isFinite(ms) ? Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms)) : undefined;
}

function statusAnswer(status: number, retryAfterMs: number | undefined): PageAnswer {
  if (status === 404 || status === 410) return { kind: 'gone' };
  if (status === 401 || status === 403 || status === 451)
    return { kind: 'refused', fault: 'forbidden', detail: `The server answers ${status}` };
  if (status === 408 || status === 429 || status >= 500) return { kind: 'failed', detail: `The server answers ${status}`, retryAfterMs };
  return { kind: 'refused', fault: 'unreachable', detail: `The server answers ${status}` };
}

function answerOf(thrown: unknown): PageAnswer {
  if (thrown instanceof TooLarge) return { kind: 'refused', fault: 'too-large', detail: 'It is larger than what is read' };
  const refused = thrown instanceof VendorError && thrown.category === 'bad-input';
  if (refused) return { kind: 'refused', fault: 'forbidden', detail: `It may not be reached: ${messageOf(thrown)}` };
  return { kind: 'failed', detail: messageOf(thrown) };
}
