/** Whether this process will take a new call, and every reason why not. */
import type { Readiness } from '@tandem/contract';
import type { Vitals } from '#calls/office-link.ts';

export interface ReadinessFacts {
  started: boolean;
  draining: boolean;
  databaseAnswers: boolean;
  /** How long the oldest event has been waiting to be written to the database. */
  writerLagMs: number;
  vitals: Vitals | undefined;
  /** Milliseconds since the call thread last reported. */
  vitalsAgeMs: number;
  maxCalls: number;
}

const SILENT_AFTER_MS = 5_000;
const BEHIND_AFTER_MS = 10_000;

/**
 * Reasons: `starting`, `draining`, `call-thread-silent`, `journal-failing`, `capacity-reached`; degraded:
 * `database-unavailable`, `database-behind`, `no-transcriber`.
 */
export function judgeReadiness(facts: ReadinessFacts): Readiness {
  const { vitals } = facts;
  const reasons: string[] = [];
  const degraded: string[] = [];
  if (!facts.started) reasons.push('starting');
  if (facts.draining) reasons.push('draining');
  if (facts.started && facts.vitalsAgeMs > SILENT_AFTER_MS) reasons.push('call-thread-silent');
  if (vitals?.journalDegraded) reasons.push('journal-failing');
  if (vitals && vitals.liveCalls >= facts.maxCalls) reasons.push('capacity-reached');
  if (!facts.databaseAnswers) degraded.push('database-unavailable');
  if (facts.writerLagMs > BEHIND_AFTER_MS) degraded.push('database-behind');
  if (vitals && vitals.models.transcribers.length === 0) degraded.push('no-transcriber');
  return { ready: reasons.length === 0, reasons, degraded };
}
