import { digitsIn } from '../spoken-digits.ts';
import { inLanguage } from '../words.ts';
import type { EndpointRule } from './situation.ts';

const REST_MS = 1_500;

interface Calendar {
  /** Say a day by themselves. */
  days: ReadonlySet<string>;
  /** Want a number beside them. */
  months: ReadonlySet<string>;
  ordinals: RegExp;
}

const set = (words: string) => new Set(words.split(' '));

const calendars: Record<string, Calendar> = {
  en: {
    days: set('today tomorrow tonight monday tuesday wednesday thursday friday saturday sunday weekend'),
    months: set('january february march april may june july august september october november december'),
    ordinals: /^(?:first|second|third|\w+th|\w+ty first|\d+(?:st|nd|rd|th))$/,
  },
  de: {
    days: set('heute morgen ubermorgen montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag wochenende'),
    months: set('januar janner februar marz april mai juni juli august september oktober november dezember'),
    ordinals: /^(?:erste[rn]?|dritte[rn]?|siebte[rn]?|\w+te[rn]?)$/,
  },
  es: {
    days: set('hoy manana lunes martes miercoles jueves viernes sabado domingo'),
    months: set('enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre'),
    ordinals: /^primero$/,
  },
  fr: {
    days: set('aujourdhui demain lundi mardi mercredi jeudi vendredi samedi dimanche'),
    months: set('janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre'),
    ordinals: /^premier$/,
  },
};

/** A date in the making: a month without its day, or a day of the month without its month. */
export const date: EndpointRule = {
  name: 'date',
  always: false,
  wait: ({ expecting, words, language, waits }) => {
    if (expecting !== 'date') return undefined;
    const { days, months, ordinals } = inLanguage(calendars, language);
    const month = words.some((word) => months.has(word));
    const number = digitsIn(words, language) > 0 || words.some((word) => ordinals.test(word));
    if (month !== number && !words.some((word) => days.has(word))) return Math.max(waits.minMs, REST_MS);
    return undefined;
  },
};
