/** A Gateway brings legs in and dials them out. Every room behind this door is built by `defineVendor({ gateway })`. */
import type { Duplex } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import type { Pacer } from '#audio/pacer.ts';
import type { Kit } from '#kit/kit.ts';
import type { Vendor } from '#kit/vendor.ts';
import type { Leg } from './leg.ts';

/** Why a call is not answered; each gateway says it in its own protocol (SIP status, TwiML, close code). */
export type Refusal = 'number-unknown' | 'no-common-codec' | 'busy' | 'capacity-reached' | 'unavailable' | 'declined';

/** A call that has arrived and waits for an answer. */
export interface IncomingCall {
  readonly gateway: string;
  /** E.164 or SIP user of the caller; `anonymous` when withheld. Untrusted text. */
  readonly from: string;
  /** The number or SIP user that was called; the browser gives `assistant:<slug>`. */
  readonly to: string;
  /** The business, where the way in already decides it (trunk, token); undefined when the number does. */
  readonly businessId: string | undefined;
  /** The carrier's own id of the call. */
  readonly providerCallId: string;
  /** Aborts when the caller gives up before the answer. */
  readonly signal: AbortSignal;
  /** Tells the caller's side that it rings; harmless when repeated. */
  ring(): void;
  /** Rejects with `no-common-codec`, or `Cancelled` when the caller gave up first. */
  answer(): Promise<Leg>;
  /** `overflow`: who takes the call instead, where the wire can send it on (E.164 number or SIP address). */
  refuse(why: Refusal, overflow?: string): void;
}

export interface DialRequest {
  businessId: string;
  to: string;
  from: string;
  signal: AbortSignal;
  /** Called when the far end rings. */
  onRinging?: () => void;
}

/** An HTTP request to `/gateways/<name>/…`, handed to the gateway that owns the path. */
export interface GatewayRequest {
  method: string;
  /** Path below `/gateways/<name>`, with the query: `/voice?x=1`. */
  path: string;
  headers: Record<string, string>;
  body: string;
  remoteAddress: string;
}

export interface GatewayResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** What gateways know of trunks and credentials: pushed at start and on every change, never read on a call. */
export interface TrunkConfig {
  id: string;
  businessId: string;
  name: string;
  sources: string[];
  username: string | undefined;
  password: string | undefined;
  registrar: string | undefined;
  registerUser: string | undefined;
  registerPassword: string | undefined;
  outboundProxy: string | undefined;
}

export interface Gateway {
  readonly name: string;
  /** Opens its ports. Rejects with `port-taken` naming the port and its setting. */
  start(): Promise<void>;
  /** Stops taking calls, ends what is left, closes its ports. */
  stop(): Promise<void>;
  /** Whether calls out are configured for this business. Absent: calls only come in. */
  canDial?(businessId: string): boolean;
  /** Rejects with `outbound-not-configured` or `dial-failed`. Resolves when answered. */
  dial(request: DialRequest): Promise<Leg>;
  setTrunks?(trunks: readonly TrunkConfig[]): void;
  /** Below `/gateways/<name>`; 404 where absent. */
  request?(request: GatewayRequest): Promise<GatewayResponse>;
  /** A WebSocket upgrade below `/gateways/<name>`, on the media port in the call thread. */
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer, path: string): void;
  /** Calls that its ports still have room for; absent where it needs none of its own. */
  linesFree?(): number;
  /** Counters for `/metrics` (packets dropped, requests from strangers, …), monotonic. */
  counters(): Record<string, number>;
}

/** What a gateway is given. */
export interface GatewayContext {
  kit: Kit;
  pacer: Pacer;
  /** A call has arrived. Synchronous; the receiver answers or refuses later. */
  onCall: (call: IncomingCall) => void;
  /** The name of the assistant that answers `to`, undefined when nobody does: asked before a webhook or page is answered. */
  whoAnswers: (to: string, businessId: string | undefined) => string | undefined;
  /**
   * Whether a call to `to` would be refused for want of room, asked before a carrier is told to connect its sound: undefined
   * when there is room. Absent: there always is.
   */
  wouldRefuse?: (to: string, businessId: string | undefined) => { why: Refusal; overflow: string | undefined } | undefined;
  /** Where browsers and carriers reach the office over HTTP, e.g. `https://voice.example.com`. */
  publicUrl: string;
  /** Where WebSockets reach the call thread, e.g. `ws://127.0.0.1:3001`. */
  mediaUrl: string;
}

/** Mixed into a vendor that has a gateway. */
export interface GatewayVendor extends Vendor {
  // oxlint-disable-next-line typescript/no-explicit-any -- settings are checked by the vendor's own schema
  gateway: (settings: any, context: GatewayContext) => Gateway;
}
