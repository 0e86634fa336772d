/** What of an answer a language model is told: JSON or plain words, masked, and never more than 8 kB. */
import type { Masking } from './masking.ts';

/** 8 kB, so that one answer does not fill a prompt. */
export const MAX_RESULT_CHARS = 8_192;
const CUT_NOTE = 'The answer was too long: this is its beginning.';

/** A value of bounded length: itself, or the beginning of its text with a note. */
export function boundedResult(value: unknown): unknown {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null');
  return text.length <= MAX_RESULT_CHARS ? value : { note: CUT_NOTE, text: beginning(text) };
}

/**
 * Reads an HTTP answer.
 * @param truncated the text is only the beginning of what was sent
 */
export function resultOf(text: string, contentType: string, truncated: boolean, masking: Masking): unknown {
  if (!truncated && (contentType.includes('json') || /^\s*[[{]/.test(text))) {
    try {
      return boundedResult(masking.value(JSON.parse(text)));
    } catch {
      // Truncated or not JSON at all: its words are all there is.
    }
  }
  const words = masking.text(contentType.includes('html') ? withoutTags(text) : text).trim();
  return truncated ? { note: CUT_NOTE, text: beginning(words) } : boundedResult(words);
}

/** A line for an error message. */
export function shortText(text: string, contentType: string, masking: Masking): string {
  const words = contentType.includes('html') ? withoutTags(text) : text;
  return maskedText(words, masking).replace(/\s+/g, ' ').trim().slice(0, 200);
}

/** JSON is masked value by value: as text, a secret in a string in a string would be escaped twice. */
function maskedText(text: string, masking: Masking): string {
  try {
    return JSON.stringify(masking.value(JSON.parse(text)));
  } catch {
    return masking.text(text);
  }
}

function beginning(text: string): string {
  return text.slice(0, MAX_RESULT_CHARS).toWellFormed();
}

function withoutTags(html: string): string {
  return html
    .replace(/<(script|style|head)\b[^>]*>[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^<>]*>/g, ' ')
    .replace(/[ \t\r\n]+/g, ' ');
}
