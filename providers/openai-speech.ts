/** OpenAI text to speech: `POST /v1/audio/speech`, here with `response_format: "pcm"`: 16 bits, 24,000 samples a second, as it is made. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sameKey } from './deepgram.ts';
import { httpOutlet } from './outlet.ts';
import type { Failure, Refusal, Route, RouteContext } from './route.ts';
import { Speaker } from './speaker.ts';

const INPUT_LIMIT = 4096;

function refuse(status: number, why: string): Refusal {
  const types: Readonly<Record<number, string>> = { 401: 'invalid_request_error', 429: 'requests', 400: 'invalid_request_error' };
  const codes: Readonly<Record<number, string>> = { 401: 'invalid_api_key', 429: 'rate_limit_exceeded' };
  return { status, body: { error: { message: why, type: types[status] ?? 'server_error', param: null, code: codes[status] ?? null } } };
}

function failure(): Failure {
  return { message: JSON.stringify(refuse(500, 'A scripted failure.').body), code: 1011 };
}

function admits(request: IncomingMessage, _url: URL, key: string): boolean {
  return sameKey(request.headers.authorization?.replace(/^bearer\s+/i, ''), key);
}

function wrongBody(body: { model?: unknown; input?: unknown; voice?: unknown; response_format?: unknown } | undefined): string | undefined {
  if (typeof body !== 'object' || body === null) return 'We could not parse the JSON body of your request.';
  for (const name of ['model', 'input', 'voice'] as const) {
    if (body[name] === undefined || body[name] === '') return `Missing required parameter: '${name}'.`;
  }
  if (typeof body.input !== 'string' || body.input.length > INPUT_LIMIT)
    return `'input' must be a string of at most ${INPUT_LIMIT} characters.`;
  return body.response_format === 'pcm' ? undefined : "Only response_format 'pcm' is spoken here.";
}

function speak(response: ServerResponse, context: RouteContext): void {
  const body = context.body as { input: string } | undefined;
  const wrong = wrongBody(body);
  if (wrong !== undefined || !body) {
    const refusal = refuse(400, wrong ?? '');
    response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(refusal.body));
    return;
  }
  const outlet = httpOutlet(response, context);
  const head = (): void => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'audio/pcm', 'transfer-encoding': 'chunked' });
  };
  const speaker = new Speaker(
    context,
    outlet,
    { encoding: 'pcm', rate: 24_000 },
    {
      piece: ({ sound }) => {
        head();
        outlet.result(sound);
      },
      idle: () => {
        head();
        if (outlet.isOpen) response.end();
      },
    },
  );
  context.signal.addEventListener('abort', () => speaker.stop(), { once: true });
  speaker.say(body.input);
}

export const openaiSpeechRoutes: readonly Route[] = [
  {
    path: /^\/v1\/audio\/speech$/,
    stage: 'synthesizer',
    admits,
    refuse,
    failure,
    http: (_request, response, context) => speak(response, context),
  },
];
