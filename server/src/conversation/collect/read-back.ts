/** Values grouped for the ear: what a caller can check while listening. English. */

const MONTHS = 'January February March April May June July August September October November December'.split(' ');

/** "4 2 1, 5 5 5, 0 1 9 9": threes and a last four; the pauses are commas. */
export function groupedDigits(digits: string): string {
  const groups: string[] = [];
  let at = 0;
  while (digits.length - at > 4) {
    groups.push(digits.slice(at, at + 3));
    at += 3;
  }
  groups.push(digits.slice(at));
  return groups.map((group) => group.split('').join(' ')).join(', ');
}

/** "G, R, A, C, E". */
export function spelledOut(word: string): string {
  return Array.from(word.toUpperCase()).join(', ');
}

const SIGNS: Record<string, string> = { '.': 'dot', _: 'underscore', '-': 'dash', '+': 'plus' };
/** Said as a word: nobody needs them spelled. */
const FAMILIAR = new Set([
  'gmail',
  'googlemail',
  'outlook',
  'hotmail',
  'yahoo',
  'icloud',
  'example',
  'com',
  'org',
  'net',
  'co',
  'uk',
  'de',
  'edu',
]);

/** Part by part: "G, R, A, C, E, dot, 7, at gmail dot com". */
export function readableEmail(address: string): string {
  const [local, domain] = address.split('@');
  const parts = (local.match(/[a-z]+|\d|[._+-]/g) ?? []).map((part) => SIGNS[part] ?? (/[a-z]/.test(part) ? spelledOut(part) : part));
  const labels = domain.split('.').map((label) => (FAMILIAR.has(label) ? label : spelledOut(label)));
  return `${parts.join(', ')}, at ${labels.join(' dot ')}`;
}

/** `1984-03-03` → "March 3rd, 1984". */
export function readableDate(iso: string): string {
  const [year, month, day] = iso.split('-').map(Number);
  const ending = day % 10 === 1 && day !== 11 ? 'st' : day % 10 === 2 && day !== 12 ? 'nd' : day % 10 === 3 && day !== 13 ? 'rd' : 'th';
  return `${MONTHS[month - 1]} ${day}${ending}, ${year}`;
}
