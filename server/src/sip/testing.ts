/** For tests: user agents on a network in memory, owners and listeners that write down what they are told. */
import { type TestKit, testKit } from '#kit/testing.ts';
import type { Credentials } from './client-auth.ts';
import type { IncomingInvite } from './incoming-invite.ts';
import { MemoryNetwork, type MemoryScript } from './memory-transport.ts';
import type { SipPeer, SipTransportName } from './message.ts';
import type { InviteFailure, InviteRequest, OutgoingInvite } from './outgoing-invite.ts';
import { parseDatagram } from './parse.ts';
import type { SessionEnding, SessionOwner, SipSession } from './session.ts';
import { sipUri } from './uri.ts';
import { SipUserAgent, type SipUserAgentOptions } from './user-agent.ts';

/** Writes down what a session asks and tells; answers every offer with `answer to <offer>`. */
export class RecordingOwner implements SessionOwner {
  readonly offers: string[] = [];
  readonly answers: string[] = [];
  readonly digits: string[] = [];
  readonly endings: SessionEnding[] = [];
  refuses = false;
  takesAnswers = true;

  offer(sdp: string): { answer: string } | { reject: number } {
    this.offers.push(sdp);
    return this.refuses ? { reject: 488 } : { answer: `answer to ${sdp}` };
  }

  makeOffer(): string {
    return 'our offer';
  }

  answer(sdp: string): boolean {
    this.answers.push(sdp);
    return this.takesAnswers;
  }

  digit(digit: string, durationMs: number): void {
    this.digits.push(`${digit} ${durationMs}`);
  }

  ended(ending: SessionEnding): void {
    this.endings.push(ending);
  }
}

/** A call out and everything it told. */
export class PlacedCall {
  readonly owner = new RecordingOwner();
  readonly rang: number[] = [];
  readonly early: string[] = [];
  readonly failures: InviteFailure[] = [];
  session: SipSession | undefined;
  readonly outgoing: OutgoingInvite;

  constructor(agent: SipUserAgent, ask: Partial<InviteRequest> = {}) {
    this.outgoing = agent.invite({
      target: sipUri('agent', '10.0.0.2', 5060),
      from: { display: 'Ann', uri: sipUri('ann', '10.0.0.1'), params: new Map() },
      offer: 'offer',
      owner: this.owner,
      listener: {
        ringing: (status) => this.rang.push(status),
        early: (sdp) => this.early.push(sdp),
        answered: (session) => {
          this.session = session;
        },
        failed: (failure) => this.failures.push(failure),
      },
      ...ask,
    });
  }
}

export interface Party {
  agent: SipUserAgent;
  incoming: IncomingInvite[];
  /** Owners of the calls that `answer` accepted. */
  owners: RecordingOwner[];
  sessions: SipSession[];
}

/** Rings and answers at once. */
export function answer(party: Party, index = 0): void {
  const owner = new RecordingOwner();
  const incoming = party.incoming[index];
  incoming.ring();
  const session = incoming.accept(incoming.offer === undefined ? 'our offer' : `answer to ${incoming.offer}`, owner);
  party.owners.push(owner);
  if (session) party.sessions.push(session);
}

/** Two trusting user agents, `a` at 10.0.0.1 and `b` at 10.0.0.2, over one network. */
export class Pair {
  readonly kit: TestKit = testKit();
  readonly network: MemoryNetwork;
  readonly #transport: SipTransportName;
  readonly a: Party;
  readonly b: Party;

  constructor(
    options: {
      script?: MemoryScript;
      transport?: SipTransportName;
      a?: Partial<SipUserAgentOptions>;
      b?: Partial<SipUserAgentOptions>;
    } = {},
  ) {
    this.network = new MemoryNetwork(this.kit.clock, options.script);
    this.#transport = options.transport ?? 'UDP';
    this.a = this.#party('10.0.0.1', this.#transport, options.a);
    this.b = this.#party('10.0.0.2', this.#transport, options.b);
  }

  #party(address: string, transport: SipTransportName, options: Partial<SipUserAgentOptions> = {}): Party {
    const incoming: IncomingInvite[] = [];
    const agent = new SipUserAgent({
      kit: this.kit,
      host: address,
      port: 5060,
      portSetting: 'SIP_PORT',
      trusts: () => 'trunk',
      secret: () => undefined,
      onInvite: (call) => incoming.push(call),
      transports: [this.network.transport(address, 5060, transport)],
      names: { addresses: () => Promise.resolve([]), services: () => Promise.resolve([]) },
      ...options,
    });
    return { agent, incoming, owners: [], sessions: [] };
  }

  async start(): Promise<this> {
    await this.a.agent.start();
    await this.b.agent.start();
    return this;
  }

  /** Start lines in the order sent, `1>` from a and `2>` from b. */
  get lines(): string[] {
    return this.network.sent.map(
      ({ from, text }) => `${from[7]}> ${text.slice(0, text.indexOf('\r\n')).replace(' SIP/2.0', '').replace('SIP/2.0 ', '')}`,
    );
  }

  /** Lets `ms` pass. */
  pass(ms: number): Promise<void> {
    return this.kit.clock.advance(ms);
  }

  place(ask: Partial<InviteRequest> = {}): PlacedCall {
    const target = sipUri('agent', '10.0.0.2', 5060);
    if (this.#transport === 'TCP') target.params.set('transport', 'tcp');
    return new PlacedCall(this.a.agent, { target, ...ask });
  }

  /** A call from a to b, answered and acknowledged. */
  async connect(ask: Partial<InviteRequest> = {}): Promise<PlacedCall> {
    const call = this.place(ask);
    await this.pass(20);
    answer(this.b);
    await this.pass(20);
    return call;
  }

  /** Lets every transaction fade; what is left after that leaks. */
  async fade(): Promise<{ timers: number; dialogs: number; transactions: number }> {
    await this.pass(300_000);
    const [a, b] = [this.a.agent.load, this.b.agent.load];
    return { timers: this.kit.clock.pending, dialogs: a.dialogs + b.dialogs, transactions: a.transactions + b.transactions };
  }
}

/** Nothing is left. */
export const FADED = { timers: 0, dialogs: 0, transactions: 0 };

/** A peer written by hand: sends texts, keeps what it is sent. */
export class RawPeer {
  readonly received: string[] = [];
  readonly #pair: Pair;
  readonly #transport;

  constructor(pair: Pair, address = '10.0.0.9') {
    this.#pair = pair;
    this.#transport = pair.network.transport(address, 5060);
    pair.network.join(this.#transport, {
      admits: () => true,
      message: (message) => {
        this.received.push(message.kind === 'response' ? String(message.status) : message.method);
        this.last = message;
        return true;
      },
      fault: () => {},
    });
  }

  last: ReturnType<typeof parseDatagram> | undefined;

  /** Lines without their CRLF; Content-Length and the usual fields are added where missing. */
  async send(lines: string[], body = ''): Promise<void> {
    const to: SipPeer = { transport: 'UDP', address: '10.0.0.2', port: 5060, connection: undefined };
    this.#transport.send(Buffer.from(`${[...lines, `Content-Length: ${Buffer.byteLength(body)}`].join('\r\n')}\r\n\r\n${body}`), to);
    await this.#pair.pass(10);
  }
}

/** `alice` with the password `secret`. */
export const ALICE: Credentials = { username: 'alice', password: 'secret' };
