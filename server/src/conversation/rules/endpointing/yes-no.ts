import { isUnfinished } from '../completeness.ts';
import { inLanguage } from '../words.ts';
import type { EndpointRule } from './situation.ts';

const WAIT_MS = 250;
/** "Yes please", "no thank you", "yes that's right". Longer answers have something more to say. */
const MOST_WORDS = 3;

const answers: Record<string, ReadonlySet<string>> = {
  en: new Set('yes yeah yep yup sure ok okay correct right exactly absolutely definitely please no nope nah never'.split(' ')),
  de: new Set('ja jawohl jep klar genau gerne richtig stimmt ok okay nein ne nee nie'.split(' ')),
  es: new Set('si claro vale ok okay correcto exacto bueno no nunca tampoco'.split(' ')),
  fr: new Set('oui ouais si daccord ok okay exact exactement correct voila non jamais'.split(' ')),
};

/** A closed question was asked, and its answer is there. The final may follow: it cannot say anything else. */
export const yesNo: EndpointRule = {
  name: 'yes-no',
  always: false,
  wait: ({ expecting, words, text, language }) => {
    if (expecting !== 'yes-no' || words.length === 0 || words.length > MOST_WORDS) return undefined;
    if (isUnfinished(text, language)) return undefined;
    return inLanguage(answers, language).has(words[0]) ? WAIT_MS : undefined;
  },
};
