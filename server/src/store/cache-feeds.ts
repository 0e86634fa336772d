/** Feeds of changes where there is no Redis: between caches of one process, and through PostgreSQL. */
import { type ChangeFeed, EVERYTHING, type FeedListener } from './cache.ts';
import type { Database } from './database.ts';
import { notifyChange } from './revisions.ts';

/** Call it once per process; `node()` gives each cache its own end of the line. */
export function inProcessFeed(): { node: () => ChangeFeed } {
  const listeners = new Set<FeedListener>();
  return {
    node: () => {
      let own: FeedListener | undefined;
      return {
        live: true,
        publish: async (change) => {
          for (const listener of listeners) if (listener !== own) listener.changed(change);
        },
        subscribe: (listener) => {
          own = listener;
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      };
    },
  };
}

/**
 * Told through all of them, heard through any: the nodes hear of each other as long as one still carries. What is heard
 * twice costs a second reading.
 */
export function everyFeed(feeds: readonly ChangeFeed[]): ChangeFeed {
  const live = () => feeds.some((feed) => feed.live);
  return {
    get live() {
      return live();
    },
    publish: async (change) => {
      const told = await Promise.allSettled(feeds.map((feed) => feed.publish(change)));
      const failed = told.find(({ status }) => status === 'rejected');
      if (failed && told.every(({ status }) => status === 'rejected')) throw (failed as PromiseRejectedResult).reason;
    },
    subscribe: (listener) => {
      const lost = () => {
        if (!live()) listener.lost();
      };
      const ends = feeds.map((feed) =>
        feed.subscribe({ changed: (change) => listener.changed(change), lost, resumed: () => listener.resumed() }),
      );
      return () => {
        for (const end of ends) end();
      };
    },
  };
}

/**
 * Through the notifications of the database that the nodes share. A node hears itself too, which costs it a second
 * reading; what it missed while it was cut off it learns as "anything may have changed" when it is back.
 */
export async function databaseFeed(database: Database): Promise<ChangeFeed & { close(): Promise<void> }> {
  const listeners = new Set<FeedListener>();
  const listening = await database.listenChanges((change) => {
    for (const listener of listeners) {
      if (change === undefined || change === EVERYTHING) listener.resumed();
      else listener.changed(change);
    }
  });
  return {
    live: true,
    publish: (change) => notifyChange(database, change),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => listening.close(),
  };
}
