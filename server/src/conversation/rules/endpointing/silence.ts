import type { EndpointRule } from './situation.ts';

/** Nothing else is known: the least wait after settled words, the longest while they may change. Always decides. */
export const silence: EndpointRule = {
  name: 'silence',
  always: true,
  wait: ({ settled, waits }) => (settled ? waits.minMs : waits.maxMs),
};
