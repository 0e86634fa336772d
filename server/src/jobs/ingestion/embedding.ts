/** Passages get their vectors: only those whose text has none yet, a batch at a time, saved as they come. */
import { VendorError } from '#kit/errors.ts';
import { embeddedText } from '#knowledge/feed.ts';
import type { IngestionStore, PassageInput } from './ingestion-store.ts';

/** Who makes vectors; in the product, the knowledge thread. */
export interface DocumentEmbedder {
  /** Vectors of different names never meet. */
  readonly name: string;
  /** One unit vector per text, in order. Rejects with `VendorError`, or with the signal's reason. */
  embed(businessId: string, texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]>;
}

const BATCH = 64;
/** Digests asked for in one query. */
const LOOK_UP = 1_000;

/** True when the same request may work later: everything but what the provider refuses for good. */
export function isWorthRetrying(thrown: unknown): boolean {
  return !(thrown instanceof VendorError && ['auth', 'bad-input', 'permanent'].includes(thrown.category));
}

export interface EmbeddingWork {
  store: Pick<IngestionStore, 'storedDigests' | 'saveEmbeddings'>;
  embedder: DocumentEmbedder;
  businessId: string;
  passages: readonly PassageInput[];
  /** 0…1, after each batch. */
  progress: (share: number) => void;
  signal: AbortSignal;
}

/**
 * Resolves with the number of passages whose text the embedder does not take: they are found by their words. Rejects as the
 * embedder does; what was made until then is kept.
 */
export async function embedPassages(work: EmbeddingWork): Promise<number> {
  const { store, embedder, businessId, signal } = work;
  const texts = new Map<string, string>();
  for (const passage of work.passages) texts.set(passage.digest, embeddedText(passage));
  const digests = [...texts.keys()];
  for (let at = 0; at < digests.length; at += LOOK_UP) {
    const stored = await store.storedDigests(businessId, embedder.name, digests.slice(at, at + LOOK_UP));
    for (const digest of stored) texts.delete(digest);
  }
  const missing = [...texts];
  let refused = 0;
  for (let at = 0; at < missing.length; at += BATCH) {
    const batch = missing.slice(at, at + BATCH);
    const vectors = await embedBatch(work, batch);
    signal.throwIfAborted();
    refused += batch.length - vectors.length;
    await store.saveEmbeddings(businessId, embedder.name, vectors);
    work.progress(Math.min(1, (at + batch.length) / missing.length));
  }
  return refused;
}

type Keyed = readonly [digest: string, text: string];

/** Halves a batch that is refused as it is, down to the text that is refused, which is left out. */
async function embedBatch(work: EmbeddingWork, batch: readonly Keyed[]): Promise<{ digest: string; vector: Float32Array }[]> {
  try {
    const vectors = await work.embedder.embed(
      work.businessId,
      batch.map(([, text]) => text),
      work.signal,
    );
    if (vectors.length !== batch.length) throw new VendorError(work.embedder.name, 'permanent', 'did not answer with one vector per text');
    return batch.map(([digest], index) => ({ digest, vector: vectors[index] }));
  } catch (thrown) {
    if (!(thrown instanceof VendorError) || thrown.category !== 'bad-input') throw thrown;
    if (batch.length === 1) return [];
    const half = batch.length >> 1;
    return [...(await embedBatch(work, batch.slice(0, half))), ...(await embedBatch(work, batch.slice(half)))];
  }
}
