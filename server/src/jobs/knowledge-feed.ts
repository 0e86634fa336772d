/** What the knowledge thread asks the office: rows of the database, which it never opens itself. */
import type { Handlers } from '#kit/remote.ts';
import type { Kit } from '#kit/kit.ts';
import type { FeedQuestions } from '#knowledge/desk-link.ts';
import { readCatalogue, readSearched } from '#store/catalogue.ts';
import type { Database } from '#store/database.ts';
import { addEmbeddingUsage } from '#store/embedding-usage.ts';
import { digestOf, saveEmbeddings } from '#store/embeddings.ts';

export function knowledgeFeed(database: Database, kit: Kit): Handlers<FeedQuestions> {
  return {
    catalogue: ({ businessId }) => readCatalogue(database, businessId),
    passages: ({ businessId, itemIds, embedder }) => readSearched(database, businessId, itemIds, embedder),
    keepVectors: async ({ businessId, embedder, vectors }) => {
      const made = vectors.map(({ text, vector }) => ({ digest: digestOf(text), vector }));
      await saveEmbeddings(database, kit, businessId, embedder, made);
      return null;
    },
    embedded: async ({ uses }) => {
      await addEmbeddingUsage(database, uses, new Date(kit.clock.wall()));
      return null;
    },
  };
}
