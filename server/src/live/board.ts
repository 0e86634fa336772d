/** The live board: the same projection as the tables', in memory, of the calls that are on the line now. */
import type { Call, CallEvent } from '@tandem/contract';
import { toCall } from '#store/calls.ts';
import { beginCall, type CallProjection, foldEvent } from '#store/projection.ts';

/** Events kept of one live call for screens that open late; the store has the older ones. */
const MOST_EVENTS = 2_000;

interface Entry {
  projection: CallProjection;
  events: CallEvent[];
}

export class LiveBoard {
  #calls = new Map<string, Entry>();

  /** Live calls of a business, newest first. */
  list(businessId: string): Call[] {
    return [...this.#calls.values()]
      .filter(({ projection }) => projection.call.businessId === businessId)
      .map(({ projection }) => toCall(projection.call))
      .toReversed();
  }

  /** Events so far of a live call; empty when it is not live or belongs to another business. */
  events(businessId: string, callId: string): CallEvent[] {
    const entry = this.#calls.get(callId);
    return entry && entry.projection.call.businessId === businessId ? [...entry.events] : [];
  }

  /** Takes an event; answers the call's row now, or undefined for a call that is not (or no longer) live. */
  take(event: CallEvent): Call | undefined {
    let entry = this.#calls.get(event.callId);
    if (!entry) {
      if (event.type !== 'call-received') return undefined;
      entry = { projection: beginCall(event), events: [] };
      this.#calls.set(event.callId, entry);
    }
    entry.projection = foldEvent(entry.projection, event);
    entry.events.push(event);
    if (entry.events.length > MOST_EVENTS) entry.events.splice(1, MOST_EVENTS >> 1);
    if (event.type === 'call-ended') this.#calls.delete(event.callId);
    return toCall(entry.projection.call);
  }
}
