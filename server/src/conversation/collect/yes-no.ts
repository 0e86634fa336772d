/** Yes and no as people say them. English. */

const YES =
  /^(?:yes|yeah|yep|yup|ya|sure|right|correct|exactly|absolutely|perfect|ok|okay|that'?s (?:it|right|correct|fine|the one)|it is|that is (?:right|correct|it)|uh[- ]?huh|mm[- ]?hmm|affirmative|indeed|of course)\b/i;
const NO =
  /^(?:no|nope|nah|not (?:quite|right|really|correct)|wrong|incorrect|negative|that'?s (?:not|wrong|incorrect)|that is (?:not|wrong)|it'?s not|uh[- ]uh)\b/i;
const LEAD_IN = /^(?:(?:um+|uh|er|well|oh|hmm|ah|so)[\s,.]+)+/i;

/** Undefined when it is neither, or both. "No, that's right" and "no problem" are no denial. */
export function yesNoOf(text: string): 'yes' | 'no' | undefined {
  const bare = text.replace(/[’]/g, "'").trim().replace(LEAD_IN, '');
  if (/^no\b[\s,.]*(?:no\b[\s,.]*)*(?:that'?s (?:right|correct|fine|it)|problem|yes\b)/i.test(bare)) return 'yes';
  if (/^yes\b[\s,.]+no\b/i.test(bare)) return undefined;
  if (NO.test(bare)) return 'no';
  if (YES.test(bare)) return /\bbut\b|\bexcept\b/i.test(bare) ? undefined : 'yes';
  return undefined;
}
