/** What a carrier that does not read was not sent does not count as played. */
import { describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import type { Frame, Sound } from '#audio/frame.ts';
import { MediaPacer } from '#audio/pacer.ts';
import { testKit } from '#kit/testing.ts';
import { sweep } from '../leg.contract.ts';
import { inPieces, passOn } from '../testing.ts';
import { TwilioLeg } from './leg.ts';

const OPEN = 1;
const CLOSED = 3;
const SILENCE = 0xff;

/** A socket whose far end can stop reading, and begin again. */
class SlowSocket {
  readyState = OPEN;
  bufferedAmount = 0;
  reads = true;
  readonly read: { event: string; media?: { payload: string } }[] = [];
  #unread: string[] = [];

  send(text: string): void {
    this.bufferedAmount += text.length;
    this.#unread.push(text);
    if (this.reads) this.drain();
  }

  drain(): void {
    this.reads = true;
    this.bufferedAmount = 0;
    for (const text of this.#unread.splice(0)) this.read.push(JSON.parse(text) as (typeof this.read)[number]);
  }

  close(): void {
    this.readyState = CLOSED;
  }

  /** Sound that the carrier was given, milliseconds. */
  get givenMs(): number {
    return this.read.reduce((sum, { media }) => sum + (media ? Buffer.from(media.payload, 'base64').length / 8 : 0), 0);
  }
}

function connected() {
  const kit = testKit();
  const webSocket = new SlowSocket();
  const leg = new TwilioLeg({
    id: 'leg_1',
    kit,
    pacer: new MediaPacer(kit.clock, kit.log),
    webSocket: webSocket as unknown as WebSocket,
    streamSid: 'MZ1',
    complete: () => Promise.resolve(),
  });
  let recordedMs = 0;
  leg.attach({
    frame: (_: Frame, sent?: Sound) => {
      if (sent?.some((byte: number) => byte !== SILENCE)) recordedMs += 20;
    },
    digit() {},
    typed() {},
    recognised() {},
    ended() {},
  });
  return { leg, webSocket, recordedMs: () => recordedMs, pass: (ms: number) => passOn(kit.clock, ms) };
}

/** What may wait in our socket before it is clear that nobody reads. */
const UNSEEN_MS = 600;

describe('a carrier that stops reading', () => {
  test('is sent no more; what it was not sent is neither played nor recorded', async () => {
    const { leg, webSocket, recordedMs, pass } = connected();
    const playout = leg.play(inPieces(sweep(leg, 3_000)));
    await pass(500);
    webSocket.reads = false;
    await pass(1_500);
    const given = webSocket.givenMs;
    expect(given).toBeLessThanOrEqual(620);
    expect(playout.playedMs).toBeLessThanOrEqual(given + UNSEEN_MS);
    expect(recordedMs()).toBeLessThanOrEqual(given + UNSEEN_MS);
    expect(leg.framesHeld).toBeGreaterThan(40);
    // A barge-in now: what was heard is what was sent.
    expect(playout.stop()).toBeLessThanOrEqual(given + UNSEEN_MS);
    await Promise.all([leg.hangUp(), pass(2_100)]);
  });

  test('and reads again: the reply goes on where it stood, and its mark comes when all was played', async () => {
    const { leg, webSocket, pass } = connected();
    const speech = sweep(leg, 2_000);
    const playout = leg.play(inPieces(speech));
    await pass(500);
    webSocket.reads = false;
    await pass(5_000);
    expect(playout.state).not.toBe('ended');
    expect(webSocket.read.filter(({ event }) => event === 'mark')).toEqual([]);
    webSocket.drain();
    await pass(2_000);
    expect((await playout.finished).how).toBe('played');
    const heard = Buffer.concat(webSocket.read.flatMap(({ media }) => (media ? [Buffer.from(media.payload, 'base64')] : [])));
    expect(heard.subarray(0, speech.length).equals(Buffer.from(speech.buffer, speech.byteOffset, speech.byteLength))).toBe(true);
    expect(webSocket.read.at(-1)?.event).toBe('mark');
    await Promise.all([leg.hangUp(), pass(2_100)]);
  });

  test('a socket that is gone takes nothing either', async () => {
    const { leg, webSocket, recordedMs, pass } = connected();
    const playout = leg.play(inPieces(sweep(leg, 3_000)));
    await pass(500);
    webSocket.readyState = CLOSED;
    await pass(900);
    expect(playout.playedMs).toBeLessThanOrEqual(620);
    expect(recordedMs()).toBeLessThanOrEqual(620);
    await Promise.all([leg.hangUp(), pass(2_100)]);
  });
});
