/** Keeps the call thread's directory true: everything at start, and again shortly after each change. */
import { createHash } from 'node:crypto';
import type { BusinessEntry } from '#calls/directory.ts';
import type { Timer } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import type { Database } from '#store/database.ts';
import type { SecretBox } from '#store/secret-box.ts';
import { readSnapshot, type Snapshot } from '#store/snapshot.ts';

/** Changes made within this time go out together. */
const GATHER_MS = 50;
const RETRY_MS = 2_000;

const digestOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 22);

const MICROS = 1_000_000;

/** What the call thread is told of each business. */
export function entriesOf(snapshot: Snapshot): BusinessEntry[] {
  return snapshot.businesses.map(({ id, name, timeZone, dailyCostCeiling }) => {
    const own = <T extends { businessId: string }>(rows: T[]) => rows.filter(({ businessId }) => businessId === id);
    const documents = own(snapshot.documents).map((row) => ({ id: row.id, title: row.title, text: row.text }));
    const questions = own(snapshot.questions).map((row) => ({ id: row.id, phrasings: row.phrasings, answer: row.answer }));
    const version = digestOf([documents, questions]);
    return {
      id,
      name,
      assistants: own(snapshot.assistants),
      numbers: own(snapshot.numbers).map(({ address, assistantId }) => ({ address, assistantId })),
      trunks: own(snapshot.trunks),
      knowledge: { version, documents, questions },
      tools: own(snapshot.tools).map(({ businessId: _businessId, ...tool }) => tool),
      timeZone,
      costs: {
        dailyCeilingMicros: dailyCostCeiling === null ? null : Math.round(dailyCostCeiling * MICROS),
        spentTodayMicros: snapshot.spentToday.get(id) ?? 0,
      },
    };
  });
}

export interface DirectoryPublisherOptions {
  kit: Kit;
  database: Database;
  /** Opens the tools' secrets. */
  box: SecretBox;
  publish: (entries: BusinessEntry[], removed: string[]) => void;
}

export class DirectoryPublisher {
  readonly #options: DirectoryPublisherOptions;
  /** Digest of each business's entry as it was last sent. */
  readonly #sent = new Map<string, string>();
  #timer: Timer | undefined;
  /** Publishing takes turns: an older reading must not arrive after a newer one. */
  #running: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(options: DirectoryPublisherOptions) {
    this.#options = options;
  }

  /** Reads everything and sends what differs. Rejects with `database-unavailable`. */
  async publish(): Promise<void> {
    while (this.#running) await this.#running.catch(() => {});
    this.#running = this.#publishNow().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Something was edited; publishes soon, and tries again while the database is away. */
  changed(): void {
    if (this.#closed) return;
    if (this.#running) this.#again = true;
    else if (!this.#timer) this.#arm(GATHER_MS);
  }

  /** Stops; resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#running?.catch(() => {});
  }

  async #publishNow(): Promise<void> {
    const { kit, database, box } = this.#options;
    const snapshot = await readSnapshot(database, { box, now: new Date(kit.clock.wall()) });
    if (this.#closed) return;
    if (snapshot.shutTools.length > 0)
      kit.log.error({ tools: snapshot.shutTools }, 'tools are left out: their secrets were sealed with another key');
    const entries = entriesOf(snapshot);
    // What is spent grows with every call, which the call thread knows by itself: that alone is no news.
    const digests = new Map(entries.map(({ costs, ...entry }) => [entry.id, digestOf([entry, costs?.dailyCeilingMicros])]));
    const changed = entries.filter(({ id }) => this.#sent.get(id) !== digests.get(id));
    const removed = [...this.#sent.keys()].filter((id) => !digests.has(id));
    if (changed.length > 0 || removed.length > 0) this.#options.publish(changed, removed);
    for (const id of removed) this.#sent.delete(id);
    for (const [id, digest] of digests) this.#sent.set(id, digest);
  }

  #arm(delayMs: number): void {
    this.#timer = this.#options.kit.clock.after(delayMs, () => {
      this.#timer = undefined;
      this.publish().then(
        () => this.#armIf(this.#again, GATHER_MS),
        (error: unknown) => {
          this.#options.kit.log.warn({ error }, 'the directory could not be published');
          this.#armIf(true, RETRY_MS);
        },
      );
    });
  }

  #armIf(wanted: boolean, delayMs: number): void {
    this.#again = false;
    if (wanted && !this.#closed && !this.#timer) this.#arm(delayMs);
  }
}
