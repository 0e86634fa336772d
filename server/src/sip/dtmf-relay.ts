/** A key press in an INFO body: `application/dtmf-relay` (`Signal=5` and `Duration=160` lines) or `application/dtmf` (the key alone). */
import { contentType } from './headers.ts';
import type { SipRequest } from './message.ts';
import { bodyText } from './write.ts';

export interface RelayedDigit {
  digit: string;
  /** 160 where the body does not say. */
  durationMs: number;
}

/** Undefined when the body is no key press. */
export function readDtmfRelay(request: SipRequest): RelayedDigit | undefined {
  const type = contentType(request);
  if (type !== 'application/dtmf-relay' && type !== 'application/dtmf') return undefined;
  let signal = '';
  let durationMs = 160;
  for (const line of bodyText(request).split('\n')) {
    const [name, value] = line.split('=').map((part) => part.trim());
    if (value === undefined) {
      if (type === 'application/dtmf' && signal === '') signal = name;
    } else if (name.toLowerCase() === 'signal') signal = value;
    else if (name.toLowerCase() === 'duration' && /^\d{1,5}$/.test(value)) durationMs = Number(value);
  }
  const digit = signal === '10' ? '*' : signal === '11' ? '#' : signal.toUpperCase();
  return /^[0-9A-D*#]$/.test(digit) ? { digit, durationMs } : undefined;
}
