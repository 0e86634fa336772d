/**
 * What status callbacks say about calls, by CallSid. Callbacks come in any order and may come before or after the media
 * stream; only the newest counts, and a call that was completed stays completed.
 */
import type { LegEndCause } from '../leg.ts';

/** Calls remembered after they ended, so that late callbacks and repeated webhooks find them. */
const MOST = 20_000;

interface CallRecord {
  sequence: number;
  completed: boolean;
  hadStream: boolean;
  end: ((cause: LegEndCause) => void) | undefined;
}

export class TwilioCalls {
  readonly #records = new Map<string, CallRecord>();

  /** Takes note of a callback; false when a newer one has been seen. Twilio's sequence begins at 0. */
  advance(callSid: string, sequence: number, isFinal: boolean): boolean {
    const record = this.#of(callSid);
    if (record.completed || (sequence <= record.sequence && !isFinal)) return false;
    record.sequence = Math.max(sequence, record.sequence);
    return true;
  }

  complete(callSid: string): void {
    const record = this.#of(callSid);
    record.completed = true;
    const { end } = record;
    record.end = undefined;
    end?.('hung-up');
  }

  isCompleted(callSid: string): boolean {
    return this.#records.get(callSid)?.completed ?? false;
  }

  hasStream(callSid: string): boolean {
    const record = this.#records.get(callSid);
    return record !== undefined && (record.hadStream || record.completed);
  }

  /** A media stream carries the call; `end` is called when a callback says that the call is over. */
  joined(callSid: string, end: (cause: LegEndCause) => void): void {
    const record = this.#of(callSid);
    record.hadStream = true;
    record.end = end;
  }

  left(callSid: string): void {
    this.#of(callSid).end = undefined;
  }

  #of(callSid: string): CallRecord {
    let record = this.#records.get(callSid);
    if (!record) {
      record = { sequence: -1, completed: false, hadStream: false, end: undefined };
      if (this.#records.size >= MOST) this.#forgetOldest();
      this.#records.set(callSid, record);
    }
    return record;
  }

  #forgetOldest(): void {
    for (const [callSid, { end }] of this.#records) {
      if (end) continue;
      this.#records.delete(callSid);
      return;
    }
  }
}
