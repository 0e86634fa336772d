import { digitsIn } from '../spoken-digits.ts';
import type { EndpointRule } from './situation.ts';

/** Callers pause between the groups of a number. */
const BETWEEN_GROUPS_MS = 2_000;
/** A local number may be complete, a national one may go on. */
const MAYBE_MS = 1_300;
const LOCAL_NUMBER = 7;
const NATIONAL_NUMBER = 10;

/** A number is being said: wait for its next group until it is as long as a telephone number. */
export const digits: EndpointRule = {
  name: 'digits',
  always: false,
  wait: ({ expecting, words, language, waits }) => {
    if (expecting !== 'digits') return undefined;
    const count = digitsIn(words, language);
    if (count === 0) return undefined;
    if (count >= NATIONAL_NUMBER) return waits.minMs;
    return Math.max(waits.minMs, count >= LOCAL_NUMBER ? MAYBE_MS : BETWEEN_GROUPS_MS);
  },
};
