/** Written text made speakable: markup, links, emoji and citations are taken out; words and punctuation stay. */

const steps: readonly [RegExp, string][] = [
  [/```[a-z]*/gi, ' '],
  [/!\[([^\]]*)\]\([^)]*\)/g, '$1'],
  [/\[([^\]]*)\]\([^)]*\)/g, '$1'],
  // A citation is for the eye: [1], [p1, p2], [p_12], 【3】.
  [/\[(?:\d+|p\d{1,2}(?:\s*,\s*p\d{1,2})*|[a-z]+_[a-z0-9]+)\]|【[^】]*】/gi, ''],
  // Of a URL only the host can be said.
  [/\bhttps?:\/\/(?:www\.)?([a-z0-9.-]+)(?:[/?#][^\s)\]}>"']*?)?(?=[.,;:!?]?(?:[\s)\]}>"']|$))/gi, '$1'],
  [/<\/?[a-z][^<>]{0,200}>/gi, ' '],
  [/^\s{0,3}#{1,6}\s+/gm, ''],
  [/^\s*[-*+•]\s+/gm, ''],
  [/^\s*>\s?/gm, ''],
  [/[*`~|]+/g, ' '],
  [/(^|[\s(])_+|_+(?=[\s).,;:!?]|$)/g, '$1'],
  [/\p{Extended_Pictographic}|\p{Regional_Indicator}|\p{Emoji_Modifier}|\uFE0F|\u20E3|\u200D/gu, ' '],
  [/[\p{Cc}\p{Cf}]+/gu, ' '],
  [/\s+/g, ' '],
  [/\s+([,.;:!?])/g, '$1'],
];

export function plainText(text: string): string {
  let plain = text;
  for (const [pattern, replacement] of steps) plain = plain.replace(pattern, replacement);
  return plain.trim();
}
