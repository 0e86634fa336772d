/**
 * The caller's phone: a real SIP user agent and a real RTP session, on wires in memory. It sends what goes into its microphone
 * every 20 ms and listens 10 ms later, as our own legs do.
 */
import { MULAW_SILENCE } from '#audio/frame.ts';
import type { Paced, Pacer } from '#audio/pacer.ts';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { RtpPorts } from '#rtp/dgram-socket.ts';
import { emptyRtpHeader, parseRtp } from '#rtp/packet.ts';
import { RtpSession } from '#rtp/session.ts';
import type { DatagramSocket } from '#rtp/socket.ts';
import { type AgreedMedia, makeOffer, readAnswer } from '#sip/offer-answer.ts';
import type { OutgoingInvite } from '#sip/outgoing-invite.ts';
import type { SessionEnding, SessionOwner, SipSession } from '#sip/session.ts';
import type { SipTransport } from '#sip/transport.ts';
import { sipUri } from '#sip/uri.ts';
import { SipUserAgent } from '#sip/user-agent.ts';
import type { Microphone } from './microphone.ts';

const CODEC = 'PCMU';
const FRAME_BYTES = 160;

export interface PhoneOptions {
  kit: Kit;
  pacer: Pacer;
  /** The address it is at. */
  host: string;
  transport: SipTransport;
  ports: RtpPorts;
  microphone: Microphone;
  /** 20 ms of the other side's sound have arrived, µ-law. */
  hears: (payload: Uint8Array) => void;
}

export class CallerPhone implements Paced, SessionOwner {
  readonly #options: PhoneOptions;
  readonly #agent: SipUserAgent;
  readonly #heard = new Uint8Array(FRAME_BYTES);
  readonly #offer: string;
  #session: SipSession | undefined;
  #rtp: RtpSession | undefined;
  #ended = false;

  constructor(options: PhoneOptions) {
    this.#options = options;
    const { kit, host, ports, transport } = options;
    this.#offer = makeOffer({ address: host, port: ports.rtp.port, codecs: [CODEC], sessionId: '1', rtcpMux: false });
    this.#agent = new SipUserAgent({
      kit,
      host,
      port: transport.port,
      portSetting: 'SIP_PORT',
      name: 'simulated caller',
      trusts: () => 'server',
      secret: () => undefined,
      onInvite: (invite) => invite.reject(486),
      transports: [transport],
      names: { addresses: () => Promise.resolve([]), services: () => Promise.resolve([]) },
    });
  }

  /** The call is over, whoever ended it. */
  get over(): boolean {
    return this.#ended;
  }

  /** The Call-ID of SIP, once it was answered. */
  get callId(): string | undefined {
    return this.#session?.callId;
  }

  get sendingDigits(): boolean {
    return this.#rtp?.sendingDigits ?? false;
  }

  /** Calls `to` at `server`, numeric address and port. Resolves when it is answered; rejects with `dial-failed`. */
  async call(to: string, from: string, server: string, port = 5060): Promise<void> {
    await this.#agent.start();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const outgoing: OutgoingInvite = this.#agent.invite({
      target: sipUri(to, server, port),
      from: { display: undefined, uri: sipUri(from, this.#options.host), params: new Map() },
      offer: this.#offer,
      owner: this,
      listener: {
        ringing: () => {},
        early: () => {},
        failed: ({ status, reason }) => {
          this.#ended = true;
          reject(new TandemError('dial-failed', `The call was refused: ${status ?? ''} ${reason}`.trim(), { callId: outgoing.callId }));
        },
        answered: (session) => {
          this.#session = session;
          this.#options.pacer.add(this);
          resolve();
        },
      },
    });
    await promise;
  }

  /** False when the far end takes no digits. */
  press(digits: string): boolean {
    return this.#rtp?.sendDigits(digits) ?? false;
  }

  async hangUp(): Promise<void> {
    this.#close();
    await this.#session?.hangUp();
  }

  tick(deadline: number): void {
    this.#rtp?.tick(this.#options.microphone.next(), deadline);
  }

  listen(deadline: number): void {
    const { microphone } = this.#options;
    if (!this.#rtp) return;
    const played = this.#rtp.pull(this.#heard, deadline) === 'played';
    microphone.hears(played ? this.#heard : undefined);
  }

  // What the session asks (SessionOwner)

  answer(sdp: string): boolean {
    const agreed = readAnswer(this.#offer, sdp);
    if (typeof agreed === 'string') return false;
    this.#rtp ??= this.#open(agreed);
    return true;
  }

  offer(): { reject: number } {
    return { reject: 488 };
  }

  makeOffer(): string {
    return this.#offer;
  }

  digit(): void {}

  ended(_ending: SessionEnding): void {
    this.#close();
  }

  #open(agreed: AgreedMedia): RtpSession {
    const { kit, ports, hears } = this.#options;
    return new RtpSession({
      rtp: listenedTo(ports.rtp, agreed.receivePayloadType, hears),
      rtcp: ports.rtcp,
      clock: kit.clock,
      random: kit.random,
      payloadTypes: { audio: agreed.payloadType, event: agreed.telephoneEventPayloadType },
      remote: { address: agreed.remoteAddress, port: agreed.remotePort },
      latching: false,
      silence: MULAW_SILENCE,
      cname: 'caller',
      listener: { digit: () => {} },
    });
  }

  #close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.pacer.remove(this);
    this.#rtp?.close();
    this.#options.ports.release();
  }
}

/** The same socket; sound that arrives at it is heard at once, before any jitter buffer. */
function listenedTo(socket: DatagramSocket, audio: number, hears: (payload: Uint8Array) => void): DatagramSocket {
  const header = emptyRtpHeader();
  return {
    address: socket.address,
    port: socket.port,
    onMessage: (handler) =>
      socket.onMessage((bytes, address, port) => {
        if (parseRtp(bytes, header) && header.payloadType === audio) hears(bytes.subarray(header.payloadStart, header.payloadEnd));
        handler(bytes, address, port);
      }),
    send: (bytes, offset, length, port, address) => socket.send(bytes, offset, length, port, address),
    close: () => socket.close(),
  };
}
