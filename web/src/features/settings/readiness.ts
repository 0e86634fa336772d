/** What `/readyz` says, whatever it says it with. */
import type { Readiness } from '@tandem/contract';

const words: Record<string, string> = {
  starting: 'Tandem is starting.',
  draining: 'Tandem is stopping: calls in progress go on, new ones are refused.',
  'call-thread-silent': 'The part that carries the calls does not answer.',
  'journal-failing': 'What happens in calls cannot be written to disk.',
  'database-unavailable': 'The database does not answer. Calls are kept in the journal and written later.',
  'capacity-reached': 'As many calls are on the line as this machine takes; new ones hear a busy tone.',
  overloaded: 'The calls on the line take all that this machine has: new ones are refused, those keep their sound.',
  'no-lines': 'All ports for sound are in use (RTP_PORTS): new calls are refused.',
  'no-descriptors': 'The process may open no more files and connections (ulimit -n): new calls are refused.',
  'disk-full': 'There is hardly any room left on the disk of the data folder: new calls are refused.',
  'database-behind': 'The database is slow: what happened in calls appears here later.',
  'no-transcriber':
    'Nothing here turns telephone speech into words. Callers can type on the talk page; set a speech provider or install PocketSphinx for phone calls.',
};

/** A reason this console does not know yet is shown as it stands. */
const sentences = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string').map((code) => words[code] ?? code) : [];

/** `status` is the HTTP status: 200 and 503 both carry the verdict; any other answer is a reason of its own. */
export function readinessOf(status: number, body: unknown): Readiness {
  const { ready, reasons, degraded } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  if (typeof ready !== 'boolean') return { ready: false, reasons: [`The server answered ${status}.`], degraded: [] };
  return { ready, reasons: sentences(reasons), degraded: sentences(degraded) };
}
