import { isUnfinished } from '../completeness.ts';
import type { EndpointRule } from './situation.ts';

/** "I would like to", "my number is, um", "on Monday,": more must come. */
export const unfinished: EndpointRule = {
  name: 'unfinished',
  always: true,
  wait: ({ text, language, waits }) => (isUnfinished(text, language) ? waits.maxMs : undefined),
};
