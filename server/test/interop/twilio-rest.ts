/** Twilio's REST interface as far as a call needs it: places and ends calls, and remembers what was asked. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PlacedCall {
  callSid: string;
  form: URLSearchParams;
}

export interface TwilioRestFake {
  url: string;
  /** `POST /Accounts/AC…/Calls.json`, in order. */
  placed: PlacedCall[];
  /** CallSids that were ended with Status=completed. */
  completed: string[];
  /** The next call asked for is answered with this status instead. */
  refuseNext(status: number, message: string): void;
  close(): Promise<void>;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

/** HTTP Basic with account and token, form-encoded bodies, JSON answers (api.twilio.com/2010-04-01). */
export async function startTwilioRest(accountSid: string, authToken: string): Promise<TwilioRestFake> {
  const placed: PlacedCall[] = [];
  const completed: string[] = [];
  let refusal: { status: number; message: string } | undefined;
  const credentials = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`;

  const answer = async (request: IncomingMessage): Promise<{ status: number; body: object }> => {
    const form = new URLSearchParams(await bodyOf(request));
    if (request.headers.authorization !== credentials) return { status: 401, body: { code: 20003, message: 'Authenticate' } };
    if (request.url === `/Accounts/${accountSid}/Calls.json`) {
      if (refusal) {
        const { status, message } = refusal;
        refusal = undefined;
        return { status, body: { code: 21211, message } };
      }
      const callSid = `CA${(placed.length + 1).toString(16).padStart(32, 'd')}`;
      placed.push({ callSid, form });
      return { status: 201, body: { sid: callSid, status: 'queued' } };
    }
    const ended = new RegExp(`^/Accounts/${accountSid}/Calls/(CA[0-9a-f]{32})\\.json$`).exec(request.url ?? '')?.[1];
    if (!ended || form.get('Status') !== 'completed') return { status: 404, body: { code: 20404, message: 'not found' } };
    completed.push(ended);
    return { status: 200, body: { sid: ended, status: 'completed' } };
  };

  const server = createServer((request, response) => {
    answer(request).then(
      ({ status, body }) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    placed,
    completed,
    refuseNext: (status, message) => {
      refusal = { status, message };
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
