/**
 * The model of a direct conversation: its session, and what it is at. It owes an answer to the caller's turn, has been asked
 * to say a line, is making an answer, or hears the caller.
 */
import type { Frame } from '#audio/frame.ts';
import type { SpeechSession, SpeechSessionOptions, SpeechToSpeech } from '#models/speech-to-speech.ts';
import type { DirectReply } from './direct-reply.ts';
import type { ReplyKind } from './floor-terms.ts';
import type { Eagerness } from './plan.ts';
import type { ProviderHealth } from './provider-health.ts';

const STAGE = 'speech-to-speech';
/** From the start, or the newest sign of life, to the first sound of the greeting: nobody says "one moment" before hello. */
const GREETING_WITHIN_MS = 1_200;
/** From the end of the caller's turn, or from being asked, to the first sound of an answer. */
const ANSWER_WITHIN_MS = 3_000;
/** In the middle of an answer, once all that came of it was heard: answers come faster than they are said. */
const MORE_WITHIN_MS = 1_000;
/** From the caller's silence to the end of the turn that the model hears: semantic detection waits for 2, 4 or 8 s at most. */
const TURN_WITHIN_MS: Readonly<Record<Eagerness, number>> = { high: 3_000, medium: 4_500, low: 8_500 };

export interface DirectState {
  greeted: boolean;
  /** The answer at the caller's ear, or the next one. */
  speaking: DirectReply | undefined;
  callerVoiced: boolean;
}

export class DirectModel {
  readonly #model: SpeechToSpeech;
  readonly #health: ProviderHealth;
  #session: SpeechSession | undefined;
  #ready = false;
  /** The caller's turn, or a tool's result, awaits its answer. */
  #owes = false;
  /** What was asked to be said and has not begun. */
  #asked: ReplyKind[] = [];
  /** The answer that still comes in. */
  #making: string | undefined;
  #hears = false;
  #eagerness: Eagerness = 'medium';

  constructor(model: SpeechToSpeech, health: ProviderHealth) {
    this.#model = model;
    this.#health = health;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** It hears the caller now. */
  get hears(): boolean {
    return this.#hears;
  }

  get making(): boolean {
    return this.#making !== undefined;
  }

  /** Somebody waits for an answer that has not come, or not whole. */
  get behind(): boolean {
    return this.#owes || this.making;
  }

  /** Something of it is still to come. */
  get busy(): boolean {
    return this.behind || this.#asked.length > 0;
  }

  /** How long what is still to come may take; undefined when nothing is. */
  waitMs({ greeted, speaking, callerVoiced }: DirectState): number | undefined {
    if (speaking?.dry) return MORE_WITHIN_MS;
    const sounds = speaking !== undefined && speaking.receivedMs > 0;
    // What has come of it is being heard.
    if (this.making && sounds) return undefined;
    if (!greeted && !sounds) return GREETING_WITHIN_MS;
    if (this.behind || (this.#asked.length > 0 && !sounds)) return ANSWER_WITHIN_MS;
    return this.#hears && !callerVoiced ? TURN_WITHIN_MS[this.#eagerness] : undefined;
  }

  open(options: SpeechSessionOptions): void {
    this.#eagerness = options.eagerness;
    this.#health.breaker(STAGE, this.#model.name).admit();
    this.#session = this.#model.open(options);
  }

  becameReady(): void {
    this.#ready = true;
    this.#health.breaker(STAGE, this.#model.name).succeeded();
  }

  hear(caller: boolean): void {
    this.#hears = caller;
  }

  push(frame: Frame): void {
    this.#session?.push(frame);
  }

  /** `text` as it stands; the model finishes first what it is at. */
  say(text: string, kind: ReplyKind): void {
    this.#asked.push(kind);
    this.#session?.say(text);
  }

  typed(text: string): void {
    this.#session?.typed(text);
  }

  /** An answer follows. */
  owe(): void {
    this.#owes = true;
  }

  toolReturned(toolCallId: string, result: string): void {
    this.#session?.toolReturned(toolCallId, result);
  }

  /**
   * An answer begins; what it is of. Undefined when nobody wants it: a tool's late result, while the caller speaks again and
   * their words come first.
   */
  begins(item: string): ReplyKind | undefined {
    const kind = this.#owes ? 'answer' : (this.#asked.shift() ?? 'answer');
    this.#owes = false;
    if (this.#hears && kind === 'answer') {
      this.cancel();
      return undefined;
    }
    this.#making = item;
    return kind;
  }

  ended(item: string): void {
    if (this.#making === item) this.#making = undefined;
  }

  /** The caller heard so much of these, and nothing after it. */
  heard(cut: readonly DirectReply[]): void {
    for (const reply of cut) this.#session?.truncate(reply.item, reply.heardMs);
  }

  cancel(): void {
    this.#session?.cancel();
  }

  /** Nothing of what is still to come is wanted. `itself`: the model hears the caller, and has given up its answer already. */
  giveUp(itself: boolean): void {
    if (!itself || this.#asked.length > 0) this.cancel();
    this.#owes = false;
    this.#asked = [];
    this.#making = undefined;
  }

  close(): void {
    if (!this.#ready) this.#health.breaker(STAGE, this.#model.name).dropped();
    this.#session?.close();
    this.#session = undefined;
  }
}
