/** What reading a document asks of the store. Every write names the version: a newer one or a deletion wins. */
import type { DocumentFault, DocumentState } from '@tandem/contract';
import type { Kit } from '#kit/kit.ts';
import type { Database } from '#store/database.ts';
import {
  failDocument,
  putDocumentInUse,
  type ReadVersion,
  readWaitingVersion,
  tellDocumentState,
  type VersionRef,
  type WaitingVersion,
} from '#store/document-versions.ts';
import { readStoredDigests, saveEmbeddings } from '#store/embeddings.ts';

export type { PassageInput, ReadVersion, VersionRef, WaitingVersion } from '#store/document-versions.ts';

export interface StateOfReading {
  state: DocumentState;
  /** 0…1 of that state. */
  progress: number;
  detail?: string;
}

export interface IngestionStore {
  /** Undefined when the document is gone. */
  readUpload(ref: VersionRef): Promise<WaitingVersion | undefined>;
  /** False when the document is gone or a newer version has come: nothing was written. */
  tellState(ref: VersionRef, state: StateOfReading): Promise<boolean>;
  /** Of the digests, those that have a vector of this embedder. */
  storedDigests(businessId: string, embedder: string, digests: readonly string[]): Promise<ReadonlySet<string>>;
  /** Saving one twice changes nothing. */
  saveEmbeddings(businessId: string, embedder: string, made: readonly { digest: string; vector: Float32Array }[]): Promise<void>;
  /** In one transaction the version's passages come in, it goes live, older passages and files go. False as above. */
  goLive(ref: VersionRef, read: ReadVersion): Promise<boolean>;
  /** The version cannot be read; the one before it stays in use. False as above. */
  fail(ref: VersionRef, fault: DocumentFault, detail: string): Promise<boolean>;
}

export function ingestionStoreOf(database: Database, kit: Kit): IngestionStore {
  return {
    readUpload: (ref) => readWaitingVersion(database, ref),
    tellState: (ref, state) => tellDocumentState(database, kit, ref, state),
    storedDigests: (businessId, embedder, digests) => readStoredDigests(database, businessId, embedder, digests),
    saveEmbeddings: (businessId, embedder, made) => saveEmbeddings(database, kit, businessId, embedder, made),
    goLive: (ref, read) => putDocumentInUse(database, kit, ref, read),
    fail: (ref, fault, detail) => failDocument(database, kit, ref, fault, detail),
  };
}
