/**
 * Keeps the call thread's directory true: everything at start, and each business again shortly after it changed, here or
 * on another node.
 */
import type { BusinessEntry } from '#calls/directory.ts';
import type { Timer } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { TokenBucket } from '#kit/token-bucket.ts';
import { type Cache, changedBusiness, EVERYTHING, keys } from '#store/cache.ts';
import { LayeredCache } from '#store/cache-layered.ts';
import type { Database } from '#store/database.ts';
import type { SecretBox } from '#store/secret-box.ts';
import { findOwners, readStates } from '#store/snapshot.ts';
import { DirectoryEntries, type KeptEntry, type KnowledgeOf } from './directory-entries.ts';

/** Changes made within this time go out together. */
const GATHER_MS = 50;
const RETRY_MS = 2_000;
/** Businesses that are read and published at once. */
const PAGE = 100;
const NUMBER_KEPT_MS = 60_000;
const NUMBER_NEGATIVE_MS = 10_000;
/** Of a user name that several businesses list: more would lead to none anyway. */
const MOST_OWNERS = 10;
/** Strangers who try out addresses must not keep the database busy. */
const RESOLVING = { perSecond: 20, burst: 50 };
const ASSISTANT_PREFIX = 'assistant:';

export interface DirectoryPublisherOptions {
  kit: Kit;
  database: Database;
  /** Opens the tools' secrets. */
  box: SecretBox;
  /** Its own one in this process unless named. */
  cache?: Cache;
  /** How the knowledge of an entry is made, and whether it needs the documents' texts; all of it unless named. */
  knowledge?: { of: KnowledgeOf; documents: boolean };
  publish: (entries: BusinessEntry[], removed: string[]) => void;
}

interface Sent {
  revision: string;
  addresses: readonly string[];
}

export class DirectoryPublisher {
  readonly #options: DirectoryPublisherOptions;
  readonly #cache: Cache;
  readonly #entries: DirectoryEntries;
  readonly #resolving: TokenBucket;
  readonly #deafen: () => void;
  /** By business, as it was last sent. */
  readonly #sent = new Map<string, Sent>();
  /** Businesses that went stale since; `*` is all of them. */
  readonly #stale = new Set<string>();
  /** Every cache has been told of what went stale. */
  #told: Promise<unknown> = Promise.resolve();
  #timer: Timer | undefined;
  /** Publishing takes turns: an older reading must not arrive after a newer one. */
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: DirectoryPublisherOptions) {
    const { kit, database, box, knowledge } = options;
    this.#options = options;
    this.#cache = options.cache ?? new LayeredCache({ kit });
    this.#entries = new DirectoryEntries({ kit, database, box, cache: this.#cache, knowledge });
    this.#resolving = new TokenBucket(kit.clock, RESOLVING);
    this.#deafen = this.#cache.onChange((change) => {
      const stale = change === EVERYTHING ? EVERYTHING : changedBusiness(change);
      if (stale !== undefined) this.#await(stale);
    });
  }

  /** Compares every business with what was sent, and sends what differs. Rejects with `database-unavailable`. */
  publish(): Promise<void> {
    return this.#inTurn(() => this.#publishAll());
  }

  /**
   * A business was edited here, or (unnamed) any may have been: caches forget it at once, the entry goes out soon, and
   * again and again while the database is away.
   */
  changed(businessId?: string): void {
    if (this.#closed) return;
    if (businessId !== undefined) this.#told = Promise.all([this.#told, this.#cache.invalidate(businessId)]);
    this.#await(businessId ?? EVERYTHING);
  }

  /**
   * A call rings for an address that the call thread does not know: publishes the businesses that list it, and answers
   * them. None when there are none, or while too many strange addresses ring. Rejects with `database-unavailable`.
   */
  async resolveNumber(address: string): Promise<string[]> {
    if (this.#closed || !this.#resolving.take()) return [];
    const wanted = address.startsWith(ASSISTANT_PREFIX) ? { slug: address.slice(ASSISTANT_PREFIX.length) } : { address };
    const load = async () => {
      const owners = await findOwners(this.#options.database, wanted, MOST_OWNERS);
      return owners.length > 0 ? owners : undefined;
    };
    const keep = { ttlMs: NUMBER_KEPT_MS, negativeTtlMs: NUMBER_NEGATIVE_MS };
    const owners = await this.#cache.get(keys.number(address), load, keep);
    if (!owners) return [];
    await this.#inTurn(() => this.#publishSome(owners));
    return owners;
  }

  /** Stops; resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#deafen();
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#running?.catch(() => {});
    await this.#told;
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    while (this.#running) await this.#running.catch(() => {});
    if (this.#closed) return;
    this.#running = work().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #publishAll(): Promise<void> {
    const { database } = this.#options;
    const isFirst = this.#sent.size === 0;
    const there = new Set<string>();
    let last = '';
    for (;;) {
      const states = await readStates(database, last, PAGE);
      for (const { id } of states) there.add(id);
      const differing = states.filter(({ id, revision }) => this.#sent.get(id)?.revision !== revision);
      const kept = await Promise.all(differing.map(({ id, revision }) => this.#entries.read(id, revision)));
      await this.#send(
        kept.filter((one) => one !== undefined),
        [],
        isFirst,
      );
      if (states.length < PAGE) break;
      last = states[states.length - 1].id;
    }
    const removed = [...this.#sent.keys()].filter((id) => !there.has(id));
    await this.#send([], removed, isFirst);
  }

  async #publishSome(ids: readonly string[]): Promise<void> {
    for (let from = 0; from < ids.length; from += PAGE) {
      const page = ids.slice(from, from + PAGE);
      const found = await Promise.all(page.map((id) => this.#entries.read(id)));
      const differing = found.filter((one, at) => one !== undefined && this.#sent.get(page[at])?.revision !== one.revision);
      const removed = page.filter((id, at) => found[at] === undefined && this.#sent.has(id));
      await this.#send(differing as KeptEntry[], removed, false);
    }
  }

  async #send(kept: readonly KeptEntry[], removed: readonly string[], isFirst: boolean): Promise<void> {
    const { kit, publish } = this.#options;
    if (kept.length === 0 && removed.length === 0) return;
    const entries = await this.#entries.complete(kept);
    if (this.#closed) return;
    const shutTools = kept.flatMap((one) => one.shutTools);
    if (shutTools.length > 0) kit.log.error({ tools: shutTools }, 'tools are left out: their secrets were sealed with another key');
    publish(entries, [...removed]);
    const before = new Map([...entries.map(({ id }) => id), ...removed].map((id) => [id, this.#sent.get(id)?.addresses ?? []]));
    for (const id of removed) this.#sent.delete(id);
    for (const { revision, entry } of kept) this.#sent.set(entry.id, { revision, addresses: addressesOf(entry) });
    // What was looked up before they were there, or leads to one that has gone.
    const moved = [...before].flatMap(([id, addresses]) => difference(addresses, this.#sent.get(id)?.addresses ?? []));
    if (!isFirst && moved.length > 0) this.#told = Promise.all([this.#told, this.#cache.invalidate(moved.map(keys.number))]);
  }

  #await(stale: string): void {
    if (this.#closed) return;
    this.#stale.add(stale);
    if (!this.#timer && !this.#running) this.#arm(GATHER_MS);
  }

  #arm(delayMs: number): void {
    this.#timer = this.#options.kit.clock.after(delayMs, () => {
      this.#timer = undefined;
      const stale = [...this.#stale];
      this.#stale.clear();
      const work = async () => {
        await this.#told;
        await (stale.includes(EVERYTHING) ? this.#publishAll() : this.#publishSome(stale));
      };
      this.#inTurn(work).then(
        () => this.#armAgain(GATHER_MS),
        (error: unknown) => {
          for (const one of stale) this.#stale.add(one);
          this.#options.kit.log.warn({ error }, 'the directory could not be published');
          this.#armAgain(RETRY_MS);
        },
      );
    });
  }

  #armAgain(delayMs: number): void {
    if (this.#stale.size > 0 && !this.#closed && !this.#timer) this.#arm(delayMs);
  }
}

const addressesOf = ({ numbers, assistants }: BusinessEntry): string[] => [
  ...numbers.map(({ address }) => address),
  ...assistants.map(({ slug }) => ASSISTANT_PREFIX + slug),
];

function difference(one: readonly string[], other: readonly string[]): string[] {
  const [a, b] = [new Set(one), new Set(other)];
  return [...a].filter((address) => !b.has(address)).concat([...b].filter((address) => !a.has(address)));
}
