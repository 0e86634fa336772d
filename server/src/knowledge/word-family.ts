/**
 * What words of one family have in common: "deliver", "delivery" and "deliveries"; "measure" and "measurement". Cut more
 * roughly than the stems that the index is made of, so that words are joined which mean different things: kin counts less
 * than the word itself.
 */

/** Of stems, which have lost their final "e" and "s". The longest that fits is cut. */
const ENDINGS = `ization isation ational ation ition ution ement ment ance ence anc enc ancy ency ness ship hood less ical ious eous ity
  ous ive iv ist ism ful abl ibl ant ent ial ion ary ery ory ator er or al ic at iz is y`
  .split(/\s+/)
  .sort((a, b) => b.length - a.length);
const BY_LAST_LETTER = Map.groupBy(ENDINGS, (ending) => ending.at(-1) as string);
const LEAST_LETTERS = 4;
/** "pay" of "payment". */
const LEAST_BEFORE_MENT = 3;
/** "organizational" has three. */
const MOST_ENDINGS = 3;

/** The root of a stem: the same for all words of its family, mostly. */
export function rootOf(stem: string): string {
  let root = single(stem);
  for (let cut = 0; cut < MOST_ENDINGS; cut++) {
    const ending = BY_LAST_LETTER.get(root[root.length - 1])?.find((end) => root.endsWith(end) && mayLose(root, end));
    if (ending === undefined) return root;
    root = single(root.slice(0, -ending.length));
  }
  return root;
}

function mayLose(word: string, ending: string): boolean {
  const rest = word.length - ending.length;
  // Not "billion" and "union".
  if (ending === 'ion' && word[rest - 1] !== 's' && word[rest - 1] !== 't') return false;
  return rest >= (ending === 'ment' ? LEAST_BEFORE_MENT : LEAST_LETTERS);
}

/** "cancel" for "cancell", "qualif" for "qualifi". */
const single = (root: string): string =>
  root.length > LEAST_LETTERS && (root.at(-1) === root.at(-2) || root.endsWith('i')) ? root.slice(0, -1) : root;
