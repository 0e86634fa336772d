/** A bare UDP socket: what no well-behaved phone sends, and every datagram that comes back. */
import { createSocket, type Socket } from 'node:dgram';

export class Datagrams {
  readonly received: Buffer[] = [];
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (bytes) => this.received.push(bytes));
  }

  static async open(address = '127.0.0.1'): Promise<Datagrams> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, address, resolve);
    });
    return new Datagrams(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Received datagrams as text. */
  get texts(): string[] {
    return this.received.map((bytes) => bytes.toString('latin1'));
  }

  send(bytes: Uint8Array | string, port: number, address = '127.0.0.1'): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, port, address, (error) =>
        error ? reject(error) : resolve(),
      );
    });
  }

  close(): void {
    this.#socket.close();
  }
}

export interface RequestText {
  user: string;
  number: string;
  /** host:port of the server. */
  target: string;
  /** Where we are. */
  port: number;
  callId: string;
  toTag?: string;
  cseq?: number;
  branch?: string;
  media?: number;
}

/** A SIP request by hand; an INVITE carries an offer. */
export function requestText(
  method: string,
  { user, number, target, port, callId, toTag, cseq = 1, branch = callId, media = 9000 }: RequestText,
): string {
  const body =
    method === 'INVITE' ? `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${media} RTP/AVP 0\r\n` : '';
  return [
    `${method} sip:${number}@${target} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${branch};rport`,
    'Max-Forwards: 70',
    `From: <sip:${user}@127.0.0.1:${port}>;tag=${callId}-from`,
    `To: <sip:${number}@${target}>${toTag === undefined ? '' : `;tag=${toTag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    `Contact: <sip:${user}@127.0.0.1:${port}>`,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}
