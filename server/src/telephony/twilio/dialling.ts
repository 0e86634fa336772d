/** Calls of ours that are being placed: from the REST request to the media stream that brings the answer. */
import { TandemError } from '#kit/errors.ts';
import type { Timer } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { messageOf } from '#kit/errors.ts';
import type { DialRequest } from '../gateway.ts';
import type { Leg } from '../leg.ts';
import type { TwilioRest } from './rest.ts';

/** How long it may ring. */
const RING_SECONDS = 60;
/** Ringing, and the time Twilio needs around it. */
const ANSWER_MS = 90_000;

interface Pending {
  callSid: string | undefined;
  request: DialRequest;
  timer: Timer;
  onAbort: () => void;
  resolve: (leg: Leg) => void;
  reject: (error: Error) => void;
}

export class Dialling {
  readonly #kit: Kit;
  readonly #rest: TwilioRest;
  readonly #urls: { base: string; from: string | undefined };
  readonly #pending = new Map<string, Pending>();

  /** `base`: our public URL up to `/gateways/twilio`. `from`: the number shown when a request names none. */
  constructor(kit: Kit, rest: TwilioRest, urls: { base: string; from: string | undefined }) {
    this.#kit = kit;
    this.#rest = rest;
    this.#urls = urls;
  }

  /** Resolves when the called party's sound is connected. Rejects with `dial-failed` or the signal's reason. */
  dial(request: DialRequest): Promise<Leg> {
    const from = request.from || this.#urls.from;
    if (!from) return Promise.reject(new TandemError('outbound-not-configured', 'a call needs a number to call from: set TWILIO_FROM'));
    if (request.signal.aborted) return Promise.reject(request.signal.reason as Error);
    const id = this.#kit.ids.make('dial');
    const { promise, resolve, reject } = Promise.withResolvers<Leg>();
    const onAbort = () => this.#fail(id, request.signal.reason as Error);
    const timer = this.#kit.clock.after(ANSWER_MS, () => this.#fail(id, new TandemError('dial-failed', 'nobody answered')));
    this.#pending.set(id, { callSid: undefined, request, timer, onAbort, resolve, reject });
    request.signal.addEventListener('abort', onAbort, { once: true });
    void this.#place(id, request, from);
    return promise;
  }

  /** True when this call waits for its TwiML. The webhook may be quicker than the answer to our request. */
  expects(id: string, callSid: string): boolean {
    const pending = this.#pending.get(id);
    if (!pending || (pending.callSid !== undefined && pending.callSid !== callSid)) return false;
    pending.callSid = callSid;
    return true;
  }

  /** The call has its sound. False when nobody waits for it any more. */
  answered(id: string, leg: Leg): boolean {
    const pending = this.#take(id);
    pending?.resolve(leg);
    return pending !== undefined;
  }

  /** What a status callback said. */
  progress(callSid: string, status: string): void {
    for (const [id, pending] of this.#pending) {
      if (pending.callSid !== callSid) continue;
      if (status === 'ringing') pending.request.onRinging?.();
      else if (['busy', 'failed', 'no-answer', 'canceled', 'completed'].includes(status)) {
        this.#take(id)?.reject(new TandemError('dial-failed', `the call ended: ${status}`, { status }));
      }
      return;
    }
  }

  stop(): void {
    for (const id of this.#pending.keys()) this.#fail(id, new TandemError('unavailable', 'the gateway is closing'));
  }

  async #place(id: string, request: DialRequest, from: string): Promise<void> {
    try {
      const callSid = await this.#rest.createCall(
        {
          to: request.to,
          from,
          url: `${this.#urls.base}/voice?dial=${id}`,
          statusCallback: `${this.#urls.base}/status`,
          ringSeconds: RING_SECONDS,
        },
        // Not the caller's signal: a request that has left may have made a call, which must then be ended.
        new AbortController().signal,
      );
      const pending = this.#pending.get(id);
      if (pending) pending.callSid = callSid;
      else await this.#rest.complete(callSid);
    } catch (error) {
      this.#take(id)?.reject(new TandemError('dial-failed', messageOf(error), {}, error));
    }
  }

  /** Gives up on a call; what Twilio has of it is ended. */
  #fail(id: string, error: Error): void {
    const pending = this.#take(id);
    if (!pending) return;
    pending.reject(error);
    if (pending.callSid !== undefined) void this.#rest.complete(pending.callSid);
  }

  #take(id: string): Pending | undefined {
    const pending = this.#pending.get(id);
    if (!pending) return undefined;
    this.#pending.delete(id);
    pending.timer.cancel();
    pending.request.signal.removeEventListener('abort', pending.onAbort);
    return pending;
  }
}
