/** Voice activity: is somebody speaking in this frame? Asked of every frame, so it neither allocates nor waits. */
import type { Frame, Sound, SoundFormat } from '#audio/frame.ts';

/** The verdict on one frame. One object, overwritten by the next frame. */
export interface VoiceActivity {
  /** Speech of the other party, not noise and not our own echo. */
  speech: boolean;
  /** 0…1. */
  probability: number;
  /** Level of the frame, dB relative to full scale (-96…0). */
  levelDb: number;
}

export interface VoiceActivityDetector {
  /** `sent` is what we played in the same 20 ms (the echo reference); undefined when that was silence. */
  detect(heard: Frame, sent: Sound | undefined): VoiceActivity;
  /** Forgets everything learned about noise and echo. */
  reset(): void;
  /** Frees what is held outside the heap. */
  close(): void;
}

/** One per call. */
export type VoiceActivityDetectorFactory = (format: SoundFormat) => VoiceActivityDetector;
