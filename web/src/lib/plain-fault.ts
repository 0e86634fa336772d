/** What a schema says about a value, as a person would say it. What the server says in its own words is kept. */

const patterns: [RegExp, (limit: string) => string][] = [
  [/^Too small: expected string to have >=1 characters?$/, () => 'This is needed.'],
  [/^Too small: expected string to have >=(\d+) characters$/, (limit) => `At least ${limit} characters are needed.`],
  [/^Too big: expected string to have <=(\d+) characters$/, (limit) => `At most ${limit} characters fit here.`],
  [/^Too small: expected \w+ to be >=(-?[\d.]+)$/, (limit) => `This must be at least ${limit}.`],
  [/^Too small: expected \w+ to be >(-?[\d.]+)$/, (limit) => `This must be more than ${limit}.`],
  [/^Too big: expected \w+ to be <=(-?[\d.]+)$/, (limit) => `This must be at most ${limit}.`],
  [/^Too big: expected array to have <=(\d+) items$/, (limit) => `At most ${limit} are possible.`],
  [/^Invalid input: expected \w+, received (?:undefined|null|NaN)$/, () => 'This is needed.'],
  [/^Invalid input: expected (?:int|number)/, () => 'This must be a number.'],
  [/^Invalid key\b/, () => 'A name here is not acceptable: use letters, digits, hyphens and underscores.'],
  [/^Invalid (?:string|input|option)\b/, () => 'This is not acceptable.'],
];

export function plainFault(message: string): string {
  for (const [pattern, say] of patterns) {
    const found = pattern.exec(message);
    if (found) return say(found[1] ?? '');
  }
  // `is not an http(s) address` follows the name of its field; standing alone it begins a sentence.
  return /^(is|must|may|has|names) /.test(message) ? `This ${message}` : message;
}
