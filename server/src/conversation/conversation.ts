/**
 * A conversation: caller and assistant taking turns on one leg. A thin shell: it tells the floor what happens
 * ({@link takeFloor}), does what the floor asks, and records each fact. It owns the ear, the reply and the history.
 */
import type { Ending, TurnStages } from '@tandem/contract';
import type { Frame, Sound } from '#audio/frame.ts';
import { childOf } from '#kit/abort.ts';
import type { Timer } from '#kit/clock.ts';
import { messageOf, type VendorError } from '#kit/errors.ts';
import type { Transcriber } from '#models/transcriber.ts';
import { Answers } from './answers.ts';
import type { ConversationOptions, SettledOptions } from './conversation-options.ts';
import { conversationBegan } from './decision-record.ts';
import { Ear, type HeardWords } from './ear.ts';
import { textOf } from './floor-deadlines.ts';
import type { FloorAction, FloorEvent, TurnSource } from './floor-terms.ts';
import { isLate } from './floor-words.ts';
import { History } from './history.ts';
import { LineMeter } from './line-meter.ts';
import { settlePlan } from './plan.ts';
import { RecordedFloor } from './recorded-floor.ts';
import { Reply, type ReplyEnd } from './reply.ts';
import { expectationOf } from './rules/expectation.ts';
import { senseOf } from './rules/sense.ts';
import { SpokenLately } from './spoken-lately.ts';
import type { Talk } from './talk.ts';
import { TurnRecord } from './turn-record.ts';
import { UsageMeter } from './usage.ts';

export type { ConversationOptions } from './conversation-options.ts';

type ActionOf<T extends FloorAction['type']> = Extract<FloorAction, { type: T }>;

/** Events waiting because one is being handled: far more than one frame can bring. */
const MAX_WAITING = 256;

/**
 * The call forwards the leg's `frame`, `digit`, `typed` and `recognised` to it (all synchronous, none throws). `close`
 * records what was heard of an unfinished reply, so call it before recording the end of the call.
 */
export class Conversation implements Talk {
  readonly #options: SettledOptions;
  readonly #scope: ReturnType<typeof childOf>;
  readonly #ear: Ear;
  readonly #answers: Answers;
  readonly #history: History;
  readonly #line: LineMeter;
  readonly #turns: TurnRecord;
  readonly #usage: UsageMeter;
  readonly #floor: RecordedFloor;
  readonly #spoken = new SpokenLately();
  readonly #ended = Promise.withResolvers<Ending>();
  readonly #events: FloorEvent[] = [];
  #reply: Reply | undefined;
  #wake: Timer | undefined;
  #busy = false;
  #closed = false;

  constructor(options: ConversationOptions) {
    const plan = settlePlan(options.plan);
    this.#options = { ...options, plan };
    const { kit, leg, voiceActivity, endOfTurn, transcribers, health, at, record } = options;
    this.#scope = childOf(options.signal);
    this.#history = options.continues?.history ?? new History(plan.policy.historyTurns);
    this.#line = new LineMeter(leg, at);
    this.#turns = new TurnRecord(record, () => this.#line.take());
    this.#floor = new RecordedFloor(this.#options);
    this.#usage = options.continues?.usage ?? new UsageMeter(record, options.price, options.costCeilingMicros, options.leftToday);
    this.#answers = new Answers(this.#options, this.#history, this.#usage, this.#scope.signal);
    this.#ear = new Ear({
      kit,
      format: leg.format,
      voiceActivity,
      endOfTurn,
      transcribers: leg.recognises ? [] : transcribers,
      health,
      usage: this.#usage,
      language: plan.language,
      otherLanguages: plan.otherLanguages ?? [],
      phrases: plan.phrases,
      sustainMs: plan.policy.bargeInMs,
      now: at,
      listener: {
        speechStarted: (from) => this.#speechStarted(from),
        speechSustained: () => this.#feed({ type: 'speech-sustained', at: at() }),
        speechEnded: (from, to) => this.#speechEnded(from, to),
        words: (heard) => this.#words(heard),
        endOfTurn: (to) => this.#feed({ type: 'end-of-turn', at: at(), to }),
        eagerEndOfTurn: () => this.#feed({ type: 'eager-end-of-turn', at: at() }),
        turnResumed: () => this.#feed({ type: 'turn-resumed', at: at() }),
        turnJudged: (to, probability) => this.#feed({ type: 'turn-judged', at: at(), to, probability }),
        transcriberFailed: (...failure) => this.#transcriberFailed(...failure),
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
      this.#options.record(conversationBegan(this.#options));
      this.#ear.open();
      this.#begin();
      void this.#answers.warm();
    }
    return this.#ended.promise;
  }

  /** Greets, or goes on where another conversation ended. */
  #begin(): void {
    const { at, plan, continues } = this.#options;
    if (continues && !continues.greet) {
      const { turn, epoch, pending } = continues;
      return this.#feed({ type: 'taken-over', at: at(), turn, epoch, text: pending });
    }
    this.#feed({ type: 'opened', at: at(), greetingProtected: plan.greetingProtected ?? false });
  }

  frame(heard: Frame, sent: Sound | undefined): void {
    if (this.#closed) return;
    try {
      const now = this.#options.at();
      this.#line.frame(now);
      this.#reply?.tick();
      this.#ear.frame(heard, sent, now);
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
    this.#floor.take({ type: 'closed', at: this.#options.at() });
    this.#wake?.cancel();
    this.#answers.forget('call-ended');
    const reply = this.#reply;
    this.#reply = undefined;
    if (reply) this.#heardOfTurn(reply.turn, reply.stop('call-ended'));
    this.#ear.close();
    this.#turns.complete(true);
    this.#usage.settle(this.#floor.now.turn);
    this.#floor.close();
    this.#scope.abort('call-ended');
    this.#ended.resolve({ by: 'system', reason: 'shutdown' });
  }

  settle(withinMs: number): Promise<void> {
    return this.#history.effects.settle(this.#options.kit.clock, withinMs);
  }

  // What happens

  #feed(event: FloorEvent): void {
    if (this.#closed || this.#events.length >= MAX_WAITING) return;
    this.#events.push(event);
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#events.shift(); next && !this.#closed; next = this.#events.shift()) {
        // Asked each time: the next transcriber may have other manners.
        this.#floor.heed(this.#ear.endsTurns);
        for (const action of this.#floor.take(next)) if (!this.#closed) this.#act(action);
        this.#floor.tend();
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
    const sense = senseOf({
      text,
      final,
      language: plan.language,
      spoken: this.#spoken.words(now, this.#reply?.clause ?? ''),
      rules: plan.policy.rules,
    });
    const { state, reply, merging } = this.#floor.now;
    const late = isLate(this.#floor.now, heard.fromAt, heard.toAt);
    const sameTurn = late || merging || (state === 'think' && reply?.kind === 'answer');
    const turn = sameTurn ? this.#floor.now.turn : this.#floor.now.turn + 1;
    const { words: before } = this.#floor.now;
    if (final && text.trim() !== '') {
      record({ type: 'transcript-final', turn, text, confidence, fromAt, toAt: heard.toAt ?? now, words });
    } else if (!final && text.trim() !== before.partial) {
      record({ type: 'transcript-partial', turn, text });
    }
    this.#feed({ type: 'words', at: now, text, final, sense, from: heard.fromAt, to: heard.toAt });
    const said = textOf(this.#floor.now.words);
    if (final && said !== '') this.#answers.expectQuestion(turn, said);
    if (said !== '' && said !== textOf(before) && !late) leg.caption({ party: 'caller', turn, text: said, final: false });
  }

  #transcriberFailed({ name: provider }: Transcriber, error: VendorError, next: Transcriber | undefined): void {
    const { category } = error;
    const head = { type: 'provider-failed', turn: this.#floor.now.turn, stage: 'transcriber', provider, category } as const;
    this.#options.record({ ...head, message: messageOf(error), ...(next ? { next: next.name } : {}) });
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
      case 'speculate':
        return this.#answers.speculate(action);
      case 'forget':
        return this.#answers.forget(action.cause, action.id);
      case 'duck':
        return this.#reply?.duck(this.#options.plan.policy.duckDb);
      case 'unduck':
        return this.#reply?.duck(0);
      case 'pause':
        return this.#reply?.pause();
      case 'resume':
        this.#reply?.resume(action.from === 'clause');
        return this.#options.record({ type: 'reply-resumed', turn: this.#floor.now.turn });
      case 'interrupt':
        return this.#interrupt(action.cause);
      case 'amend':
        return this.#answers.amend(action);
      case 'wake':
        return this.#wakeAt(action);
      case 'end':
        return this.#end(action.ending);
    }
  }

  #commit(action: ActionOf<'commit'>): void {
    const { record, leg } = this.#options;
    const { turn, source, marks, rule } = action;
    const { stages, shown: text, speculation } = this.#answers.commit(action);
    Object.assign(stages, this.#marksOf(marks, source));
    this.#turns.open(turn, stages);
    record({ type: 'turn-committed', turn, text, source, stages: { ...stages }, rule, speculation, line: this.#line.take() });
    leg.caption({ party: 'caller', turn, text, final: true });
  }

  /** The floor counts from when a frame was heard; on the wire it was a little earlier. */
  #marksOf(marks: ActionOf<'commit'>['marks'], source: TurnSource): TurnStages {
    const known: TurnStages = Object.fromEntries(Object.entries(marks).filter(([, at]) => at !== undefined));
    const arrivedAt = this.#ear.voiceArrivedAt;
    const heardAt = marks.speechEndAt;
    if (source !== 'speech' || arrivedAt === undefined || heardAt === undefined || arrivedAt > heardAt) return known;
    return { ...known, speechEndAt: arrivedAt, heardAt };
  }

  #answer(action: ActionOf<'reply'>): void {
    const { kit, leg, at } = this.#options;
    const { epoch, turn, kind } = action;
    if (kind === 'greeting') this.#turns.open(turn, {});
    // A reprompt or an idle goodbye has a latency of its own, which is nobody's turn.
    const stages = kind === 'reprompt' || kind === 'goodbye' ? {} : this.#turns.stages;
    const { answering, waiting } = this.#answers.begin(action, stages);
    const reply: Reply = new Reply(
      { leg, clock: kit.clock, now: at },
      {
        epoch,
        turn,
        kind,
        stages,
        utterance: answering.utterance,
        waiting,
        toneInstead: kind === 'apology',
        listener: {
          audible: () => this.#audible(reply),
          speaking: (said) => this.#speaking(turn, said),
          played: (spoken) => {
            this.#spoken.add(spoken.text, spoken.toAt);
            this.#options.record({ type: 'speech-played', turn, ...spoken });
          },
        },
      },
    );
    this.#reply = reply;
    void reply.run().then((end) => this.#replyEnded(reply, end, answering.goodbye));
  }

  #audible(reply: Reply): void {
    if (reply !== this.#reply) return;
    const { turn, epoch, kind } = reply;
    this.#options.record({ type: 'reply-started', turn, epoch, kind });
    this.#feed({ type: 'reply-audible', at: this.#options.at(), epoch });
  }

  /** A clause begins to be heard: what kind of answer it asks for is known before it is over. */
  #speaking(turn: number, said: string): void {
    if (said === '') return;
    const { leg, at, plan } = this.#options;
    leg.caption({ party: 'assistant', turn, text: said, final: false });
    this.#feed({ type: 'expects', at: at(), what: this.#answers.expects ?? expectationOf(said, plan.language) });
  }

  /** A stopped reply was accounted for when it was stopped. */
  #replyEnded(reply: Reply, end: ReplyEnd, goodbye: boolean): void {
    if (reply !== this.#reply || this.#closed) return;
    this.#reply = undefined;
    const { epoch, turn } = reply;
    const at = this.#options.at();
    this.#heard(reply, end.heard, false);
    if (end.failed === undefined) {
      this.#completeTurn(false);
      return this.#feed({ type: 'reply-finished', at, epoch, goodbye });
    }
    this.#options.kit.log.error({ turn, epoch, kind: reply.kind, error: end.failed }, 'reply failed');
    if (reply.kind === 'apology') this.#completeTurn(false);
    this.#feed({ type: 'reply-failed', at, epoch });
  }

  #interrupt(cause: string): void {
    const reply = this.#reply;
    this.#reply = undefined;
    if (!reply) return;
    const heard = reply.stop('barge-in');
    this.#options.record({ type: 'reply-interrupted', turn: reply.turn, cause, heard });
    this.#heard(reply, heard, true);
    this.#completeTurn(true);
  }

  #completeTurn(interrupted: boolean): void {
    const turn = this.#turns.complete(interrupted);
    this.#ear.account();
    if (turn !== undefined) this.#usage.settle(turn);
  }

  #heard(reply: Reply, heard: string, interrupted: boolean): void {
    const { turn } = reply;
    this.#history.callerHeard(turn, heard, interrupted);
    this.#heardOfTurn(turn, heard);
    if (heard !== '') this.#options.leg.caption({ party: 'assistant', turn, text: heard, final: true });
  }

  #heardOfTurn(turn: number, heard: string): void {
    this.#turns.heard(heard, this.#answers.supportOf(turn, heard));
  }

  #wakeAt({ id, atMs }: ActionOf<'wake'>): void {
    const { kit, at } = this.#options;
    this.#wake?.cancel();
    this.#wake = kit.clock.after(atMs - at(), () => this.#feed({ type: 'woke', at: at(), id }));
  }

  #end(ending: Ending): void {
    const spent = ending.by === 'assistant' && ending.reason === 'goodbye' && this.#usage.spent;
    this.#ended.resolve(spent ? { by: 'assistant', reason: 'cost-ceiling' } : ending);
    this.close();
  }

  /** Our own fault. The call must not hang because of it. */
  #broken(error: unknown): void {
    this.#options.kit.log.error({ error }, 'the conversation broke');
    this.#end({ by: 'system', reason: 'error' });
  }
}
