/**
 * What carries SIP messages (RFC 3261 §18): UDP, TCP, or memory in tests. A transport frames and parses; who may speak is
 * decided by its receiver, in two steps, so that a stranger costs as little as possible.
 */
import type { SipFault, SipMessage, SipPeer, SipTransportName } from './message.ts';

/** What listens to a transport. Called synchronously; must not throw. */
export interface SipReceiver {
  /** Asked with the source address alone, before a byte is parsed. False: dropped and counted. */
  admits(address: string, transport: SipTransportName): boolean;
  /** False when the message came from a stranger: a stream transport then closes a connection that has brought nothing else. */
  message(message: SipMessage, from: SipPeer): boolean;
  /** Something that is no acceptable message. */
  fault(fault: SipFault, from: SipPeer): void;
}

/** Called at most once, when what was sent is known not to arrive (ICMP error, refused or broken connection). */
export type SendFailure = (error: Error) => void;

export interface SipTransport {
  readonly name: SipTransportName;
  /** True for streams: no retransmission timers (RFC 3261 §17). */
  readonly reliable: boolean;
  /** The literal address it is bound to, which may mean all interfaces. */
  readonly address: string;
  /** The bound port; 0 before `start`. */
  readonly port: number;
  /** Rejects with `port-taken` when the port is used by somebody else. */
  start(receiver: SipReceiver): Promise<void>;
  /** Never throws and never waits; `onFailure` never runs before it returns. */
  send(bytes: Uint8Array, peer: SipPeer, onFailure?: SendFailure): void;
  /** Closes every socket. Idempotent. */
  stop(): Promise<void>;
  /** Monotonic counts, for metrics. */
  counters(): Record<string, number>;
}

/** Where a transport listens. */
export interface ListenOptions {
  /** Literal address of an interface; `0.0.0.0` or `::` for all. */
  host: string;
  /** 0: any free port. */
  port: number;
  /** The name of the setting that changes the port, for the message of `port-taken`. */
  portSetting: string;
}
