/**
 * Handing a caller over to a person: the assistant's target is dialled, and when somebody answers, the two lines are
 * joined and the conversation ends.
 *
 *   idle ──connect──▶ ringing ──answered──▶ joined ──a party hangs up──▶ ended
 *     ▲                  │ nobody, refused
 *     └──────────────────┘
 */
import type { CallFact, Ending, TransferTarget } from '@tandem/contract';
import type { Frame } from '#audio/frame.ts';
import { childOf } from '#kit/abort.ts';
import { messageOf, TandemError, VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Leg, LegEndCause } from '#telephony/leg.ts';
import { SoundPath } from './live-sound.ts';

/** How long a target rings. */
export const RING_WITHIN_MS = 25_000;
const HANG_UP_WITHIN_MS = 2_500;

/** Places the second leg; rejects with `outbound-not-configured` or `dial-failed`. */
export type Dial = (to: string, signal: AbortSignal) => Promise<Leg>;

export interface TransferOptions {
  kit: Kit;
  caller: Leg;
  dial: Dial;
  record: (fact: CallFact) => void;
  /** Just before the lines are joined: the conversation closes, so that nobody talks into them. Synchronous. */
  joining: () => void;
  /** The joined call is over. */
  ended: (ending: Ending) => void;
}

type State = 'idle' | 'ringing' | 'joined' | 'ended';

const ENDING_OF_AGENT: Record<LegEndCause, Ending> = {
  'hung-up': { by: 'agent', reason: 'transferred' },
  'media-lost': { by: 'system', reason: 'media-lost' },
  'signalling-lost': { by: 'system', reason: 'signalling-lost' },
  local: { by: 'system', reason: 'transferred' },
  error: { by: 'system', reason: 'error' },
};

/** How a joined call ended, from the caller's side. */
export function endingOfTransferred(ending: Ending): Ending {
  return ending.reason === 'hung-up' ? { ...ending, reason: 'transferred' } : ending;
}

/** What the two directions need while the lines are joined. */
interface Joint {
  agent: Leg;
  toAgent: SoundPath;
  toCaller: SoundPath;
  left: PromiseWithResolvers<LegEndCause>;
}

export class Transfer {
  readonly #options: TransferOptions;
  readonly #scope = childOf(undefined);
  #state: State = 'idle';
  #joint: Joint | undefined;

  constructor(options: TransferOptions) {
    this.#options = options;
  }

  /** The lines are joined, or are about to be. */
  get joined(): boolean {
    return this.#joint !== undefined;
  }

  /**
   * Dials `target` and, once somebody answers, joins the lines a moment later, so that whoever called this can still say
   * and record that it worked. Rejects with `VendorError` (`permanent`) when it was not reached: the caller is still
   * with the assistant.
   */
  async connect(target: TransferTarget, signal: AbortSignal): Promise<void> {
    const { kit, caller, record } = this.#options;
    if (this.#state !== 'idle') throw new VendorError('transfer', 'permanent', 'another transfer is under way');
    this.#state = 'ringing';
    record({ type: 'transfer-started', target: target.name });
    let agent: Leg;
    try {
      agent = await this.#ring(target.to, signal);
    } catch (error) {
      if (this.#state === 'ringing') this.#state = 'idle';
      const outcome = outcomeOf(error);
      record({ type: 'transfer-completed', target: target.name, outcome });
      kit.log.info({ outcome, target: target.name, error: messageOf(error) }, 'a transfer was not answered');
      throw new VendorError('transfer', 'permanent', `${target.name} could not be reached (${outcome})`, { cause: error });
    }
    record({ type: 'transfer-completed', target: target.name, outcome: 'connected' });
    record({ type: 'leg-joined', legId: agent.id, party: 'agent', gateway: agent.gateway, codec: agent.codec });
    this.#joint = {
      agent,
      toAgent: new SoundPath(caller.format, agent.format),
      toCaller: new SoundPath(agent.format, caller.format),
      left: Promise.withResolvers<LegEndCause>(),
    };
    this.#state = 'joined';
    kit.clock.after(0, () => this.#join());
  }

  /** The caller's frame: the agent hears it. Never throws for what a line brings. */
  frame(heard: Frame): void {
    this.#joint?.toAgent.push(heard.sound);
  }

  /** The caller's key, for a menu at the agent's side. */
  digit(digit: string): void {
    this.#joint?.agent.sendDigits(digit).catch((error: unknown) => {
      this.#options.kit.log.debug({ error: messageOf(error) }, 'a key could not be passed on');
    });
  }

  /** Hangs up the agent and records that they left. Idempotent; resolves within some seconds. */
  async close(ending: Ending): Promise<void> {
    const { kit, record } = this.#options;
    this.#scope.abort('call-ended');
    const joint = this.#state === 'ended' ? undefined : this.#joint;
    this.#state = 'ended';
    if (!joint) return;
    joint.toAgent.live.close();
    joint.toCaller.live.close();
    const tooLong = kit.clock.after(HANG_UP_WITHIN_MS, () => joint.left.resolve('error'));
    joint.agent.hangUp(ending).catch((error: unknown) => kit.log.warn({ error }, 'the agent could not be hung up'));
    const cause = await joint.left.promise;
    tooLong.cancel();
    record({ type: 'line-measured', legId: joint.agent.id, ...joint.agent.stats() });
    record({ type: 'leg-left', legId: joint.agent.id, party: 'agent', cause });
  }

  /** A leg that answers after we gave up is hung up. */
  async #ring(to: string, signal: AbortSignal): Promise<Leg> {
    const { kit, dial } = this.#options;
    const ringing = childOf(AbortSignal.any([signal, this.#scope.signal]));
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    const tooLong = kit.clock.after(RING_WITHIN_MS, () => {
      ringing.abort('no-answer');
      reject(new TandemError('dial-failed', 'nobody answered', { outcome: 'no-answer' }));
    });
    ringing.signal.addEventListener('abort', () => reject(ringing.signal.reason as Error), { once: true });
    const dialled = Promise.try(() => dial(to, ringing.signal));
    try {
      return await Promise.race([dialled, promise]);
    } catch (error) {
      dialled.then(
        (late) => void late.hangUp(),
        () => {},
      );
      throw error;
    } finally {
      tooLong.cancel();
    }
  }

  #join(): void {
    const joint = this.#joint;
    if (!joint) return;
    const { agent, toAgent, toCaller, left } = joint;
    const { caller, joining, ended, kit } = this.#options;
    agent.attach({
      frame: (heard) => toCaller.push(heard.sound),
      digit: () => {},
      typed: () => {},
      recognised: () => {},
      ended: (cause) => {
        left.resolve(cause);
        if (this.#state !== 'ended') ended(ENDING_OF_AGENT[cause]);
      },
    });
    if (this.#state !== 'joined') return;
    try {
      joining();
      toCaller.live.playOn(caller);
      toAgent.live.playOn(agent);
    } catch (error) {
      kit.log.error({ error }, 'two lines could not be joined');
      ended({ by: 'system', reason: 'error' });
    }
  }
}

/** A word for the record: `no-answer`, `refused`, `not-configured`, `cancelled` or `failed`. */
function outcomeOf(error: unknown): string {
  if (error instanceof TandemError) {
    if (error.code === 'outbound-not-configured') return 'not-configured';
    if (error.detail.outcome === 'no-answer') return 'no-answer';
    if (error.code === 'dial-failed') return 'refused';
  }
  if (error instanceof Error && error.message === 'cancelled: no-answer') return 'no-answer';
  if (error instanceof Error && (error.name === 'Cancelled' || error.name === 'AbortError')) return 'cancelled';
  return 'failed';
}
