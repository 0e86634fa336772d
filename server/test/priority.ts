/** A carrier is never short of a core; a test that plays one beside whole servers is. */
import { constants, getPriority, setPriority } from 'node:os';

/**
 * From now on this thread runs before others, where it may (CAP_SYS_NICE): what it sends late would be the server's to conceal.
 * Call it when every server was started, since children inherit it. The answer puts things back.
 */
export function comeFirst(): () => void {
  const before = getPriority();
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST);
  } catch {
    // The server's threads may not go first either.
  }
  return () => {
    try {
      setPriority(before);
    } catch {
      // As it was.
    }
  };
}
