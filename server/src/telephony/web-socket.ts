/** WebSockets as gateways take them: small messages, no compression, refused before anything is allocated for them. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '#kit/clock.ts';
import { TokenBucket } from '#kit/token-bucket.ts';
import { takeWholeMessages } from './whole-messages.ts';

/** A media message is under 2 KiB; nothing a carrier or a browser sends comes near this. */
const MAX_MESSAGE_BYTES = 64 * 1024;
/** A media message is one frame; a proxy may cut it into a few. */
const MAX_FRAGMENTS = 16;
/**
 * Messages, pings and pongs of one peer: far more than the 50 a second of a call's sound, with room for what a stalled
 * network brings at once (20 s of it). Whoever sends more is cut off.
 */
const MOST_PER_SECOND = 400;
const MOST_AT_ONCE = 2_000;
/** Answers to pings that a peer may leave unread. */
const MOST_UNREAD_BYTES = 64 * 1024;
/** RFC 6455 §7.4.1: the peer broke a rule of ours. */
const POLICY_VIOLATION = 1008;
/** A peer that does not answer our close is cut off. */
const CLOSE_MS = 2_000;

/**
 * No compression: 20 ms of sound does not shrink and each call would pay a window of memory. UTF-8 is not validated by
 * `ws`: 12.1 instead of 10.8 µs per message, and `JSON.parse` comes after it anyway.
 */
const options = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  skipUTF8Validation: true,
  maxPayload: MAX_MESSAGE_BYTES,
  maxFragments: MAX_FRAGMENTS,
  maxBufferedChunks: 64 * MAX_FRAGMENTS,
  // Answered below, within a bound: a peer that pings and never reads would fill our memory with pongs.
  autoPong: false,
  // Not in the types of `ws` yet.
  closeTimeout: CLOSE_MS,
};
const server = new WebSocketServer(options);

/**
 * Completes the handshake (RFC 6455 §4.2.2). A request that is no valid handshake is answered 400 and closed; a peer that
 * floods, or does not read the answers to its pings, is cut off.
 */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  clock: Clock,
  accepted: (webSocket: WebSocket) => void,
): void {
  server.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.on('error', () => {}); // `close` follows, with its code
    limitRate(webSocket, clock);
    takeWholeMessages(webSocket);
    accepted(webSocket);
  });
}

/** Over everything the peer sends, control frames too. */
function limitRate(webSocket: WebSocket, clock: Clock): void {
  const bucket = new TokenBucket(clock, { perSecond: MOST_PER_SECOND, burst: MOST_AT_ONCE });
  const took = (): boolean => {
    if (bucket.take()) return true;
    webSocket.close(POLICY_VIOLATION);
    webSocket.terminate();
    return false;
  };
  webSocket.on('message', took);
  webSocket.on('pong', took);
  webSocket.on('ping', (data) => {
    if (!took() || !isOpen(webSocket)) return;
    if (webSocket.bufferedAmount > MOST_UNREAD_BYTES) webSocket.terminate();
    else webSocket.pong(data);
  });
}

/** Answers an upgrade with an HTTP status and closes the connection. */
export function refuseUpgrade(socket: Duplex, status: 400 | 403 | 404 | 429 | 503): void {
  const reasons = { 400: 'Bad Request', 403: 'Forbidden', 404: 'Not Found', 429: 'Too Many Requests', 503: 'Service Unavailable' };
  socket.end(`HTTP/1.1 ${status} ${reasons[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  socket.once('finish', () => socket.destroy());
}

/** True while messages can be sent. */
export const isOpen = (webSocket: WebSocket): boolean => webSocket.readyState === WebSocket.OPEN;
