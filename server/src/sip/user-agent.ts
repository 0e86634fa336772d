/**
 * The SIP user agent: one place where transports, admission, transactions, dialogs and calls meet (RFC 3261 §8).
 *
 *   transport ─▶ admits? ─▶ parsed ─▶ response ─▶ its client transaction
 *                                  └▶ request ─▶ its server transaction (retransmission, ACK, CANCEL)
 *                                             ─▶ its dialog's user (IncomingInvite, SipSession)
 *                                             ─▶ admission: dropped, challenged, or served: OPTIONS, INVITE ─▶ onInvite
 */
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { Admission, type SipSecret } from './admission.ts';
import type { DialogUser, Hop, RequestUser, SipCore, Stoppable } from './core.ts';
import type { DigestAlgorithm } from './digest.ts';
import { Dialog, type DialogId, dialogKey, dialogOf } from './dialog.ts';
import { header, headerList, supportedTags, toTag } from './headers.ts';
import { IncomingInvite } from './incoming-invite.ts';
import { CALL_ABILITIES, describeAbilities, inspectRequest } from './inspect.ts';
import { InviteServerTransaction } from './invite-server.ts';
import { type NameService, systemNames } from './locate.ts';
import type { SipFault, SipHeader, SipMessage, SipPeer, SipRequest, SipTransportName } from './message.ts';
import { noteSource, placeBehindNat, responsePlace } from './nat.ts';
import { type InviteRequest, OutgoingInvite } from './outgoing-invite.ts';
import { Registration, type RegistrationRequest } from './registration.ts';
import { SipSender } from './sender.ts';
import { answerSessionTimer, MIN_SESSION_SECONDS } from './session-timer.ts';
import type { SourceLimitOptions } from './source-limits.ts';
import { TcpTransport } from './tcp-transport.ts';
import { type ServerTransaction, Transactions } from './transactions.ts';
import type { SipReceiver, SipTransport } from './transport.ts';
import { UdpTransport } from './udp-transport.ts';
import { responseTo } from './write.ts';

export interface SipUserAgentOptions {
  kit: Kit;
  /** Where to listen, UDP and TCP; `0.0.0.0` for all interfaces. */
  host: string;
  port: number;
  /** The name of the setting behind `port`, for errors. */
  portSetting: string;
  /** The address peers reach us at, when it is not the one we listen on (NAT, container). */
  publicHost?: string;
  publicPort?: number;
  /** For User-Agent. */
  name?: string;
  /** For digest challenges. */
  realm?: string;
  /** What callers with a credential are challenged with (RFC 8760), best first; MD5 unless told otherwise. */
  challenges?: readonly DigestAlgorithm[];
  /** The trunk that a source address belongs to; undefined for strangers. Asked for every message: must be quick. */
  trusts: (address: string) => string | undefined;
  /** The secret of a user who may call in from anywhere. */
  secret: (username: string) => SipSecret | undefined;
  /** A call arrives. Synchronous; it is answered or rejected later. */
  onInvite: (incoming: IncomingInvite) => void;
  /** Unanswered calls at once; more are refused with 503. */
  maxUnanswered?: number;
  limits?: Partial<SourceLimitOptions>;
  /** Tests: other transports, another resolver. */
  transports?: readonly SipTransport[];
  names?: NameService;
}

/** How long a stop waits for the answers to its goodbyes, ms. */
const STOP_MS = 2000;

export class SipUserAgent implements SipCore, SipReceiver {
  readonly kit: Kit;
  readonly #options: SipUserAgentOptions;
  readonly #transports: readonly SipTransport[];
  readonly #sender: SipSender;
  readonly #admission: Admission;
  readonly #transactions: Transactions;
  readonly #dialogs = new Map<string, DialogUser>();
  readonly #unanswered = new Map<ServerTransaction, IncomingInvite>();
  readonly #parts = new Set<Stoppable>();
  readonly #counts = {
    sipRequests: 0,
    sipResponses: 0,
    sipStrayResponses: 0,
    sipStrayAcks: 0,
    sipInvites: 0,
    sipFaults: 0,
    sipRefused: 0,
    sipOverload: 0,
    sipErrors: 0,
  };
  #stopping: Promise<void> | undefined;

  constructor(options: SipUserAgentOptions) {
    const { kit, host, port, portSetting } = options;
    this.kit = kit;
    this.#options = options;
    const listen = { host, port, portSetting };
    this.#transports = options.transports ?? [new UdpTransport(listen, kit.log), new TcpTransport(listen, kit.clock, kit.log)];
    this.#admission = new Admission({
      clock: kit.clock,
      random: kit.random,
      log: kit.log,
      realm: options.realm ?? 'tandem',
      challenges: options.challenges,
      trusts: options.trusts,
      secret: options.secret,
      limits: options.limits,
    });
    this.#transactions = new Transactions(kit.clock);
    this.#sender = new SipSender({
      kit,
      host,
      publicHost: options.publicHost,
      publicPort: options.publicPort,
      names: options.names ?? systemNames(),
      transports: this.#transports,
      transactions: this.#transactions,
    });
  }

  /** Opens the ports. Rejects with `port-taken` naming port and setting; nothing stays open then. */
  async start(): Promise<void> {
    try {
      for (const transport of this.#transports) await transport.start(this);
    } catch (error) {
      for (const transport of this.#transports) await transport.stop();
      throw error;
    }
  }

  /** The bound port of a transport; 0 when it is not there. */
  port(name: SipTransportName): number {
    return this.#transports.find((transport) => transport.name === name)?.port ?? 0;
  }

  /** Our address as `peer` can reach it, for SDP. */
  addressFor(peer: SipPeer): string {
    return this.#sender.addressFor(peer);
  }

  /** Places a call. */
  invite(ask: InviteRequest): OutgoingInvite {
    if (this.#stopping) throw new TandemError('unavailable', 'The SIP user agent is stopping');
    return new OutgoingInvite(this, ask);
  }

  /** Keeps a binding at a registrar until its `stop`. */
  register(ask: RegistrationRequest): Registration {
    if (this.#stopping) throw new TandemError('unavailable', 'The SIP user agent is stopping');
    return new Registration(this, ask);
  }

  /** Rejects what rings, ends all calls, unregisters, closes the ports; takes at most about 2 s. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const grace = Promise.withResolvers<void>();
    const timer = this.kit.clock.after(STOP_MS, () => grace.resolve());
    await Promise.race([Promise.all([...this.#parts].map((part) => part.stop())), grace.promise]);
    timer.cancel();
    this.#sender.close();
    for (const part of this.#parts) part.abandon();
    this.#transactions.end();
    await Promise.all(this.#transports.map((transport) => transport.stop()));
  }

  /** Monotonic counts, for metrics. */
  counters(): Record<string, number> {
    return Object.assign({}, this.#counts, this.#admission.counters(), ...this.#transports.map((transport) => transport.counters()));
  }

  /** What is alive now: zero of each after the last call has faded. */
  get load(): { dialogs: number; transactions: number; unanswered: number } {
    return { dialogs: this.#dialogs.size, transactions: this.#transactions.size, unanswered: this.#unanswered.size };
  }

  // From the transports

  admits(address: string): boolean {
    return this.#admission.admits(address);
  }

  fault(fault: SipFault, from: SipPeer): void {
    this.#counts.sipFaults++;
    if (fault.respond === undefined || fault.request === undefined || !this.#admission.trusts(from.address)) return;
    try {
      noteSource(fault.request, from);
      const response = responseTo(fault.request, fault.respond, undefined, { toTag: this.kit.ids.token(16) });
      this.#sender.send(response, responsePlace(fault.request, from));
    } catch (error) {
      this.#failed(error, from);
    }
  }

  message(message: SipMessage, from: SipPeer): boolean {
    try {
      return this.#take(message, from);
    } catch (error) {
      this.#failed(error, from);
      return true;
    }
  }

  /** A fault of ours, or of an owner: this message is lost, the other calls go on. */
  #failed(error: unknown, from: SipPeer): void {
    this.#counts.sipErrors++;
    this.kit.log.error({ error, address: from.address }, 'sip message could not be handled');
  }

  #take(message: SipMessage, from: SipPeer): boolean {
    if (message.kind === 'request') {
      this.#counts.sipRequests++;
      noteSource(message, from);
      return this.#receive(message, from);
    }
    this.#counts.sipResponses++;
    const known = this.#transactions.response(message);
    if (!known) this.#counts.sipStrayResponses++;
    return known;
  }

  #receive(request: SipRequest, from: SipPeer): boolean {
    const transaction = this.#transactions.serverOf(request);
    if (transaction) {
      transaction.receive(request);
      return true;
    }
    const id = dialogOf(request);
    const dialog = id && this.#dialogs.get(dialogKey(id));
    if (request.method === 'ACK') {
      if (!dialog) this.#counts.sipStrayAcks++;
      dialog?.ack(request);
      return dialog !== undefined;
    }
    if (this.#transactions.full) {
      this.#counts.sipOverload++;
      return false;
    }
    if (request.method === 'CANCEL') return this.#cancel(request, from);
    if (dialog) {
      const transaction = this.#serve(request, from);
      if (!this.#refuses(request, transaction)) dialog.serve(request, transaction, from);
      return true;
    }
    return this.#outsideDialogs(request, from);
  }

  /** §9.2. Whoever knows the INVITE's branch may cancel it. */
  #cancel(cancel: SipRequest, from: SipPeer): boolean {
    const invite = this.#transactions.cancelled(cancel);
    if (!invite && !this.#admission.trusts(from.address)) {
      this.#admission.drop();
      return false;
    }
    const incoming = invite && this.#unanswered.get(invite);
    const toTag = incoming?.localTag ?? this.kit.ids.token(16);
    this.#serve(cancel, from).respond(responseTo(cancel, invite ? 200 : 481, undefined, { toTag }));
    incoming?.cancel();
    return true;
  }

  #outsideDialogs(request: SipRequest, from: SipPeer): boolean {
    const verdict = this.#admission.judge(request, from);
    if (verdict.kind === 'stranger') return false;
    if (verdict.kind === 'challenged') {
      // Without a transaction (§8.2.7, §26.3.2.4), so that unproven callers cannot fill the table.
      const { headers, toTag } = verdict;
      this.#sender.send(responseTo(request, 401, undefined, { toTag, headers }), responsePlace(request, from));
      return true;
    }
    const merged = this.#transactions.isMerged(request);
    const transaction = this.#serve(request, from);
    const answer = (status: number, headers: readonly SipHeader[] = []) =>
      transaction.respond(responseTo(request, status, undefined, { toTag: this.kit.ids.token(16), headers }));
    if (merged) answer(482);
    else if (this.#refuses(request, transaction)) return true;
    else if (toTag(request) !== undefined) answer(481);
    else if (request.method === 'OPTIONS') answer(this.#stopping ? 503 : 200, this.#abilities());
    else if (request.method !== 'INVITE' || !(transaction instanceof InviteServerTransaction)) answer(481);
    else {
      const { trunk, user } = verdict;
      this.#invited(request, transaction, from, { trunk, user });
    }
    return true;
  }

  #invited(request: SipRequest, transaction: InviteServerTransaction, source: SipPeer, admitted: IncomingInvite['admitted']): void {
    transaction.respond(responseTo(request, 100));
    const refuse = (status: number, ...headers: SipHeader[]) =>
      transaction.respond(responseTo(request, status, undefined, { toTag: this.kit.ids.token(16), headers }));
    if (this.#stopping || this.#unanswered.size >= (this.#options.maxUnanswered ?? 2000)) {
      refuse(503, { name: 'retry-after', value: '5' });
      return;
    }
    const timer = answerSessionTimer(header(request, 'session-expires'), supportedTags(request).includes('timer'));
    if (timer.kind === 'too-small') {
      refuse(422, { name: 'min-se', value: String(MIN_SESSION_SECONDS) });
      return;
    }
    this.#counts.sipInvites++;
    const incoming = new IncomingInvite({
      core: this,
      request,
      transaction,
      source,
      heardFrom: this.#heardFrom(request, source, admitted),
      admitted,
      decided: () => this.#unanswered.delete(transaction),
    });
    this.#unanswered.set(transaction, incoming);
    try {
      this.#options.onInvite(incoming);
    } catch (error) {
      incoming.reject(500);
      throw error;
    }
  }

  /** A phone behind a NAT, and a TCP connection, are answered where they were heard from. */
  #heardFrom(request: SipRequest, source: SipPeer, admitted: IncomingInvite['admitted']): SipPeer | undefined {
    if (source.transport === 'TCP') return source;
    const routed = headerList(request, 'record-route').length > 0;
    if (admitted.user !== undefined && !routed) return source;
    return placeBehindNat(Dialog.asServer(request, '', 0), source);
  }

  /** §8.2.1 to §8.2.3. True when the request has been refused. */
  #refuses(request: SipRequest, transaction: ServerTransaction): boolean {
    const refusal = inspectRequest(request);
    if (!refusal) return false;
    this.#counts.sipRefused++;
    const { status, reason, headers } = refusal;
    transaction.respond(responseTo(request, status, reason, { toTag: this.kit.ids.token(16), headers }));
    return true;
  }

  #serve(request: SipRequest, from: SipPeer): ServerTransaction {
    return this.#transactions.serve(request, this.#sender.wire(responsePlace(request, from)));
  }

  // For sessions, invitations and registrations (SipCore)

  request(draft: SipRequest, hop: Hop, user: RequestUser, contactUser?: string): void {
    this.#sender.request(draft, hop, user, contactUser);
  }

  ack(draft: SipRequest, hop: Hop): void {
    this.#sender.ack(draft, hop);
  }

  contact(user: string | undefined, peer: SipPeer): string {
    return this.#sender.contact(user, peer);
  }

  capabilities(): SipHeader[] {
    return [
      { name: 'allow', value: CALL_ABILITIES.methods.join(', ') },
      { name: 'supported', value: CALL_ABILITIES.extensions.join(', ') },
      { name: 'user-agent', value: this.#options.name ?? 'Tandem' },
    ];
  }

  enterDialog(id: DialogId, user: DialogUser): void {
    this.#dialogs.set(dialogKey(id), user);
  }

  leaveDialog(id: DialogId): void {
    this.#dialogs.delete(dialogKey(id));
  }

  whenStopping(part: Stoppable): () => void {
    this.#parts.add(part);
    return () => this.#parts.delete(part);
  }

  #abilities(): SipHeader[] {
    const described: { headers: SipHeader[] } = { headers: [] };
    describeAbilities(described);
    return [...described.headers, { name: 'user-agent', value: this.#options.name ?? 'Tandem' }];
  }
}
