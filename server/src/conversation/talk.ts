/**
 * Caller and assistant talking on one leg, however the assistant is made: by a transcriber, a language model and a voice
 * ({@link ./conversation.ts}), or by one model that hears and speaks ({@link ./direct-conversation.ts}).
 */
import type { Ending } from '@tandem/contract';
import type { Frame, Sound } from '#audio/frame.ts';
import type { ModelMessage } from '#models/language-model.ts';

/**
 * The call forwards the leg's `frame`, `digit`, `typed` and `recognised` to it (all synchronous, none throws). `close`
 * records what was heard of an unfinished reply, so call it before recording the end of the call.
 */
export interface Talk {
  /**
   * Greets and goes on until the call should end. When closed from outside it resolves with
   * `{by: 'system', reason: 'shutdown'}`, which whoever closed it ignores.
   */
  start(): Promise<Ending>;
  frame(heard: Frame, sent: Sound | undefined): void;
  digit(digit: string): void;
  typed(text: string): void;
  recognised(text: string, final: boolean, confidence: number | undefined): void;
  /** What the next prompt would hold: only what was said and heard. */
  readonly messages: readonly ModelMessage[];
  /** Idempotent and synchronous: no sound, timer or stream is left. */
  close(): void;
  /** After `close`: what tools are changing outside has ended, or is given up as unknown after `withinMs`. */
  settle(withinMs: number): Promise<void>;
}
