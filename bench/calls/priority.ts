/** On a machine that callers, providers and server share, those who stand for the world outside come first. */
import { constants, setPriority } from 'node:os';

/** What they do late would be measured as the server's lateness. Where we may not (no CAP_SYS_NICE), the figures are worse, not better. */
export function preferMeasuring(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST);
  } catch {
    // At the priority of the others.
  }
}
