/** For tests of voices: a WebSocket server on loopback, and sound whose length is known from its text. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { rateOf, type Sound, type SoundFormat } from '#audio/frame.ts';
import { linearToMulaw, MULAW_TO_LINEAR } from '#audio/g711.ts';

export interface VoicePeer {
  /** `http://127.0.0.1:PORT`. */
  url: string;
  /** Everything received as JSON, over all sockets. */
  received: Record<string, unknown>[];
  sockets: WebSocket[];
  requests: IncomingMessage[];
  close(): Promise<void>;
}

/** `onMessage` answers each message; `refuse` may turn an upgrade down with a status; `onOpen` speaks first. */
export async function startVoicePeer(
  onMessage: (socket: WebSocket, message: Record<string, unknown>, request: IncomingMessage) => void,
  refuse: () => number | undefined = () => undefined,
  onOpen: (socket: WebSocket) => void = () => {},
): Promise<VoicePeer> {
  const server = createServer();
  const wss = new WebSocketServer({ noServer: true });
  const peer: VoicePeer = { url: '', received: [], sockets: [], requests: [], close: () => Promise.resolve() };
  server.on('upgrade', (request, socket, head) => {
    const status = refuse();
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"error":"refused"}`);
      return;
    }
    wss.handleUpgrade(request, socket, head, (webSocket) => {
      peer.sockets.push(webSocket);
      peer.requests.push(request);
      webSocket.on('error', () => {});
      webSocket.on('message', (data) => {
        const message = JSON.parse((data as Buffer).toString()) as Record<string, unknown>;
        peer.received.push(message);
        onMessage(webSocket, message, request);
      });
      onOpen(webSocket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  peer.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  peer.close = async () => {
    for (const socket of peer.sockets) socket.terminate();
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return peer;
}

export const MS_PER_CHARACTER = 60;

/** A tone of 60 ms per character, behind as much silence as asked. */
export function soundOfText(text: string, format: SoundFormat, leadMs = 0): Sound {
  const rate = rateOf(format);
  const lead = (leadMs * rate) / 1000;
  const samples = new Int16Array(lead + (text.length * MS_PER_CHARACTER * rate) / 1000);
  for (let i = lead; i < samples.length; i++) samples[i] = Math.round(6_000 * Math.sin((2 * Math.PI * 440 * (i - lead)) / rate + 0.5));
  if (format === 'linear-16000') return samples;
  const bytes = new Uint8Array(samples.length);
  linearToMulaw(samples, bytes);
  return bytes;
}

/** As it goes over the wire: µ-law bytes, or little-endian samples. */
export const bytesOf = (sound: Sound): Buffer => Buffer.from(sound.buffer, sound.byteOffset, sound.byteLength);

/** Words with times of {@link soundOfText}, in milliseconds. */
export function wordsOfText(text: string, leadMs = 0): { text: string; fromMs: number; toMs: number }[] {
  return [...text.matchAll(/\S+/g)].map(({ 0: word, index }) => ({
    text: word,
    fromMs: leadMs + index * MS_PER_CHARACTER,
    toMs: leadMs + (index + word.length) * MS_PER_CHARACTER,
  }));
}

/** Cuts bytes into pieces of an odd size, so that samples are cut too. */
export function piecesOf(bytes: Buffer, size = 1_601): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}

/** The loudest sample, 16-bit. */
export function peakOf(sound: Sound): number {
  let peak = 0;
  for (const sample of sound) peak = Math.max(peak, Math.abs(sound instanceof Uint8Array ? MULAW_TO_LINEAR[sample] : sample));
  return peak;
}
