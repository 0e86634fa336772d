/** English number words, as they are said on the telephone. */

const SMALL =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = ['', '', 'twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];
const SCALES = ['', 'thousand', 'million', 'billion', 'trillion'];
const IRREGULAR_ORDINALS: Record<string, string> = {
  one: 'first',
  two: 'second',
  three: 'third',
  five: 'fifth',
  eight: 'eighth',
  nine: 'ninth',
  twelve: 'twelfth',
};

function belowThousand(value: number): string {
  if (value < 20) return SMALL[value];
  if (value < 100) return value % 10 === 0 ? TENS[value / 10] : `${TENS[Math.floor(value / 10)]} ${SMALL[value % 10]}`;
  const rest = value % 100;
  return `${SMALL[Math.floor(value / 100)]} hundred${rest === 0 ? '' : ` ${belowThousand(rest)}`}`;
}

/** 1234 → "one thousand two hundred thirty four". Whole numbers of 15 digits at most; larger ones digit by digit. */
export function cardinal(value: number): string {
  if (!Number.isSafeInteger(value) || value >= 1e15) return digits(String(value));
  if (value < 0) return `minus ${cardinal(-value)}`;
  if (value < 1000) return belowThousand(value);
  const parts: string[] = [];
  let rest = value;
  for (let scale = 0; rest > 0; scale++) {
    const group = rest % 1000;
    if (group > 0) parts.unshift(scale === 0 ? belowThousand(group) : `${belowThousand(group)} ${SCALES[scale]}`);
    rest = Math.floor(rest / 1000);
  }
  return parts.join(' ');
}

/** 21 → "twenty first". */
export function ordinal(value: number): string {
  const words = cardinal(value).split(' ');
  const last = words.pop() as string;
  const ending = IRREGULAR_ORDINALS[last] ?? (last.endsWith('y') ? `${last.slice(0, -1)}ieth` : `${last}th`);
  return [...words, ending].join(' ');
}

/** "0451" → "zero four five one"; other characters are dropped. */
export function digits(text: string): string {
  return Array.from(text.replace(/\D/g, ''), (digit) => SMALL[Number(digit)]).join(' ');
}

/** "3.05" → "three point zero five"; "1,200" → "one thousand two hundred". */
export function decimal(text: string): string {
  const [whole, fraction] = text.replace(/,/g, '').split('.');
  const head = cardinal(Number(whole));
  return fraction === undefined ? head : `${head} point ${digits(fraction)}`;
}

/** 1998 → "nineteen ninety eight", 2005 → "two thousand five", 2026 → "twenty twenty six". */
export function year(value: number): string {
  const century = Math.floor(value / 100);
  const rest = value % 100;
  if (value % 1000 < 10 || value > 9999) return cardinal(value);
  if (rest === 0) return `${cardinal(century)} hundred`;
  return `${cardinal(century)} ${rest < 10 ? `oh ${SMALL[rest]}` : cardinal(rest)}`;
}
