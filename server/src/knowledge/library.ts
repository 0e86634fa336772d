/** The terms of retrieval: what is known, what is asked, and what an answer of the library is worth. */
import type { Confidence, KnowledgeScope, Verdict } from '@tandem/contract';
import type { ModelPassage } from '#models/language-model.ts';

/** A piece of what a business knows: of a document, or one phrasing of an approved question. */
export interface PassageRecord {
  /** Unique in the business: `<documentId>#<index>`, `<questionId>#<index>`. */
  id: string;
  /** Of the document or the question. */
  documentId: string;
  base: string;
  /** Title and headings above it. */
  title: string;
  text: string;
  /** Approved answer; only of a question. */
  answer?: string;
  language: string;
  tags: readonly string[];
  audience: string;
  /** Unit length; without one it is found by its words only. */
  vector?: Float32Array;
}

export interface LibraryQuery {
  /** The caller's words. */
  text: string;
  scope?: Partial<KnowledgeScope>;
  /** 5 when absent. */
  limit?: number;
  /** What was said before, newest last: a follow-up such as "and on Sunday?" takes its subject from there. */
  history?: readonly string[];
  signal?: AbortSignal;
}

export interface Retrieval {
  /** Best first. */
  passages: ModelPassage[];
  /** `verdict` is `answer`. */
  answerable: boolean;
  /** Somebody has written an answer to this very question (same words, or same meaning with equal slots): spoken as it stands. */
  approved?: ModelPassage;
  /** The same for the other questions, where several were asked in one breath and all have such an answer; in their order. */
  approvedToo?: ModelPassage[];
  /** Of several questions in one breath, those that nothing answers. */
  unanswered?: string[];
  verdict?: Verdict;
  confidence?: Confidence;
}

/** Looks things up for calls. Must not touch a database on the sound path; what it throws counts as "nothing found". */
export interface Library {
  search(businessId: string, query: LibraryQuery): Retrieval | Promise<Retrieval>;
}
