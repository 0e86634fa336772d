/** Has the caller finished? Asked of the sound of the last seconds when the voice stops. */
import type { Frame, SoundFormat } from '#audio/frame.ts';

export interface EndOfTurnDetector {
  /** Every frame, so that the last 8 s are at hand. Copies what it keeps; never throws, never waits. */
  push(frame: Frame): void;
  /** Probability 0…1 that the turn is over; undefined when it could not be told in time. Never rejects. */
  ask(): Promise<number | undefined>;
  close(): void;
}

/** One per call; calls that ask at once are answered in one batch. */
export type EndOfTurnDetectorFactory = (format: SoundFormat) => EndOfTurnDetector;
