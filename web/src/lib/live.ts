/** The live feed: one Socket.IO connection for the console, the rows of live calls, and the events of the calls being watched. */
import type { Call, CallEvent, LiveToClient, LiveToServer } from '@tandem/contract';
import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useSyncExternalStore } from 'react';
import { io, type Socket } from 'socket.io-client';

/** Events kept per watched call; a call that says more loses its oldest on screen, never in the journal. */
const EVENTS_AT_MOST = 5_000;

export type LiveCalls = {
  /** Newest first; undefined until the first answer. */
  calls: readonly Call[] | undefined;
  connected: boolean;
};

type Watched = { watchers: number; events: readonly CallEvent[] };

const nothing: readonly CallEvent[] = [];

/** Adds `more` to `events` in order of `seq`; an event that is there already (an answer that crossed an update) is not added again. */
export function mergeEvents(events: readonly CallEvent[], more: readonly CallEvent[]): readonly CallEvent[] {
  const last = events.at(-1)?.seq ?? -1;
  if (more.every(({ seq }, n) => seq > (n === 0 ? last : (more[n - 1]?.seq ?? -1)))) return [...events, ...more].slice(-EVENTS_AT_MOST);
  const bySeq = new Map([...events, ...more].map((event) => [event.seq, event]));
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq).slice(-EVENTS_AT_MOST);
}

class LiveFeed {
  #socket: Socket<LiveToClient, LiveToServer> | undefined;
  #rows = new Map<string, Call>();
  #state: LiveCalls = { calls: undefined, connected: false };
  #watched = new Map<string, Watched>();
  #listeners = new Set<() => void>();
  #onEnded: (callIds: string[]) => void = () => undefined;

  /** Connects; the answer disconnects. `onEnded` hears the ids of calls that ended. */
  open(onEnded: (callIds: string[]) => void): () => void {
    this.#onEnded = onEnded;
    const socket: Socket<LiveToClient, LiveToServer> = io({ path: '/live', withCredentials: true, transports: ['websocket', 'polling'] });
    this.#socket = socket;
    socket.on('connect', () => {
      socket.emit('list', (calls) => {
        this.#rows = new Map(calls.map((call) => [call.id, call]));
        this.#publish(true);
      });
      for (const callId of this.#watched.keys()) this.#ask(callId);
    });
    socket.on('disconnect', () => this.#publish(false));
    socket.on('calls', ({ changed, ended }) => {
      for (const call of changed) this.#rows.set(call.id, call);
      for (const id of ended) this.#rows.delete(id);
      this.#publish(true);
      if (ended.length > 0) this.#onEnded(ended);
    });
    socket.on('events', ({ callId, events }) => this.#take(callId, events));
    return () => {
      socket.disconnect();
      this.#socket = undefined;
      this.#rows.clear();
      this.#state = { calls: undefined, connected: false };
    };
  }

  /** Starts the events of one call; several watchers share one feed. The answer stops watching. */
  watch(callId: string): () => void {
    const watched = this.#watched.get(callId) ?? { watchers: 0, events: nothing };
    this.#watched.set(callId, { ...watched, watchers: watched.watchers + 1 });
    if (watched.watchers === 0) this.#ask(callId);
    return () => {
      const left = this.#watched.get(callId);
      if (!left) return;
      if (left.watchers > 1) this.#watched.set(callId, { ...left, watchers: left.watchers - 1 });
      else {
        this.#watched.delete(callId);
        this.#socket?.emit('unwatch', callId);
      }
    };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  readonly state = (): LiveCalls => this.#state;
  events(callId: string): readonly CallEvent[] {
    return this.#watched.get(callId)?.events ?? nothing;
  }

  #ask(callId: string): void {
    if (this.#socket?.connected) this.#socket.emit('watch', callId, (events) => this.#take(callId, events));
  }

  #take(callId: string, events: readonly CallEvent[]): void {
    const watched = this.#watched.get(callId);
    if (!watched || events.length === 0) return;
    this.#watched.set(callId, { ...watched, events: mergeEvents(watched.events, events) });
    this.#tell();
  }

  #publish(connected: boolean): void {
    const calls = [...this.#rows.values()].sort((a, b) => b.startedAt.localeCompare(a.startedAt));
    this.#state = { calls: connected || this.#state.calls ? calls : undefined, connected };
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

const feed = new LiveFeed();

/** Keeps the feed connected while mounted; lists of past calls are refreshed when a call ends. */
export function useLiveFeed(): void {
  const queries = useQueryClient();
  useEffect(
    () =>
      feed.open((callIds) => {
        void queries.invalidateQueries({ queryKey: ['calls'] });
        for (const callId of callIds) void queries.invalidateQueries({ queryKey: ['call', callId] });
      }),
    [queries],
  );
}

export const useLiveCalls = (): LiveCalls => useSyncExternalStore(feed.subscribe, feed.state);

/** The events of one call so far and as they come; nothing while `callId` is undefined. */
export function useCallEvents(callId: string | undefined): readonly CallEvent[] {
  useEffect(() => (callId === undefined ? undefined : feed.watch(callId)), [callId]);
  return useSyncExternalStore(
    feed.subscribe,
    useCallback(() => (callId === undefined ? nothing : feed.events(callId)), [callId]),
  );
}
