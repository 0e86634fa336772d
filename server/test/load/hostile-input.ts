/** What strangers throw at open ports, from a seed: valid messages, mutated ones, and noise. Loopback only, and paced. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import type { Random } from '#kit/random.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const STEP_MS = 10;

/** Calls `send` `count` times at `perSecond`, in small bursts. */
export async function paced(count: number, perSecond: number, send: (index: number) => void): Promise<void> {
  const startedAt = performance.now();
  for (let sent = 0; sent < count; ) {
    const due = Math.min(count, Math.ceil(((performance.now() - startedAt) * perSecond) / 1000));
    while (sent < due) send(sent++);
    await pause(STEP_MS);
  }
}

/** Runs `count` jobs, `atOnce` side by side. */
export async function many(count: number, atOnce: number, job: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await job(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

const pick = <T>(random: Random, from: readonly T[]): T => from[random.below(from.length)];
const SPICE = [
  '\0',
  '\r\n',
  '\n',
  ' ',
  ';',
  ',',
  '"',
  '<',
  '>',
  '%',
  '%00',
  ':',
  '=',
  '@',
  '\u00ff',
  '\u2028',
  '9'.repeat(40),
  ';a'.repeat(300),
  '('.repeat(2_000),
];

/** Flips, cuts, doubles, moves and spices a message, up to five times. */
export function mutate(random: Random, text: string): Buffer {
  let bytes = Buffer.from(text, 'latin1');
  for (let i = 1 + random.below(5); i > 0; i--) {
    const at = random.below(bytes.length + 1);
    const to = Math.min(bytes.length, at + random.below(60));
    const [head, middle, tail] = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)];
    switch (random.below(5)) {
      case 0:
        bytes = Buffer.from(bytes);
        if (at < bytes.length) bytes[at] = random.below(256);
        break;
      case 1:
        bytes = Buffer.concat([head, tail]);
        break;
      case 2:
        bytes = Buffer.concat([head, middle, middle, tail]);
        break;
      case 3:
        bytes = Buffer.concat([head, Buffer.from(pick(random, SPICE), 'latin1'), middle, tail]);
        break;
      default:
        bytes = Buffer.concat([tail, head, middle]);
    }
    if (bytes.length === 0) return Buffer.from(text);
  }
  return bytes;
}

const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n';

/** A well-formed request to a number that nobody answers, or a response to nothing. */
export function sipMessage(random: Random, transport: 'UDP' | 'TCP', source: string, serial: number): string {
  const method = pick(random, ['OPTIONS', 'INVITE', 'BYE', 'CANCEL', 'ACK', 'REGISTER', 'INFO', 'UPDATE', 'NOTIFY', 'FOO']);
  const body = random.below(2) === 0 ? SDP : '';
  const start = random.below(6) === 0 ? `SIP/2.0 ${100 + random.below(599)} Whatever` : `${method} sip:nobody@127.0.0.1 SIP/2.0`;
  return [
    start,
    `Via: SIP/2.0/${transport} ${source};branch=z9hG4bK${serial};rport`,
    'Max-Forwards: 70',
    `From: "A stranger" <sip:stranger@${source}>;tag=${serial}`,
    `To: <sip:nobody@127.0.0.1>${random.below(3) === 0 ? ';tag=1' : ''}`,
    `Call-ID: hostile-${serial}`,
    `CSeq: ${random.below(2 ** 31)} ${method}`,
    `Contact: <sip:stranger@${source}>`,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

/** Sockets at `127.0.0.x` addresses, all of which are this machine. */
export async function udpSources(addresses: readonly string[]): Promise<UdpSocket[]> {
  const sockets = addresses.map(() => createSocket('udp4'));
  await Promise.all(sockets.map((socket, i) => new Promise<void>((resolve) => socket.bind(0, addresses[i], resolve))));
  for (const socket of sockets) socket.on('error', () => {});
  return sockets;
}

/** A packet for an RTP or RTCP port: of a stranger's stream, of no known type, cut off, huge, a forged report, or noise. */
export function mediaPacket(random: Random, serial: number): Uint8Array {
  const kind = random.below(50);
  if (kind === 0) return random.bytes(20_000 + random.below(40_000));
  if (kind < 10) return random.bytes(random.below(12));
  const bytes = Buffer.from(random.bytes(kind < 20 ? 1 + random.below(1_400) : 172));
  if (kind < 20) return bytes;
  bytes[0] = kind < 40 ? 0x80 : 0x80 | random.below(64);
  bytes[1] = kind < 30 ? 0 : kind < 35 ? 200 + random.below(8) : random.below(256);
  bytes.writeUInt16BE(serial & 0xffff, 2);
  return bytes;
}

/** A TCP connection that never throws; `closed` resolves when it is over. */
export function tcp(port: number, from = '127.0.0.1'): { socket: Socket; closed: Promise<void>; received: () => string } {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from });
  let received = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    received = (received + chunk.toString('latin1')).slice(-4_096);
  });
  return { socket, closed: new Promise((resolve) => socket.once('close', () => resolve())), received: () => received };
}

/** Sends `pieces` one after the other and closes; gives up when the other side does, or after `withinMs`. */
export async function throwAt(
  port: number,
  pieces: readonly (string | Uint8Array)[],
  options: { from?: string; eachMs?: number; withinMs?: number } = {},
): Promise<string> {
  const { socket, closed, received } = tcp(port, options.from);
  for (const piece of pieces) {
    if (socket.destroyed) break;
    socket.write(piece);
    await pause(options.eachMs ?? 0);
  }
  await Promise.race([closed, pause(options.withinMs ?? 200)]);
  socket.destroy();
  return received();
}

/** A masked WebSocket frame (RFC 6455 §5.2); `claims` writes a length that is not true. */
export function frame(opcode: number, payload: Uint8Array, { fin = true, claims = payload.length, masked = true } = {}): Buffer {
  const head = Buffer.alloc(10);
  head[0] = (fin ? 0x80 : 0) | opcode;
  head[1] = (masked ? 0x80 : 0) | 127;
  head.writeBigUInt64BE(BigInt(claims), 2);
  return Buffer.concat([head, Buffer.alloc(masked ? 4 : 0), payload]);
}

export const handshake = (path: string, more: readonly string[] = []): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`,
    ...more,
    '',
    '',
  ].join('\r\n');
