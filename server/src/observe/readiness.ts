/** Whether this process will take a new call, and every reason why not. */
import type { Vitals } from '#calls/office-link.ts';

export interface Readiness {
  ready: boolean;
  /** Each stops new calls: `starting`, `draining`, `call-thread-silent`, `journal-failing`. */
  reasons: string[];
  /** Worth a person's attention; calls go on: `database-unavailable`, `no-transcriber`. */
  degraded: string[];
}

export interface ReadinessFacts {
  started: boolean;
  draining: boolean;
  databaseAnswers: boolean;
  vitals: Vitals | undefined;
  /** Milliseconds since the call thread last reported. */
  vitalsAgeMs: number;
}

const SILENT_AFTER_MS = 5_000;

export function judgeReadiness(facts: ReadinessFacts): Readiness {
  const reasons: string[] = [];
  const degraded: string[] = [];
  if (!facts.started) reasons.push('starting');
  if (facts.draining) reasons.push('draining');
  if (facts.started && facts.vitalsAgeMs > SILENT_AFTER_MS) reasons.push('call-thread-silent');
  if (facts.vitals?.journalDegraded) reasons.push('journal-failing');
  if (!facts.databaseAnswers) degraded.push('database-unavailable');
  if (facts.vitals && facts.vitals.models.transcribers.length === 0) degraded.push('no-transcriber');
  return { ready: reasons.length === 0, reasons, degraded };
}
