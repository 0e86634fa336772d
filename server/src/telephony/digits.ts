/** Key presses a phone can send (RFC 4733 §2.3.2: events 0 to 15). */
import { TandemError } from '#kit/errors.ts';

const KEYS = /^[0-9A-D*#]{1,64}$/;

/** `invalid-input` for anything that is not 1 to 64 telephone keys; undefined when `digits` can be sent. */
export function digitsFault(digits: string): TandemError | undefined {
  return KEYS.test(digits) ? undefined : new TandemError('invalid-input', 'digits are 1 to 64 of 0-9, A-D, * and #');
}
