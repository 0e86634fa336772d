/** The WebSocket of a browser call: session, hello, frames and messages both ways. */
import type { TalkFromBrowser, TalkSession, TalkToBrowser } from '@tandem/contract';
import { ApiError, send } from '../../lib/api.ts';

const ANSWER_DEADLINE_MS = 20_000;
/** Sound that could not be sent yet; beyond 400 ms of it frames are dropped: old sound is worth nothing. */
const UNSENT_AT_MOST = 640 * 20;

export type LineListener = {
  answered(): void;
  sound(frame: ArrayBuffer): void;
  clear(): void;
  caption(caption: Extract<TalkToBrowser, { type: 'caption' }>): void;
  ended(by: string, reason: string): void;
  /** No call came of it, with a sentence that says why. */
  refused(message: string): void;
  /** The connection went away without a goodbye. */
  lost(): void;
};

/** Asks for a place to call; throws `ApiError` (`not-found` when no such assistant answers). */
export async function askSession(assistant: string): Promise<TalkSession> {
  const response = await send('/gateways/browser/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ assistant }),
  });
  return (await response.json()) as TalkSession;
}

/** `ws:` and `wss:` as they stand; anything else relative to this page. */
export function socketUrl(url: string, page: string): string {
  const target = new URL(url, page);
  if (target.protocol === 'http:') target.protocol = 'ws:';
  if (target.protocol === 'https:') target.protocol = 'wss:';
  return target.href;
}

export class TalkLine {
  #socket: WebSocket;
  #listener: LineListener;
  #answered = false;
  #over = false;
  #giveUp: ReturnType<typeof setTimeout>;

  constructor(session: TalkSession, recognises: boolean, listener: LineListener) {
    this.#listener = listener;
    this.#socket = new WebSocket(socketUrl(session.url, location.href));
    this.#socket.binaryType = 'arraybuffer';
    this.#giveUp = setTimeout(() => this.#finish(() => listener.refused('Nobody answered in time.')), ANSWER_DEADLINE_MS);
    this.#socket.addEventListener('open', () => this.send({ type: 'hello', token: session.token, recognises }));
    this.#socket.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer | string>) => this.#take(data));
    this.#socket.addEventListener('close', () =>
      this.#finish(() => (this.#answered ? listener.lost() : listener.refused('The line could not be opened.'))),
    );
  }

  send(message: TalkFromBrowser): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  sendFrame(frame: ArrayBuffer): void {
    if (this.#answered && this.#socket.readyState === WebSocket.OPEN && this.#socket.bufferedAmount < UNSENT_AT_MOST)
      this.#socket.send(frame);
  }

  /** Hangs up; the listener hears nothing any more. */
  close(): void {
    this.send({ type: 'hang-up' });
    this.#finish(() => undefined);
  }

  #finish(tell: () => void): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#giveUp);
    this.#socket.close();
    tell();
  }

  #take(data: ArrayBuffer | string): void {
    if (this.#over) return;
    if (data instanceof ArrayBuffer) return this.#listener.sound(data);
    let message: TalkToBrowser;
    try {
      message = JSON.parse(data) as TalkToBrowser;
    } catch {
      return;
    }
    switch (message.type) {
      case 'answered':
        this.#answered = true;
        clearTimeout(this.#giveUp);
        return this.#listener.answered();
      case 'clear':
        return this.#listener.clear();
      case 'caption':
        return this.#listener.caption(message);
      case 'ended': {
        const { by, reason } = message;
        return this.#finish(() => this.#listener.ended(by, reason));
      }
      case 'refused':
        return this.#finish(() => this.#listener.refused(message.message));
      default:
        return undefined;
    }
  }
}

export const isUnknown = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 404 || error.code === 'number-unknown');
