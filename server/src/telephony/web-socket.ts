/** WebSockets as gateways take them: small messages, no compression, refused before anything is allocated for them. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';

/** A media message is under 2 KiB; nothing a carrier or a browser sends comes near this. */
const MAX_MESSAGE_BYTES = 64 * 1024;
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
  // Not in the types of `ws` yet.
  closeTimeout: CLOSE_MS,
};
const server = new WebSocketServer(options);

/** Completes the handshake (RFC 6455 §4.2.2). A request that is no valid handshake is answered 400 and closed. */
export function acceptWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer, accepted: (webSocket: WebSocket) => void): void {
  server.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.on('error', () => {}); // `close` follows, with its code
    accepted(webSocket);
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
