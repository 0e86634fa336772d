/**
 * Phones, PBXs and carriers over SIP: the user agent decides who may speak to us, trunks decide for which business, and
 * every answered call gets two RTP ports of its own.
 */
import { TandemError } from '#kit/errors.ts';
import type { RtpPorts } from '#rtp/port-pair.ts';
import { PortPool } from '#rtp/ports.ts';
import type { RemoteAddress } from '#rtp/source-latch.ts';
import type { UdpKind } from '#rtp/udp.ts';
import type { IncomingInvite } from '#sip/incoming-invite.ts';
import type { NameService } from '#sip/locate.ts';
import type { SipPeer } from '#sip/message.ts';
import type { DigestAlgorithm } from '#sip/digest.ts';
import { answerOffer, type AudioCodec } from '#sip/offer-answer.ts';
import type { Registration } from '#sip/registration.ts';
import type { SipTransport } from '#sip/transport.ts';
import { SipUserAgent } from '#sip/user-agent.ts';
import type { DialRequest, Gateway, GatewayContext, TrunkConfig } from '../gateway.ts';
import type { Leg } from '../leg.ts';
import { placeCall } from './dialling.ts';
import { incomingCall, refuseInvite } from './incoming-call.ts';
import { SipLeg } from './leg.ts';
import { MediaPorts } from './media-ports.ts';
import { Negotiation } from './negotiation.ts';
import type { PreparedCall } from './prepared-call.ts';
import { registerTrunk } from './registering.ts';
import { TrunkTable } from './trunk-table.ts';

export interface SipSettings {
  host: string;
  port: number;
  publicHost?: string;
  rtpPorts: { low: number; high: number };
  /** `auto` when absent. */
  udp?: UdpKind;
  /** Calls in that may share a pair of ports; when absent 1, and more once there are many calls. */
  callsPerPort?: number;
  codecs: readonly AudioCodec[];
  /** Offered to callers who must sign in, in this order; MD5 when absent. */
  digest?: readonly DigestAlgorithm[];
}

/** Wires in memory, for tests. */
export interface SipWires {
  transports: readonly SipTransport[];
  names: NameService;
  openPorts: (host: string) => Promise<RtpPorts>;
}

export class SipGateway implements Gateway {
  readonly name = 'sip';
  readonly #settings: SipSettings;
  readonly #context: GatewayContext;
  readonly #agent: SipUserAgent;
  readonly #wires: SipWires | undefined;
  readonly #pool: PortPool;
  readonly #legs = new Set<SipLeg>();
  readonly #registrations = new Map<string, { wanted: string; registration: Registration }>();
  readonly #counts = { calls_received: 0, calls_dialled: 0, numbers_unknown: 0, codecs_refused: 0, rtp_foreign_packets: 0 };
  /** Undefined on wires in memory, and while the gateway is stopped. */
  #media: MediaPorts | undefined;
  #trunks = new TrunkTable([]);
  #started = false;

  constructor(settings: SipSettings, context: GatewayContext, wires?: SipWires) {
    this.#settings = settings;
    this.#context = context;
    const { kit } = context;
    this.#pool = new PortPool(settings.rtpPorts.low, settings.rtpPorts.high, kit.clock, kit.random);
    this.#wires = wires;
    this.#agent = new SipUserAgent({
      kit,
      host: settings.host,
      port: settings.port,
      portSetting: 'SIP_PORT',
      publicHost: settings.publicHost,
      challenges: settings.digest,
      trusts: (address) => this.#trunks.bySource(address),
      secret: (username) => {
        const password = this.#trunks.byUser(username)?.password;
        return password === undefined ? undefined : { password };
      },
      onInvite: (invite) => this.#invited(invite),
      transports: wires?.transports,
      names: wires?.names,
    });
  }

  async start(): Promise<void> {
    if (!this.#wires) this.#openMedia();
    await this.#agent.start();
    this.#started = true;
    this.#register();
  }

  async stop(): Promise<void> {
    this.#started = false;
    await Promise.all([...this.#legs].map((leg) => leg.hangUp({ by: 'system', reason: 'shutdown' })));
    await this.#agent.stop();
    this.#media?.close();
    this.#media = undefined;
  }

  /** The ports in use, once started. */
  get ports(): { udp: number; tcp: number } {
    return { udp: this.#agent.port('UDP'), tcp: this.#agent.port('TCP') };
  }

  setTrunks(trunks: readonly TrunkConfig[]): void {
    this.#trunks = new TrunkTable(trunks);
    for (const source of this.#trunks.faults) this.#context.kit.log.warn({ source }, 'a trunk has a source that is no address or range');
    if (this.#started) this.#register();
  }

  canDial(businessId: string): boolean {
    return this.#started && this.#trunks.outbound(businessId) !== undefined;
  }

  dial(request: DialRequest): Promise<Leg> {
    const way = this.#trunks.outbound(request.businessId);
    if (!way || !this.#started) return Promise.reject(new TandemError('outbound-not-configured'));
    if (request.signal.aborted) return Promise.reject(request.signal.reason as Error);
    this.#counts.calls_dialled++;
    const { host, port } = way.proxy;
    const peer: SipPeer = { transport: 'UDP', address: host, port: port ?? 5060, connection: undefined };
    return placeCall({ agent: this.#agent, request, way, prepare: () => this.#prepare(peer) });
  }

  /** Pairs of RTP ports that are neither taken nor at rest, and what is left in those that calls share. */
  linesFree(): number {
    return this.#media?.linesFree ?? this.#pool.free;
  }

  /** Counts of the user agent (`sip_…`) and of this gateway. */
  counters(): Record<string, number> {
    const counters: Record<string, number> = { ...this.#counts, calls_open: this.#legs.size };
    for (const [name, count] of Object.entries(this.#agent.counters())) {
      counters[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = count;
    }
    Object.assign(counters, this.#media?.counters());
    for (const { foreignPackets } of this.#legs) counters['rtp_foreign_packets'] += foreignPackets;
    return counters;
  }

  #openMedia(): MediaPorts {
    const { udp = 'auto', callsPerPort } = this.#settings;
    this.#media ??= new MediaPorts({ ...this.#context, pool: this.#pool, udp, callsPerPort });
    return this.#media;
  }

  #openPorts(remote: RemoteAddress | undefined): Promise<RtpPorts> {
    const { host } = this.#settings;
    return this.#wires?.openPorts(host) ?? this.#openMedia().open(host, remote);
  }

  #invited(invite: IncomingInvite): void {
    this.#counts.calls_received++;
    const { trunk, user } = invite.admitted;
    const from = trunk === undefined ? this.#trunks.byUser(user ?? '') : this.#trunks.byId(trunk);
    const { offer } = invite;
    // The port is not known yet; what can be agreed on does not depend on it.
    const possible = offer === undefined ? undefined : answerOffer(offer, { ...this.#local('0.0.0.0', 9), sessionId: '0' });
    if (possible === 'malformed') invite.reject(400);
    else if (possible === 'no-common-codec') {
      this.#counts.codecs_refused++;
      refuseInvite(invite, 'no-common-codec');
    } else if (!this.#context.whoAnswers(invite.calledUser, from?.businessId)) {
      this.#counts.numbers_unknown++;
      refuseInvite(invite, 'number-unknown');
    } else {
      const agreed = typeof possible === 'object' ? possible.agreed : undefined;
      const remote = agreed && { address: agreed.remoteAddress, port: agreed.remotePort };
      this.#context.onCall(incomingCall(invite, from?.businessId, () => this.#answer(invite, remote)));
    }
  }

  async #answer(invite: IncomingInvite, remote: RemoteAddress | undefined): Promise<{ leg: SipLeg; sdp: string }> {
    const { ports, negotiation, leg } = await this.#prepare(invite.source, remote);
    // RFC 6337 §2: an INVITE without an offer gets ours in the 200, its answer comes in the ACK.
    const answer = invite.offer === undefined ? negotiation.offer() : negotiation.answer(invite.offer);
    if (typeof answer === 'object') return { leg: leg(), sdp: answer.sdp };
    if (invite.offer === undefined) return { leg: leg(), sdp: answer };
    ports.release();
    throw new TandemError('no-common-codec');
  }

  /** Opens ports for a call with `peer`. Rejects with `capacity-reached` when none is free. */
  async #prepare(peer: SipPeer, remote?: RemoteAddress): Promise<PreparedCall> {
    const { kit, pacer } = this.#context;
    const ports = await this.#openPorts(remote);
    const address = this.#agent.addressFor(peer);
    // RFC 8866 §5.2: the session id is a number.
    const sessionId = String(kit.random.below(2 ** 31));
    const negotiation = new Negotiation({ ...this.#local(address, ports.rtp.port), sessionId });
    return {
      ports,
      negotiation,
      leg: () => {
        const leg: SipLeg = new SipLeg({
          id: kit.ids.make('leg'),
          kit,
          pacer,
          ports,
          negotiation,
          format: negotiation.agreed?.codec === 'G722' ? 'linear-16000' : 'mulaw-8000',
          cname: `${kit.ids.token(12)}@tandem`,
          ended: () => {
            this.#counts.rtp_foreign_packets += leg.foreignPackets;
            this.#legs.delete(leg);
          },
        });
        this.#legs.add(leg);
        return leg;
      },
    };
  }

  #local(address: string, port: number): { address: string; port: number; codecs: readonly AudioCodec[] } {
    return { address, port, codecs: this.#settings.codecs };
  }

  /** Keeps one registration per trunk that wants one; one that changed is made anew. */
  #register(): void {
    const wanted = new Map([...this.#trunks.all].map((trunk) => [trunk.id, trunk]));
    for (const [id, { wanted: before, registration }] of this.#registrations) {
      if (JSON.stringify(wanted.get(id)) === before) continue;
      this.#registrations.delete(id);
      void registration.stop();
    }
    for (const trunk of wanted.values()) {
      if (this.#registrations.has(trunk.id)) continue;
      const registration = registerTrunk(this.#agent, trunk, this.#context.kit.log);
      if (registration) this.#registrations.set(trunk.id, { wanted: JSON.stringify(trunk), registration });
    }
  }
}
