/**
 * The callers' process of the bench of turns: SIP calls with sound both ways, each saying its script. Nothing of the
 * server's code is in it. Writes what was said and heard to a file and ends by itself.
 *
 * argument: a file with {"server":"127.0.0.1:5060","firstLine":0,"calls":100,"perSecond":20,"seed":1,"script":[...],"out":"FILE"}
 */
import { createSocket, type Socket } from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import { ack, bye, type Dialog, invite, mediaOf, readResponse } from '../load/sip-message.ts';
import { SILENCE } from '../load/voice.ts';
import { percentile } from '../results.ts';
import { Caller } from './caller.ts';
import { numberOf, type Observation } from './observation.ts';
import type { Utterance } from './script.ts';
import { sharedNow } from './shared-clock.ts';

interface Plan {
  server: string;
  /** Lines are numbered from here. */
  firstLine: number;
  calls: number;
  perSecond: number;
  seed: number;
  script: Utterance[];
  out: string;
}

const plan = JSON.parse(readFileSync(process.argv[2], 'utf8')) as Plan;
const [serverHost, serverPort] = [plan.server.split(':')[0], Number(plan.server.split(':')[1])];
const FRAME = 160;
const HEADER = 12;
/** Steps of the loop; a caller has every fourth. */
const STEP_MS = 5;
const STEPS_PER_FRAME = 4;
/** An utterance with its answer never takes longer. */
const LONGEST_TURN_MS = 30_000;

interface Line {
  caller: Caller;
  dialog: Dialog;
  socket: Socket;
  packet: Buffer;
  media: { address: string; port: number } | undefined;
  seq: number;
  timestamp: number;
  hungUp: boolean;
}

const byCallId = new Map<string, Line>();
const lines: Line[] = [];
const lags: number[] = [];

const signalling = createSocket('udp4');
await new Promise<void>((resolve) => signalling.bind(0, '127.0.0.1', resolve));
const local = `127.0.0.1:${signalling.address().port}`;
const sendSip = (text: string) => signalling.send(text, serverPort, serverHost);

signalling.on('message', (bytes) => {
  const text = bytes.toString();
  const response = readResponse(text);
  if (!response) return answerRequest(text);
  const line = byCallId.get(response.callId);
  if (!line || !response.cseq.endsWith('INVITE') || response.status < 200) return;
  line.dialog.remoteTag = response.toTag;
  line.dialog.remoteTarget = response.contact;
  sendSip(ack(line.dialog));
  if (response.status >= 300) return line.caller.failed(`refused with ${response.status}`);
  if (line.media) return; // a retransmitted 200
  line.media = mediaOf(response.body);
  line.caller.answered(sharedNow());
});

/** The server ended the call: 200, and the caller is done. */
function answerRequest(text: string): void {
  if (!text.startsWith('BYE')) return;
  const copied = text.split('\r\n').filter((header) => /^(Via|From|To|Call-ID|CSeq)\s*:/i.test(header));
  sendSip(['SIP/2.0 200 OK', ...copied, 'Content-Length: 0', '', ''].join('\r\n'));
  const line = byCallId.get(/^Call-ID\s*:\s*(.+)$/im.exec(text)?.[1].trim() ?? '');
  if (!line || line.hungUp) return;
  line.hungUp = true;
  line.caller.failed('the server ended the call');
}

type Lookup = (host: string, options: unknown, answer: (error: null, address: string, family: number) => void) => void;
/** The default goes round the event loop, so that packets of one tick would leave late. */
const numeric: Lookup = (host, _options, answer) => answer(null, host, 4);

async function dial(index: number): Promise<void> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 18, lookup: numeric });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const callId = `turns-${process.pid}-${index}`;
  const dialog: Dialog = { callId, fromTag: `t${index}`, target: `sip:${numberOf(index)}@${plan.server}`, local };
  const packet = Buffer.alloc(HEADER + FRAME);
  packet[0] = 0x80; // RTP version 2, PCMU
  packet.writeUInt32BE((0xbe00_0000 + index) >>> 0, 8);
  const caller = new Caller(index, plan.script, plan.seed);
  const line = {
    caller,
    dialog,
    socket,
    packet,
    media: undefined,
    seq: (index * 7919) & 0xffff,
    timestamp: index * 104_729,
    hungUp: false,
  };
  socket.on('message', (bytes) => {
    if (bytes.length > HEADER && (bytes[1] & 0x7f) === 0) caller.hear(bytes.subarray(HEADER), sharedNow());
  });
  byCallId.set(callId, line);
  lines.push(line);
  sendSip(invite(dialog, socket.address().port));
}

function tick(line: Line): void {
  const { caller, packet } = line;
  if (!line.media || line.hungUp) return;
  packet.writeUInt16BE(line.seq, 2);
  packet.writeUInt32BE(line.timestamp >>> 0, 4);
  const frame = caller.speak(sharedNow());
  if (frame) packet.set(frame, HEADER);
  else packet.fill(SILENCE, HEADER);
  line.seq = (line.seq + 1) & 0xffff;
  line.timestamp = (line.timestamp + FRAME) >>> 0;
  line.socket.send(packet, line.media.port, line.media.address);
  if (!caller.done) return;
  line.hungUp = true;
  sendSip(bye(line.dialog));
}

let dialled = false;
const latestEnd = sharedNow() + plan.script.length * LONGEST_TURN_MS;
// One loop by absolute deadlines, four groups of callers 5 ms apart.
const startedAt = sharedNow();
const talked = new Promise<void>((resolve) => {
  let step = 0;
  const next = () => {
    let due = startedAt + step * STEP_MS;
    lags.push(sharedNow() - due);
    while (due <= sharedNow()) {
      for (let i = step % STEPS_PER_FRAME; i < lines.length; i += STEPS_PER_FRAME) tick(lines[i]);
      due = startedAt + ++step * STEP_MS;
    }
    if ((dialled && lines.every(({ caller }) => caller.done)) || due > latestEnd) resolve();
    else setTimeout(next, Math.max(0, due - sharedNow()));
  };
  next();
});

for (let i = 0; i < plan.calls; i++) {
  await dial(plan.firstLine + i);
  await new Promise((resolve) => setTimeout(resolve, 1000 / plan.perSecond));
}
dialled = true;
await talked;
for (const line of lines) {
  if (!line.caller.done) line.caller.failed('did not end in time');
  if (line.media && !line.hungUp) sendSip(bye(line.dialog));
}
await new Promise((resolve) => setTimeout(resolve, 500));
const { user, system } = process.cpuUsage();
for (const { caller, socket } of lines) {
  caller.finish();
  socket.close();
}
signalling.close();
const observation: Observation = {
  calls: lines.map(({ caller }) => caller.observation),
  cpuMs: (user + system) / 1000,
  ownLagP99Ms: percentile(lags, 0.99),
};
writeFileSync(plan.out, JSON.stringify(observation));
