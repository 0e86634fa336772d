/** Keeps the call thread's directory true: everything at start, and again shortly after each change. */
import { createHash } from 'node:crypto';
import type { BusinessEntry } from '#calls/directory.ts';
import type { Timer } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import type { Database } from '#store/database.ts';
import { readSnapshot, type Snapshot } from '#store/snapshot.ts';

/** Changes made within this time go out together. */
const GATHER_MS = 50;
const RETRY_MS = 2_000;

export function entriesOf(snapshot: Snapshot): BusinessEntry[] {
  return snapshot.businesses.map(({ id, name }) => {
    const own = <T extends { businessId: string }>(rows: T[]) => rows.filter(({ businessId }) => businessId === id);
    const documents = own(snapshot.documents).map((row) => ({ id: row.id, title: row.title, text: row.text }));
    const questions = own(snapshot.questions).map((row) => ({ id: row.id, phrasings: row.phrasings, answer: row.answer }));
    const version = createHash('sha256')
      .update(JSON.stringify([documents, questions]))
      .digest('base64url')
      .slice(0, 22);
    return {
      id,
      name,
      assistants: own(snapshot.assistants),
      numbers: own(snapshot.numbers).map(({ address, assistantId }) => ({ address, assistantId })),
      trunks: own(snapshot.trunks),
      knowledge: { version, documents, questions },
    };
  });
}

export interface DirectoryPublisherOptions {
  kit: Kit;
  database: Database;
  publish: (entries: BusinessEntry[], removed: string[]) => void;
}

export class DirectoryPublisher {
  #options: DirectoryPublisherOptions;
  /** What each business's entry looked like when it was last sent. */
  #sent = new Map<string, string>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: DirectoryPublisherOptions) {
    this.#options = options;
  }

  /** Reads everything and sends what differs. Rejects with `database-unavailable`. */
  async publish(): Promise<void> {
    const entries = entriesOf(await readSnapshot(this.#options.database));
    const changed = entries.filter((entry) => this.#sent.get(entry.id) !== JSON.stringify(entry));
    const ids = new Set(entries.map(({ id }) => id));
    const removed = [...this.#sent.keys()].filter((id) => !ids.has(id));
    for (const entry of changed) this.#sent.set(entry.id, JSON.stringify(entry));
    for (const id of removed) this.#sent.delete(id);
    if (changed.length > 0 || removed.length > 0) this.#options.publish(changed, removed);
  }

  /** Something was edited; publishes soon, and tries again while the database is away. */
  changed(): void {
    if (this.#closed || this.#timer) return;
    this.#arm(GATHER_MS);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(delayMs: number): void {
    this.#timer = this.#options.kit.clock.after(delayMs, () => {
      this.#timer = undefined;
      this.publish().catch((error: unknown) => {
        this.#options.kit.log.warn({ error }, 'the directory could not be published');
        if (!this.#closed) this.#arm(RETRY_MS);
      });
    });
  }
}
