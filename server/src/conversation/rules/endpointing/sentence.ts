import { type EndpointRule, usualWait } from './situation.ts';

/** The transcriber closed the sentence with a full stop, a question mark or an exclamation mark. */
export const sentence: EndpointRule = {
  name: 'sentence',
  always: false,
  wait: (situation) => (situation.closed ? usualWait(situation) : undefined),
};

/** A transcriber that closes sentences left this one open, although its words are final. */
export const openSentence: EndpointRule = {
  name: 'open-sentence',
  always: false,
  wait: (situation) => (situation.settled && situation.punctuates && !situation.closed ? usualWait(situation) : undefined),
};
