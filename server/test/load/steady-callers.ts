/**
 * A process of callers who only listen: N SIP calls that send silence and watch that sound comes every 20 ms. Apart from
 * whoever makes trouble meanwhile, so that what is measured is the server.
 *
 * argument: {"server":"127.0.0.1:5060","user":"line","calls":3}. Prints one JSON line when all are answered, one for every
 * line read (what was heard since the last), and ends the calls when its input ends.
 */
import { createSocket, type Socket } from 'node:dgram';
import { createInterface } from 'node:readline';
import { ack, bye, type Dialog, invite, mediaOf, readResponse } from '../../../bench/load/sip-message.ts';

const plan = JSON.parse(process.argv[2]) as { server: string; user: string; calls: number };
const [host, port] = [plan.server.split(':')[0], Number(plan.server.split(':')[1])];
const SILENCE = 0xff;
const FRAME_MS = 20;

interface Caller {
  dialog: Dialog;
  socket: Socket;
  media: { address: string; port: number } | undefined;
  lastAt: number;
  lastSeq: number;
  ended: boolean;
}

/** Since the last report. */
let heard = { packets: 0, loud: 0, lost: 0, longestGapMs: 0 };
/** How long this process itself did not run, in the present gap: no fault of the server. */
let ownStallMs = 0;
const now = () => performance.now();
const callers = new Map<string, Caller>();
const signalling = createSocket('udp4');
await new Promise<void>((resolve) => signalling.bind(0, '127.0.0.1', resolve));
const local = `127.0.0.1:${signalling.address().port}`;
const say = (text: string) => signalling.send(text, port, host);
const allAnswered = Promise.withResolvers<void>();

signalling.on('message', (bytes) => {
  const text = bytes.toString();
  const response = readResponse(text);
  const caller = callers.get(response?.callId ?? /^Call-ID\s*:\s*(.+)$/im.exec(text)?.[1].trim() ?? '');
  if (!caller) return;
  if (!response) {
    if (!text.startsWith('BYE')) return;
    caller.ended = true;
    const copied = text.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq)\s*:/i.test(line));
    say(['SIP/2.0 200 OK', ...copied, 'Content-Length: 0', '', ''].join('\r\n'));
    return;
  }
  if (!response.cseq.endsWith('INVITE') || response.status < 200) return;
  if (response.status >= 300) throw new Error(`the call was refused: ${response.status}`);
  Object.assign(caller.dialog, { remoteTag: response.toTag, remoteTarget: response.contact });
  say(ack(caller.dialog));
  caller.media ??= mediaOf(response.body);
  if ([...callers.values()].every(({ media }) => media)) allAnswered.resolve();
});

function hear(caller: Caller, packet: Uint8Array): void {
  if (packet.length < 12 || (packet[1] & 0x7f) !== 0) return;
  const at = now();
  const seq = (packet[2] << 8) | packet[3];
  heard.packets++;
  if (packet.subarray(12).some((byte) => (~byte & 0x7f) > 0x28)) heard.loud++;
  if (caller.lastSeq >= 0) {
    heard.lost += Math.max(0, ((seq - caller.lastSeq) & 0xffff) - 1);
    heard.longestGapMs = Math.max(heard.longestGapMs, at - caller.lastAt - ownStallMs);
  }
  caller.lastAt = at;
  caller.lastSeq = seq;
}

const packet = Buffer.alloc(172, SILENCE);
packet[0] = 0x80;
packet[1] = 0;
let sent = 0;
function talk(): void {
  sent++;
  for (const [index, caller] of [...callers.values()].entries()) {
    if (!caller.media || caller.ended) continue;
    packet.writeUInt16BE(sent & 0xffff, 2);
    packet.writeUInt32BE((sent * 160) >>> 0, 4);
    packet.writeUInt32BE(0xca_0000 + index, 8);
    caller.socket.send(packet, caller.media.port, caller.media.address);
  }
}

const report = () => {
  const ended = [...callers.values()].filter((caller) => caller.ended).length;
  process.stdout.write(`${JSON.stringify({ ...heard, longestGapMs: Math.round(heard.longestGapMs), ended })}\n`);
  heard = { packets: 0, loud: 0, lost: 0, longestGapMs: 0 };
};

for (let index = 0; index < plan.calls; index++) {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 18 });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const callId = `steady-${process.pid}-${index}`;
  const dialog: Dialog = { callId, fromTag: `t${index}`, target: `sip:${plan.user}@${plan.server}`, local };
  const caller: Caller = { dialog, socket, media: undefined, lastAt: 0, lastSeq: -1, ended: false };
  socket.on('message', (bytes) => hear(caller, bytes));
  callers.set(callId, caller);
  say(invite(dialog, socket.address().port));
}

const startedAt = now();
let lastTickAt = startedAt;
const timer = setInterval(() => {
  const at = now();
  ownStallMs = Math.max(0, at - lastTickAt - FRAME_MS);
  lastTickAt = at;
  while (sent * FRAME_MS < at - startedAt) talk();
}, FRAME_MS);

await allAnswered.promise;
process.stdout.write(`${JSON.stringify({ ports: [...callers.values()].map(({ media }) => media?.port) })}\n`);

const input = createInterface({ input: process.stdin });
input.on('line', report);
input.on('close', () => {
  clearInterval(timer);
  for (const { dialog, ended } of callers.values()) if (!ended) say(bye(dialog));
  setTimeout(() => {
    for (const { socket } of callers.values()) socket.close();
    signalling.close();
  }, 500);
});
