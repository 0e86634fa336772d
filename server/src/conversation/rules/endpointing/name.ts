import { hasContent } from '../hesitation.ts';
import { inLanguage } from '../words.ts';
import type { EndpointRule } from './situation.ts';

const FAMILY_NAME_MS = 1_100;

/** What comes before a name. */
const openings: Record<string, RegExp> = {
  en: /^(?:(?:hi|hello|yes|sure|its|it is|my (?:first |last |full )?name is|my names|this is|i am|im|the name is|name is) ?)+/,
  de: /^(?:(?:hallo|ja|mein (?:vor|nach)?name ist|ich (?:hei(?:ss|ß)e|bin)|das ist|hier (?:ist|spricht)) ?)+/,
  es: /^(?:(?:hola|si|me llamo|mi nombre es|soy|habla) ?)+/,
  fr: /^(?:(?:bonjour|oui|je mappelle|mon nom est|je suis|cest) ?)+/,
};

/** A first name alone is often followed by the family name. */
export const name: EndpointRule = {
  name: 'name',
  always: false,
  wait: ({ expecting, words, language, waits }) => {
    if (expecting !== 'name') return undefined;
    const rest = `${words.join(' ')} `.replace(inLanguage(openings, language), '').split(' ');
    const said = rest.filter((word) => word !== '' && hasContent(word, language)).length;
    return said <= 1 ? Math.max(waits.minMs, FAMILY_NAME_MS) : undefined;
  },
};
