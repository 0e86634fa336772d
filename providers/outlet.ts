/**
 * What one stream sends, through the fault that it meets. A result is what the client asked for (words, tokens, sound); a note is
 * everything else. Faults at `start` take the place of the first result, faults in the `middle` come after two of them.
 */
import type { ServerResponse } from 'node:http';
import { WebSocket } from 'ws';
import { sendMessage } from './frames.ts';
import type { Failure, RouteContext } from './route.ts';
import type { Fault, FaultKind } from './scenario.ts';

const RESULTS_BEFORE_MIDDLE = 2;
const TRICKLE_EVERY_MS = 1000;
/** Of what waits behind a trickle; more is dropped, it would take days. */
const TRICKLE_BYTES = 65_536;

/** Where the bytes go. */
export interface Target {
  send(message: string | Uint8Array): void;
  /** A single byte of a message that goes on. */
  sendByte(byte: Uint8Array): void;
  /** A TCP reset. */
  reset(): void;
  /** WebSocket close (1006: the connection goes without a close frame); HTTP: the body breaks off. */
  close(code: number, reason: string): void;
}

export class Outlet {
  readonly #target: Target;
  readonly #context: RouteContext;
  readonly #failure: () => Failure;
  readonly #fault: Fault | undefined;
  #results = 0;
  #state: 'open' | 'stalled' | 'trickling' | 'ended' = 'open';
  #struck = false;
  #waiting: Uint8Array = new Uint8Array(0);

  constructor(target: Target, context: RouteContext, failure: () => Failure = () => context.route.failure()) {
    this.#target = target;
    this.#context = context;
    this.#failure = failure;
    this.#fault = context.takeFault();
  }

  /** False after the fault ended or silenced this stream: nothing more need be made. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Whether the content is at fault in this way by now (kinds that change what is said, not how it travels). */
  suffers(kind: FaultKind): boolean {
    if (this.#fault?.kind !== kind || !this.#isDue()) return false;
    this.#logOnce();
    return true;
  }

  /** How late a late final is. */
  get lateMs(): number {
    return this.suffers('late-final') ? (this.#fault?.delayMs ?? 2000) : 0;
  }

  /** Something the client asked for. */
  result(message: string | Uint8Array): void {
    if (!this.#struck && this.#isDue() && this.#strike(message)) return;
    this.#results++;
    this.note(message);
  }

  /** An acknowledgement, metadata, an event without words. */
  note(message: string | Uint8Array): void {
    if (this.#state === 'trickling') this.#queue(message);
    else if (this.#state === 'open') this.#target.send(message);
  }

  #isDue(): boolean {
    if (!this.#fault) return false;
    return this.#fault.at !== 'middle' || this.#results >= RESULTS_BEFORE_MIDDLE;
  }

  #logOnce(): void {
    if (this.#struck) return;
    this.#struck = true;
    this.#context.log('fault', { detail: this.#fault?.kind });
  }

  /** True when the fault took the message. */
  #strike(message: string | Uint8Array): boolean {
    const fault = this.#fault;
    switch (fault?.kind) {
      case 'reset':
        this.#logOnce();
        this.#state = 'ended';
        this.#target.reset();
        return true;
      case 'close':
        this.#logOnce();
        this.#state = 'ended';
        this.#target.close(fault.code ?? 1011, 'scripted');
        return true;
      case 'stall':
        this.#logOnce();
        this.#state = 'stalled';
        return true;
      case 'trickle':
        this.#logOnce();
        this.#state = 'trickling';
        this.#queue(message);
        this.#trickle();
        return true;
      case 'truncated-json':
        if (typeof message !== 'string') return false;
        this.#logOnce();
        this.#results++;
        this.#target.send(message.slice(0, Math.ceil(message.length / 2)));
        return true;
      case 'error-message': {
        this.#logOnce();
        const failure = this.#failure();
        this.#target.send(failure.message);
        this.#state = 'ended';
        if (failure.code !== undefined) this.#target.close(failure.code, failure.reason ?? '');
        return true;
      }
      default:
        return false;
    }
  }

  #queue(message: string | Uint8Array): void {
    const bytes = typeof message === 'string' ? Buffer.from(message) : message;
    if (this.#waiting.length + bytes.length <= TRICKLE_BYTES) this.#waiting = Buffer.concat([this.#waiting, bytes]);
  }

  #trickle(): void {
    if (this.#waiting.length > 0) {
      this.#target.sendByte(this.#waiting.subarray(0, 1));
      this.#waiting = this.#waiting.subarray(1);
    }
    this.#context.after(TRICKLE_EVERY_MS, () => this.#trickle());
  }
}

/** An outlet on a WebSocket; text and binary go as they are. */
export function socketOutlet(webSocket: WebSocket, context: RouteContext, failure?: () => Failure): Outlet {
  return new Outlet(socketTarget(webSocket), context, failure);
}

/** An outlet on an HTTP response; the handler writes the head and ends the response (only when `isOpen`). */
export function httpOutlet(response: ServerResponse, context: RouteContext, failure?: () => Failure): Outlet {
  const write = (bytes: string | Uint8Array): void => {
    if (!response.writableEnded && !response.destroyed) response.write(bytes);
  };
  return new Outlet(
    {
      send: write,
      sendByte: write,
      reset: () => void response.socket?.resetAndDestroy(),
      close: (code) => (code === 1000 ? response.end() : response.destroy()),
    },
    context,
    failure,
  );
}

export function socketTarget(webSocket: WebSocket): Target {
  return {
    send: (message) => sendMessage(webSocket, message),
    sendByte: (byte) => {
      // A fragment: the message never ends.
      if (webSocket.readyState === WebSocket.OPEN) webSocket.send(byte, { fin: false, binary: false });
    },
    reset: () => resetSocket(webSocket),
    close: (code, reason) => closeSocket(webSocket, code, reason),
  };
}

/** 1005 and 1006 are never sent (RFC 6455 section 7.4.1): 1006 is what the peer sees when the connection just goes. */
export function closeSocket(webSocket: WebSocket, code: number, reason: string): void {
  if (code === 1005 || code === 1006) webSocket.terminate();
  else webSocket.close(code, reason);
}

/** The TCP connection under a WebSocket, reset. */
export function resetSocket(webSocket: WebSocket): void {
  const tcp = (webSocket as unknown as { _socket?: { resetAndDestroy(): void } })._socket;
  if (tcp) tcp.resetAndDestroy();
  else webSocket.terminate();
}
