import { request } from 'node:http';
import { WebSocket } from 'ws';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Providers } from './providers.ts';
import { defaultScenario, type Fault } from './scenario.ts';
import { startProviders } from './server.ts';
import { Client, quiet, voiced } from './testing.ts';

let providers: Providers;
let clients: Client[] = [];

beforeAll(async () => {
  providers = await startProviders();
});
beforeEach(() => providers.tell(defaultScenario));
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  clients = [];
});
afterAll(() => providers.close());

function nova(): Client {
  const query = 'model=nova-3&encoding=mulaw&sample_rate=8000&interim_results=true&endpointing=300';
  const client = new Client(`${providers.urls.deepgram}/v1/listen?${query}`, { authorization: `Token ${providers.key}` });
  clients.push(client);
  return client;
}

function fault(more: Partial<Fault> & Pick<Fault, 'kind' | 'at'>): void {
  const one: Fault = { stage: 'transcriber', ...more };
  providers.tell({ faults: { deepgram: [one], cartesia: [one], openai: [one] } });
}

async function talking(): Promise<Client> {
  const client = await nova().opened();
  client.hear(voiced(1500));
  client.hear(quiet(400));
  return client;
}

const finals = (client: Client): unknown[] => client.of('Results').filter((message) => message.is_final);

describe('at connect', () => {
  test('reset: the connection goes', async () => {
    fault({ kind: 'reset', at: 'connect' });
    const client = nova();
    await client.until(() => client.failed);
    expect(client.failed?.error).toMatch(/ECONNRESET|hang up/);
  });

  test('status with Retry-After, once; then the next one is served', async () => {
    fault({ kind: 'status', at: 'connect', status: 429, retryAfterS: 3, times: 1 });
    const client = nova();
    await client.until(() => client.failed?.status);
    expect(client.failed).toMatchObject({ status: 429, headers: { 'retry-after': '3' } });
    expect(JSON.parse(client.failed?.body ?? '')).toMatchObject({ err_code: 'TOO_MANY_REQUESTS' });
    await nova().opened();
  });

  test('html: a web page where JSON belongs', async () => {
    fault({ kind: 'html', at: 'connect' });
    const client = nova();
    await client.until(() => client.failed?.status);
    expect(client.failed?.headers['content-type']).toContain('text/html');
    expect(client.failed?.body).toMatch(/^<!doctype html>/);
  });

  test('stall and trickle: the upgrade is not answered', async () => {
    for (const kind of ['stall', 'trickle'] as const) {
      fault({ kind, at: 'connect' });
      const client = nova();
      await client.until(() => providers.log.findLast((event) => event.event === 'fault')?.detail === kind);
      client.webSocket.terminate();
      await client.until(() => client.closed);
      expect(client.received).toEqual([]);
      expect(client.failed?.status).toBeUndefined();
    }
  });

  test.each([1000, 1006, 1011])('close %i right after the upgrade', async (code) => {
    fault({ kind: 'close', at: 'connect', code });
    const client = nova();
    await client.until(() => client.closed);
    expect(client.closed?.code).toBe(code);
  });

  test('error-message: the provider says it and closes', async () => {
    fault({ kind: 'error-message', at: 'connect' });
    const client = nova();
    await client.until(() => client.closed);
    expect(client.of('Error')[0]).toMatchObject({ variant: 'INTERNAL_SERVER_ERROR' });
    expect(client.closed?.code).toBe(1011);
  });
});

describe('in a stream', () => {
  test.each(['start', 'middle'] as const)('close at %s', async (at) => {
    fault({ kind: 'close', at, code: 1011 });
    const client = await talking();
    await client.until(() => client.closed);
    expect(client.closed?.code).toBe(1011);
    expect(client.of('Results')).toHaveLength(at === 'start' ? 0 : 2);
  });

  test('reset and 1006: no close frame', async () => {
    for (const one of [{ kind: 'reset' }, { kind: 'close', code: 1006 }] as const) {
      fault({ ...one, at: 'start' });
      const client = await talking();
      await client.until(() => client.closed);
      expect(client.closed?.code).toBe(1006);
    }
  });

  test('stall: nothing comes any more, the socket stays', async () => {
    fault({ kind: 'stall', at: 'middle' });
    const client = await talking();
    await client.until(() => providers.log.findLast((event) => event.event === 'final'));
    client.send({ type: 'Finalize' });
    client.webSocket.ping();
    await new Promise((resolve) => client.webSocket.once('pong', resolve));
    expect(client.of('Results')).toHaveLength(2);
    expect(client.closed).toBeUndefined();
  });

  test('trickle: a message that never ends', async () => {
    fault({ kind: 'trickle', at: 'middle' });
    const client = await talking();
    await client.until(() => providers.log.findLast((event) => event.event === 'final'));
    client.webSocket.ping();
    await new Promise((resolve) => client.webSocket.once('pong', resolve));
    expect(client.received).toHaveLength(2);
  });

  test('truncated-json: one message is cut, the next are whole', async () => {
    fault({ kind: 'truncated-json', at: 'middle' });
    const client = await talking();
    await client.until(() => finals(client)[0]);
    expect(client.received.filter((one) => one.json === undefined)).toHaveLength(1);
    expect(client.received[2]?.text?.startsWith('{"type":"Results"')).toBe(true);
  });

  test('error-message in the middle', async () => {
    fault({ kind: 'error-message', at: 'middle' });
    const client = await talking();
    await client.until(() => client.closed);
    expect(client.types().at(-1)).toBe('Error');
  });

  test('late, double, absent and empty finals', async () => {
    fault({ kind: 'late-final', at: 'start', delayMs: 500 });
    const late = await talking();
    const beganMs = performance.now();
    await late.until(() => finals(late)[0]);
    expect(performance.now() - beganMs).toBeGreaterThan(450);
    fault({ kind: 'duplicate-final', at: 'start' });
    const twice = await talking();
    await twice.until(() => finals(twice).length === 2);
    expect(finals(twice)[0]).toEqual(finals(twice)[1]);
    fault({ kind: 'no-final', at: 'start' });
    const never = await talking();
    await never.until(() => providers.log.filter((event) => event.event === 'voice-ended').length >= 3);
    never.send({ type: 'Finalize' });
    await never.until(() => finals(never)[0]);
    expect(finals(never)[0]).toMatchObject({ channel: { alternatives: [{ transcript: '' }] } });
    fault({ kind: 'empty', at: 'start' });
    const empty = await talking();
    await empty.until(() => finals(empty)[0]);
    expect(finals(empty)[0]).toMatchObject({ channel: { alternatives: [{ transcript: '' }] } });
  });

  test('share and times choose which streams are hit', async () => {
    fault({ kind: 'close', at: 'connect', share: 0.5, times: 3 });
    const outcomes: boolean[] = [];
    for (let n = 0; n < 16; n++) {
      const client = nova();
      await client.opened();
      if (client.webSocket.readyState === WebSocket.OPEN) client.send({ type: 'CloseStream' });
      await client.until(() => client.closed);
      outcomes.push(client.closed?.code === 1011);
    }
    expect(outcomes.filter(Boolean)).toHaveLength(3);
    expect(outcomes.slice(0, 4)).toContain(false);
  });
});

describe('a synthesizer', () => {
  const speech = (kind: Fault['kind'], at: Fault['at'] = 'start'): Promise<Client> => {
    fault({ kind, at, stage: 'synthesizer' });
    const client = new Client(`${providers.urls.cartesia}/tts/websocket`, {
      'x-api-key': providers.key,
      'cartesia-version': '2025-04-16',
    });
    clients.push(client);
    return client.opened().then(() => {
      client.send({
        model_id: 'sonic-3',
        transcript: 'x'.repeat(10),
        voice: { mode: 'id', id: 'v' },
        context_id: 'c',
        output_format: { container: 'raw', encoding: 'pcm_mulaw', sample_rate: 8000 },
      });
      return client;
    });
  };
  const sound = (client: Client): Buffer => Buffer.concat(client.of('chunk').map((chunk) => Buffer.from(String(chunk.data), 'base64')));

  test('wrong rate, silence, nothing, endless, error', async () => {
    const fast = await speech('wrong-rate');
    await fast.until(() => fast.of('done')[0]);
    expect(sound(fast).length).toBe(600 * 16);
    const mute = await speech('silence');
    await mute.until(() => mute.of('done')[0]);
    expect(sound(mute).equals(Buffer.alloc(600 * 8, 0xff))).toBe(true);
    const empty = await speech('empty');
    await empty.until(() => empty.of('done')[0]);
    expect(sound(empty)).toHaveLength(0);
    const endless = await speech('endless', 'middle');
    await endless.until(() => sound(endless).length > 900 * 8);
    expect(endless.of('done')).toEqual([]);
    const wrong = await speech('error-message', 'middle');
    await wrong.until(() => wrong.of('error')[0]);
    expect(wrong.of('chunk')).toHaveLength(2);
    expect(wrong.of('error')[0]).toMatchObject({ context_id: 'c', status_code: 500 });
  });
});

describe('over HTTP', () => {
  const body = JSON.stringify({ model: 'tts', voice: 'alloy', input: 'Hello there, caller.', response_format: 'pcm' });
  const ask = (): Promise<{ status?: number; headers?: NodeJS.Dict<string | string[]>; bytes: number; error?: string }> =>
    new Promise((resolve) => {
      const headers = { authorization: `Bearer ${providers.key}`, 'content-type': 'application/json' };
      const asked = request(`${providers.urls.openai}/v1/audio/speech`, { method: 'POST', headers, agent: false }, (response) => {
        let bytes = 0;
        const end = (error?: string): void => resolve({ status: response.statusCode, headers: response.headers, bytes, error });
        response.on('data', (part: Buffer) => {
          bytes += part.length;
        });
        response.on('end', () => end());
        response.on('error', (error) => end(String(error)));
      });
      asked.on('error', (error) => resolve({ bytes: 0, error: String(error) }));
      asked.end(body);
    });

  test('status, html, reset, a body that breaks off', async () => {
    fault({ kind: 'status', at: 'start', status: 429, retryAfterS: 2, stage: 'synthesizer' });
    expect(await ask()).toMatchObject({ status: 429, headers: { 'retry-after': '2' } });
    fault({ kind: 'html', at: 'connect', stage: 'synthesizer' });
    expect(await ask()).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
    fault({ kind: 'reset', at: 'connect', stage: 'synthesizer' });
    expect((await ask()).error).toMatch(/ECONNRESET|hang up/);
    fault({ kind: 'close', at: 'middle', code: 1006, stage: 'synthesizer' });
    const broken = await ask();
    expect(broken.status).toBe(200);
    expect(broken.error).toMatch(/aborted|ECONNRESET/);
  });

  test('the limit of requests a minute answers 429 with Retry-After', async () => {
    providers.tell({ limits: { streams: Infinity, requestsPerMinute: 1 } });
    await ask();
    const refused = await ask();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers?.['retry-after'])).toBeGreaterThan(0);
  });
});

test('the limit of streams answers 429 and frees with the close', async () => {
  providers.tell({ limits: { streams: 1, requestsPerMinute: Infinity } });
  const first = await nova().opened();
  const second = nova();
  await second.until(() => second.failed?.status);
  expect(second.failed?.status).toBe(429);
  first.send({ type: 'CloseStream' });
  await first.until(() => first.closed);
  const closed = (): boolean => providers.log.at(-1)?.event === 'closed';
  await first.until(() => closed() || undefined);
  await nova().opened();
});
