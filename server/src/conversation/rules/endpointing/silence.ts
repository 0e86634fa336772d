import { type EndpointRule, heldOpen } from './situation.ts';

/** Nothing else is known: the least wait after settled words (a little more after words that want others), the longest while they may change. Always decides. */
export const silence: EndpointRule = {
  name: 'silence',
  always: true,
  wait: (situation) => (situation.settled ? heldOpen(situation, situation.waits.minMs) : situation.waits.maxMs),
};
