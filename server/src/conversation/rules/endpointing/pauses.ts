import { type EndpointRule, usualWait } from './situation.ts';

/** A pause is longer than the mean about every second time; hardly ever by more than this. */
const MARGIN = 1.3;
const MOST_MS = 2_500;

/** A caller who pauses while speaking is given the time of those pauses, wherever that is more than usual. */
export const pauses: EndpointRule = {
  name: 'pauses',
  always: false,
  wait: (situation) => {
    const { meanMs, seen } = situation.pauses;
    if (seen === 0 || !situation.settled) return undefined;
    const waitMs = Math.min(MOST_MS, meanMs * MARGIN);
    return waitMs > usualWait(situation) ? waitMs : undefined;
  },
};
