/**
 * A process of callers: N concurrent SIP calls with sound both ways, each taking turns with the assistant. Everything is
 * measured here, outside the server, on this process's monotonic clock. Prints one JSON line.
 *
 * arguments: {"server":"127.0.0.1:5060","user":"bench","calls":50,"seconds":60,"perSecond":20}
 */
import { createSocket, type Socket } from 'node:dgram';
import { ack, bye, type Dialog, invite, mediaOf, readResponse } from './sip-message.ts';
import { Lateness } from './lateness.ts';
import { OnsetDetector, SILENCE, speech } from './voice.ts';

interface Plan {
  server: string;
  user: string;
  calls: number;
  seconds: number;
  perSecond: number;
}

const plan = JSON.parse(process.argv[2]) as Plan;
const [serverHost, serverPort] = [plan.server.split(':')[0], Number(plan.server.split(':')[1])];
const FRAME = 160;
const SPEECH_MS = 1_200;
/** After the assistant's answer began, this long until the caller speaks again. */
const TURN_PAUSE_MS = 2_600;
const ANSWER_WITHIN_MS = 5_000;
/** A tick of the callers' own loop that comes later than this says that the process could not look at its sockets. */
const OWN_LAG_MS = 2;

const now = () => performance.now();
const voices = [95, 120, 150, 190, 230].map((pitch) => speech(SPEECH_MS, pitch));

interface Caller {
  dialog: Dialog;
  socket: Socket;
  /** Its own: dgram may read it after `send` has returned. */
  packet: Buffer;
  media: { address: string; port: number } | undefined;
  invitedAt: number;
  answeredAt: number;
  firstSoundAt: number;
  seq: number;
  timestamp: number;
  voice: Uint8Array;
  speaking: number; // samples said of the present utterance; -1 while listening
  speechEndAt: number;
  speakAgainAt: number;
  onset: OnsetDetector;
  awaiting: boolean;
  arrivals: { count: number; lost: number; lastSeq: number };
  lateness: Lateness;
  over: boolean;
}

const callers = new Map<string, Caller>();
const turns: number[] = [];
let missed = 0;
let failed = 0;
const setup: number[] = [];

const signalling = createSocket('udp4');
await new Promise<void>((resolve) => signalling.bind(0, '127.0.0.1', resolve));
const local = `127.0.0.1:${signalling.address().port}`;
const sendSip = (text: string) => signalling.send(text, serverPort, serverHost);

signalling.on('message', (bytes) => {
  const text = bytes.toString();
  const response = readResponse(text);
  const caller = response && callers.get(response.callId);
  if (!response) {
    answerRequest(text);
    return;
  }
  if (!caller || !response.cseq.endsWith('INVITE') || response.status < 200) return;
  if (response.status >= 300) {
    failed++;
    caller.over = true;
    sendSip(ack({ ...caller.dialog, remoteTag: response.toTag }));
    return;
  }
  caller.dialog.remoteTag = response.toTag;
  caller.dialog.remoteTarget = response.contact;
  sendSip(ack(caller.dialog));
  if (caller.media) return; // a retransmitted 200
  caller.media = mediaOf(response.body);
  caller.answeredAt = now();
  setup.push(caller.answeredAt - caller.invitedAt);
});

/** The server ended the call: 200, and the caller is done. */
function answerRequest(text: string): void {
  const callId = /^Call-ID\s*:\s*(.+)$/im.exec(text)?.[1].trim() ?? '';
  if (!text.startsWith('BYE')) return;
  const copied = text.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq)\s*:/i.test(line));
  sendSip(['SIP/2.0 200 OK', ...copied, 'Content-Length: 0', '', ''].join('\r\n'));
  const caller = callers.get(callId);
  if (caller && !caller.over) {
    caller.over = true;
    failed++;
  }
}

type Lookup = (host: string, options: unknown, answer: (error: null, address: string, family: number) => void) => void;
/** The default goes round the event loop, so that packets of one tick would leave late. */
const numeric: Lookup = (host, _options, answer) => answer(null, host, 4);

async function dial(index: number): Promise<Caller> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 18, lookup: numeric });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const callId = `bench-${process.pid}-${index}`;
  const dialog: Dialog = { callId, fromTag: `t${index}`, target: `sip:${plan.user}@${plan.server}`, local };
  const caller: Caller = {
    dialog,
    socket,
    packet: emptyPacket(0xbe00_0000 + index),
    media: undefined,
    invitedAt: now(),
    answeredAt: 0,
    firstSoundAt: 0,
    seq: (index * 7919) & 0xffff,
    timestamp: (index * 104_729) >>> 0,
    voice: voices[index % voices.length],
    speaking: -1,
    speechEndAt: 0,
    speakAgainAt: Number.POSITIVE_INFINITY,
    onset: new OnsetDetector(),
    awaiting: false,
    arrivals: { count: 0, lost: 0, lastSeq: -1 },
    lateness: new Lateness(),
    over: false,
  };
  socket.on('message', (packet) => hear(caller, packet));
  callers.set(callId, caller);
  sendSip(invite(dialog, socket.address().port));
  return caller;
}

function hear(caller: Caller, packet: Uint8Array): void {
  const at = now();
  if (packet.length < 12 || (packet[1] & 0x7f) !== 0) return;
  const { arrivals } = caller;
  const seq = (packet[2] << 8) | packet[3];
  const step = arrivals.lastSeq < 0 ? 1 : ((seq - arrivals.lastSeq) << 16) >> 16;
  if (step > 1) arrivals.lost += step - 1;
  if (step > 0) arrivals.lastSeq = seq;
  arrivals.count++;
  caller.lateness.arrived(step, at);
  const onset = caller.onset.push(packet.subarray(12), at);
  if (onset === undefined) return;
  if (caller.firstSoundAt === 0) {
    caller.firstSoundAt = onset;
    caller.speakAgainAt = onset + TURN_PAUSE_MS;
  } else if (caller.awaiting) {
    caller.awaiting = false;
    turns.push(onset - caller.speechEndAt);
    caller.speakAgainAt = onset + TURN_PAUSE_MS;
  }
}

/** RTP version 2, PCMU. */
function emptyPacket(ssrc: number): Buffer {
  const packet = Buffer.alloc(12 + FRAME);
  packet[0] = 0x80;
  packet.writeUInt32BE(ssrc >>> 0, 8);
  return packet;
}

/** One 20 ms frame of a caller; `due` is its place on the caller's schedule. */
function tick(caller: Caller, due: number): void {
  if (!caller.media || caller.over) return;
  if (caller.speaking < 0 && due >= caller.speakAgainAt) {
    caller.speaking = 0;
    caller.speakAgainAt = Number.POSITIVE_INFINITY;
  }
  const { packet } = caller;
  packet.writeUInt16BE(caller.seq, 2);
  packet.writeUInt32BE(caller.timestamp, 4);
  if (caller.speaking >= 0) {
    packet.set(caller.voice.subarray(caller.speaking, caller.speaking + FRAME), 12);
    caller.speaking += FRAME;
    if (caller.speaking >= caller.voice.length) {
      caller.speaking = -1;
      // The last sample is spoken when its packet's 20 ms are over, which is when it is sent.
      caller.speechEndAt = now();
      caller.awaiting = true;
      caller.onset.reset();
    }
  } else {
    packet.fill(SILENCE, 12);
  }
  caller.seq = (caller.seq + 1) & 0xffff;
  caller.timestamp = (caller.timestamp + FRAME) >>> 0;
  caller.socket.send(packet, caller.media.port, caller.media.address);
  if (caller.awaiting && due - caller.speechEndAt > ANSWER_WITHIN_MS) {
    caller.awaiting = false;
    missed++;
    caller.speakAgainAt = due;
  }
}

const all: Caller[] = [];
let endsAt = Number.POSITIVE_INFINITY;

// One loop by absolute deadlines, four groups of callers 5 ms apart; callers speak as soon as they are answered.
const startedAt = now();
const talked = new Promise<void>((resolve) => {
  let step = 0;
  const next = () => {
    let due = startedAt + step * 5;
    const onTime = now() - due <= OWN_LAG_MS;
    for (const { lateness } of all) lateness.looked(onTime);
    while (due <= now()) {
      for (let i = step % 4; i < all.length; i += 4) tick(all[i], due);
      step++;
      due = startedAt + step * 5;
    }
    if (due >= endsAt) resolve();
    else setTimeout(next, Math.max(0, due - now()));
  };
  next();
});

for (let i = 0; i < plan.calls; i++) {
  all.push(await dial(i));
  await new Promise((resolve) => setTimeout(resolve, 1000 / plan.perSecond));
}
process.stderr.write('up\n');
endsAt = now() + plan.seconds * 1000;
await talked;

for (const caller of all) if (caller.media && !caller.over) sendSip(bye(caller.dialog));
await new Promise((resolve) => setTimeout(resolve, 1_000));
const packets = all.reduce((sum, { arrivals }) => sum + arrivals.count, 0);
process.stdout.write(
  `${JSON.stringify({
    answered: all.filter(({ media }) => media).length,
    failed,
    missed,
    turns: turns.map((ms) => Math.round(ms * 10) / 10),
    setupMs: setup.map((ms) => Math.round(ms * 10) / 10),
    packets,
    judged: all.reduce((sum, { lateness }) => sum + lateness.judged, 0),
    late: all.reduce((sum, { lateness }) => sum + lateness.late, 0),
    lost: all.reduce((sum, { arrivals }) => sum + arrivals.lost, 0),
    cpuMs: (process.cpuUsage().user + process.cpuUsage().system) / 1000,
  })}\n`,
);
for (const { socket } of all) socket.close();
signalling.close();
