/**
 * The job `crawl-source`: a site's pages become documents, its pages that are gone take theirs along, and the source's row
 * tells how far it is. `crawl-due-sources` sends it for every source whose time has come.
 */
import type { DocumentFault } from '@tandem/contract';
import type { Egress } from '#calls/tools/egress.ts';
import { childOf } from '#kit/abort.ts';
import type { Kit } from '#kit/kit.ts';
import type { Attempt, JobSender } from '#store/queue.ts';
import { Progress } from '../progress.ts';
import type { CrawlCounts, CrawlStore, SourcePlan, SourceRef } from './crawl-store.ts';
import { HostPace } from './host-pace.ts';
import { PageReader } from './page-reader.ts';
import { PageShelf } from './page-shelf.ts';
import { GAP_MS } from './robots.ts';
import { CrawlFault, SiteCrawl, type SiteOutcome, type SiteVisitor } from './site-crawl.ts';

/** Less than the queue gives it: a crawl that is cut short still says how far it came. */
const CRAWL_WITHIN_MS = 15 * 60_000;
const HOUR_MS = 3_600_000;
/** Sources sent in one go. */
const MAX_DUE = 100;

/** In robots.txt and robots rules. */
const ROBOT = 'tandembot';

export interface CrawlerOptions {
  kit: Kit;
  store: CrawlStore;
  queue: JobSender;
  /** Made with `maxBytes` of `EGRESS_BYTES` (`page-reader.ts`). */
  egress: Egress;
  /** Of Tandem, for the user agent. */
  version: string;
  /** Page that tells site owners who is crawling. */
  about: string;
  /** Documents were deleted. Must not throw. */
  changed: (businessId: string) => void;
  /** Between two requests to a host at least; 250 ms when absent. */
  gapMs?: number;
  pageWithinMs?: number;
}

export class Crawler {
  readonly #its: CrawlerOptions;
  readonly #reader: PageReader;

  /** One for the process: all its crawls share the pace of each host. */
  constructor(options: CrawlerOptions) {
    this.#its = options;
    this.#reader = new PageReader({
      clock: options.kit.clock,
      egress: options.egress,
      pace: new HostPace(options.kit.clock),
      userAgent: `TandemBot/${options.version} (+${options.about})`,
      pageWithinMs: options.pageWithinMs,
    });
  }

  /** Rejects when the job should be tried again; everything else ends in the source's row. */
  async crawlSource(ref: SourceRef, { signal, attempt, attempts }: Attempt): Promise<void> {
    const { store, kit } = this.#its;
    const plan = await store.readSource(ref);
    if (!plan) return;
    const scope = childOf(signal);
    const counts: CrawlCounts = { found: 0, read: 0, changed: 0, refused: 0 };
    const progress = new Progress<CrawlCounts>(kit.clock, async (told) => {
      if (!(await store.tellProgress(ref, told))) scope.abort('source-deleted');
    });
    try {
      if (!(await store.tellProgress(ref, counts))) return;
      const outcome = await this.#crawl(ref, plan, { counts, progress, signal: scope.signal });
      await progress.settle();
      await this.#finish(ref, plan, { ...counts, state: 'ready', detail: remarkOn(outcome, plan) });
    } catch (thrown) {
      await progress.settle();
      if (signal.aborted) throw thrown;
      if (scope.signal.aborted) return;
      if (!(thrown instanceof CrawlFault) && attempt < attempts) throw thrown;
      if (!(thrown instanceof CrawlFault)) kit.log.error({ ...ref, error: thrown }, 'a site could not be crawled');
      const [fault, detail] = faultOf(thrown);
      await this.#finish(ref, plan, { ...counts, state: 'failed', fault, detail });
    }
  }

  /** Sends a crawl of every source that is due. Resolves with their number. */
  async sendDue(): Promise<number> {
    const due = await this.#its.store.dueSources(new Date(this.#its.kit.clock.wall()), MAX_DUE);
    for (const ref of due) await this.#its.queue.send('crawl-source', ref, { singletonKey: ref.sourceId });
    return due.length;
  }

  async #crawl(
    ref: SourceRef,
    plan: SourcePlan,
    { counts, progress, signal }: { counts: CrawlCounts; progress: Progress<CrawlCounts>; signal: AbortSignal },
  ): Promise<SiteOutcome> {
    const { kit, store, queue, changed, gapMs = GAP_MS } = this.#its;
    const shelf = new PageShelf(
      {
        clock: kit.clock,
        store,
        ref,
        plan,
        enqueue: async (version) =>
          void (await queue.send('ingest-document', version, { singletonKey: `${version.documentId}:${version.version}` })),
        removed: () => changed(ref.businessId),
      },
      await store.readPages(ref),
    );
    const visitor: SiteVisitor = {
      validators: (url) => shelf.validators(url),
      storedHtml: (url) => shelf.storedHtml(url),
      onPage: (page) => shelf.keep(page),
      onUnchanged: (url) => shelf.keepUnchanged(url),
      onGone: (url) => shelf.remove(url),
      onCounts: (told) => progress.tell(Object.assign(counts, told, { changed: shelf.changed })),
    };
    const { url, maxDepth, maxPages } = plan;
    const options = {
      clock: kit.clock,
      reader: this.#reader,
      robot: ROBOT,
      url,
      maxDepth,
      maxPages,
      withinMs: CRAWL_WITHIN_MS,
      gapMs,
      visitor,
    };
    const outcome = await new SiteCrawl(options, signal).run();
    await shelf.tidy(outcome);
    counts.changed = shelf.changed;
    return outcome;
  }

  async #finish(
    ref: SourceRef,
    { everyHours }: SourcePlan,
    finished: CrawlCounts & { state: 'ready' | 'failed'; fault?: DocumentFault; detail?: string },
  ): Promise<void> {
    const now = this.#its.kit.clock.wall();
    const nextAt = everyHours === null ? null : new Date(now + everyHours * HOUR_MS);
    await this.#its.store.finishCrawl(ref, { ...finished, crawledAt: new Date(now), nextAt });
    const { state, fault, found, read, changed, refused } = finished;
    this.#its.kit.log.info({ ...ref, state, fault, found, read, changed, refused }, 'a site was crawled');
  }
}

/** What a person should know of a crawl that was cut short. */
function remarkOn({ stopped, whole }: SiteOutcome, { maxPages }: SourcePlan): string | undefined {
  switch (stopped) {
    case 'pages':
      return `The site has more than the ${maxPages} pages that are read of it`;
    case 'time':
      return `Stopped after ${CRAWL_WITHIN_MS / 60_000} minutes; pages that were read before are kept`;
    case 'failures':
      return 'The site stopped answering; pages that were read before are kept';
    default:
      return whole ? undefined : 'Some pages could not be read; what was known of them is kept';
  }
}

function faultOf(thrown: unknown): [DocumentFault, string] {
  if (thrown instanceof CrawlFault) return [thrown.fault, thrown.message];
  return ['internal-error', 'Something failed on our side; it can be tried again'];
}
