/**
 * A conversation with one model that hears and speaks. The model takes the caller's turns by itself; this shell plays what it
 * says, is silent the moment it hears the caller, tells it exactly what was heard, runs its tools, and records the same
 * facts as the other kind of conversation. When the session dies the other kind takes over ({@link HandOver}).
 *
 *   open ──failed──▶ dying (what was received whole is still heard, an effect under way is waited for) ──▶ handed over
 *     └────────────────── close(), goodbye, idle ──────────────────────────────────────────────────────▶ closed
 */
import type { Ending, TurnStages } from '@tandem/contract';
import type { Frame, Sound } from '#audio/frame.ts';
import { childOf } from '#kit/abort.ts';
import { VendorError } from '#kit/errors.ts';
import type { SpeechToSpeech } from '#models/speech-to-speech.ts';
import type { HandOver } from './continuation.ts';
import type { ConversationOptions, SettledOptions } from './conversation-options.ts';
import { conversationBegan } from './decision-record.ts';
import { DirectAnswers } from './direct-answers.ts';
import { DirectEar } from './direct-ear.ts';
import { DirectModel } from './direct-model.ts';
import { DirectMouth } from './direct-mouth.ts';
import { DirectRecord } from './direct-record.ts';
import type { DirectReply } from './direct-reply.ts';
import { Patience } from './direct-patience.ts';
import { DIRECT_NOTE, DirectTools } from './direct-tools.ts';
import { DirectWaiting } from './direct-waiting.ts';
import { KeyEntry } from './key-entry.ts';
import { type Eagerness, settlePlan } from './plan.ts';
import type { Talk } from './talk.ts';

export interface DirectOptions extends ConversationOptions {
  model: SpeechToSpeech;
  /** The session is dead and nothing more is heard of this conversation: another goes on from here. Synchronous. */
  handOver: (state: HandOver) => void;
}

const STAGE = 'speech-to-speech';
export class DirectConversation implements Talk {
  readonly #options: SettledOptions & DirectOptions;
  readonly #scope: ReturnType<typeof childOf>;
  readonly #model: DirectModel;
  readonly #ear: DirectEar;
  readonly #mouth: DirectMouth;
  readonly #record: DirectRecord;
  readonly #tools: DirectTools;
  readonly #keys: KeyEntry;
  readonly #ended = Promise.withResolvers<Ending>();
  readonly #patience: Patience;
  readonly #waiting: DirectWaiting;
  readonly #answers: DirectAnswers;
  readonly #eagerness: Eagerness;
  #reply = childOf(undefined);
  #phase: 'open' | 'dying' | 'over' = 'open';
  readonly #story = { greeted: false, dry: false, reprompts: 0, committedAt: 0, ending: undefined as Ending | undefined };

  constructor(options: DirectOptions) {
    const plan = settlePlan(options.plan);
    this.#options = { ...options, plan };
    this.#eagerness = options.plan.policy.eagerness ?? 'medium';
    const { kit, leg, at, voiceActivity, health } = options;
    this.#scope = childOf(options.signal);
    this.#model = new DirectModel(options.model, health);
    this.#record = new DirectRecord(this.#options);
    this.#tools = new DirectTools({ options: this.#options, history: this.#record.history, signal: this.#scope.signal });
    this.#patience = new Patience({ clock: kit.clock, now: at, late: (what, ms) => this.#late(what, ms) });
    this.#keys = new KeyEntry(kit.clock, plan.policy.interDigitMs, (digits, rule) =>
      this.#safely(() => this.#written('digits', rule, digits)),
    );
    this.#mouth = new DirectMouth(
      { leg, now: at },
      { audible: (reply) => this.#record.audible(reply), finished: (reply) => this.#safely(() => this.#finished(reply)) },
    );
    this.#ear = new DirectEar(
      {
        kit,
        format: leg.format,
        voiceActivity,
        health,
        usage: this.#record.usage,
        language: plan.language,
        sustainMs: plan.policy.bargeInMs,
        now: at,
      },
      {
        speechStarted: () => this.#voiceStarted(),
        speechSustained: () => this.#voiceSustained(),
        speechEnded: (from, to) => this.#voiceEnded(from, to),
      },
    );
    const parts = { model: this.#model, mouth: this.#mouth, ear: this.#ear, record: this.#record, tools: this.#tools };
    this.#waiting = new DirectWaiting(this.#options, { ...parts, patience: this.#patience });
    this.#answers = new DirectAnswers({
      ...parts,
      vendor: options.model,
      now: at,
      signal: () => this.#reply.signal,
      listener: {
        cancelled: () => void (this.#withholds || this.#interrupt('speech')),
        failed: () => this.#answerFailed(),
        goodbye: () => (this.#story.ending = { by: 'assistant', reason: 'goodbye' }),
        returned: () => this.#safely(() => {}),
      },
    });
    this.#scope.signal.addEventListener('abort', () => this.close(), { once: true });
  }

  start(): Promise<Ending> {
    if (this.#scope.signal.aborted) this.close();
    if (this.#phase === 'open') {
      this.#options.record(conversationBegan(this.#options, this.#options.model.name));
      this.#record.open({});
      this.#safely(() => this.#open());
      void this.#waiting.warm(this.#scope.signal);
    }
    return this.#ended.promise;
  }

  frame(heard: Frame, sent: Sound | undefined): void {
    if (this.#phase === 'over') return;
    try {
      this.#record.line.frame();
      this.#mouth.tick();
      this.#ear.frame(heard, sent);
      if (!this.#withholds) this.#model.push(heard);
      this.#wait();
    } catch (error) {
      this.#broken(error);
    }
  }

  digit(digit: string): void {
    this.#safely(() => {
      this.#interrupt('digits');
      this.#keys.press(digit);
    });
  }

  typed(text: string): void {
    const words = text.trim();
    if (words !== '') this.#safely(() => this.#written('typed', 'typed', words));
  }

  /** The model hears the caller itself. */
  recognised(): void {}

  get messages() {
    return this.#record.history.messages();
  }

  close(): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#cut();
    this.#stop();
    this.#record.close();
    this.#ear.close();
    this.#options.endOfTurn?.close();
    this.#scope.abort('call-ended');
    this.#ended.resolve({ by: 'system', reason: 'shutdown' });
  }

  settle(withinMs: number): Promise<void> {
    return this.#record.history.effects.settle(this.#options.kit.clock, withinMs);
  }

  // The session

  #open(): void {
    const { model, leg, plan } = this.#options;
    this.#model.open({
      format: leg.format,
      instructions: `${plan.instructions}\n\n${DIRECT_NOTE}`,
      language: plan.language,
      voice: plan.voices?.[model.name] ?? plan.voice,
      tools: this.#tools.offered,
      eagerness: this.#eagerness,
      listener: this.#answers.listener({
        told: (run) => this.#told(run),
        speechStarted: () => this.#modelHears(),
        turnCommitted: () => this.#spoken(),
        failed: (error) => this.#safely(() => this.#die(error)),
      }),
    });
    if (plan.greeting.trim() === '') this.#greeted();
    else this.#model.say(plan.greeting, 'greeting');
  }

  /** Whatever the model tells is a sign of life. */
  #told(run: () => void): void {
    if (this.#phase !== 'open') return;
    this.#patience.sign();
    this.#safely(run);
  }

  #safely(run: () => void): void {
    if (this.#phase === 'over') return;
    try {
      run();
      this.#tend();
    } catch (error) {
      this.#broken(error);
    }
  }

  // The caller

  /** The greeting holds what the law wants heard: until it was, the model does not hear the caller. */
  get #withholds(): boolean {
    return (this.#options.plan.greetingProtected ?? false) && !this.#story.greeted;
  }

  #voiceStarted(): void {
    const { record, plan } = this.#options;
    record({ type: 'speech-started', party: 'caller' });
    this.#patience.speaks();
    if (!this.#withholds) this.#mouth.duck(plan.policy.duckDb);
    this.#safely(() => {});
  }

  /** A dead model does not interrupt itself, and one that has made all of its answer may not know that it is still heard. */
  #voiceSustained(): void {
    this.#hush();
    const unaware = this.#phase === 'dying' || (this.#mouth.complete && !this.#model.hears && !this.#withholds);
    if (unaware && this.#mouth.speaking) this.#safely(() => this.#interrupt('speech'));
  }

  #voiceEnded(fromAt: number, toAt: number): void {
    this.#options.record({ type: 'speech-ended', party: 'caller', durationMs: Math.max(0, toAt - fromAt) });
    this.#mouth.duck(0);
    // One that hears already need not say so again when the caller goes on after a pause.
    const mustNotice = this.#model.ready && !this.#model.hears && !this.#withholds;
    if (mustNotice && this.#phase === 'open') this.#patience.spoke(fromAt, toAt);
    this.#safely(() => {});
  }

  /** The model hears the caller, and has given up whatever it was saying. */
  #modelHears(): void {
    this.#model.hear(true);
    if (!this.#withholds) this.#interrupt('speech');
  }

  /** The caller's turn is over, says the model. */
  #spoken(): void {
    this.#model.hear(false);
    this.#interrupt('speech');
    this.#ear.committed();
    const stages = this.#ear.stages(this.#options.at(), this.#story.committedAt);
    const { fromAt, toAt } = this.#ear.last;
    this.#turn(stages, () => this.#record.turns.spoken('model', stages, { fromAt, toAt: Math.max(toAt, stages.speechEndAt ?? fromAt) }));
  }

  #written(source: 'typed' | 'digits', rule: string, text: string): void {
    const now = this.#options.at();
    this.#interrupt(source);
    if (this.#phase === 'dying') return this.#leave(text);
    this.#ear.written();
    const stages: TurnStages = { endpointAt: now, committedAt: now };
    this.#turn(stages, () => this.#record.turns.written(source, rule, text, stages));
    this.#model.typed(text);
  }

  #turn(stages: TurnStages, begin: () => void): void {
    this.#record.complete(true);
    begin();
    this.#record.open(stages);
    this.#story.committedAt = this.#options.at();
    this.#story.reprompts = 0;
    this.#model.owe();
    this.#reply = childOf(this.#scope.signal);
    if (!this.#record.usage.spent) return;
    this.#story.ending = { by: 'assistant', reason: 'cost-ceiling' };
    this.#model.cancel();
    this.#model.say(this.#options.plan.lines.spent, 'goodbye');
  }

  /** The leg is silent now, and the model is told what was heard. */
  #interrupt(cause: string): void {
    // What a model says of a voice that is over does not cut a word of ours short.
    if (cause !== 'speech') this.#hush();
    if (!this.#model.busy && !this.#mouth.speaking) return;
    this.#cut(cause);
    this.#model.giveUp(cause === 'speech');
    this.#reply.abort('barge-in');
    this.#story.ending = undefined;
    if (!this.#story.greeted) this.#greeted();
    this.#record.complete(true);
  }

  #cut(cause?: string): void {
    this.#mouth.tick();
    this.#hush();
    const cut = this.#mouth.stop();
    this.#model.heard(cut);
    const [first] = cut;
    if (first?.audibleAt === undefined) return;
    if (cause !== undefined) this.#options.record({ type: 'reply-interrupted', turn: first.turn, cause, heard: first.heard });
    this.#record.heard(first, true);
  }

  #hush(): void {
    this.#mouth.tick();
    const filler = this.#mouth.hush();
    if (filler) this.#record.heard(filler, true);
  }

  // The model's answers

  #answerFailed(): void {
    this.#cut();
    this.#die(new VendorError(this.#options.model.name, 'retryable', 'an answer failed'));
  }

  #finished(reply: DirectReply): void {
    this.#record.heard(reply, false);
    if (reply.kind === 'greeting') this.#greeted();
  }

  /** What the caller said over a greeting that may not be interrupted is heard by the model now. */
  #greeted(): void {
    const held = this.#withholds;
    this.#story.greeted = true;
    if (held) this.#ear.replay(false, (frame) => this.#model.push(frame));
  }

  // Waiting

  /** Once per frame: who waits too long hears something. */
  #wait(): void {
    if (this.#phase === 'over') return;
    const { dry } = this.#mouth;
    if (dry !== this.#story.dry) {
      this.#story.dry = dry;
      this.#tend();
    }
    this.#waiting.tick(this.#story.committedAt, this.#withholds);
  }

  #tend(): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'dying') {
      if (!this.#mouth.busy && !this.#tools.acting) this.#leave();
      return;
    }
    const { speaking, busy } = this.#mouth;
    const { running } = this.#tools;
    const { greeted } = this.#story;
    this.#patience.owes(running ? undefined : this.#model.waitMs({ greeted, speaking, callerVoiced: this.#ear.voiced }));
    if (this.#model.busy || busy || running) return this.#patience.stirs();
    this.#record.complete(false);
    if (this.#model.hears || this.#keys.open) return this.#patience.stirs();
    const { ending } = this.#story;
    const { policy } = this.#options.plan;
    if (ending) this.#patience.rests(policy.lingerMs, () => this.#end(ending));
    else this.#patience.rests(policy.idleMs, () => this.#idle());
  }

  #idle(): void {
    this.#safely(() => {
      const { plan, at } = this.#options;
      // A voice that never ends is a noisy line.
      if (this.#ear.voiced && at() - this.#ear.last.fromAt < plan.policy.stuckSpeechMs) return;
      const { idle } = plan.lines;
      const round = this.#story.reprompts++;
      if (round < plan.policy.reprompts) return this.#model.say(idle[Math.min(round, idle.length - 1)] ?? '', 'reprompt');
      this.#story.ending = { by: 'assistant', reason: 'idle' };
      this.#model.say(plan.goodbye, 'goodbye');
    });
  }

  #late(what: string, ms: number): void {
    this.#safely(() => this.#die(new VendorError(this.#options.model.name, 'retryable', `${what} within ${ms} ms`)));
  }

  // The end

  /** The session is dead. What was received whole is still heard. */
  #die(error: VendorError): void {
    if (this.#phase !== 'open') return;
    const { health, model, languageModels } = this.#options;
    this.#phase = 'dying';
    health.failed(STAGE, model.name, error);
    this.#record.failed(STAGE, model.name, error, languageModels[0].name);
    this.#stop();
    const whole = this.#mouth.busy && this.#mouth.complete;
    if (!whole) this.#cut('provider-failed');
    if (!this.#tools.acting && !whole) this.#leave();
  }

  /** `more`: words of the caller that came too late for the model. */
  #leave(more = ''): void {
    const { greeted } = this.#story;
    const keys = this.#keys.close();
    const { turn, text, wordless } = this.#record.leave(greeted, this.#model.behind);
    this.#phase = 'over';
    this.#options.handOver({
      greet: !greeted,
      history: this.#record.history,
      usage: this.#record.usage,
      turn,
      epoch: this.#record.epoch,
      pending: [text, keys, more].filter(Boolean).join(' '),
      // What nobody has written down yet is heard again by whoever comes next.
      replay: (push) => this.#ear.replay(wordless, push),
    });
  }

  /** Nothing of the session and no timer is left. */
  #stop(): void {
    this.#patience.stop();
    if (this.#phase === 'over') this.#keys.close();
    this.#reply.abort('call-ended');
    this.#model.close();
  }

  #end(ending: Ending): void {
    this.#ended.resolve(ending);
    this.close();
  }

  /** Our own fault. The call must not hang because of it. */
  #broken(error: unknown): void {
    this.#options.kit.log.error({ error }, 'the direct conversation broke');
    this.#end({ by: 'system', reason: 'error' });
  }
}
