import { isUnfinished } from '../completeness.ts';
import type { EndpointRule } from './situation.ts';

/** A transcriber that ends turns itself takes it for over: it heard the melody, so that less time is enough. */
const DOUBTED_MS = 1_200;

/** "I would like to", "my number is, um", "on Monday,": more must come. */
export const unfinished: EndpointRule = {
  name: 'unfinished',
  always: true,
  wait: ({ text, language, endsTurns, eager, waits }) => {
    if (!isUnfinished(text, language)) return undefined;
    return endsTurns && eager ? Math.min(waits.maxMs, DOUBTED_MS) : waits.maxMs;
  },
};
