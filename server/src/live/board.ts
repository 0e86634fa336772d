/**
 * The live board: the same projection as the tables', in memory, of the calls that are on the line now. Events are kept as
 * they come and folded when somebody looks.
 */
import type { Call, CallEvent } from '@tandem/contract';
import { toCall } from '#store/calls.ts';
import { beginCall, type CallProjection, foldEvent } from '#store/projection.ts';

/** Events kept of one live call for screens that open late; the store has the older ones. */
const MOST_EVENTS = 1_000;
/** For replays: no screen shows them, and they change no row. */
const UNSEEN: ReadonlySet<CallEvent['type']> = new Set(['conversation-began', 'decisions-taken']);

interface Entry {
  projection: CallProjection;
  events: CallEvent[];
  /** Events that the projection does not know yet, at the end of `events`. */
  unread: number;
  /** The row that {@link LiveBoard.changed} told last. */
  told: CallProjection['call'] | undefined;
}

export class LiveBoard {
  readonly #calls = new Map<string, Entry>();

  /** Live calls of a business, newest first. */
  list(businessId: string): Call[] {
    return [...this.#calls.values()]
      .filter(({ projection }) => projection.call.businessId === businessId)
      .map((entry) => toCall(read(entry)))
      .toReversed();
  }

  /** Events so far of a live call; empty when it is not live or belongs to another business. */
  events(businessId: string, callId: string): CallEvent[] {
    const entry = this.#calls.get(callId);
    return entry && entry.projection.call.businessId === businessId ? [...entry.events] : [];
  }

  /** Takes an event; answers false for a call that is not (or no longer) live. */
  take(event: CallEvent): boolean {
    let entry = this.#calls.get(event.callId);
    if (!entry) {
      if (event.type !== 'call-received') return false;
      entry = { projection: beginCall(event), events: [], unread: 0, told: undefined };
      this.#calls.set(event.callId, entry);
    }
    if (UNSEEN.has(event.type)) return true;
    // What somebody is saying takes the place of what he was saying before; it changes no row either.
    if (event.type === 'transcript-partial' && entry.events.at(-1)?.type === 'transcript-partial') {
      entry.events[entry.events.length - 1] = event;
      entry.unread = Math.max(1, entry.unread);
      return true;
    }
    entry.events.push(event);
    entry.unread++;
    if (entry.events.length > MOST_EVENTS) {
      read(entry);
      entry.events.splice(1, MOST_EVENTS >> 1);
    }
    if (event.type === 'call-ended') this.#calls.delete(event.callId);
    return true;
  }

  /** What of a live call is to be told: its row when it is another than the last one told; `ended` when it is not live any more. */
  changed(callId: string): Call | 'same' | 'ended' {
    const entry = this.#calls.get(callId);
    if (!entry) return 'ended';
    const row = read(entry);
    if (row === entry.told) return 'same';
    entry.told = row;
    return toCall(row);
  }
}

function read(entry: Entry): CallProjection['call'] {
  for (const event of entry.events.slice(entry.events.length - entry.unread)) entry.projection = foldEvent(entry.projection, event);
  entry.unread = 0;
  return entry.projection.call;
}
