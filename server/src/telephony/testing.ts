/** For tests of gateways: connections in memory, so that WebSockets run on the virtual clock. */
import { createServer } from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';
import { type VirtualClock } from '#kit/clock.ts';
import type { Leg, LegListener } from './leg.ts';
import type { Sound } from '#audio/frame.ts';
import type { Gateway } from './gateway.ts';

/** Opens connections whose upgrades reach `gateway`, as the media server hands them over. */
export function connectionsTo(gateway: Gateway): () => Duplex {
  const front = createServer();
  front.on('upgrade', (request, socket, head) => {
    const path = (request.url ?? '').slice(`/gateways/${gateway.name}`.length);
    gateway.upgrade?.(request, socket, head, path === '' ? '/' : path);
  });
  return () => {
    const [ours, theirs] = duplexPair();
    ours.on('close', () => theirs.destroy());
    front.emit('connection', theirs);
    return ours;
  };
}

/** Moves the clock by 10 ms at a time and lets connections in memory deliver in between. */
export async function passOn(clock: VirtualClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 10) {
    await clock.advance(Math.min(10, left));
    for (let i = 0; i < 4; i++) await clock.settle();
  }
  for (let i = 0; i < 6; i++) await clock.settle();
}

export interface Overheard {
  samples: number[];
  sent: number;
  concealed: number;
  digits: string;
  typed: string[];
  recognised: [string, boolean, number | undefined][];
  ended: string[];
}

/** Listens to a leg and keeps everything. */
export function overhear(leg: Leg): Overheard {
  const heard: Overheard = { samples: [], sent: 0, concealed: 0, digits: '', typed: [], recognised: [], ended: [] };
  const listener: LegListener = {
    frame: (frame, sent) => {
      for (const sample of frame.sound) heard.samples.push(sample);
      if (frame.concealed) heard.concealed++;
      if (sent) heard.sent++;
    },
    digit: (digit) => (heard.digits += digit),
    typed: (text) => heard.typed.push(text),
    recognised: (text, final, confidence) => heard.recognised.push([text, final, confidence]),
    ended: (cause) => heard.ended.push(cause),
  };
  leg.attach(listener);
  return heard;
}

/** A source that gives `sound` in pieces. */
export async function* inPieces(sound: Sound, samples = 800): AsyncGenerator<Sound, void, undefined> {
  for (let at = 0; at < sound.length; at += samples) yield sound.slice(at, at + samples);
}
