/** Files on their way to the server. They go on while another screen is looked at; two at a time, the rest wait. */
import type { DocumentWithText } from '@tandem/contract';
import { useSyncExternalStore } from 'react';
import { ApiError } from '../../lib/api.ts';
import { uploadFile } from '../../lib/upload.ts';
import { faultInWords, MOST_FILE_BYTES } from './document-words.ts';

export type Upload = {
  key: number;
  file: File;
  /** The document whose file it replaces; a new document when undefined. */
  documentId: string | undefined;
  fields: Readonly<Record<string, string>>;
  state: 'waiting' | 'sending' | 'failed';
  /** Share of its bytes that has left. */
  sent: number;
  fault: string | undefined;
  /** Whether the same file may fare better. */
  again: boolean;
};

const AT_ONCE = 2;
/** The server is busy with other uploads: it is asked again, so often. */
const BUSY_TRIES = 20;
const BUSY_WAIT_MS = 1_500;
/** Refused for what the file is, not for when it came. */
const FINAL: ReadonlySet<string> = new Set(['format-unknown', 'too-large', 'invalid-input', 'not-found']);

let made = 0;
let uploads: readonly Upload[] = [];
const listeners = new Set<() => void>();
const sending = new Map<number, AbortController>();
const arrivals = new Map<number, () => Promise<void>>();

function keep(next: readonly Upload[]): void {
  uploads = next;
  for (const listener of listeners) listener();
}

const change = (key: number, part: Partial<Upload>): void =>
  keep(uploads.map((upload) => (upload.key === key ? { ...upload, ...part } : upload)));

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function send({ key, file, documentId, fields }: Upload): Promise<void> {
  const stop = new AbortController();
  sending.set(key, stop);
  change(key, { state: 'sending', sent: 0, fault: undefined });
  const target =
    documentId === undefined
      ? ({ method: 'POST', path: '/documents' } as const)
      : ({ method: 'PUT', path: `/documents/${encodeURIComponent(documentId)}/file` } as const);
  try {
    for (let tries = 1; ; tries++) {
      try {
        await uploadFile<DocumentWithText>({ ...target, file, fields, signal: stop.signal, onProgress: (sent) => change(key, { sent }) });
        break;
      } catch (error) {
        const busy = error instanceof ApiError && error.code === 'unavailable';
        if (!busy || tries >= BUSY_TRIES || stop.signal.aborted) throw error;
        await pause(BUSY_WAIT_MS);
      }
    }
    // The list knows it before the line here goes away: nothing vanishes in between.
    await arrivals.get(key)?.();
    dropUpload(key);
  } catch (error) {
    const code = error instanceof ApiError ? error.code : '';
    const said = error instanceof Error ? error.message : 'It could not be sent.';
    // Where the server knows better what to do, it has said so.
    const fault = code === 'format-unknown' && !said.includes('can be read') ? `${said} ${faultInWords(code).advice}` : said;
    if (code !== 'cancelled') change(key, { state: 'failed', fault, again: !FINAL.has(code) });
  } finally {
    sending.delete(key);
    next();
  }
}

function next(): void {
  for (const upload of uploads) {
    if (sending.size >= AT_ONCE) return;
    if (upload.state === 'waiting' && !sending.has(upload.key)) void send(upload);
  }
}

type Order = { documentId?: string; fields?: Readonly<Record<string, string>>; arrived: () => Promise<void> };

/** Sends the files, in order; `arrived` is called as each is on the server. */
export function upload(files: readonly File[], { documentId, fields = {}, arrived }: Order): void {
  const added = files.map((file): Upload => {
    const tooLarge = file.size > MOST_FILE_BYTES;
    const fault = tooLarge ? 'It is larger than 25 MB.' : file.size === 0 ? 'The file is empty.' : undefined;
    const key = ++made;
    arrivals.set(key, arrived);
    return { key, file, documentId, fields, state: fault ? 'failed' : 'waiting', sent: 0, fault, again: false };
  });
  keep([...uploads, ...added]);
  next();
}

export function retryUpload(key: number): void {
  change(key, { state: 'waiting', fault: undefined });
  next();
}

/** Stops it if it is under way, and forgets it. */
export function dropUpload(key: number): void {
  sending.get(key)?.abort();
  arrivals.delete(key);
  keep(uploads.filter((each) => each.key !== key));
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};

export const useUploads = (): readonly Upload[] => useSyncExternalStore(subscribe, () => uploads);
