/** What follows a number and says what it counts: money, time, a share. By the word in lower case, without accents. */

const table = <T>(rows: readonly (readonly [T, string])[]): ReadonlyMap<string, T> =>
  new Map(rows.flatMap(([value, words]) => words.split(' ').map((word) => [word, value] as const)));

/** Currency by its sign, code or name. */
export const CURRENCIES = table([
  ['usd', '$ usd dollar dollars buck bucks dolar dolares'],
  ['eur', '€ eur euro euros'],
  ['gbp', '£ gbp pound pounds quid pfund libra libras livre livres'],
  ['chf', 'chf franken'],
] as const);

/** Hundredths of a currency; of which one is not said. */
export const CENTS = new Set('cent cents penny pence centimo centimos centime centimes'.split(' '));

/** Spans in seconds. */
export const SECONDS = table([
  [1, 'second seconds sec secs sekunde sekunden segundo segundos seconde secondes'],
  [60, 'minute minutes min mins minuten minuto minutos'],
  [3_600, 'hour hours hr hrs stunde stunden hora horas heure heures'],
  [86_400, 'day days tag tage tagen dia dias jour jours'],
  [604_800, 'week weeks woche wochen semana semanas semaine semaines'],
]);
/** Spans in months. */
export const MONTHS_OF_SPAN = table([
  [1, 'month months monat monate monaten mes meses mois'],
  [12, 'year years yr yrs jahr jahre jahren ano anos an ans annee annees'],
]);
/** May stand between a number and its span: "three business days". */
export const SPAN_ADJECTIVES = new Set(
  'business working calendar full whole more short extra additional consecutive werktage volle ganze laborables habiles ouvrables'.split(
    ' ',
  ),
);

/** Number of the month, by name; "may" and "march" are months only beside a day. */
export const MONTHS = table([
  [1, 'january jan januar enero janvier'],
  [2, 'february feb februar febrero fevrier'],
  [3, 'march mar marz marzo mars'],
  [4, 'april apr abril avril'],
  [5, 'may mai mayo'],
  [6, 'june jun juni junio juin'],
  [7, 'july jul juli julio juillet'],
  [8, 'august aug agosto aout'],
  [9, 'september sep sept septiembre septembre'],
  [10, 'october oct oktober octubre octobre'],
  [11, 'november nov noviembre novembre'],
  [12, 'december dec dezember diciembre decembre'],
]);

/** Days of the week from Monday, 0. Short names are read in sources only, where they stand with a capital. */
export const WEEKDAYS = table([
  [0, 'monday mondays montag montags lunes lundi'],
  [1, 'tuesday tuesdays dienstag dienstags martes mardi'],
  [2, 'wednesday wednesdays mittwoch mittwochs miercoles mercredi'],
  [3, 'thursday thursdays donnerstag donnerstags jueves jeudi'],
  [4, 'friday fridays freitag freitags viernes vendredi'],
  [5, 'saturday saturdays samstag samstags sonnabend sabado sabados samedi'],
  [6, 'sunday sundays sonntag sonntags domingo domingos dimanche'],
]);
export const SHORT_WEEKDAYS = table([
  [0, 'Mon'],
  [1, 'Tue Tues'],
  [2, 'Wed'],
  [3, 'Thu Thur Thurs'],
  [4, 'Fri'],
  [5, 'Sat'],
  [6, 'Sun'],
]);
/** Stand for several days. */
export const DAY_GROUPS = table<readonly number[]>([
  [[0, 1, 2, 3, 4], 'weekday weekdays werktags wochentags werktage laborables'],
  [[5, 6], 'weekend weekends wochenende wochenenden'],
  [[0, 1, 2, 3, 4, 5, 6], 'daily everyday taglich diario diariamente quotidien'],
]);

const ORDINALS =
  'first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth'.split(
    ' ',
  );
/** "first" to "thirtieth" by their last word: "twenty" before "third" is read with it. */
export const ORDINAL_WORDS: ReadonlyMap<string, number> = new Map([
  ...ORDINALS.map((word, at): [string, number] => [word, at + 1]),
  ['thirtieth', 30],
]);

/** What an assistant counts of its own: its options, its questions. */
export const OWN_COUNTING = new Set(
  `option options choice choices way ways thing things question questions possibility possibilities point points detail details answer answers
  step steps possibilitaten moglichkeiten dinge fragen wege opciones cosas preguntas formas options choses facons`.split(/\s+/),
);
/** Told to call in an emergency: never held back. */
export const EMERGENCY_NUMBERS = new Set(['911', '112', '999', '110', '988', '000']);
