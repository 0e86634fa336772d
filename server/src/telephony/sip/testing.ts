/** For tests of this room: networks in memory, two gateways that call each other, and a phone that does what they do not. */
import { expect } from 'vitest';
import { MediaPacer } from '#audio/pacer.ts';
import type { Timer } from '#kit/clock.ts';
import { type TestKit, testKit } from '#kit/testing.ts';
import type { RtpPorts } from '#rtp/port-pair.ts';
import { RtpSession } from '#rtp/session.ts';
import { type DatagramHandler, type DatagramSocket, type FrameQueue, QUEUE_FRAMES } from '#rtp/socket.ts';
import { MemoryNetwork } from '#sip/memory-transport.ts';
import type { AudioCodec } from '#sip/offer-answer.ts';
import type { SessionEnding, SessionOwner, SipSession } from '#sip/session.ts';
import { sipUri } from '#sip/uri.ts';
import { SipUserAgent } from '#sip/user-agent.ts';
import type { GatewayContext, IncomingCall, TrunkConfig } from '../gateway.ts';
import { SipGateway } from './gateway.ts';
import { Negotiation } from './negotiation.ts';
import { sip } from './vendor.ts';

/** A queue on the virtual clock: each frame leaves in the millisecond in which it is due. */
class VirtualQueue implements FrameQueue {
  late = 0;
  left = 0;
  readonly #kit: TestKit;
  readonly #socket: DatagramSocket;
  readonly #frames: { bytes: Uint8Array; timer: Timer }[] = [];
  #to = { port: 0, address: '' };

  constructor(kit: TestKit, socket: DatagramSocket) {
    this.#kit = kit;
    this.#socket = socket;
  }

  get waiting(): number {
    return this.#frames.length;
  }

  aim(port: number, address: string): void {
    this.#to = { port, address };
  }

  write(bytes: Uint8Array, dueAt: number): boolean {
    if (this.waiting >= QUEUE_FRAMES) return false;
    const timer = this.#kit.clock.after(dueAt - this.#kit.clock.now(), () => this.#leave(dueAt));
    this.#frames.push({ bytes: bytes.slice(), timer });
    return true;
  }

  takeBack(atMost: number): number {
    const taken = this.#frames.splice(Math.max(0, this.#frames.length - atMost));
    for (const { timer } of taken) timer.cancel();
    return taken.length;
  }

  close(): void {
    this.takeBack(QUEUE_FRAMES);
  }

  #leave(dueAt: number): void {
    const frame = this.#frames.shift();
    this.left++;
    if (this.#kit.clock.now() - dueAt > 5) this.late++;
    if (frame) this.#socket.send(frame.bytes, 0, frame.bytes.length, this.#to.port, this.#to.address);
  }
}

/** UDP in memory: 2 ms from anywhere to anywhere; `drop` loses what it likes. With `queues` sockets send by themselves. */
export class MediaNetwork {
  drop: (bytes: Uint8Array, to: number) => boolean = () => false;
  queues = false;
  readonly #kit: TestKit;
  readonly #handlers = new Map<string, DatagramHandler>();
  #port = 20_000;

  constructor(kit: TestKit) {
    this.#kit = kit;
  }

  get open(): number {
    return this.#handlers.size;
  }

  ports(host: string): RtpPorts {
    const port = this.#port;
    this.#port += 2;
    const [rtp, rtcp] = [this.#socket(host, port), this.#socket(host, port + 1)];
    return {
      rtp,
      rtcp,
      release: () => {
        rtp.close();
        rtcp.close();
      },
    };
  }

  #socket(address: string, port: number): DatagramSocket {
    const name = `${address}:${port}`;
    let handler: DatagramHandler = () => {};
    this.#handlers.set(name, (bytes, from, fromPort) => handler(bytes, from, fromPort));
    const socket: DatagramSocket = {
      address,
      port,
      openQueue: this.queues ? () => new VirtualQueue(this.#kit, socket) : undefined,
      onMessage: (next) => (handler = next),
      send: (bytes, offset, length, toPort, to) => {
        const copy = bytes.slice(offset, offset + length);
        if (this.drop(copy, toPort)) return;
        this.#kit.clock.after(2, () => this.#handlers.get(`${to}:${toPort}`)?.(copy, address, port));
      },
      close: () => this.#handlers.delete(name),
    };
    return socket;
  }
}

/** A phone that does with its media what our own gateway never starts: holds, resumes, changes codec, delays its offer. */
export class Phone implements SessionOwner {
  readonly endings: SessionEnding[] = [];
  session: SipSession | undefined;
  rtp: RtpSession | undefined;
  talks = true;
  readonly negotiation: Negotiation;
  #version = 1;
  readonly #kit: TestKit;
  readonly #ports: RtpPorts;
  readonly #agent: SipUserAgent;

  constructor(kit: TestKit, network: MemoryNetwork, media: MediaNetwork) {
    this.#kit = kit;
    this.#ports = media.ports('10.0.0.3');
    this.negotiation = this.#describe(['PCMU']);
    this.#agent = new SipUserAgent({
      kit,
      host: '10.0.0.3',
      port: 5060,
      portSetting: 'SIP_PORT',
      trusts: () => 'us',
      secret: () => undefined,
      onInvite: (invite) => invite.reject(486),
      transports: [network.transport('10.0.0.3', 5060, 'UDP')],
      names: { addresses: () => Promise.resolve([]), services: () => Promise.resolve([]) },
    });
  }

  #describe(codecs: AudioCodec[]): Negotiation {
    return new Negotiation({ address: '10.0.0.3', port: this.#ports.rtp.port, codecs, sessionId: '7' });
  }

  async call(): Promise<void> {
    await this.#agent.start();
    this.#agent.invite({
      target: sipUri('+15550100', '10.0.0.1', 5060),
      from: { display: undefined, uri: sipUri('phone', '10.0.0.3'), params: new Map() },
      offer: this.negotiation.offer(),
      owner: this,
      listener: { ringing: () => {}, early: () => {}, failed: () => {}, answered: (session) => (this.session = session) },
    });
    this.#tick();
  }

  /** Offers again: the SDP last sent, changed. */
  reoffer(change: (sdp: string) => string): void {
    const sdp = (this.negotiation.sent ?? '').replace(/o=- (\d+) \d+/, `o=- $1 ${++this.#version}`);
    this.session?.offer(change(sdp));
  }

  async stop(): Promise<void> {
    this.talks = false;
    this.#ports.release();
    await this.#agent.stop();
  }

  #tick(): void {
    this.#kit.clock.after(20, () => {
      if (this.endings.length > 0) return;
      this.rtp?.pull(new Uint8Array(160));
      this.rtp?.tick(this.talks ? new Uint8Array(160).fill(0xff) : undefined, this.#kit.clock.now());
      this.#tick();
    });
  }

  answer(sdp: string): boolean {
    if (this.rtp) return true;
    const agreed = this.negotiation.read(sdp);
    if (typeof agreed === 'string') return false;
    this.rtp = new RtpSession({
      rtp: this.#ports.rtp,
      rtcp: this.#ports.rtcp,
      clock: this.#kit.clock,
      random: this.#kit.random,
      payloadTypes: { audio: agreed.payloadType, event: 101 },
      remote: { address: agreed.remoteAddress, port: agreed.remotePort },
      latching: false,
      silence: 0xff,
      cname: 'phone',
      listener: { digit: () => {} },
    });
    return true;
  }

  offer(): { reject: number } {
    return { reject: 488 };
  }

  makeOffer(): string {
    return this.negotiation.offer();
  }

  digit(): void {}

  ended(ending: SessionEnding): void {
    this.endings.push(ending);
  }
}

export const trunk = (change: Partial<TrunkConfig>): TrunkConfig => ({
  id: 'trunk-1',
  businessId: 'business-1',
  name: 'test',
  sources: [],
  username: undefined,
  password: undefined,
  registrar: undefined,
  registerUser: undefined,
  registerPassword: undefined,
  outboundProxy: undefined,
  ...change,
});

export interface HouseOptions {
  near?: AudioCodec[];
  far?: AudioCodec[];
  whoAnswers?: (to: string) => string | undefined;
  trunks?: TrunkConfig[];
  /** The sockets of calls send by themselves, as the native part's do. */
  queues?: boolean;
}

/** Our gateway at 10.0.0.1 and the phone's at 10.0.0.2, on one virtual clock and networks in memory. */
export async function house(options: HouseOptions = {}) {
  const kit = testKit();
  const pacer = new MediaPacer(kit.clock, kit.log);
  const network = new MemoryNetwork(kit.clock);
  const media = new MediaNetwork(kit);
  media.queues = options.queues ?? false;
  const calls: IncomingCall[] = [];
  const make = (address: string, codecs: AudioCodec[] | undefined, onCall: (call: IncomingCall) => void) => {
    const context: GatewayContext = {
      kit,
      pacer,
      onCall,
      whoAnswers: options.whoAnswers ?? (() => 'Ada'),
      publicUrl: 'http://127.0.0.1:3000',
      mediaUrl: 'ws://127.0.0.1:3001',
    };
    const settings = sip.settings.parse({ host: address, codecs: codecs?.join(',') });
    return new SipGateway(settings, context, {
      transports: [network.transport(address, 5060, 'UDP')],
      names: { addresses: () => Promise.resolve([]), services: () => Promise.resolve([]) },
      openPorts: (host) => Promise.resolve(media.ports(host)),
    });
  };
  const near = make('10.0.0.1', options.near, (call) => calls.push(call));
  const farCalls: IncomingCall[] = [];
  const far = make('10.0.0.2', options.far, (call) => farCalls.push(call));
  near.setTrunks(options.trunks ?? [trunk({ sources: ['10.0.0.0/24'], outboundProxy: '10.0.0.2' })]);
  far.setTrunks([trunk({ sources: ['10.0.0.1'], outboundProxy: 'sip:10.0.0.1:5060', registerUser: 'phone', registerPassword: 'secret' })]);
  await near.start();
  await far.start();
  const abort = new AbortController();
  const dial = (change: { from?: string } = {}) =>
    far.dial({ businessId: 'business-1', to: '+15550100', from: '+15550199', signal: abort.signal, ...change });
  const pass = (ms: number) => kit.clock.advance(ms);
  return {
    kit,
    pacer,
    near,
    far,
    calls,
    farCalls,
    media,
    network,
    abort,
    dial,
    pass,
    close: async () => {
      await Promise.all([near.stop(), far.stop(), pass(5_000)]);
      await pass(300_000);
      expect(pacer.size).toBe(0);
      expect(kit.clock.pending).toBe(0);
      expect(media.open).toBe(0);
    },
  };
}

export async function connected(options: HouseOptions = {}) {
  const all = await house(options);
  const dialled = all.dial();
  await all.pass(50);
  const answered = all.calls[0].answer();
  await all.pass(50);
  return { ...all, leg: await answered, phone: await dialled };
}
