/**
 * Changes between nodes by publish and subscribe, on a connection of its own. Redis keeps nothing for a subscriber that is
 * away: a connection that was lost, or no longer answers a ping, says so, and says when it is back.
 */
import type { Redis } from 'ioredis';
import type { Timer } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import type { ChangeFeed, FeedListener } from '../cache.ts';

const PING_MS = 1_000;

export interface RedisFeedOptions {
  commands: Redis;
  subscriber: Redis;
  channel: string;
  kit: Pick<Kit, 'clock' | 'log' | 'ids'>;
}

export class RedisFeed implements ChangeFeed {
  readonly #options: RedisFeedOptions;
  /** Before every message, so that a node does not hear itself. */
  readonly #self: string;
  readonly #listeners = new Set<FeedListener>();
  #live = false;
  #subscribing: Promise<void> = Promise.resolve();
  #ping: Timer | undefined;
  #closed = false;

  constructor(options: RedisFeedOptions) {
    const { subscriber, kit } = options;
    this.#options = options;
    this.#self = kit.ids.token(16);
    subscriber.on('ready', () => {
      this.#subscribing = this.#begin();
    });
    subscriber.on('close', () => this.#lose());
    subscriber.on('message', (_channel: string, message: string) => this.#take(message));
  }

  get live(): boolean {
    return this.#live;
  }

  /** Resolves when the subscription that was begun has been made or has failed. */
  settled(): Promise<void> {
    return this.#subscribing;
  }

  async publish(change: string): Promise<void> {
    await this.#options.commands.publish(this.#options.channel, `${this.#self} ${change}`);
  }

  subscribe(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#closed = true;
    this.#ping?.cancel();
    this.#listeners.clear();
  }

  async #begin(): Promise<void> {
    const { subscriber, channel, kit } = this.#options;
    try {
      await subscriber.subscribe(channel);
    } catch (error) {
      kit.log.warn({ error }, 'changes on other nodes cannot be heard; connecting again');
      subscriber.disconnect(true);
      return;
    }
    if (this.#closed) return;
    this.#live = true;
    for (const listener of this.#listeners) listener.resumed();
    this.#watch();
  }

  #take(message: string): void {
    const space = message.indexOf(' ');
    if (message.slice(0, space) === this.#self) return;
    for (const listener of this.#listeners) listener.changed(message.slice(space + 1));
  }

  #lose(): void {
    this.#ping?.cancel();
    if (!this.#live) return;
    this.#live = false;
    for (const listener of this.#listeners) listener.lost();
  }

  /** A connection that is half open says nothing by itself. */
  #watch(): void {
    this.#ping?.cancel();
    this.#ping = this.#options.kit.clock.after(PING_MS, () => {
      this.#options.subscriber.ping().then(
        () => !this.#closed && this.#live && this.#watch(),
        () => {
          if (this.#closed) return;
          this.#lose();
          this.#options.subscriber.disconnect(true);
        },
      );
    });
  }
}
