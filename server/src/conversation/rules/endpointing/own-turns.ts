import type { EndpointRule } from './situation.ts';

const LATER_MS = 600;
const EAGER_LATER_MS = 300;

/** The transcriber ends turns itself: silence only catches the turn that it forgets. */
export const ownTurns: EndpointRule = {
  name: 'own-turns',
  always: true,
  wait: ({ endsTurns, eager, waits }) => (endsTurns ? waits.minMs + (eager ? EAGER_LATER_MS : LATER_MS) : undefined),
};
