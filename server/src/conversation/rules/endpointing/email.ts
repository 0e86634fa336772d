import type { EndpointRule } from './situation.ts';

const NEXT_PART_MS = 2_500;
const COMPLETE_MS = 400;
/** Characters at the end of the text in which an address is looked for. */
const LONGEST_ADDRESS = 200;

/** Written with signs, or said in words, to the end of a top-level domain. */
const COMPLETE = /(?:@|\b(?:at|arroba|arobase|klammeraffe)\b).*(?:\.|\b(?:dot|punkt|punto|point)\b)\s*[a-z]{2,12}\W*$/iu;
const AT_SIGN = /@|\b(?:at|arroba|arobase|klammeraffe)\b/iu;

/** An address comes in pieces: "john dot smith … at gmail … dot com". */
export const email: EndpointRule = {
  name: 'email',
  always: false,
  wait: ({ expecting, text, closed, waits }) => {
    if (expecting !== 'email') return undefined;
    if (COMPLETE.test(text.slice(-LONGEST_ADDRESS))) return Math.min(waits.minMs, COMPLETE_MS);
    // "I do not have one."
    if (closed && !AT_SIGN.test(text)) return undefined;
    return Math.max(waits.minMs, NEXT_PART_MS);
  },
};
