/** The daily job `sweep-knowledge`: vectors that nothing uses, and examples of gaps beyond the bound. */
import type { Kit } from '#kit/kit.ts';
import { embeddedText } from '#knowledge/feed.ts';
import { listBusinesses } from '#store/businesses.ts';
import type { Database } from '#store/database.ts';
import { digestOf, sweepEmbeddings } from '#store/embeddings.ts';
import { sweepGapExamples } from '#store/gaps.ts';
import { readQuestions } from '#store/questions.ts';

/** A vector just made may belong to passages that are not in use yet. */
const SPARED_MS = 24 * 3_600_000;
/** More than a person is shown: their texts become phrasings. */
const EXAMPLES_KEPT = 50;
const PAGE = 100;

export interface SweepOptions {
  kit: Kit;
  database: Database;
  /** Names of the embedders in use; vectors of every other go. */
  embedders: () => readonly string[];
}

/** Resolves with what was deleted. Files of old versions need no sweep: a version that goes live takes them away. */
export async function sweepKnowledge(its: SweepOptions, signal: AbortSignal): Promise<{ embeddings: number; gapExamples: number }> {
  const { kit, database } = its;
  const before = new Date(kit.clock.wall() - SPARED_MS);
  const swept = { embeddings: 0, gapExamples: 0 };
  let cursor: string | undefined;
  do {
    const page = await listBusinesses(database, { limit: PAGE, cursor });
    for (const { id } of page.items) {
      signal.throwIfAborted();
      const questions = await readQuestions(database, id);
      const keep = questions.flatMap(({ phrasings, answer }) =>
        phrasings.map((phrasing) => digestOf(embeddedText({ title: phrasings[0], text: phrasing, answer }))),
      );
      swept.embeddings += await sweepEmbeddings(database, id, { embedders: its.embedders(), keep, before });
    }
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  signal.throwIfAborted();
  swept.gapExamples = await sweepGapExamples(database, EXAMPLES_KEPT);
  kit.log.info(swept, 'knowledge was swept');
  return swept;
}
