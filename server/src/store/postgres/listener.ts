/** A connection of its own that listens on a channel (`listen`/`notify`), and comes back whenever it is lost. */
import { Client } from 'pg';
import type { Timer } from '#kit/clock.ts';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Listening } from '../database.ts';

const CONNECT_WITHIN_MS = 5_000;
const AGAIN_AFTER_MS = 500;
const AGAIN_AFTER_MOST_MS = 15_000;
/** A server that vanished without a word is noticed within two of these. */
const CHECK_EVERY_MS = 10_000;

export interface ListenerOptions {
  connectionString: string;
  kit: Kit;
  /** A payload; undefined after every connection but the first: something may have been missed. Must not throw. */
  heard: (payload: string | undefined) => void;
}

/** `channel` is one of ours: a plain identifier. Resolves after the first attempt, whatever came of it. */
export async function listenTo(channel: string, options: ListenerOptions): Promise<Listening> {
  const listener = new Listener(channel, options);
  await listener.connect();
  return listener;
}

class Listener implements Listening {
  readonly #channel: string;
  readonly #options: ListenerOptions;
  #client: Client | undefined;
  #timer: Timer | undefined;
  #failures = 0;
  #attempts = 0;
  #closed = false;

  constructor(channel: string, options: ListenerOptions) {
    this.#channel = channel;
    this.#options = options;
  }

  async connect(): Promise<void> {
    const { connectionString, kit, heard } = this.#options;
    const client = new Client({
      connectionString,
      application_name: 'tandem listener',
      connectionTimeoutMillis: CONNECT_WITHIN_MS,
      query_timeout: CONNECT_WITHIN_MS,
      keepAlive: true,
    });
    this.#client = client;
    client.on('error', (error) => this.#lost(client, error.message));
    client.on('end', () => this.#lost(client, 'it was closed'));
    client.on('notification', ({ payload }) => {
      if (!this.#closed && payload) heard(payload);
    });
    const isFirst = this.#attempts++ === 0;
    try {
      await client.connect();
      await client.query(`listen ${this.#channel}`);
      if (this.#closed || this.#client !== client) return await client.end();
      this.#failures = 0;
      this.#check(client);
      if (!isFirst) heard(undefined);
    } catch (thrown) {
      kit.log.debug({ part: 'store', reason: messageOf(thrown) }, 'changes of other nodes cannot be heard yet');
      this.#lost(client, messageOf(thrown));
    }
  }

  #check(client: Client): void {
    this.#timer = this.#options.kit.clock.after(CHECK_EVERY_MS, () => {
      client.query('select 1').then(
        () => {
          if (this.#client === client && !this.#closed) this.#check(client);
        },
        (error: unknown) => this.#lost(client, messageOf(error)),
      );
    });
  }

  #lost(client: Client, reason: string): void {
    if (this.#closed || this.#client !== client) return;
    this.#client = undefined;
    this.#timer?.cancel();
    client.end().catch(() => {});
    const waitMs = Math.min(AGAIN_AFTER_MOST_MS, AGAIN_AFTER_MS * 2 ** this.#failures++);
    this.#options.kit.log.warn({ part: 'store', reason, waitMs }, 'changes of other nodes are not heard for now');
    this.#timer = this.#options.kit.clock.after(waitMs, () => void this.connect());
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    await this.#client?.end().catch(() => {});
  }
}
