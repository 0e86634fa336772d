/** A WebSocket that is open, or the reason why not. */
import { WebSocket } from 'ws';
import type { Clock } from '#kit/clock.ts';
import { Refused } from './wire.ts';

const OPEN_WITHIN_MS = 10_000;

/** Rejects with {@link Refused} for an HTTP status, with an error for a connection that failed or took too long. */
export function openSocket(url: string, clock: Clock, headers: Record<string, string> = {}): Promise<WebSocket> {
  const webSocket = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true, headers });
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>();
  const timer = clock.after(OPEN_WITHIN_MS, () => fail(new Error('the WebSocket did not open in time')));
  const fail = (error: Error): void => {
    timer.cancel();
    webSocket.terminate();
    reject(error);
  };
  webSocket.once('unexpected-response', (request, response) => {
    request.destroy();
    fail(new Refused(String(response.statusCode), 'answered the upgrade'));
  });
  // Stays: a broken connection is told by `close`.
  webSocket.on('error', fail);
  webSocket.once('open', () => {
    timer.cancel();
    resolve(webSocket);
  });
  return promise;
}
