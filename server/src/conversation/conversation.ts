/**
 * A conversation: caller and assistant taking turns on one leg. A thin shell: it tells the floor what happens
 * ({@link takeFloor}), does what the floor asks, and records each fact. It owns the ear, the reply and the history.
 */
import type { CallFact, Ending, TurnStages } from '@tandem/contract';
import type { Frame, Sound } from '#audio/frame.ts';
import { childOf } from '#kit/abort.ts';
import type { Timer } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import type { LanguageModel } from '#models/language-model.ts';
import type { Synthesizer } from '#models/synthesizer.ts';
import type { Tool } from '#models/tool.ts';
import type { Transcriber } from '#models/transcriber.ts';
import type { VoiceActivityDetector } from '#models/voice-activity.ts';
import type { Leg } from '#telephony/leg.ts';
import { Answer, type Retrieve } from './answer.ts';
import { Ear, type HeardWords } from './ear.ts';
import { textOf } from './floor-deadlines.ts';
import type { Floor, FloorAction, FloorEvent } from './floor-terms.ts';
import { isLate } from './floor-words.ts';
import { emptyFloor, takeFloor } from './floor.ts';
import { History } from './history.ts';
import { type ConversationPlan, type SettledPlan, settlePlan } from './plan.ts';
import { Reply, type ReplyEnd } from './reply.ts';
import { senseOf } from './rules/sense.ts';
import { SpokenLately } from './spoken-lately.ts';
import { TurnRecord } from './turn-record.ts';

export interface ConversationOptions {
  kit: Kit;
  callId: string;
  businessId: string;
  leg: Leg;
  plan: ConversationPlan;
  /** This conversation's own; closed with it. */
  voiceActivity: VoiceActivityDetector;
  /** Shared; only a stream of it is opened, and none when the caller's device recognises speech itself. */
  transcriber: Transcriber | undefined;
  languageModel: LanguageModel;
  synthesizer: Synthesizer;
  retrieve: Retrieve;
  tools: readonly Tool[];
  /** Milliseconds since `call-received`. */
  at: () => number;
  /** Facts in order. Synchronous; must not throw. */
  record: (fact: CallFact) => void;
  /** Ends the conversation from outside, like `close`. */
  signal: AbortSignal;
}

type ActionOf<T extends FloorAction['type']> = Extract<FloorAction, { type: T }>;

/** Events waiting because one is being handled: far more than one frame can bring. */
const MAX_WAITING = 256;

/**
 * The call forwards the leg's `frame`, `digit`, `typed` and `recognised` to it (all synchronous, none throws). `close`
 * records what was heard of an unfinished reply, so call it before recording the end of the call.
 */
export class Conversation {
  readonly #options: ConversationOptions & { plan: SettledPlan };
  readonly #scope: ReturnType<typeof childOf>;
  readonly #ear: Ear;
  readonly #history: History;
  readonly #turns: TurnRecord;
  readonly #spoken = new SpokenLately();
  readonly #ended = Promise.withResolvers<Ending>();
  readonly #events: FloorEvent[] = [];
  #floor: Floor = emptyFloor;
  #reply: Reply | undefined;
  #wake: Timer | undefined;
  #busy = false;
  #closed = false;

  constructor(options: ConversationOptions) {
    const plan = settlePlan(options.plan);
    this.#options = { ...options, plan };
    const { kit, leg, voiceActivity, transcriber, at } = options;
    this.#scope = childOf(options.signal);
    this.#history = new History(plan.policy.historyTurns);
    this.#turns = new TurnRecord(options.record);
    this.#ear = new Ear({
      kit,
      format: leg.format,
      voiceActivity,
      transcriber: leg.recognises ? undefined : transcriber,
      language: plan.language,
      phrases: plan.phrases,
      sustainMs: plan.policy.bargeInMs,
      now: at,
      listener: {
        speechStarted: (from) => this.#speechStarted(from),
        speechSustained: () => this.#feed({ type: 'speech-sustained', at: at() }),
        speechEnded: (from, to) => this.#speechEnded(from, to),
        words: (heard) => this.#words(heard),
        endOfTurn: (to) => this.#feed({ type: 'end-of-turn', at: at(), to }),
        deaf: () => this.#feed({ type: 'deaf', at: at() }),
      },
    });
    this.#scope.signal.addEventListener('abort', () => this.close(), { once: true });
  }

  /**
   * Greets and goes on until the call should end: goodbye, nobody speaks, a model failed. When closed from outside it
   * resolves with `{by: 'system', reason: 'shutdown'}`, which whoever closed it ignores.
   */
  start(): Promise<Ending> {
    if (this.#scope.signal.aborted) this.close();
    if (!this.#closed) {
      this.#ear.open();
      this.#feed({ type: 'opened', at: this.#options.at(), greetingProtected: this.#options.plan.greetingProtected ?? false });
    }
    return this.#ended.promise;
  }

  frame(heard: Frame, sent: Sound | undefined): void {
    if (this.#closed) return;
    try {
      this.#reply?.tick();
      this.#ear.frame(heard, sent);
    } catch (error) {
      this.#broken(error);
    }
  }

  digit(digit: string): void {
    this.#feed({ type: 'digit', at: this.#options.at(), digit });
  }

  typed(text: string): void {
    this.#feed({ type: 'typed', at: this.#options.at(), text });
  }

  recognised(text: string, final: boolean, confidence: number | undefined): void {
    this.#ear.recognised(text, final, confidence);
  }

  /** What the next prompt would hold: only what was said and heard. */
  get messages() {
    return this.#history.messages();
  }

  /** Idempotent and synchronous: no sound, timer or stream is left. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#floor = takeFloor(this.#floor, { type: 'closed', at: this.#options.at() }, this.#options.plan.policy)[0];
    this.#wake?.cancel();
    const reply = this.#reply;
    this.#reply = undefined;
    if (reply) this.#turns.heard(reply.stop('call-ended'));
    this.#ear.close();
    this.#turns.complete(true);
    this.#scope.abort('call-ended');
    this.#ended.resolve({ by: 'system', reason: 'shutdown' });
  }

  // What happens

  #feed(event: FloorEvent): void {
    if (this.#closed || this.#events.length >= MAX_WAITING) return;
    this.#events.push(event);
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#events.shift(); next && !this.#closed; next = this.#events.shift()) {
        const [floor, actions] = takeFloor(this.#floor, next, this.#options.plan.policy);
        this.#floor = floor;
        for (const action of actions) if (!this.#closed) this.#act(action);
      }
    } catch (error) {
      this.#broken(error);
    } finally {
      this.#busy = false;
    }
  }

  #speechStarted(from: number): void {
    this.#options.record({ type: 'speech-started', party: 'caller' });
    this.#feed({ type: 'speech-started', at: this.#options.at(), from });
  }

  #speechEnded(from: number, to: number): void {
    this.#options.record({ type: 'speech-ended', party: 'caller', durationMs: Math.max(0, to - from) });
    this.#feed({ type: 'speech-ended', at: this.#options.at(), to });
  }

  #words(heard: HeardWords): void {
    const { at, plan, leg, record } = this.#options;
    const now = at();
    const { text, final, confidence, words } = heard;
    const fromAt = heard.fromAt ?? now;
    const sense = senseOf({ text, final, language: plan.language, spoken: this.#spoken.text(now, this.#reply?.clause) });
    const { state, reply, merging } = this.#floor;
    const late = isLate(this.#floor, heard.fromAt, heard.toAt);
    const sameTurn = late || merging || (state === 'think' && reply?.kind === 'answer');
    const turn = sameTurn ? this.#floor.turn : this.#floor.turn + 1;
    const { words: before } = this.#floor;
    if (final && text.trim() !== '') {
      record({ type: 'transcript-final', turn, text, confidence, fromAt, toAt: heard.toAt ?? now, words });
    } else if (!final && text.trim() !== before.partial) {
      record({ type: 'transcript-partial', turn, text });
    }
    this.#feed({ type: 'words', at: now, text, final, sense, from: heard.fromAt, to: heard.toAt });
    const said = textOf(this.#floor.words);
    if (said !== '' && said !== textOf(before) && !late) leg.caption({ party: 'caller', turn, text: said, final: false });
  }

  // What the floor asks for

  #act(action: FloorAction): void {
    switch (action.type) {
      case 'commit':
        return this.#commit(action);
      case 'reply':
        return this.#answer(action);
      case 'withdraw':
        this.#reply?.stop('superseded');
        this.#reply = undefined;
        return;
      case 'duck':
        return this.#reply?.duck(this.#options.plan.policy.duckDb);
      case 'unduck':
        return this.#reply?.duck(0);
      case 'pause':
        return this.#reply?.pause();
      case 'resume':
        this.#reply?.resume(action.from === 'clause');
        return this.#options.record({ type: 'reply-resumed', turn: this.#floor.turn });
      case 'interrupt':
        return this.#interrupt(action.cause);
      case 'amend':
        return this.#history.callerSaid(action.turn, action.text);
      case 'wake':
        return this.#wakeAt(action);
      case 'end':
        return this.#end(action.ending);
    }
  }

  #commit({ turn, text, source, marks }: ActionOf<'commit'>): void {
    const { record, leg } = this.#options;
    const stages: TurnStages = Object.fromEntries(Object.entries(marks).filter(([, at]) => at !== undefined));
    this.#turns.open(turn, stages);
    this.#history.callerSaid(turn, text);
    record({ type: 'turn-committed', turn, text, source, stages: { ...stages } });
    leg.caption({ party: 'caller', turn, text, final: true });
  }

  #answer(action: ActionOf<'reply'>): void {
    const { kit, leg, synthesizer, plan, at } = this.#options;
    const { epoch, turn, kind } = action;
    if (kind === 'greeting') this.#turns.open(turn, {});
    // A reprompt or an idle goodbye has a latency of its own, which is nobody's turn.
    const stages = kind === 'reprompt' || kind === 'goodbye' ? {} : this.#turns.stages;
    const answer = kind === 'answer' ? this.#answerTo(turn, stages) : undefined;
    const line = this.#lineOf(action);
    const reply: Reply = new Reply(
      { kit, leg, synthesizer, plan, now: at },
      {
        epoch,
        turn,
        kind,
        stages,
        toneInstead: kind === 'apology',
        signal: this.#scope.signal,
        words: (signal) => answer?.words(signal) ?? once(line),
        listener: {
          audible: () => this.#audible(reply),
          speaking: (text) => leg.caption({ party: 'assistant', turn, text, final: false }),
          played: (spoken) => {
            this.#spoken.add(spoken.text, spoken.toAt);
            this.#options.record({ type: 'speech-played', turn, ...spoken });
          },
        },
      },
    );
    this.#reply = reply;
    void reply.run().then((end) => this.#replyEnded(reply, end, answer?.goodbye ?? false));
  }

  #answerTo(turn: number, stages: TurnStages): Answer {
    const { kit, plan, languageModel, retrieve, tools, callId, businessId, at: now, record } = this.#options;
    const parts = { kit, plan, languageModel, retrieve, tools, callId, businessId, now, record, signal: this.#scope.signal };
    return new Answer(parts, {
      turn,
      text: this.#floor.committed,
      messages: this.#history.messages(),
      stages,
      onTools: (steps) => this.#history.toolsUsed(turn, steps),
    });
  }

  #lineOf({ kind, line, round }: ActionOf<'reply'>): string {
    const { plan } = this.#options;
    const { lines } = plan;
    if (kind === 'greeting') return plan.greeting;
    if (kind === 'apology') return lines.apology;
    if (kind === 'goodbye') return plan.goodbye;
    const choices = line === 'missed' ? lines.missed : lines.idle;
    return choices[Math.min(round, choices.length - 1)] ?? '';
  }

  #audible(reply: Reply): void {
    if (reply !== this.#reply) return;
    const { turn, epoch, kind } = reply;
    this.#options.record({ type: 'reply-started', turn, epoch, kind });
    this.#feed({ type: 'reply-audible', at: this.#options.at(), epoch });
  }

  /** A stopped reply was accounted for when it was stopped. */
  #replyEnded(reply: Reply, end: ReplyEnd, goodbye: boolean): void {
    if (reply !== this.#reply || this.#closed) return;
    this.#reply = undefined;
    const { epoch, turn } = reply;
    const at = this.#options.at();
    this.#heard(reply, end.heard, false);
    if (end.failed === undefined) {
      this.#turns.complete(false);
      return this.#feed({ type: 'reply-finished', at, epoch, goodbye });
    }
    this.#options.kit.log.error({ turn, epoch, kind: reply.kind, error: end.failed }, 'reply failed');
    if (reply.kind === 'apology') this.#turns.complete(false);
    this.#feed({ type: 'reply-failed', at, epoch });
  }

  #interrupt(cause: string): void {
    const reply = this.#reply;
    this.#reply = undefined;
    if (!reply) return;
    const heard = reply.stop('barge-in');
    this.#options.record({ type: 'reply-interrupted', turn: reply.turn, cause, heard });
    this.#heard(reply, heard, true);
    this.#turns.complete(true);
  }

  #heard(reply: Reply, heard: string, interrupted: boolean): void {
    const { turn } = reply;
    this.#history.callerHeard(turn, heard, interrupted);
    this.#turns.heard(heard);
    if (heard !== '') this.#options.leg.caption({ party: 'assistant', turn, text: heard, final: true });
  }

  #wakeAt({ id, atMs }: ActionOf<'wake'>): void {
    const { kit, at } = this.#options;
    this.#wake?.cancel();
    this.#wake = kit.clock.after(atMs - at(), () => this.#feed({ type: 'woke', at: at(), id }));
  }

  #end(ending: Ending): void {
    this.#ended.resolve(ending);
    this.close();
  }

  /** Our own fault. The call must not hang because of it. */
  #broken(error: unknown): void {
    this.#options.kit.log.error({ error }, 'the conversation broke');
    this.#end({ by: 'system', reason: 'error' });
  }
}

async function* once(text: string): AsyncGenerator<string, void, undefined> {
  yield text;
}
