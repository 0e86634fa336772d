/** Callers by SIP and RTP: one user agent signals for all of them, each has a port of its own for its sound. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { DatagramSockets } from '#rtp/socket.ts';
import { openSockets, type UdpKind } from '#rtp/udp.ts';
import type { SipUri } from '#sip/message.ts';
import { type AgreedMedia, makeOffer, readAnswer } from '#sip/offer-answer.ts';
import type { InviteFailure } from '#sip/outgoing-invite.ts';
import type { SessionOwner, SipSession } from '#sip/session.ts';
import { sipUri } from '#sip/uri.ts';
import { SipUserAgent } from '#sip/user-agent.ts';
import { RtpStream } from './rtp-stream.ts';
import { type DialRequest, type LoadLine, type LoadWire, Refused } from './wire.ts';

/** How long it may ring. */
const NO_ANSWER_MS = 30_000;

export interface SipWireOptions {
  kit: Kit;
  target: SipUri;
  /** For a server that challenges. */
  credentials?: { username: string; password: string };
  /** How packets leave and arrive; the best that there is unless told. */
  udp?: UdpKind;
}

export class SipWire implements LoadWire {
  readonly #options: SipWireOptions;
  readonly #open = new Set<SipLine>();
  #agent: SipUserAgent | undefined;
  #sockets: DatagramSockets | undefined;
  #host = '';

  constructor(options: SipWireOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { kit, target } = this.#options;
    const bare = target.host.replace(/^\[|\]$/g, '');
    const address = isIP(bare) ? bare : (await lookup(bare, { family: 4 })).address;
    const loopback = address.startsWith('127.') || address === '::1';
    const listenHost = loopback ? address : address.includes(':') ? '::' : '0.0.0.0';
    this.#agent = new SipUserAgent({
      kit,
      host: listenHost,
      port: 0,
      portSetting: 'the load generator',
      // Whatever answers us is the server; strangers cannot call a generator, because it answers no INVITE.
      trusts: () => 'server',
      secret: () => undefined,
      onInvite: (incoming) => incoming.reject(403),
    });
    await this.#agent.start();
    this.#host = loopback
      ? address
      : this.#agent.addressFor({ transport: 'UDP', address, port: target.port ?? 5060, connection: undefined });
    this.#sockets = openSockets(this.#options.udp ?? 'auto', kit.clock, kit.log);
  }

  arrive(): void {
    this.#sockets?.arrive();
  }

  depart(): void {
    this.#sockets?.depart();
  }

  async dial({ call, from, listener, own }: DialRequest): Promise<LoadLine> {
    const { kit, target, credentials } = this.#options;
    const agent = this.#agent;
    if (!agent || !this.#sockets) throw new TandemError('unavailable', 'the wire is not open');
    const socket = await this.#sockets.bind(this.#host, 0);
    const stream = new RtpStream({ socket, call, listener, own, now: () => kit.clock.now() });
    const line = new SipLine(stream, this.#host, (why) => {
      this.#open.delete(line);
      if (why !== undefined) listener.ended(why);
    });
    this.#open.add(line);
    const { promise, resolve, reject } = Promise.withResolvers<LoadLine>();
    agent.invite({
      target,
      from: { display: undefined, uri: sipUri(from, this.#host), params: new Map() },
      offer: line.makeOffer(),
      owner: line,
      credentials,
      noAnswerMs: NO_ANSWER_MS,
      listener: {
        ringing: () => {},
        early: () => {},
        answered: (session) => {
          line.join(session);
          resolve(line);
        },
        failed: (failure) => {
          line.abandon();
          reject(faultOf(failure));
        },
      },
    });
    return promise;
  }

  async stop(): Promise<void> {
    for (const line of this.#open) line.hangUp();
    await this.#agent?.stop();
    this.#agent = undefined;
    this.#sockets?.close();
  }
}

function faultOf({ cause, status, reason }: InviteFailure): Error {
  return status !== undefined && status >= 300 ? new Refused(String(status), reason) : new Error(`not answered: ${cause}`);
}

/** The media side of one session, and the line that the caller talks on. */
class SipLine implements LoadLine, SessionOwner {
  readonly #stream: RtpStream;
  readonly #address: string;
  readonly #closed: (why: string | undefined) => void;
  #sent: string | undefined;
  #agreed: AgreedMedia | undefined;
  #session: SipSession | undefined;
  #over = false;

  constructor(stream: RtpStream, address: string, closed: (why: string | undefined) => void) {
    this.#stream = stream;
    this.#address = address;
    this.#closed = closed;
  }

  join(session: SipSession): void {
    this.#session = session;
    const agreed = this.#agreed;
    if (agreed) this.#stream.open({ address: agreed.remoteAddress, port: agreed.remotePort, eventType: agreed.telephoneEventPayloadType });
  }

  send(sound: Uint8Array | undefined, offset: number): void {
    this.#stream.send(sound, offset);
  }

  press(digits: string): void {
    this.#stream.press(digits);
  }

  counts() {
    return this.#stream.counts();
  }

  hangUp(): void {
    if (this.#over) return;
    this.abandon();
    void this.#session?.hangUp();
  }

  /** Never answered, or over: the port is given back. */
  abandon(): void {
    this.#end(undefined);
  }

  makeOffer(): string {
    const { port } = this.#stream;
    this.#sent = makeOffer({ address: this.#address, port, rtcpMux: false, codecs: ['PCMU'], sessionId: String(port) }, this.#sent);
    return this.#sent;
  }

  answer(sdp: string): boolean {
    const agreed = this.#sent === undefined ? 'malformed' : readAnswer(this.#sent, sdp);
    if (typeof agreed === 'string') return false;
    this.#agreed = agreed;
    return true;
  }

  /** Hold and codec changes are no part of a load test. */
  offer(): { reject: number } {
    return { reject: 488 };
  }

  digit(): void {}

  ended({ cause, reason }: { cause: string; reason: string | undefined }): void {
    this.#end(cause === 'local' ? undefined : `ended by ${cause === 'peer' ? 'the server' : cause}${reason ? `: ${reason}` : ''}`);
  }

  #end(why: string | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#stream.close();
    this.#closed(why);
  }
}
