/** From where on a turn is bad, and what each part of a wait takes where nothing is wrong. */
import type { CauseCode, ExplanationLimits } from '@tandem/contract';

/** `firstSoundMs` is where the console's scale turns to "too long"; 2 s of dead air is how the field counts it. */
export const LIMITS: ExplanationLimits = {
  firstSoundMs: 1_500,
  answerMs: 3_000,
  deadAirMs: 2_000,
  stopMs: 300,
  lostShare: 0.04,
  lateShare: 0.05,
};

/** Causes that are a stretch of time. */
export type TimedCause = Extract<
  CauseCode,
  | 'transcriber-late'
  | 'voice-held'
  | 'endpoint-waited'
  | 'caller-paused'
  | 'retrieval-late'
  | 'model-late'
  | 'model-slow'
  | 'tool-stalled'
  | 'synthesizer-late'
  | 'provider-failed'
  | 'filler-covered'
  | 'machine-late'
  | 'jitter'
>;

/**
 * Milliseconds: `usual` stands in where the call itself does not tell; what the call tells counts up to `most`, so that a
 * call in which everything is slow does not pass for a usual one.
 */
export const PACES: Readonly<Record<TimedCause, { usual: number; most: number }>> = {
  'transcriber-late': { usual: 300, most: 500 },
  'voice-held': { usual: 100, most: 200 },
  'endpoint-waited': { usual: 600, most: 700 },
  'caller-paused': { usual: 600, most: 700 },
  'retrieval-late': { usual: 20, most: 100 },
  'model-late': { usual: 600, most: 900 },
  'model-slow': { usual: 200, most: 500 },
  'tool-stalled': { usual: 300, most: 600 },
  'synthesizer-late': { usual: 250, most: 400 },
  'provider-failed': { usual: 0, most: 0 },
  'filler-covered': { usual: Number.POSITIVE_INFINITY, most: Number.POSITIVE_INFINITY },
  'machine-late': { usual: 20, most: 40 },
  jitter: { usual: 40, most: 80 },
};
