/**
 * The job `ingest-document`: one upload of one document becomes passages that can be found.
 *
 * ```
 *  waiting ─▶ extracting ─▶ cutting ─▶ embedding ─▶ ready          one transaction brings the passages in
 *     ▲           │            │           │
 *     │           └────────────┴──▶ failed │                       the version before stays in use
 *     └──────────(provider away: again)────┘ no tries left: ready, found by words only
 * ```
 * Run twice it does the same; the newest upload is read, and a deletion ends it quietly.
 */
import type { DocumentFault, DocumentFormat } from '@tandem/contract';
import { childOf, isCancelled, untilAborted } from '#kit/abort.ts';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { type Extract, ExtractionError } from '#knowledge/extraction/extraction.ts';
import { embeddedText } from '#knowledge/feed.ts';
import { passagesOf } from '#knowledge/passages.ts';
import { Progress } from '../progress.ts';
import { digestOf } from '#store/embeddings.ts';
import type { Attempt } from '#store/queue.ts';
import { type DocumentEmbedder, embedPassages, isWorthRetrying } from './embedding.ts';
import type { IngestionStore, PassageInput, ReadVersion, StateOfReading, VersionRef, WaitingVersion } from './ingestion-store.ts';

/** To read a document, without its vectors. The extraction has limits of its own inside this. */
const READ_WITHIN_MS = 5 * 60_000;
/** To embed it, in one attempt: what was made is kept for the next. */
const EMBED_WITHIN_MS = 10 * 60_000;
/** Cut in pieces of about a millisecond: the office has other things to do. */
const PASSAGES_PER_PIECE = 100;
const MAX_DETAIL = 500;

export interface IngestionOptions {
  kit: Kit;
  store: IngestionStore;
  extract: Extract;
  /** Absent: passages are found by their words. */
  embedder?: DocumentEmbedder;
  /** What is searched has changed. Must not throw. */
  changed: (businessId: string) => void;
}

/** Rejects when the job should be tried again; everything else ends in the document's state. */
export async function ingestDocument(its: IngestionOptions, sent: VersionRef, attempt: Attempt): Promise<void> {
  const upload = await its.store.readUpload(sent);
  if (!upload || upload.version < sent.version || isDone(upload)) return;
  // A newer upload wins: its own job may have been joined with this one.
  const ref = { ...sent, version: upload.version };
  const progress = new Progress<StateOfReading>(its.kit.clock, (state) => its.store.tellState(ref, state));
  try {
    const read = await readVersion(its, ref, upload, { attempt, progress });
    const embedded = read && (await embedVersion(its, ref, read, { attempt, progress }));
    await progress.settle();
    if (embedded && (await its.store.goLive(ref, embedded))) its.changed(ref.businessId);
  } catch (thrown) {
    await progress.settle();
    await settleFailure(its, ref, thrown, attempt);
  }
}

/** A version that went live is done, unless it lacks vectors. */
function isDone(upload: WaitingVersion): boolean {
  return upload.liveVersion === upload.version && upload.state === 'ready' && upload.fault === undefined;
}

interface Stage {
  attempt: Attempt;
  progress: Progress<StateOfReading>;
}

/** Undefined when the document is gone or a newer version has come. */
async function readVersion(its: IngestionOptions, ref: VersionRef, upload: WaitingVersion, stage: Stage): Promise<ReadVersion | undefined> {
  const scope = childOf(stage.attempt.signal);
  const timer = its.kit.clock.after(READ_WITHIN_MS, () => scope.abort('deadline'));
  try {
    if (!(await its.store.tellState(ref, { state: 'extracting', progress: 0 }))) return undefined;
    const told = (share: number) => {
      if (!scope.signal.aborted) stage.progress.tell({ state: 'extracting', progress: clamp(share) });
    };
    const extracted = await extractText(its, upload, scope.signal, told);
    await stage.progress.settle();
    if (!(await its.store.tellState(ref, { state: 'cutting', progress: 0 }))) return undefined;
    const passages = await cut(its, { id: ref.documentId, title: upload.title, text: extracted.text }, scope.signal);
    if (passages.length === 0) throw new ExtractionError('no-text', 'There is no text in it');
    return { ...extracted, passages };
  } catch (thrown) {
    if (scope.signal.aborted && !stage.attempt.signal.aborted)
      throw new ExtractionError('too-slow', `It could not be read within ${READ_WITHIN_MS / 60_000} minutes`, thrown);
    throw thrown;
  } finally {
    timer.cancel();
  }
}

async function extractText(
  its: IngestionOptions,
  { content }: WaitingVersion,
  signal: AbortSignal,
  progress: (share: number) => void,
): Promise<{ format: DocumentFormat; text: string; pages?: number }> {
  if ('text' in content) return { format: content.format, text: content.text };
  const { format, text, pages } = await untilAborted(its.extract(content, { signal, progress }), signal);
  return { format, text, pages };
}

async function cut(
  its: IngestionOptions,
  document: { id: string; title: string; text: string },
  signal: AbortSignal,
): Promise<PassageInput[]> {
  const passages: PassageInput[] = [];
  for (const { title, text } of passagesOf(document)) {
    passages.push({ title, text, digest: digestOf(embeddedText({ title, text })) });
    if (passages.length % PASSAGES_PER_PIECE === 0) await its.kit.clock.sleep(0, signal);
  }
  signal.throwIfAborted();
  return passages;
}

/** The version with the vectors made for it, or with what is to be said of those that could not be made. */
async function embedVersion(its: IngestionOptions, ref: VersionRef, read: ReadVersion, stage: Stage): Promise<ReadVersion | undefined> {
  const { kit, store, embedder } = its;
  if (!embedder) return read;
  if (!(await store.tellState(ref, { state: 'embedding', progress: 0 }))) return undefined;
  const scope = childOf(stage.attempt.signal);
  const timer = kit.clock.after(EMBED_WITHIN_MS, () => scope.abort('deadline'));
  try {
    const refused = await embedPassages({
      store,
      embedder,
      businessId: ref.businessId,
      passages: read.passages,
      progress: (share) => stage.progress.tell({ state: 'embedding', progress: share }),
      signal: scope.signal,
    });
    if (refused === 0) return read;
    return { ...read, fault: 'embedding-failed', detail: byWords(`${refused} of ${read.passages.length} passages were not taken`) };
  } catch (thrown) {
    if (stage.attempt.signal.aborted) throw thrown;
    const again = isWorthRetrying(thrown) && stage.attempt.attempt < stage.attempt.attempts;
    const why = scope.signal.aborted ? 'the embedding service took too long' : messageOf(thrown);
    kit.log.warn({ ...ref, reason: why, again }, 'a document could not be embedded');
    if (again) throw new TryAgain(`The embedding service did not answer and will be asked again: ${why}`, thrown);
    return { ...read, fault: 'embedding-failed', detail: byWords(why) };
  } finally {
    timer.cancel();
  }
}

/** The queue tries again later; what to say in the meantime. */
class TryAgain extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'TryAgain';
  }
}

/** Writes what became of the document; rejects where the queue should try again. */
async function settleFailure(its: IngestionOptions, ref: VersionRef, thrown: unknown, attempt: Attempt): Promise<void> {
  if (attempt.signal.aborted) throw thrown;
  if (thrown instanceof TryAgain) {
    await its.store.tellState(ref, { state: 'waiting', progress: 0, detail: thrown.message.slice(0, MAX_DETAIL) });
    throw thrown;
  }
  if (thrown instanceof ExtractionError) return fail(its, ref, thrown.fault, thrown.message);
  if (isCancelled(thrown) || attempt.attempt < attempt.attempts) throw thrown;
  its.kit.log.error({ ...ref, error: thrown }, 'a document could not be read');
  await fail(its, ref, 'internal-error', 'Something failed on our side; it can be tried again');
}

async function fail({ store, kit }: IngestionOptions, ref: VersionRef, fault: DocumentFault, detail: string): Promise<void> {
  kit.log.info({ ...ref, fault }, 'a document was refused');
  await store.fail(ref, fault, detail.slice(0, MAX_DETAIL));
}

const byWords = (why: string): string => `Found by its words only: ${why}`.slice(0, MAX_DETAIL);
const clamp = (share: number): number => Math.min(1, Math.max(0, share));
