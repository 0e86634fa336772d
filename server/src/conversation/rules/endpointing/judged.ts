import type { EndpointRule } from './situation.ts';

const OVER = 0.7;
const OPEN = 0.3;
/** Of the usual wait. */
const OVER_SHARE = 0.5;
const OPEN_SHARE = 2.5;

/** A model of the sound (its melody and its last words) says that the turn is over, or that it is not. */
export const judged: EndpointRule = {
  name: 'judged',
  always: false,
  wait: ({ turnOver, settled, closed, waits }) => {
    if (turnOver === undefined) return undefined;
    if (turnOver <= OPEN) return Math.min(waits.maxMs, waits.minMs * OPEN_SHARE);
    if (turnOver < OVER) return undefined;
    // Words that may still change are given the usual time to become final.
    if (!settled) return waits.minMs;
    return closed ? Math.min(waits.sentenceMs, waits.minMs * OVER_SHARE) : waits.minMs * OVER_SHARE;
  },
};
