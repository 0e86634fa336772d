/** What a conversation is given by the call. */
import type { CallFact } from '@tandem/contract';
import type { Kit } from '#kit/kit.ts';
import type { EndOfTurnDetector } from '#models/end-of-turn.ts';
import type { LanguageModel } from '#models/language-model.ts';
import type { Synthesizer } from '#models/synthesizer.ts';
import type { Tool } from '#models/tool.ts';
import type { Transcriber } from '#models/transcriber.ts';
import type { VoiceActivityDetector } from '#models/voice-activity.ts';
import type { Leg } from '#telephony/leg.ts';
import type { Continuation } from './continuation.ts';
import type { KeptSpeech } from './kept-speech.ts';
import type { ConversationPlan, SettledPlan } from './plan.ts';
import type { ProviderHealth } from './provider-health.ts';
import type { Retrieve } from './retrieval.ts';
import type { TurnTaker } from './turn-taker.ts';
import type { Price } from './usage.ts';

export interface ConversationOptions {
  kit: Kit;
  callId: string;
  businessId: string;
  leg: Leg;
  plan: ConversationPlan;
  /** This conversation's own; closed with it. */
  voiceActivity: VoiceActivityDetector;
  /** This conversation's own; closed with it. Absent: silence and words decide alone. */
  endOfTurn?: EndOfTurnDetector;
  /**
   * Shared by all calls, in order of preference: whoever fails is followed by the next, the last is best a local one.
   * Transcribers may be none; only streams of them are opened, and none when the caller's device recognises speech.
   */
  transcribers: readonly Transcriber[];
  languageModels: readonly [LanguageModel, ...LanguageModel[]];
  synthesizers: readonly [Synthesizer, ...Synthesizer[]];
  /** One per process. */
  health: ProviderHealth;
  /** One per process. */
  kept: KeptSpeech;
  retrieve: Retrieve;
  tools: readonly Tool[];
  /** Takes committed turns before the language model does. */
  taker?: TurnTaker;
  /** Resolves when everything recorded so far is on disk; awaited before a tool's side effect leaves. */
  durable: () => Promise<void>;
  /** Default: nothing costs anything. */
  price?: Price;
  /** What the call may cost, millionths of a US dollar; then it ends gracefully. */
  costCeilingMicros?: number;
  /** What the business may still spend today, millionths of a US dollar; without limit when absent. */
  leftToday?: () => number;
  /** Another conversation on this leg came before; absent: this is the first. */
  continues?: Continuation;
  /** Milliseconds since `call-received`. */
  at: () => number;
  /** Facts in order. Synchronous; must not throw. */
  record: (fact: CallFact) => void;
  /** Ends the conversation from outside, like `close`. */
  signal: AbortSignal;
}

export type SettledOptions = ConversationOptions & { plan: SettledPlan };
