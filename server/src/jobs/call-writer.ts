/**
 * Fills the database from the journal, in batches by (callId, seq). Runs in the office. Events that are durable are
 * pushed; while the database does not keep up or is down only the position is remembered, and the journal's files are
 * read again afterwards. Writing a batch twice changes nothing.
 */
import type { CallEvent } from '@tandem/contract';
import { isBefore, JOURNAL_START, type JournalPosition } from '#calls/journal.ts';
import { readJournal } from '#calls/journal-segment.ts';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { readCursor, readEventsOfCalls, writeBatch } from '#store/call-events.ts';
import { type Database, isDataFault } from '#store/database.ts';
import { beginCall, type CallProjection, foldEvent, projectCalls } from '#store/projection.ts';

/**
 * Between two batches, so that quiet times cost few transactions. Longer with more calls on the line: a call's rows are
 * written once for all that happened to them meanwhile, and a batch's own cost is shared by more. Live screens do not wait.
 */
const LINGER_MS = { least: 250, perCall: 4, most: 1_000 };
/** Pushed events held at most; more than that is read back from the files. */
const MAX_QUEUED_EVENTS = 20_000;
const MAX_BATCH_EVENTS = 5_000;
/** Calls remembered at most; one that was forgotten is read back from its rows. */
const MAX_KNOWN_CALLS = 5_000;
const RETRY_FIRST_MS = 250;
const RETRY_MOST_MS = 5_000;
const MARK_EVERY_MS = 100;
const MAX_MARKS = 600;

export interface CallWriterOptions {
  database: Database;
  kit: Kit;
  /** Folder and name of the journal (`FileJournal.name`). */
  journal: { folder: string; name: string };
  /** After each batch written. `lagMs`: how long the oldest event not yet written has been waiting. */
  onBatch?: (batch: { events: number; tookMs: number; lagMs: number }) => void;
  /** After the cursor has moved on to another segment: the ones before are not needed any more. */
  onSegmentDone?: (position: JournalPosition) => void;
}

/**
 * ```
 *  starting ──cursor read──▶ behind ──journal read to its durable end──▶ live ──stop──▶ stopped
 *     ▲                        ▲  │ reads chunks of the files             │ takes what was pushed
 *     └──pause──(failed)───────┴──┴─────────(failed, or too much pushed)──┘
 * ```
 */
export class CallWriter {
  readonly #its: CallWriterOptions;
  readonly #known = new Map<string, CallProjection>();
  readonly #marks: { position: JournalPosition; at: number }[] = [];
  readonly #pushed = { events: [] as CallEvent[], position: JOURNAL_START };
  readonly #progress = { mode: 'starting' as 'starting' | 'behind' | 'live', failures: 0, rejected: 0 };
  #cursor: JournalPosition = JOURNAL_START;
  /** Ends the present pause early. */
  #wake: (() => void) | undefined;
  #lingering = false;
  #flushes: { position: JournalPosition; done: () => void }[] = [];
  #stopping = false;
  #running: Promise<void> | undefined;

  constructor(options: CallWriterOptions) {
    this.#its = options;
  }

  /** Begins to write, from the database's cursor to `end` (the journal's durable end) and on. Does not wait. */
  start(end: JournalPosition): void {
    this.#note(end);
    this.#running ??= this.#run();
  }

  /** Events that are durable, in order; `position` is the place after them. Never blocks, never throws. */
  push(events: readonly CallEvent[], position: JournalPosition): void {
    this.#note(position);
    if (this.#progress.mode === 'live') {
      if (this.#pushed.events.length + events.length > MAX_QUEUED_EVENTS) this.#fallBehind();
      else for (const event of events) this.#pushed.events.push(event);
    }
    if (this.#progress.failures === 0) this.#wakeIdle();
  }

  /** True while the database refuses: the journal holds what is missing there. */
  get degraded(): boolean {
    return this.#progress.failures > 0;
  }

  /** Events the database would never take, left out after their batch was tried piece by piece. */
  get rejected(): number {
    return this.#progress.rejected;
  }

  /** Place up to which the database is written. */
  get cursor(): JournalPosition {
    return this.#cursor;
  }

  /** How long the oldest event that is not yet in the database has been waiting, to 100 ms. */
  get lagMs(): number {
    const oldest = this.#marks[0];
    return oldest === undefined ? 0 : this.#its.kit.clock.now() - oldest.at;
  }

  /** Resolves when everything pushed before is in the database (which waits as long as it is down). */
  flush(): Promise<void> {
    if (this.#isWritten(this.#pushed.position)) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#flushes.push({ position: this.#pushed.position, done: resolve });
    this.#wake?.();
    return promise;
  }

  /** Writes what was pushed and stops; at the first failure, or after `withinMs`, the rest waits for the next start. */
  async stop(withinMs = 5_000): Promise<void> {
    this.#stopping = true;
    this.#wake?.();
    const late = Promise.withResolvers<void>();
    const timer = this.#its.kit.clock.after(withinMs, () => late.resolve());
    await Promise.race([this.#running, late.promise]);
    timer.cancel();
  }

  #isWritten(position: JournalPosition): boolean {
    return this.#progress.mode !== 'starting' && !isBefore(this.#cursor, position);
  }

  #note(position: JournalPosition): void {
    this.#pushed.position = position;
    const now = this.#its.kit.clock.now();
    const last = this.#marks.at(-1);
    if (this.#isWritten(position)) return;
    if (last && (this.#marks.length >= MAX_MARKS || now - last.at < MARK_EVERY_MS)) last.position = position;
    else this.#marks.push({ position, at: now });
  }

  #fallBehind(): void {
    this.#pushed.events = [];
    if (this.#progress.mode === 'live') this.#progress.mode = 'behind';
  }

  async #run(): Promise<void> {
    while (!(this.#stopping && this.#isWritten(this.#pushed.position))) {
      try {
        await this.#advance();
      } catch (thrown) {
        this.#fallBehind();
        if (this.#progress.failures++ === 0) {
          this.#its.kit.log.error({ part: 'call-writer', reason: messageOf(thrown) }, 'calls cannot be written; their journal is kept');
        }
        if (this.#stopping) return;
        const ceiling = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** (this.#progress.failures - 1));
        await this.#pause(ceiling * (0.5 + this.#its.kit.random.next() / 2));
        continue;
      }
      if (this.#progress.mode !== 'live' || this.#stopping) continue;
      if (this.#isWritten(this.#pushed.position)) await this.#pause(undefined);
      if (this.#flushes.length === 0 && !this.#stopping)
        await this.#pause(Math.min(LINGER_MS.most, Math.max(LINGER_MS.least, LINGER_MS.perCall * this.#known.size)));
    }
  }

  /** Waits, at most so long (undefined: until something is pushed), for a push, a flush or the stop. */
  async #pause(delayMs: number | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = delayMs === undefined ? undefined : this.#its.kit.clock.after(delayMs, resolve);
    this.#lingering = delayMs !== undefined;
    await promise;
    timer?.cancel();
    this.#wake = undefined;
  }

  /** A push ends the wait for work, not the pause between batches. */
  #wakeIdle(): void {
    if (!this.#lingering || this.#pushed.events.length >= MAX_BATCH_EVENTS) this.#wake?.();
  }

  /** One step: the cursor, one reading of the files up to the durable end, or one batch of what was pushed. */
  async #advance(): Promise<void> {
    const { database, journal } = this.#its;
    if (this.#progress.mode === 'starting') {
      this.#cursor = (await readCursor(database, journal.name)) ?? JOURNAL_START;
      if (isBefore(this.#pushed.position, this.#cursor)) {
        // Only a disk that lost what it had synced can bring this about: what is appended now must still be read.
        this.#its.kit.log.error(
          { part: 'call-writer', cursor: this.#cursor, end: this.#pushed.position },
          'the journal is shorter than it was',
        );
        this.#cursor = this.#pushed.position;
      }
      this.#progress.mode = 'behind';
      if (this.#cursor.segment > 1) this.#its.onSegmentDone?.(this.#cursor);
    }
    if (this.#progress.mode === 'behind') return this.#catchUp(this.#pushed.position);
    const events = this.#pushed.events;
    const position = this.#pushed.position;
    if (events.length === 0) return this.#moveTo(position);
    this.#pushed.events = [];
    await this.#writeAll(events, position);
  }

  async #catchUp(end: JournalPosition): Promise<void> {
    for await (const chunk of readJournal(this.#its.journal.folder, this.#cursor, end)) {
      await this.#writeAll(chunk.events, chunk.position);
      if (chunk.damaged > 0)
        this.#its.kit.log.error({ part: 'call-writer', damaged: chunk.damaged, ...chunk.position }, 'damaged journal lines');
      if (chunk.events.length === 0) this.#moveTo(chunk.position);
    }
    // What could not be read (a segment was removed by hand) is not waited for.
    this.#moveTo(isBefore(this.#cursor, end) ? end : this.#cursor);
    // Nothing was awaited since the check below could change: from here on pushed events follow the cursor without a gap.
    if (this.#isWritten(this.#pushed.position)) this.#progress.mode = 'live';
  }

  async #writeAll(events: readonly CallEvent[], position: JournalPosition): Promise<void> {
    for (let from = 0; from < events.length; from += MAX_BATCH_EVENTS) {
      const isLast = from + MAX_BATCH_EVENTS >= events.length;
      await this.#write(events.slice(from, from + MAX_BATCH_EVENTS), isLast ? position : this.#cursor);
    }
  }

  async #write(events: readonly CallEvent[], position: JournalPosition): Promise<void> {
    const { database, kit, journal } = this.#its;
    const began = kit.clock.now();
    await this.#recall(events);
    const { calls, rows } = projectCalls(this.#known, events);
    const now = new Date(kit.clock.wall());
    try {
      await writeBatch(database.drizzle, { events, rows, journal: journal.name, position, now });
    } catch (thrown) {
      if (!isDataFault(thrown) || events.length === 0) throw thrown;
      return this.#writePieces(events, position, thrown);
    }
    this.#remember(calls);
    this.#moveTo(position);
    this.#its.onBatch?.({ events: events.length, tookMs: kit.clock.now() - began, lagMs: this.lagMs });
  }

  /** Halves a batch that the database will not take, down to the event it will not take, which is left out. */
  async #writePieces(events: readonly CallEvent[], position: JournalPosition, fault: unknown): Promise<void> {
    const half = events.length >> 1;
    const only = events[0];
    if (half > 0) {
      await this.#write(events.slice(0, half), this.#cursor);
      return this.#write(events.slice(half), position);
    }
    this.#progress.rejected++;
    this.#its.kit.log.error(
      { part: 'call-writer', callId: only?.callId, seq: only?.seq, type: only?.type, reason: messageOf(fault) },
      'the database takes no such event: left out',
    );
    return this.#write([], position);
  }

  /** Reads back calls that began before this process or were forgotten, up to the first of their events at hand. */
  async #recall(events: readonly CallEvent[]): Promise<void> {
    const first = new Map<string, CallEvent>();
    for (const event of events) if (!first.has(event.callId)) first.set(event.callId, event);
    const missing = [...first.values()].filter((event) => event.type !== 'call-received' && !this.#known.has(event.callId));
    const earlier = await readEventsOfCalls(
      this.#its.database,
      missing.map((event) => event.callId),
    );
    for (const event of earlier) this.#known.set(event.callId, foldEvent(this.#known.get(event.callId) ?? beginCall(event), event));
  }

  #remember(calls: ReadonlyMap<string, CallProjection>): void {
    for (const [callId, projection] of calls) {
      this.#known.delete(callId);
      if (projection.call.endedAt === null) this.#known.set(callId, projection);
    }
    for (const callId of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN_CALLS) break;
      this.#known.delete(callId);
    }
  }

  #moveTo(position: JournalPosition): void {
    if (this.#progress.failures > 0) this.#its.kit.log.warn({ part: 'call-writer', lagMs: this.lagMs }, 'calls are written again');
    this.#progress.failures = 0;
    const segmentDone = position.segment > this.#cursor.segment;
    this.#cursor = position;
    while (this.#marks[0] && !isBefore(position, this.#marks[0].position)) this.#marks.shift();
    this.#flushes = this.#flushes.filter((flush) => {
      if (isBefore(position, flush.position)) return true;
      flush.done();
      return false;
    });
    if (segmentDone) this.#its.onSegmentDone?.(position);
  }
}
