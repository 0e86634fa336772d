/**
 * One kind of conversation taking over from another on the same leg: an assistant that speaks for itself (speech to speech)
 * whose session dies is followed by the same assistant in its ordinary way, with everything that was said so far.
 */
import type { CallFact, Ending } from '@tandem/contract';
import type { Frame, Sound } from '#audio/frame.ts';
import type { SpeechToSpeech } from '#models/speech-to-speech.ts';
import type { HandOver } from './continuation.ts';
import { Conversation } from './conversation.ts';
import type { ConversationOptions } from './conversation-options.ts';
import { DirectConversation } from './direct-conversation.ts';
import type { Talk } from './talk.ts';
import { warmGreeting, warmMoment } from './warm-speech.ts';

/** The assistant on its leg: with `model` where it may be asked now, in the ordinary way otherwise and afterwards. */
export function talkOf(options: ConversationOptions, model: SpeechToSpeech | undefined): Talk {
  if (!model || !options.health.breaker('speech-to-speech', model.name).ready) return new Conversation(options);
  return new Succession(options, model);
}

class Succession implements Talk {
  readonly #options: ConversationOptions;
  readonly #ended = Promise.withResolvers<Ending>();
  #talk: Talk;

  constructor(options: ConversationOptions, model: SpeechToSpeech) {
    this.#options = options;
    this.#talk = new DirectConversation({ ...options, model, handOver: (state) => this.#succeed(state) });
  }

  start(): Promise<Ending> {
    this.#follow(this.#talk);
    const { kit, businessId, leg, plan, synthesizers, health, kept, signal } = this.#options;
    const parts = { kit, businessId, format: leg.format, plan, synthesizers, health, kept };
    void warmGreeting(parts, signal);
    void warmMoment(parts, signal);
    return this.#ended.promise;
  }

  frame(heard: Frame, sent: Sound | undefined): void {
    this.#talk.frame(heard, sent);
  }

  digit(digit: string): void {
    this.#talk.digit(digit);
  }

  typed(text: string): void {
    this.#talk.typed(text);
  }

  recognised(text: string, final: boolean, confidence: number | undefined): void {
    this.#talk.recognised(text, final, confidence);
  }

  get messages() {
    return this.#talk.messages;
  }

  close(): void {
    this.#talk.close();
  }

  settle(withinMs: number): Promise<void> {
    return this.#talk.settle(withinMs);
  }

  /** Nobody waits for the other's end any more. */
  #follow(talk: Talk): void {
    void talk.start().then((ending) => {
      if (talk === this.#talk) this.#ended.resolve(ending);
    });
  }

  #succeed({ replay, ...continues }: HandOver): void {
    let again = false;
    // Where the caller's voice began and ended is recorded already of what is heard again.
    const record = (fact: CallFact) => {
      if (!again || (fact.type !== 'speech-started' && fact.type !== 'speech-ended')) this.#options.record(fact);
    };
    const talk = new Conversation({ ...this.#options, record, continues });
    this.#talk = talk;
    this.#follow(talk);
    again = true;
    replay((frame) => talk.frame(frame, undefined));
    again = false;
  }
}
