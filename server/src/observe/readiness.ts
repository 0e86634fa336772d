/** Whether this process will take a new call, and every reason why not. */
import type { Readiness } from '@tandem/contract';
import type { Denial } from '#calls/admission.ts';
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

/** What there is no room in, as the reason of a process that takes no call. A business's own bound is no matter of the process. */
const REASONS: Partial<Record<Denial, string>> = {
  calls: 'capacity-reached',
  cpu: 'overloaded',
  loop: 'overloaded',
  lines: 'no-lines',
  descriptors: 'no-descriptors',
  disk: 'disk-full',
};

/**
 * Reasons: `starting`, `draining`, `call-thread-silent`, `journal-failing`, `capacity-reached`, and what admission refuses a
 * call for: `overloaded`, `no-lines`, `no-descriptors`, `disk-full`; degraded:
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
  const lacking = vitals && (vitals.liveCalls >= facts.maxCalls ? 'calls' : vitals.refusing);
  const reason = lacking && REASONS[lacking];
  if (reason) reasons.push(reason);
  if (!facts.databaseAnswers) degraded.push('database-unavailable');
  if (facts.writerLagMs > BEHIND_AFTER_MS) degraded.push('database-behind');
  if (vitals && vitals.models.transcribers.length === 0) degraded.push('no-transcriber');
  return { ready: reasons.length === 0, reasons, degraded };
}
