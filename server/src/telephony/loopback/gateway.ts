/**
 * Calls in memory: what a scripted caller, a simulation and a load test use instead of a phone. `place` is the caller
 * taking up the phone; `whenDialled` is who picks up when we call out.
 */
import type { SoundFormat } from '#audio/frame.ts';
import { Cancelled } from '#kit/abort.ts';
import { TandemError } from '#kit/errors.ts';
import type { ErrorCode } from '@tandem/contract';
import type { DialRequest, Gateway, GatewayContext, IncomingCall, Refusal } from '../gateway.ts';
import type { Leg } from '../leg.ts';
import { LoopbackLeg } from './leg.ts';
import { type Impairments, LoopbackWire } from './path.ts';

export interface LineOptions {
  /** Default `mulaw-8000`. */
  format?: SoundFormat;
  /** The caller's device recognises speech itself (`far.recognise`). */
  recognises?: boolean;
  impairments?: Impairments;
}

export interface PlacedCall {
  /** The caller's own leg, once answered. Rejects with the refusal's code, or `Cancelled` after `giveUp`. */
  readonly answered: Promise<LoopbackLeg>;
  readonly ringing: boolean;
  /** The caller puts the phone down before the answer; nothing happens afterwards. */
  giveUp(): void;
}

/** A call of ours, as the one who is called sees it. */
export interface DialledCall {
  readonly to: string;
  readonly from: string;
  ring(): void;
  pickUp(line?: LineOptions): LoopbackLeg;
  refuse(): void;
}

export class LoopbackGateway implements Gateway {
  readonly name = 'loopback';
  readonly #context: GatewayContext;
  readonly #live = new Set<LoopbackLeg>();
  readonly #counts = { calls_received: 0, calls_dialled: 0 };
  #callee: ((call: DialledCall) => void) | undefined;

  constructor(context: GatewayContext) {
    this.#context = context;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    for (const leg of this.#live) await leg.hangUp();
    this.#live.clear();
  }

  counters(): Record<string, number> {
    return { ...this.#counts };
  }

  /** A caller dials `to`. The call arrives at once, synchronously. */
  place(call: { from?: string; to: string; businessId?: string } & LineOptions): PlacedCall {
    this.#counts.calls_received++;
    const { promise, resolve, reject } = Promise.withResolvers<LoopbackLeg>();
    promise.catch(() => {}); // a test may only look at the other side
    const gone = new AbortController();
    let open = true;
    const placed = { answered: promise, ringing: false, giveUp: () => {} };
    const settle = (): boolean => {
      const was = open;
      open = false;
      return was;
    };
    placed.giveUp = () => {
      if (!settle()) return;
      const why = new Cancelled('caller-gave-up');
      gone.abort(why);
      reject(why);
    };
    const incoming: IncomingCall = {
      gateway: this.name,
      from: call.from ?? 'anonymous',
      to: call.to,
      businessId: call.businessId,
      providerCallId: this.#context.kit.ids.make('loop'),
      signal: gone.signal,
      ring: () => {
        if (open) placed.ringing = true;
      },
      answer: () => {
        if (!settle()) return Promise.reject((gone.signal.reason as Error) ?? new TandemError('call-ended'));
        const { near, far } = this.#pair(call);
        resolve(far);
        return Promise.resolve(near);
      },
      refuse: (why) => {
        if (settle()) reject(new TandemError(codeOf(why), undefined, { refusal: why }));
      },
    };
    this.#context.onCall(incoming);
    return placed;
  }

  /** Who picks up when we call out; without one, `dial` rejects with `outbound-not-configured`. */
  whenDialled(callee: (call: DialledCall) => void): void {
    this.#callee = callee;
  }

  canDial(_businessId: string): boolean {
    return this.#callee !== undefined;
  }

  dial(request: DialRequest): Promise<Leg> {
    const callee = this.#callee;
    if (!callee) return Promise.reject(new TandemError('outbound-not-configured'));
    if (request.signal.aborted) return Promise.reject(request.signal.reason as Error);
    this.#counts.calls_dialled++;
    const { promise, resolve, reject } = Promise.withResolvers<Leg>();
    const onAbort = () => reject(request.signal.reason as Error);
    request.signal.addEventListener('abort', onAbort, { once: true });
    const forget = () => request.signal.removeEventListener('abort', onAbort);
    callee({
      to: request.to,
      from: request.from,
      ring: () => request.onRinging?.(),
      pickUp: (line = {}) => {
        forget();
        const { near, far } = this.#pair(line);
        if (request.signal.aborted) void near.hangUp();
        else resolve(near);
        return far;
      },
      refuse: () => {
        forget();
        reject(new TandemError('dial-failed', 'the called party refused'));
      },
    });
    return promise;
  }

  #pair(line: LineOptions): { near: LoopbackLeg; far: LoopbackLeg } {
    const { kit, pacer } = this.#context;
    const format = line.format ?? 'mulaw-8000';
    const wire = new LoopbackWire(format, line.impairments ?? {}, kit.random);
    const shared = { kit, pacer, format };
    const near = new LoopbackLeg({
      ...shared,
      id: kit.ids.make('leg'),
      recognises: line.recognises ?? false,
      wire: { send: (sound) => wire.sendToFar(sound), receive: (out) => wire.readAtNear(out) },
    });
    const far = new LoopbackLeg({
      ...shared,
      id: kit.ids.make('leg'),
      recognises: false,
      wire: { send: (sound) => wire.sendToNear(sound), receive: (out) => wire.readAtFar(out) },
    });
    LoopbackLeg.connect(near, far);
    this.#live.add(near);
    near.onEnd(() => this.#live.delete(near));
    return { near, far };
  }
}

function codeOf(why: Refusal): ErrorCode {
  if (why === 'number-unknown' || why === 'no-common-codec' || why === 'capacity-reached' || why === 'unavailable') return why;
  return 'dial-failed';
}
