/** Closes what is silent for too long. One coarse timer instead of one per message. */
import { nowMs } from './event-log.ts';
import type { RouteContext } from './route.ts';

/** Calls `idle` once when `touch` (the answer) was not called for `limitMs`. */
export function watchIdle(context: RouteContext, limitMs: number, idle: () => void): () => void {
  let lastMs = nowMs();
  const look = (): void => {
    const restMs = lastMs + limitMs - nowMs();
    if (restMs <= 0) idle();
    else context.after(restMs, look);
  };
  context.after(limitMs, look);
  return () => {
    lastMs = nowMs();
  };
}
