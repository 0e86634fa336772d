import { afterEach, describe, expect, test } from 'vitest';
import { CollectedValues } from './collected-values.ts';
import { checkHttpTool, httpTool } from './http-tool.ts';
import { definitionOf, toolContext, WebService } from './testing.ts';
import { argumentsSchema } from './tool-schema.ts';

let service: WebService;
afterEach(() => service?.close());

const ok = (body: string, type = 'application/json') =>
  WebService.open((_request, response) => response.writeHead(200, { 'content-type': type }).end(body)).then((opened) => (service = opened));

const order = {
  type: 'object',
  properties: { order: { type: 'string' }, note: { type: 'string' }, count: { type: 'integer' } },
  required: ['order'],
};
const run = (definition: Record<string, unknown>, input: unknown, collected?: CollectedValues) =>
  httpTool(definitionOf({ parameters: order, ...definition }), { egress: service.egress, collected }).run(input, toolContext());

describe('a request', () => {
  test('arguments, secrets and the idempotency key are filled in where they belong', async () => {
    await ok('{"state":"sent"}');
    const result = await run(
      {
        method: 'POST',
        url: `${service.url}/orders/{{order}}?q={{note}}&k={{secret:KEY}}`,
        headers: { Authorization: 'Bearer {{secret:KEY}}', 'X-Note': '{{note}}' },
        body: '{"note":"{{note}}","count":{{count}},"once":"{{idempotencyKey}}","missing":{{order}}}',
        secrets: { KEY: 'k&y/1 2' },
      },
      { order: 'A/7 ?x=1', note: 'say "hi"\r\nX-Evil: 1 {{secret:KEY}} é', count: 3 },
    );
    expect(result).toEqual({ state: 'sent' });
    const [seen] = service.seen;
    expect(seen.url).toBe(
      '/orders/A%2F7%20%3Fx%3D1?q=say%20%22hi%22%0D%0AX-Evil%3A%201%20%7B%7Bsecret%3AKEY%7D%7D%20%C3%A9&k=k%26y%2F1%202',
    );
    expect(seen.headers).toMatchObject({
      authorization: 'Bearer k&y/1 2',
      'x-note': 'say "hi" X-Evil: 1 {{secret:KEY}} %C3%A9',
      'idempotency-key': 'call_1:1:tool:abc',
      'content-type': 'application/json',
    });
    expect(seen.headers['x-evil']).toBeUndefined();
    expect(JSON.parse(seen.body)).toEqual({
      note: 'say "hi"\r\nX-Evil: 1 {{secret:KEY}} é',
      count: 3,
      once: 'call_1:1:tool:abc',
      missing: 'A/7 ?x=1',
    });
  });

  test('without a body template the arguments are the body; a form and XML escape for themselves', async () => {
    await ok('done', 'text/plain');
    expect(await run({ method: 'PUT', url: `${service.url}/` }, { order: '7' })).toBe('done');
    await run(
      { method: 'POST', url: `${service.url}/`, headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'order={{order}}' },
      { order: 'a&b=c' },
    );
    await run(
      { method: 'POST', url: `${service.url}/`, headers: { 'content-type': 'text/xml' }, body: '<o>{{order}}</o>' },
      { order: '</o><evil/>' },
    );
    expect(service.seen.map(({ body }) => body)).toEqual(['{"order":"7"}', 'order=a%26b%3Dc', '<o>&lt;/o&gt;&lt;evil/&gt;</o>']);
  });

  test('a read-only tool sends no idempotency key and no body', async () => {
    await ok('{}');
    await run({ url: `${service.url}/{{order}}`, sideEffect: false }, { order: '7' });
    expect(service.seen[0].headers['idempotency-key']).toBeUndefined();
    expect(service.seen[0].headers['content-length']).toBeUndefined();
  });

  test.each(['..', '.', '%2e%2e', '../admin'])('an argument cannot leave its place: %s', async (value) => {
    await ok('{}');
    const work = run({ url: `${service.url}/orders/{{order}}/lines` }, { order: value });
    if (value === '..' || value === '.') await expect(work).rejects.toMatchObject({ category: 'bad-input' });
    else await work;
    for (const { url } of service.seen) expect(url).toMatch(/^\/orders\/[^/]+\/lines$/);
  });
});

describe('an answer', () => {
  test('of 10 MB is cut with a note and never read to its end', async () => {
    let sent = 0;
    service = await WebService.open((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const piece = `"${'x'.repeat(65_534)}"`;
      const more = () => {
        while (sent < 10_000_000) {
          sent += piece.length;
          if (response.write(piece)) continue;
          response.once('drain', more);
          return;
        }
        response.end();
      };
      more();
    });
    const result = (await run({ url: service.url }, { order: '7' })) as { note: string; text: string };
    expect(result.note).toContain('too long');
    expect(result.text.length).toBe(8_192);
    expect(sent).toBeLessThan(10_000_000);
  });

  test('that is long but not endless is cut to 8 kB', async () => {
    await ok(JSON.stringify({ list: Array.from({ length: 2_000 }, (_, index) => `item ${index}`) }));
    expect(JSON.stringify(await run({ url: service.url }, { order: '7' })).length).toBeLessThan(10_000);
  });

  test('with an error status is a failure with a short text', async () => {
    service = await WebService.open(({ url }, response) =>
      response
        .writeHead(Number(url.slice(1)), { 'content-type': 'text/html' })
        .end(`<html><head><title>x</title></head><p>No such order ${'y'.repeat(1_000)}</p></html>`),
    );
    for (const [status, category] of [
      ['404', 'bad-input'],
      ['401', 'auth'],
      ['429', 'rate-limited'],
      ['500', 'retryable'],
    ]) {
      const error = await run({ url: `${service.url}/${status}` }, { order: '7' }).catch((thrown: unknown) => thrown as Error);
      expect(error).toMatchObject({ category });
      expect((error as Error).message).toContain(`look_up_order: answered ${status}: No such order`);
      expect((error as Error).message.length).toBeLessThan(260);
    }
  });

  test('that is not what its type says is passed on as text', async () => {
    await ok('{"order": ');
    expect(await run({ url: service.url }, { order: '7' })).toBe('{"order":');
  });

  test('brings no secret back, in any spelling', async () => {
    const secret = 's3cr&t "key" 0123456789';
    const spellings = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64'), JSON.stringify(secret)];
    service = await WebService.open(({ url }, response) => {
      const status = url.startsWith('/bad') ? 400 : 200;
      if (url.includes('text')) response.writeHead(status, { 'content-type': 'text/plain' }).end(spellings.join(' | '));
      else
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ echo: spellings, [secret]: 1, pin: 4711 }));
    });
    const collected = new CollectedValues();
    const reference = collected.keep('4711');
    const definition = { headers: { authorization: '{{secret:KEY}}' }, secrets: { KEY: secret }, url: `${service.url}/good` };
    const told: string[] = [];
    for (const path of ['good', 'text', 'bad', 'bad-text'])
      told.push(
        await run({ ...definition, url: `${service.url}/${path}?pin={{order}}` }, { order: reference }, collected).then(
          (result) => JSON.stringify(result),
          (error: Error) => error.message,
        ),
      );
    expect(service.seen[0].url).toBe('/good?pin=4711');
    expect(service.seen[0].headers.authorization).toBe(secret);
    for (const text of told) {
      for (const spelling of ['s3cr', '0123456789', Buffer.from(secret).toString('base64'), '4711']) expect(text).not.toContain(spelling);
      expect(text).toContain('***');
    }
  });
});

describe('reconciling', () => {
  test('asks with GET whether it happened', async () => {
    service = await WebService.open(({ url }, response) => {
      const status = Number(url.split('/')[1]);
      response.writeHead(status).end(status === 200 ? '{"booked":true}' : '');
    });
    const states: unknown[] = [];
    for (const status of [200, 404, 503]) {
      const tool = httpTool(
        definitionOf({ method: 'POST', url: service.url, reconcileUrl: `${service.url}/${status}/{{idempotencyKey}}` }),
        { egress: service.egress },
      );
      states.push(await tool.reconcile?.({}, toolContext()));
    }
    expect(states).toEqual([{ state: 'done', result: { booked: true } }, { state: 'not-done' }, { state: 'unknown' }]);
    expect(service.seen[0]).toMatchObject({ method: 'GET', url: '/200/call_1%3A1%3Atool%3Aabc' });
  });
});

describe('a definition that could never work is refused when it is written', () => {
  const faults: [string, Record<string, unknown>][] = [
    ['neither an argument nor a secret', { url: 'https://a.example/{{who}}' }],
    ['no secret TOKEN', { url: 'https://a.example/', headers: { authorization: '{{secret:TOKEN}}' } }],
    ['host of an address must be written out', { url: 'https://{{order}}.example/', parameters: order }],
    ['host of an address must be written out', { url: 'https://a.example', reconcileUrl: 'https://{{secret:H}}/', secrets: { H: 'x' } }],
    ['name or password', { url: 'https://me:word@a.example/' }],
    ['not JSON', { url: 'https://a.example/', method: 'POST', body: '{"a": oops}' }],
    ['control character', { url: 'https://a.example/', secrets: { KEY: 'a\r\nb' } }],
    ['"type": "object"', { url: 'https://a.example/', parameters: { type: 'string' } }],
    [
      'another document',
      { url: 'https://a.example/', parameters: { type: 'object', properties: { a: { $ref: 'https://b.example/schema.json' } } } },
    ],
    ['Reference not found', { url: 'https://a.example/', parameters: { type: 'object', properties: { a: { $ref: '#/$defs/none' } } } }],
    ['not supported', { url: 'https://a.example/', parameters: { type: 'object', properties: { a: {} }, if: {} } }],
    [
      'pattern at',
      { url: 'https://a.example/', parameters: { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } } },
    ],
  ];
  test.each(faults)('%s', (message, definition) => {
    expect(() => checkHttpTool(definitionOf(definition))).toThrow(
      expect.objectContaining({ code: 'invalid-input', message: expect.stringContaining(message) }),
    );
  });

  test('ordinary schemas check their arguments', () => {
    const schema = argumentsSchema({
      type: 'object',
      properties: { pattern: { type: 'string', pattern: '^[A-Z]{2}-\\d{4}$' }, size: { enum: ['s', 'm'] }, when: { $ref: '#/$defs/day' } },
      required: ['pattern'],
      $defs: { day: { type: 'string', format: 'date' } },
    });
    expect(schema.safeParse({ pattern: 'AB-1234', size: 'm', when: '2026-03-01' }).success).toBe(true);
    for (const input of [{}, { pattern: 'x' }, { pattern: 'AB-1234', size: 'xl' }, { pattern: 'AB-1234', when: 'soon' }])
      expect(schema.safeParse(input).success).toBe(false);
    expect(() => argumentsSchema({ type: 'object', properties: { a: { type: 'string', pattern: '(a|b)*' } } }, 'lenient')).not.toThrow();
  });

  test.each([
    ['^[A-Z]{2}-?\\d{4,6}$', true],
    ['^\\+?[0-9 ]+$', true],
    ['[a-z\\-]{3}', true],
    ['^(a+)+$', false],
    ['a|b', false],
    ['(?=a)b', false],
    ['a?a?a?a?aaaa', false],
    ['^a{0,99}a{0,99}a{0,99}b', false],
    ['.*a.*b.*c', false],
    ['[', false],
    ['\\1', false],
  ])('the pattern %s is run: %s', (pattern, run) => {
    const check = () => argumentsSchema({ type: 'object', properties: { a: { type: 'string', pattern } } });
    if (run) expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ code: 'invalid-input' }));
  });
});
