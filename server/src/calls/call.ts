/**
 * A Call: the whole story of one conversation on the phone, ring to ending.
 *
 *   received ──answer──▶ answered ──end──▶ ended
 *      └────abandoned, refused, failed────────▲
 *
 * It ends once, with one {@link Ending}, whoever asks first.
 */
import type { CallEvent, CallFact, Ending, UsageLine } from '@tandem/contract';
import { planOf } from '#assistants/assistant.ts';
import { FRAME_MS, silence } from '#audio/frame.ts';
import type { Collecting } from '#conversation/collect/collect-tool.ts';
import type { ConversationOptions } from '#conversation/conversation-options.ts';
import { talkOf } from '#conversation/hand-over.ts';
import type { KeptSpeech } from '#conversation/kept-speech.ts';
import type { ConversationPlan } from '#conversation/plan.ts';
import type { ProviderHealth } from '#conversation/provider-health.ts';
import type { Talk } from '#conversation/talk.ts';
import type { Price } from '#conversation/usage.ts';
import { warmGreeting } from '#conversation/warm-speech.ts';
import { childOf, isCancelled } from '#kit/abort.ts';
import { rfc3339, type Timer } from '#kit/clock.ts';
import { messageOf, TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Library } from '#knowledge/library.ts';
import type { Leg, LegEndCause, LegListener } from '#telephony/leg.ts';
import type { Route } from './directory.ts';
import { type InstalledModels, order } from './installed-models.ts';
import type { Journal } from './journal.ts';
import { lookUp } from './look-up.ts';
import type { CallRecording, Shelf } from './recording.ts';
import type { Spending } from './spending.ts';
import { CallActions } from './tools/call-actions.ts';
import type { Shop } from './tools/tool-box.ts';
import { type Dial, endingOfTransferred, Transfer } from './transfer.ts';

/** Where the call's first leg comes from. */
export interface Line {
  direction: 'inbound' | 'outbound';
  gateway: string;
  from: string;
  to: string;
  providerCallId: string | undefined;
  /** Aborts when the caller gives up before the answer. */
  abandoned: AbortSignal | undefined;
  /** Answers (inbound) or dials (outbound). */
  connect(signal: AbortSignal): Promise<Leg>;
}

/** What all calls of a process share. */
export interface SharedByCalls {
  health: ProviderHealth;
  kept: KeptSpeech;
  spending: Spending;
  /** Millionths of a US dollar; absent: nothing costs anything. */
  price?: Price;
  /** Who looks things up; absent: what came with the route. */
  library?: Library;
  /** What a conversation is told, instead of what its assistant says. */
  revisePlan?: (plan: ConversationPlan) => ConversationPlan;
}

export interface CallOptions {
  kit: Kit;
  shared: SharedByCalls;
  route: Route;
  line: Line;
  models: InstalledModels;
  journal: Journal;
  recordings: Shelf;
  /** The business's own tools; only the built-in ones when absent. */
  shop?: Shop;
  /** Places a second leg, to hand the caller over; absent where nothing can be dialled. */
  dial?: Dial;
}

/** Longer than any gateway lets it ring. */
const CONNECT_WITHIN_MS = 120_000;
/** A leg that has hung up says so; one that does not must not keep the call. */
const LEG_END_WITHIN_MS = 3_000;

/** Frames of silence that a recording is filled with behind a stall: 10 s. */
const MOST_FILLED = 500;

/** What a tool was changing outside when the call ended is waited for, so that its outcome is known. */
const EFFECTS_WITHIN_MS = 5_000;

/** What an answered call is made of. */
interface TalkParts {
  tooLong?: Timer;
  recording?: CallRecording;
  conversation?: Talk;
  transfer?: Transfer;
  actions?: CallActions;
}

const ENDING_OF_LEG: Record<LegEndCause, Ending> = {
  'hung-up': { by: 'caller', reason: 'hung-up' },
  'media-lost': { by: 'system', reason: 'media-lost' },
  'signalling-lost': { by: 'system', reason: 'signalling-lost' },
  local: { by: 'system', reason: 'hung-up' },
  error: { by: 'system', reason: 'error' },
};

export class Call {
  readonly id: string;
  readonly businessId: string;
  #options: CallOptions;
  #receivedAt: number;
  #answeredAt: number | undefined;
  #overAt: number | undefined;
  #seq = 0;
  /** Knows which words and keys are a secret. */
  #collecting: Collecting | undefined;
  #scope: ReturnType<typeof childOf>;
  #ended = Promise.withResolvers<{ ending: Ending; detail?: string }>();
  #closed = Promise.withResolvers<void>();

  constructor(options: CallOptions) {
    const { kit, route } = options;
    this.id = kit.ids.make('call');
    this.businessId = route.businessId;
    this.#options = { ...options, kit: { ...kit, log: kit.log.with({ callId: this.id, businessId: route.businessId }) } };
    this.#receivedAt = kit.clock.now();
    this.#scope = childOf(undefined);
  }

  /** Asks the call to end; the first cause wins. Resolves when its last event is in the journal's queue. */
  end(ending: Ending, detail?: string): Promise<void> {
    this.#overAt ??= this.#at();
    this.#ended.resolve({ ending, detail });
    return this.#closed.promise;
  }

  /** The whole life. Resolves with the ending; never rejects: what fails in here ends this call, with its cause. */
  async run(): Promise<Ending> {
    const { route, line, kit } = this.#options;
    this.#record({
      type: 'call-received',
      startedAt: rfc3339(kit.clock.wall()),
      direction: line.direction,
      gateway: line.gateway,
      from: line.from,
      to: line.to,
      assistantId: route.assistant.id,
      assistantName: route.assistant.name,
      providerCallId: line.providerCallId,
    });
    this.#warm();
    try {
      const leg = await this.#connect();
      if (leg) await this.#talk(leg);
    } catch (error) {
      this.#fail(error);
    }
    const { ending, detail } = await this.#ended.promise;
    this.#scope.abort('call-ended');
    this.#record({ type: 'call-ended', ...ending, durationMs: this.#talkedMs(), ...(detail === undefined ? {} : { detail }) });
    this.#closed.resolve();
    return ending;
  }

  /** While it rings, in the format of telephone lines: what a browser needs is made when it is there. */
  #warm(): void {
    const { kit, route, models, shared, line } = this.#options;
    const { assistant, knowledge } = route;
    const [first, ...others] = order(models.synthesizers, assistant.synthesizer, assistant.fallbacks.synthesizers);
    if (!first || line.gateway === 'browser') return;
    const plan = planOf(assistant, route.businessName, knowledge.phrases);
    const { health, kept } = shared;
    const parts = { kit, businessId: this.businessId, format: 'mulaw-8000', plan, synthesizers: [first, ...others], health, kept } as const;
    void warmGreeting(parts, this.#scope.signal);
    void models.languageModels[0]?.warm?.();
  }

  /** The leg, once answered; undefined when the call ended before. An answer that comes too late is hung up. */
  async #connect(): Promise<Leg | undefined> {
    const { line, kit } = this.#options;
    const giveUp = () => void this.end({ by: 'caller', reason: 'cancelled' });
    if (line.abandoned?.aborted) giveUp();
    line.abandoned?.addEventListener('abort', giveUp, { once: true });
    const tooLong = kit.clock.after(CONNECT_WITHIN_MS, () => void this.end({ by: 'system', reason: 'error' }, 'nobody answered in time'));
    const connected = Promise.try(() => line.connect(this.#scope.signal)).then(
      (leg) => leg,
      (error: unknown) => {
        void this.end(endingOfFailedAnswer(error), messageOf(error));
        return undefined;
      },
    );
    const leg = await Promise.race([connected, this.#ended.promise.then(() => undefined)]);
    tooLong.cancel();
    line.abandoned?.removeEventListener('abort', giveUp);
    if (!leg) connected.then((late) => late?.hangUp()).catch((error: unknown) => this.#fail(error));
    return leg;
  }

  /** Answer to hang-up, on one leg. Whatever of it could not be made, the leg is hung up and what was made is closed. */
  async #talk(leg: Leg): Promise<void> {
    const { kit } = this.#options;
    this.#answeredAt = this.#at();
    this.#record({ type: 'call-answered', ringMs: this.#answeredAt });
    this.#record({ type: 'leg-joined', legId: leg.id, party: 'caller', gateway: leg.gateway, codec: leg.codec });
    const legEnded = Promise.withResolvers<LegEndCause>();
    const parts: TalkParts = {};
    try {
      this.#begin(leg, parts, legEnded.resolve);
    } catch (error) {
      this.#fail(error);
    }
    const { ending } = await this.#ended.promise;
    parts.tooLong?.cancel();
    this.#scope.abort('call-ended');
    parts.conversation?.close();
    parts.actions?.collecting?.close();
    await leg.hangUp(ending).catch((error: unknown) => this.#fail(error));
    await parts.transfer?.close(ending);
    const late = kit.clock.after(LEG_END_WITHIN_MS, () => legEnded.resolve('error'));
    const cause = await legEnded.promise;
    late.cancel();
    await parts.recording?.close('call-ended');
    await parts.conversation?.settle(EFFECTS_WITHIN_MS);
    this.#record({ type: 'line-measured', legId: leg.id, ...leg.stats() });
    this.#record({ type: 'leg-left', legId: leg.id, party: 'caller', cause });
  }

  /** Fills `parts` one by one, so that whoever closes them finds those made before a failure. */
  #begin(leg: Leg, parts: TalkParts, legEnded: (cause: LegEndCause) => void): void {
    const { route, kit } = this.#options;
    parts.tooLong = kit.clock.after(route.assistant.maxDurationMs, () => void this.end({ by: 'system', reason: 'max-duration' }));
    parts.recording = this.#startRecording(leg);
    parts.transfer = this.#transferOf(leg, parts);
    parts.actions = this.#actionsOf(leg, parts.transfer);
    this.#collecting = parts.actions.collecting;
    parts.conversation = this.#converse(leg, parts.actions);
    leg.attach(this.#listener(leg, parts, parts.conversation, legEnded));
    parts.conversation.start().then(
      (ending) => {
        // Closed because a person has taken over: the call goes on without it.
        if (!parts.transfer?.joined) void this.end(ending);
      },
      (error: unknown) => {
        if (!isCancelled(error)) this.#fail(error);
      },
    );
  }

  /** Our own fault: the call ends with it, nothing else does. */
  #fail(error: unknown): void {
    this.#options.kit.log.error({ error }, 'a call failed');
    void this.end({ by: 'system', reason: 'error' }, messageOf(error));
  }

  /** Undefined where nothing can be dialled. */
  #transferOf(leg: Leg, parts: TalkParts): Transfer | undefined {
    const { kit, dial } = this.#options;
    if (!dial) return undefined;
    return new Transfer({
      kit,
      caller: leg,
      dial,
      record: (fact) => this.#record(fact),
      joining: () => parts.conversation?.close(),
      ended: (ending) => void this.end(ending),
    });
  }

  #converse(leg: Leg, actions: CallActions): Talk {
    const { kit, route, models, shared, journal } = this.#options;
    const { assistant, knowledge } = route;
    const { fallbacks, costCeiling } = assistant;
    const [languageModel, ...languageModels] = order(models.languageModels, assistant.languageModel, fallbacks.languageModels);
    const [synthesizer, ...synthesizers] = order(models.synthesizers, assistant.synthesizer, fallbacks.synthesizers);
    if (!languageModel || !synthesizer) throw new TandemError('unavailable', 'No language model or no voice is installed');
    const plan: ConversationPlan = planOf(assistant, route.businessName, knowledge.phrases);
    const options: ConversationOptions = {
      kit,
      callId: this.id,
      businessId: this.businessId,
      leg,
      plan: shared.revisePlan ? shared.revisePlan(plan) : plan,
      voiceActivity: models.voiceActivity(leg.format),
      endOfTurn: models.endOfTurn?.(leg.format),
      transcribers: order(models.transcribers, assistant.transcriber, fallbacks.transcribers),
      languageModels: [languageModel, ...languageModels],
      synthesizers: [synthesizer, ...synthesizers],
      ...shared,
      ...(costCeiling === null ? {} : { costCeilingMicros: costCeiling * 1_000_000 }),
      leftToday: () => shared.spending.left(this.businessId, kit.clock.wall()),
      retrieve: lookUp(route, shared.library, kit),
      tools: actions.tools,
      taker: actions.collecting,
      durable: () => journal.flush(),
      at: () => this.#at(),
      record: (fact) => this.#record(fact),
      signal: this.#scope.signal,
    };
    return talkOf(
      options,
      models.speechToSpeech?.find(({ name }) => name === assistant.speechToSpeech),
    );
  }

  #actionsOf(leg: Leg, transfer: Transfer | undefined): CallActions {
    const { kit, route, shop, line } = this.#options;
    return new CallActions({
      kit,
      route,
      shop,
      leg,
      callerNumber: line.direction === 'inbound' ? line.from : line.to,
      record: (fact) => this.#record(fact),
      transfer: transfer && ((target, signal) => transfer.connect(target, signal)),
    });
  }

  #startRecording(leg: Leg): CallRecording | undefined {
    const { route, recordings } = this.#options;
    if (!route.assistant.recording) return undefined;
    return recordings.open({
      businessId: this.businessId,
      callId: this.id,
      format: leg.format,
      started: () => this.#record({ type: 'recording-started', channels: 2, rate: 8000 }),
      stopped: (reason, durationMs) => this.#record({ type: 'recording-stopped', reason, durationMs }),
    });
  }

  #listener(leg: Leg, parts: TalkParts, conversation: Talk, ended: (cause: LegEndCause) => void): LegListener {
    const { recording, transfer } = parts;
    const quiet = silence(leg.format);
    let next = 0;
    return {
      frame: (heard, sent) => {
        try {
          // What a stalled loop left out is silence, so that sound stays where the events say it is.
          const left = Math.min((heard.at - next) / FRAME_MS, MOST_FILLED);
          for (let i = 0; i < left; i++) recording?.write(quiet, undefined);
          next = heard.at + FRAME_MS;
          recording?.write(heard.sound, sent);
          if (transfer?.joined) transfer.frame(heard);
          else conversation.frame(heard, sent);
        } catch (error) {
          this.#fail(error);
        }
      },
      digit: (digit) => {
        this.#record({ type: 'digit-received', legId: leg.id, ...(this.#collecting?.secret ? { digit: '*', secret: true } : { digit }) });
        if (transfer?.joined) transfer.digit(digit);
        else conversation.digit(digit);
      },
      typed: (text) => conversation.typed(text),
      recognised: (text, final, confidence) => conversation.recognised(text, final, confidence),
      ended: (cause) => {
        void this.end(transfer?.joined ? endingOfTransferred(ENDING_OF_LEG[cause]) : ENDING_OF_LEG[cause]);
        ended(cause);
      },
    };
  }

  /** Milliseconds since the call was received, to a tenth: finer would only make the journal longer. */
  #at(): number {
    return Math.max(0, Math.round((this.#options.kit.clock.now() - this.#receivedAt) * 10) / 10);
  }

  /** From answer; 0 for a call that was never answered. */
  #talkedMs(): number {
    return this.#answeredAt === undefined ? 0 : (this.#overAt ?? this.#at()) - this.#answeredAt;
  }

  #spend(lines: readonly UsageLine[]): void {
    const { kit, shared } = this.#options;
    const micros = lines.reduce((sum, { costMicros }) => sum + costMicros, 0);
    shared.spending.spend(this.businessId, micros, kit.clock.wall());
  }

  #record(fact: CallFact): void {
    const shown = this.#collecting?.hide(fact) ?? fact;
    if (fact.type === 'usage-counted') this.#spend(fact.lines);
    const event = { businessId: this.businessId, callId: this.id, seq: this.#seq++, at: this.#at(), ...shown };
    this.#options.journal.append(event as CallEvent);
  }
}

function endingOfFailedAnswer(error: unknown): Ending {
  if (isCancelled(error)) return { by: 'caller', reason: 'cancelled' };
  if (error instanceof TandemError && error.code === 'no-common-codec') return { by: 'system', reason: 'no-common-codec' };
  if (error instanceof TandemError && (error.code === 'dial-failed' || error.code === 'outbound-not-configured'))
    return { by: 'system', reason: 'rejected' };
  return { by: 'system', reason: 'error' };
}
