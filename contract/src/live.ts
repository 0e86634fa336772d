/** The Socket.IO feed at `/live`: rooms come from the server's session, never from the client. */
import type { CallEvent } from './call-events.ts';
import type { Call } from './rest.ts';

/** Server to client. Updates are batched: one message at most per 100 ms and client. */
export interface LiveToClient {
  /** Rows of live calls that changed, and ids of calls that ended. */
  calls: (update: { changed: Call[]; ended: string[] }) => void;
  /** Events of the call the client watches, in order. */
  events: (update: { callId: string; events: CallEvent[] }) => void;
}

/** Client to server. */
export interface LiveToServer {
  /** Live calls of the session's business, once; later changes arrive as `calls`. */
  list: (answer: (calls: Call[]) => void) => void;
  /** Starts the event feed of one call; events so far are answered, later ones arrive as `events`. */
  watch: (callId: string, answer: (events: CallEvent[]) => void) => void;
  unwatch: (callId: string) => void;
}
