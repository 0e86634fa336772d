/** Where the events of a call come from: a file, this machine's journal (also while it is written), or a server's API. */
import { access, readFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import type { CallEvent } from '@tandem/contract';
import { JOURNAL_START, type JournalPosition } from '#calls/journal.ts';
import { readJournal, readLine } from '#calls/journal-segment.ts';
import { recordingPath } from '#calls/recording.ts';
import { messageOf, TandemError } from '#kit/errors.ts';
import type { Workshop } from '../commands/command.ts';

/** A call as it was journalled. */
export interface RecordedCall {
  callId: string;
  /** All of them, by `seq`. */
  events: readonly CallEvent[];
  /** In words: `journal /…/data/journal`, `http://127.0.0.1:3000`, a file's path. */
  from: string;
}

export interface CallSource {
  /** Ask this server, and nobody else. */
  url?: string;
  /** Read this file, and nothing else; it may hold several calls. */
  file?: string;
  /** Of the server's business, where the key may ask for more than one. */
  business?: string;
}

/** Names the newest call there is. */
export const LATEST = 'latest';

const ASK_WITHIN_MS = 15_000;
const END: JournalPosition = { segment: Number.MAX_SAFE_INTEGER, offset: 0 };

/**
 * The call that `name` says: an id, `latest`, or a file's path. Without a source: a file of that name, else the journal of
 * the data folder, else the server. Throws `not-found` where there is no such call, `bad-request` for a file of something
 * else, `unavailable` where the server does not answer.
 */
export async function readCall(name: string, source: CallSource, workshop: Workshop): Promise<RecordedCall> {
  if (source.file !== undefined) return readFileOf(inFolder(source.file, workshop), name, workshop);
  if (source.url !== undefined) return readServer(source.url, name, source, workshop);
  const path = inFolder(name, workshop);
  if (await exists(path)) return readFileOf(path, LATEST, workshop);
  const journal = await readJournalOf(name, workshop);
  if (journal) return journal;
  return readServer(workshop.serverUrl, name, source, workshop);
}

async function readFileOf(path: string, name: string, { signal }: Workshop): Promise<RecordedCall> {
  const bytes = await readFile(path, { signal }).catch((error: unknown) => {
    throw new TandemError('not-found', `${path} cannot be read: ${messageOf(error)}`);
  });
  return oneCall(eventsOf(bytes, path), name, path);
}

/** Lines of events (bare, or with the journal's sum before each), an array of events, or a page of the API. */
export function eventsOf(bytes: Uint8Array, path: string): CallEvent[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const whole: unknown = JSON.parse(text.toString('utf8'));
    const items: unknown = Array.isArray(whole) ? whole : (whole as { items?: unknown }).items;
    if (Array.isArray(items)) return items.filter(isEvent);
    if (isEvent(whole)) return [whole];
  } catch {
    // Not one JSON text: lines.
  }
  const events: CallEvent[] = [];
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf(0x0a, start);
    const end = found === -1 ? text.length : found;
    const line = text.subarray(start, end);
    start = end + 1;
    if (line.length === 0) continue;
    const event = line[0] === 0x7b ? parse(line) : readLine(line);
    if (event) events.push(event);
  }
  if (events.length === 0) throw new TandemError('bad-request', `${path} holds no call events`);
  return events;
}

function parse(line: Buffer): CallEvent | undefined {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    return isEvent(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isEvent(value: unknown): value is CallEvent {
  if (typeof value !== 'object' || value === null) return false;
  const { type, callId, seq } = value as Partial<CallEvent>;
  return typeof type === 'string' && typeof callId === 'string' && typeof seq === 'number';
}

function oneCall(events: readonly CallEvent[], name: string, from: string): RecordedCall {
  const callId = name === LATEST ? (events.findLast(({ type }) => type === 'call-received')?.callId ?? events.at(-1)?.callId) : name;
  const own = events.filter((event) => event.callId === callId);
  if (callId === undefined || own.length === 0) throw new TandemError('not-found', `${from} has no call ${name}`);
  return { callId, events: own.toSorted((one, other) => one.seq - other.seq), from };
}

/** Undefined where there is no journal, or none of it is about this call. */
async function readJournalOf(name: string, { dataFolder, signal }: Workshop): Promise<RecordedCall | undefined> {
  const folder = join(dataFolder, 'journal');
  if (!(await exists(folder))) return undefined;
  let callId = name === LATEST ? undefined : name;
  let events: CallEvent[] = [];
  for await (const chunk of readJournal(folder, JOURNAL_START, END)) {
    signal.throwIfAborted();
    for (const event of chunk.events) {
      if (name === LATEST && event.type === 'call-received') {
        callId = event.callId;
        events = [];
      }
      if (event.callId === callId) events.push(event);
    }
  }
  return events.length === 0 ? undefined : oneCall(events, callId ?? name, `journal ${folder}`);
}

async function readServer(url: string, name: string, { business }: CallSource, workshop: Workshop): Promise<RecordedCall> {
  const api = await serverApi(url, workshop, business);
  const callId = name === LATEST ? await newestCall(api) : name;
  const events: CallEvent[] = [];
  for (let after: number | undefined = -1; after !== undefined; ) {
    const page: { items: CallEvent[]; nextAfter?: number } = await api(
      `/api/v1/calls/${encodeURIComponent(callId)}/events?after=${after}&limit=1000`,
    );
    events.push(...page.items);
    after = page.nextAfter;
  }
  return oneCall(events, callId, url);
}

async function newestCall(api: Api): Promise<string> {
  const { items } = await api<{ items: { id: string }[] }>('/api/v1/calls?limit=1');
  if (!items[0]) throw new TandemError('not-found', 'There is no call yet');
  return items[0].id;
}

/** JSON of a path of the server's API; with `body` it is posted. */
export type Api = <T>(path: string, body?: unknown) => Promise<T>;

/** Throws `unauthenticated` without a key; its calls `not-found`, `unauthenticated`, `unavailable`. */
export async function serverApi(url: string, workshop: Workshop, business?: string): Promise<Api> {
  const ask = await asker(url, workshop, business);
  return async <T>(path: string, body?: unknown): Promise<T> => (await (await ask(path, body)).json()) as T;
}

/** The stereo recording of a call, a WAV file: of this machine's data folder, else of the server. Throws like {@link serverApi}. */
export async function readRecording(
  { callId, events }: RecordedCall,
  { url, business }: CallSource,
  workshop: Workshop,
): Promise<Uint8Array> {
  const path = recordingPath(join(workshop.dataFolder, 'recordings'), events[0]?.businessId ?? '', callId);
  const here = url === undefined ? await readFile(path).catch(() => undefined) : undefined;
  if (here) return here;
  const ask = await asker(url ?? workshop.serverUrl, workshop, business);
  return new Uint8Array(await (await ask(`/api/v1/calls/${encodeURIComponent(callId)}/recording`)).arrayBuffer());
}

async function asker(url: string, workshop: Workshop, business: string | undefined) {
  const key = await workshop.apiKey();
  if (key === undefined) {
    throw new TandemError('unauthenticated', `${url} wants a key: set TANDEM_ADMIN_KEY, or run this where its data folder is`);
  }
  const headers = { authorization: `Bearer ${key}`, ...(business === undefined ? {} : { 'tandem-business': business }) };
  return async (path: string, body?: unknown): Promise<Response> => {
    const signal = AbortSignal.any([workshop.signal, AbortSignal.timeout(ASK_WITHIN_MS)]);
    const posted = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const response = await fetch(new URL(path, url), { headers: { ...headers, ...type }, signal, ...posted }).catch((error: unknown) => {
      workshop.signal.throwIfAborted();
      throw new TandemError('unavailable', `${url} does not answer: ${messageOf(error)}`);
    });
    if (response.ok) return response;
    const problem = (await response.json().catch(() => ({}))) as { detail?: string };
    const what = problem.detail ?? `status ${response.status}`;
    if (response.status === 404) throw new TandemError('not-found', `${url}: ${what}`);
    if (response.status === 401 || response.status === 403) throw new TandemError('unauthenticated', `${url}: ${what}`);
    throw new TandemError('unavailable', `${url}${path}: ${what}`);
  };
}

function inFolder(path: string, { folder }: Workshop): string {
  return isAbsolute(path) ? path : resolve(folder, path);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
