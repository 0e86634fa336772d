import type { EndpointRule } from './situation.ts';

const NEXT_LETTER_MS = 2_000;
/** "M for Mike", "M wie Martha": the last word stands for a letter. */
const STANDS_FOR = new Set(['for', 'wie', 'como', 'comme']);

/** Letter by letter: each letter may be followed by another. A whole word at the end closes the spelling. */
export const spelling: EndpointRule = {
  name: 'spelling',
  always: false,
  wait: ({ expecting, words, waits }) => {
    const [third, second, last] = [words.at(-3), words.at(-2), words.at(-1)];
    if (expecting !== 'spelling' || last === undefined) return undefined;
    const standsFor = (second === 'in' && third === 'as') || (second !== undefined && STANDS_FOR.has(second));
    return /^.$/u.test(last) || standsFor ? Math.max(waits.minMs, NEXT_LETTER_MS) : undefined;
  },
};
