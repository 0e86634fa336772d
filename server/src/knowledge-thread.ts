/**
 * The knowledge thread: embedders, the vector index and the search of what all businesses know, away from the calls' sound
 * and from the office's requests. Started by `office.ts` as a worker.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { embedderUsage, readPrices } from '#calls/prices.ts';
import { TandemError } from '#kit/errors.ts';
import { systemKit } from '#kit/kit.ts';
import type { LogLevel } from '#kit/log.ts';
import { KnowledgeDesk } from '#knowledge/desk.ts';
import type { Embedder } from '#models/embedder.ts';
import { EmbeddingBatcher } from '#models/embedding-batcher.ts';
import type { VectorIndex } from '#vectors/vector-index.ts';
import { modelVendors, vectorVendors } from './catalog.ts';

/** What `office.ts` hands over when it starts the thread. */
export interface KnowledgeThreadSettings {
  dataFolder: string;
  logLevel: LogLevel;
  /** Name of a vector room. */
  vectors: string;
  /** Name of an embedder; the first one installed when undefined. */
  embedder: string | undefined;
  /** Path of a price file; the built-in list prices without one. */
  prices: string | undefined;
  vendors: Record<string, Record<string, unknown>>;
}

const settings = workerData as KnowledgeThreadSettings;
const port = parentPort;
if (!port) throw new Error('knowledge-thread.ts runs as a worker of office.ts');
const kit = systemKit(settings.logLevel, { part: 'knowledge' });

async function openEmbedder(): Promise<Embedder> {
  for (const vendor of modelVendors) {
    const embedder = await vendor.embedder?.(settings.vendors[vendor.name], kit);
    if (embedder && (settings.embedder === undefined || settings.embedder === embedder.name || settings.embedder === vendor.name))
      return embedder;
  }
  throw new TandemError('setting-invalid', `TANDEM_EMBEDDER names ${settings.embedder ?? 'none'}, which is not installed`);
}

async function openIndex(): Promise<VectorIndex> {
  const vendor = vectorVendors.find(({ name }) => name === settings.vectors);
  const index = await vendor?.vectorIndex(settings.vendors[settings.vectors], { kit, folder: `${settings.dataFolder}/vectors` });
  if (!index) throw new TandemError('setting-invalid', `TANDEM_VECTORS names ${settings.vectors}, which is not usable as configured`);
  return index;
}

try {
  const prices = await readPrices(settings.prices);
  const chosen = await openEmbedder();
  const embedder = new EmbeddingBatcher(kit, chosen, {
    costOf: (tokens) => prices.priceOf(embedderUsage(chosen.name, tokens)),
    onUsage: (use) => desk.embedded(use),
  });
  const desk = new KnowledgeDesk(port, {
    kit,
    index: await openIndex(),
    embedder,
    embedding: () => embedder.counts,
    stopped: () => process.exit(0),
  });
  kit.log.info({ embedder: embedder.name, vectors: settings.vectors, loaded: desk.library.loaded.length }, 'knowledge is open');
  port.postMessage({ type: 'ready' });
} catch (error) {
  const code = error instanceof TandemError ? error.code : 'internal-error';
  port.postMessage({ type: 'failed', code, message: error instanceof Error ? error.message : String(error) });
  port.close();
}
