import type { EndpointRule } from './situation.ts';

/** Voice whose words have not come: the transcriber is waited for, unless it said that there are none. A blip is not waited for. */
export const noWords: EndpointRule = {
  name: 'no-words',
  always: true,
  wait: ({ text, covered, blip, wordless, waits }) => {
    if (text !== '' && (covered || blip)) return undefined;
    return wordless ? waits.minMs : waits.wordsMs;
  },
};
