/** The two REST requests a call needs (api.twilio.com/2010-04-01, HTTP Basic, form-encoded): place it, end it. */
import { untilAborted } from '#kit/abort.ts';
import { messageOf, VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';

const DEADLINE_MS = 10_000;

export interface TwilioAccount {
  accountSid: string;
  authToken: string;
  apiUrl: string;
}

export interface NewCall {
  to: string;
  from: string;
  /** TwiML is fetched here when the call is answered. */
  url: string;
  statusCallback: string;
  ringSeconds: number;
}

export class TwilioRest {
  readonly #account: TwilioAccount;
  readonly #kit: Kit;

  constructor(account: TwilioAccount, kit: Kit) {
    this.#account = account;
    this.#kit = kit;
  }

  /** The new call's CallSid. Rejects with a `VendorError`. */
  async createCall(call: NewCall, signal: AbortSignal): Promise<string> {
    const form = new URLSearchParams({
      To: call.to,
      From: call.from,
      Url: call.url,
      Method: 'POST',
      StatusCallback: call.statusCallback,
      StatusCallbackMethod: 'POST',
      Timeout: String(call.ringSeconds),
    });
    for (const event of ['initiated', 'ringing', 'answered', 'completed']) form.append('StatusCallbackEvent', event);
    const body = await this.#post('/Calls.json', form, signal);
    const sid = (body as { sid?: unknown } | undefined)?.sid;
    if (typeof sid !== 'string' || sid === '') throw new VendorError('twilio', 'permanent', 'the answer to a new call has no sid');
    return sid;
  }

  /** Ends a call, whatever its state. One more try when Twilio fails; never rejects. */
  async complete(callSid: string): Promise<void> {
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        const form = new URLSearchParams({ Status: 'completed' });
        await this.#post(`/Calls/${encodeURIComponent(callSid)}.json`, form, undefined);
        return;
      } catch (error) {
        if (!(error instanceof VendorError) || error.category !== 'retryable') {
          this.#kit.log.warn({ callSid, cause: messageOf(error) }, 'Twilio did not end a call');
          return;
        }
      }
    }
    this.#kit.log.warn({ callSid }, 'Twilio did not end a call');
  }

  async #post(path: string, form: URLSearchParams, signal: AbortSignal | undefined): Promise<unknown> {
    const { accountSid, authToken, apiUrl } = this.#account;
    const deadline = new AbortController();
    const timer = this.#kit.clock.after(DEADLINE_MS, () => deadline.abort(new VendorError('twilio', 'retryable', 'no answer within 10 s')));
    const either = signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal;
    try {
      const work = fetch(`${apiUrl.replace(/\/$/, '')}/Accounts/${encodeURIComponent(accountSid)}${path}`, {
        method: 'POST',
        redirect: 'error',
        headers: { authorization: `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}` },
        body: form,
        signal: either,
      }).then(async (response) => ({
        status: response.status,
        retryAfter: response.headers.get('retry-after'),
        text: await response.text(),
      }));
      return this.#read(await untilAborted(work, either));
    } catch (error) {
      if (error instanceof VendorError || either.aborted) throw either.aborted ? either.reason : error;
      throw new VendorError('twilio', 'retryable', messageOf(error), { cause: error });
    } finally {
      timer.cancel();
    }
  }

  #read({ status, retryAfter, text }: { status: number; retryAfter: string | null; text: string }): unknown {
    let body: { message?: unknown; code?: unknown } | undefined;
    try {
      body = JSON.parse(text) as typeof body;
    } catch {
      // An error page of a proxy: the status says enough.
    }
    if (status >= 200 && status < 300) return body;
    // 404 (20404): the call is over already.
    if (status === 404) return undefined;
    const message = `${status}${typeof body?.message === 'string' ? ` ${body.message}` : ''}`;
    if (status === 429) {
      throw new VendorError('twilio', 'rate-limited', message, { retryAfterMs: Number(retryAfter ?? 1) * 1000 || 1000 });
    }
    if (status === 401 || status === 403) throw new VendorError('twilio', 'auth', message);
    throw new VendorError('twilio', status >= 500 ? 'retryable' : 'bad-input', message);
  }
}
