/**
 * What a crawl leaves behind: a document for each page that says something of its own. Pages that are as they were cost
 * nothing, pages that are gone take their document along.
 */
import type { Clock } from '#kit/clock.ts';
import { textOf } from './body.ts';
import type { CrawlStore, PageUpload, SourcePage, SourcePlan, SourceRef } from './crawl-store.ts';
import { isHtml } from './page-reader.ts';
import type { FoundPage, SiteOutcome } from './site-crawl.ts';

const MAX_TITLE = 300;

export interface PageShelfOptions {
  clock: Clock;
  store: CrawlStore;
  ref: SourceRef;
  plan: SourcePlan;
  /** A version waits to be read. */
  enqueue: (version: { businessId: string; documentId: string; version: number }) => Promise<void>;
  /** A document was deleted. */
  removed: () => void;
}

export class PageShelf {
  readonly #its: PageShelfOptions;
  /** As the store has them. */
  readonly #pages: Map<string, SourcePage>;
  /** Which page says it: of several that say the same, one is kept. */
  readonly #saying = new Map<string, string>();
  /** Pages of this crawl that say what another one says, by that other one. */
  readonly #twins = new Map<string, FoundPage>();
  #changed = 0;

  constructor(options: PageShelfOptions, pages: readonly SourcePage[]) {
    this.#its = options;
    this.#pages = new Map(pages.map((page) => [page.url, page]));
    for (const { url, digest } of pages) this.#saying.set(digest, url);
  }

  /** Pages that were new or different. */
  get changed(): number {
    return this.#changed;
  }

  validators(url: string): { etag?: string; lastModified?: string } | undefined {
    const known = this.#pages.get(url);
    // Without a document its text is not kept, and a 304 would say nothing.
    if (!known || known.documentId === null) return undefined;
    return { etag: known.etag ?? undefined, lastModified: known.lastModified ?? undefined };
  }

  async storedHtml(url: string): Promise<string | undefined> {
    const documentId = this.#pages.get(url)?.documentId;
    if (documentId === undefined || documentId === null) return undefined;
    const file = await this.#its.store.readPageFile(this.#its.ref.businessId, documentId);
    if (!file) return undefined;
    return isHtml(file.mediaType) ? textOf(file.bytes, undefined) : '';
  }

  async keep(page: FoundPage): Promise<void> {
    const known = this.#pages.get(page.url);
    if (known?.digest === page.digest) return this.#save(rowOf(page, known.documentId, this.#now()));
    const keeper = this.#saying.get(page.digest);
    if (keeper !== undefined && keeper !== page.url) {
      this.#twins.set(keeper, page);
      return this.remove(page.url);
    }
    if (known) this.#saying.delete(known.digest);
    this.#saying.set(page.digest, page.url);
    // A person deleted its document, and does not want it back.
    if (known?.documentId === null) return this.#save(rowOf(page, null, this.#now()));
    this.#changed++;
    await this.#put(page, known?.documentId ?? undefined);
  }

  async keepUnchanged(url: string): Promise<void> {
    const known = this.#pages.get(url);
    if (known) await this.#save({ ...known, seenAt: this.#now() });
  }

  /** Its document goes too, unless another page says the same and takes it over. */
  async remove(url: string): Promise<void> {
    const known = this.#pages.get(url);
    if (!known) return;
    const { store, ref } = this.#its;
    const heir = this.#twins.get(url);
    if (this.#saying.get(known.digest) === url) this.#saying.delete(known.digest);
    if (heir?.digest === known.digest && heir.url !== url) {
      this.#saying.set(heir.digest, heir.url);
      await this.#save(rowOf(heir, known.documentId, this.#now()));
    } else if (known.documentId !== null) {
      await store.deleteDocument(ref.businessId, known.documentId);
      this.#its.removed();
    }
    await store.removePages(ref, [url]);
    this.#pages.delete(url);
  }

  /**
   * After a whole crawl, what was not met is not there any more. After one that was cut short nobody knows; then only what
   * is beyond the source's number of pages goes, the longest unseen first.
   */
  async tidy({ whole, alive }: SiteOutcome): Promise<void> {
    const missing = [...this.#pages.values()].filter(({ url }) => !alive.has(url));
    missing.sort((a, b) => a.seenAt.getTime() - b.seenAt.getTime());
    const surplus = whole ? missing.length : Math.max(0, this.#pages.size - this.#its.plan.maxPages);
    for (const { url } of missing.slice(0, surplus)) await this.remove(url);
  }

  async #put(page: FoundPage, before: string | undefined): Promise<void> {
    const { store, ref, plan, enqueue } = this.#its;
    const { businessId } = ref;
    const upload = uploadOf(page);
    const replaced = before === undefined ? undefined : await store.replacePageDocument(businessId, before, upload);
    const made = replaced ?? { ...(await store.createPageDocument(ref, plan, page.url, upload)), fresh: true };
    try {
      await this.#save(rowOf(page, made.documentId, this.#now()));
    } catch (thrown) {
      // The source may be gone: what was made of it just now goes too.
      if (!replaced) await store.deleteDocument(businessId, made.documentId);
      throw thrown;
    }
    if (made.fresh) await enqueue({ businessId, documentId: made.documentId, version: made.version });
  }

  async #save(row: SourcePage): Promise<void> {
    await this.#its.store.savePage(this.#its.ref, row);
    this.#pages.set(row.url, row);
  }

  #now(): Date {
    return new Date(this.#its.clock.wall());
  }
}

function rowOf({ url, digest, etag, lastModified }: FoundPage, documentId: string | null, seenAt: Date): SourcePage {
  return { url, documentId, etag: etag ?? null, lastModified: lastModified ?? null, digest, seenAt };
}

function uploadOf({ url, title, mediaType, bytes }: FoundPage): PageUpload {
  const { pathname, host } = new URL(url);
  const last = pathname.split('/').findLast((segment) => segment !== '');
  const name = (last === undefined ? host : readable(last)).replace(/[\p{Cc}/\\]/gu, ' ').slice(0, 200);
  const fileName = isHtml(mediaType) && !/\.x?html?$/i.test(name) ? `${name}.html` : name;
  return { title: (title ?? name).slice(0, MAX_TITLE), fileName, mediaType, bytes };
}

function readable(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
