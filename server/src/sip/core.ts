/** What sessions, invitations and registrations need of the user agent that holds them (`user-agent.ts`). Types only. */
import type { Kit } from '#kit/kit.ts';
import type { DialogId } from './dialog.ts';
import type { SipHeader, SipPeer, SipRequest, SipUri } from './message.ts';
import type { ClientTransactionUser } from './transaction.ts';
import type { ServerTransaction } from './transactions.ts';

/** Where a request goes. */
export interface Hop {
  /** The next hop's URI (§8.1.2); undefined fails like a broken transport. */
  uri: SipUri | undefined;
  /** Where the peer was last heard from: an open connection, or the far side of its NAT. */
  heardFrom: SipPeer | undefined;
}

/** A client transaction's user that also learns what was really sent. */
export interface RequestUser extends ClientTransactionUser {
  /** Once for every attempt, before its first response. */
  sent?(sent: SentRequest): void;
}

/** A request under way. */
export interface SentRequest {
  /** As it was sent, with Via and Contact. */
  readonly request: SipRequest;
  /** Where it went. */
  readonly place: SipPeer;
  /** Sends the CANCEL of an INVITE (§9.1), the same way; only after a provisional response. */
  cancel(): void;
  /** Ends the transaction without a word. */
  abandon(): void;
}

/** Whoever owns a dialog. */
export interface DialogUser {
  /** A new request inside the dialog (not ACK, not CANCEL), to be answered through `transaction`. */
  serve(request: SipRequest, transaction: ServerTransaction, from: SipPeer): void;
  ack(request: SipRequest): void;
}

export interface Stoppable {
  /** Says goodbye on the wire; resolves when that is answered. */
  stop(): Promise<void>;
  /** The goodbye took too long: lets go of every timer. */
  abandon(): void;
}

export interface SipCore {
  readonly kit: Kit;
  /**
   * Sends a request that lacks Via, in a new client transaction. Names are resolved first; where a name has several
   * addresses, the next is tried after 503, silence or a transport error (RFC 3263 §4.3). `contactUser` given: a
   * Contact of ours is added.
   */
  request(draft: SipRequest, hop: Hop, user: RequestUser, contactUser?: string): void;
  /** Sends the ACK of a 2xx: no transaction. */
  ack(draft: SipRequest, hop: Hop): void;
  /** Our Contact as that peer can reach it. */
  contact(user: string | undefined, peer: SipPeer): string;
  /** Allow, Supported and our name, for INVITE, UPDATE, OPTIONS and their answers. */
  capabilities(): SipHeader[];
  /** From now on requests of this dialog come to `user`; replaces an earlier user. */
  enterDialog(id: DialogId, user: DialogUser): void;
  leaveDialog(id: DialogId): void;
  /** A user agent that stops ends what is registered here. Returns the removal. */
  whenStopping(part: Stoppable): () => void;
}
