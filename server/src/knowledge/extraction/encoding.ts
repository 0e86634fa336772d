/** Bytes as text: byte order marks, UTF-8, UTF-16 without a mark, and windows-1252 for everything older. */
import { ExtractionError } from './extraction.ts';

const SAMPLE = 4_096; // bytes looked at to tell UTF-16 and binaries

/** Zeros at even and at odd places of the sample: Latin text in UTF-16 has about half of its bytes zero, on one side. */
function zeros(bytes: Uint8Array): { even: number; odd: number; of: number } {
  const of = Math.min(SAMPLE, bytes.length & ~1);
  let [even, odd] = [0, 0];
  for (let at = 0; at < of; at += 2) {
    if (bytes[at] === 0) even++;
    if (bytes[at + 1] === 0) odd++;
  }
  return { even, odd, of: of / 2 };
}

/** The encoding that the bytes themselves show, `undefined` when only their reading can tell. */
export function encodingOf(bytes: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  const { even, odd, of } = zeros(bytes);
  if (of >= 8 && odd > of * 0.7 && even < of * 0.05) return 'utf-16le';
  if (of >= 8 && even > of * 0.7 && odd < of * 0.05) return 'utf-16be';
  return undefined;
}

/** Text never holds zeros, and hardly a control character. */
export function looksBinary(text: string): boolean {
  const sample = text.slice(0, SAMPLE);
  let strange = 0;
  for (let at = 0; at < sample.length; at++) {
    const code = sample.charCodeAt(at);
    if (code === 0) return true;
    if (code < 32 && code !== 9 && code !== 10 && code !== 12 && code !== 13 && code !== 27) strange++;
  }
  return strange > sample.length / 100;
}

/**
 * @param declared a label such as `iso-8859-2` that the document gives for itself (HTML `charset`); the bytes win over it
 * @throws ExtractionError `format-unknown` when the bytes are no text
 */
export function textOf(bytes: Uint8Array, declared?: string): string {
  const shown = encodingOf(bytes);
  const text = decode(bytes, shown ?? declared);
  if (looksBinary(text)) throw new ExtractionError('format-unknown', 'This is no text, nor a document of a known kind.');
  return text;
}

function decode(bytes: Uint8Array, label: string | undefined): string {
  if (label && label.toLowerCase() !== 'utf-8') {
    try {
      return new TextDecoder(label).decode(bytes);
    } catch {
      // an unknown label says nothing
    }
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // One broken sequence in a long UTF-8 text (a cut file) is not windows-1252.
    const lenient = new TextDecoder('utf-8').decode(bytes);
    const broken = lenient.split('\ufffd').length - 1;
    // eslint-disable-next-line no-control-regex -- the range of one-byte characters
    const beyond = lenient.replace(/[\u0000-\u007f\ufffd]/g, '').length;
    return broken * 4 < beyond ? lenient : new TextDecoder('windows-1252').decode(bytes);
  }
}
