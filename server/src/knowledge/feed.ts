/** Where a library gets what it knows: versions of everything first, passages of what is new, from whoever keeps the rows. */
import type { PassageRecord } from './library.ts';

/** A document or an approved question, and what is searched of it: another version is another text, or other metadata. */
export interface CatalogueItem {
  id: string;
  version: string;
}

/** All that a business knows at one revision. */
export interface Catalogue {
  revision: number;
  items: CatalogueItem[];
}

export interface KnowledgeFeed {
  catalogue(businessId: string): Promise<Catalogue>;
  /** Live passages of these items, with the vectors of `embedder` where they are stored. Items that have gone are left out. */
  passages(businessId: string, itemIds: readonly string[], embedder: string): Promise<PassageRecord[]>;
  /** Vectors that were missing, to be stored. */
  keepVectors(businessId: string, embedder: string, vectors: readonly { text: string; vector: Float32Array }[]): Promise<void>;
}

/** What is embedded of a passage: an approved question by its phrasing, anything else under its title. */
export function embeddedText({ title, text, answer }: Pick<PassageRecord, 'title' | 'text' | 'answer'>): string {
  return answer === undefined ? `${title}\n${text}` : text;
}
