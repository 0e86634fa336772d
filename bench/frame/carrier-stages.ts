/** Twilio's media stream without its socket: a message in, and our messages out. */
import { EventEmitter } from 'node:events';
import { MediaPacer } from '../../server/src/audio/pacer.ts';
import { Ids } from '../../server/src/kit/ids.ts';
import type { Kit } from '../../server/src/kit/kit.ts';
import { silentLog } from '../../server/src/kit/log.ts';
import { SeededRandom } from '../../server/src/kit/random.ts';
import { watermark } from '../../server/src/models/scripted/watermark.ts';
import { MediaStream } from '../../server/src/telephony/twilio/media-stream.ts';
import type { TwilioLeg } from '../../server/src/telephony/twilio/leg.ts';
import { WebSocket } from 'ws';
import { speech } from '../load/voice.ts';
import { listening } from './bench-leg.ts';
import { HandClock } from './hand-clock.ts';
import { type Meter, settle } from './meter.ts';

export const carrierStages = ['twilio-in', 'twilio-out'] as const;

const FRAME = 160;

/** As much of a WebSocket as the room uses. */
class NoWebSocket extends EventEmitter {
  readonly readyState = WebSocket.OPEN;
  readonly bufferedAmount = 0;
  sent = 0;

  send(): void {
    this.sent++;
  }

  close(): void {}

  terminate(): void {}
}

export class CarrierStages {
  readonly #clock = new HandClock();
  readonly #streams: { socket: NoWebSocket; leg: TwilioLeg; sid: string }[] = [];
  readonly #open: MediaStream[] = [];
  readonly #payloads: string[];
  #ticks = 0;

  constructor(calls: number) {
    const random = new SeededRandom(1);
    const kit: Kit = { clock: this.#clock, random, ids: new Ids(this.#clock, random), log: silentLog };
    // Its loop never runs: the stage ticks the legs.
    const pacer = new MediaPacer(new HandClock(), kit.log);
    const voice = speech(1_000, 120);
    this.#payloads = Array.from({ length: 50 }, (_, i) => Buffer.from(voice.subarray(i * FRAME, (i + 1) * FRAME)).toString('base64'));
    for (let i = 0; i < calls; i++) this.#add(i, kit, pacer);
  }

  /** Hangs up every call. */
  async close(): Promise<void> {
    const closed = Promise.all(this.#open.map((stream) => stream.close()));
    this.#clock.turn(5_000);
    await closed;
  }

  async tick(meter: Meter): Promise<void> {
    const timestamp = this.#ticks++ * 20;
    const payload = this.#payloads[this.#ticks % 50];
    const messages = this.#streams.map(({ sid }) =>
      Buffer.from(
        `{"event":"media","sequenceNumber":"${this.#ticks}","media":{"track":"inbound","chunk":"${this.#ticks}","timestamp":"${timestamp}","payload":"${payload}"},"streamSid":"${sid}"}`,
      ),
    );
    const deadline = this.#clock.now();
    meter.run('twilio-in', () => {
      for (let i = 0; i < messages.length; i++) this.#streams[i].socket.emit('message', messages[i], false);
    });
    meter.run('twilio-out', () => {
      for (const { leg } of this.#streams) leg.tick(deadline, 0);
    });
    this.#clock.turn(20);
    await meter.wait('twilio-out', settle);
  }

  #add(index: number, kit: Kit, pacer: MediaPacer): void {
    const socket = new NoWebSocket();
    const sid = `MZ${String(index).padStart(32, '0')}`;
    const stream = new MediaStream({
      kit,
      pacer,
      webSocket: socket as unknown as WebSocket,
      accountSid: undefined,
      redeem: (token, callSid) => ({ token, callSid, from: '+15550101', to: '+15550100' }) as never,
      complete: () => Promise.resolve(),
      isCompleted: () => false,
      opened: ({ leg }) => this.#streams.push({ socket, leg, sid }),
      refused: (why) => {
        throw new Error(`the stream was refused: ${why}`);
      },
      closed: () => {},
    });
    this.#open.push(stream);
    const start = {
      event: 'start',
      streamSid: sid,
      start: { accountSid: 'AC1', callSid: `CA${index}`, customParameters: { token: 't' } },
    };
    socket.emit('message', Buffer.from(JSON.stringify(start)), false);
    const { leg } = this.#streams[index];
    leg.attach(listening(() => {}));
    leg.play(speaking(this.#clock, index));
  }
}

/** Two seconds of speech, two of nothing, for ever. */
async function* speaking(clock: HandClock, index: number): AsyncGenerator<Uint8Array> {
  const sound = watermark(index & 15, 2_000, 'mulaw-8000') as Uint8Array;
  await clock.sleep((index * 37) % 2_000);
  for (;;) {
    for (let from = 0; from < sound.length; from += 800) yield sound.subarray(from, from + 800);
    await clock.sleep(4_000);
  }
}
