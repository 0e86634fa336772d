import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import { VendorError } from '#kit/errors.ts';
import { Egress, type EgressOptions } from './egress.ts';
import { addressFault, parseExceptions } from './egress-rules.ts';

const clock = new SystemClock();
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A listener that counts who connects. */
async function canary(answer: http.RequestListener = (_request, response) => response.end('canary')) {
  const sockets = new Set<Socket>();
  const server = http.createServer(answer);
  let connections = 0;
  server.on('connection', (socket) => {
    connections++;
    sockets.add(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  const { port } = server.address() as AddressInfo;
  return { port, connections: () => connections };
}

function egress(options: Partial<EgressOptions> = {}): Egress {
  const made = new Egress({ clock, ownAddresses: () => [], ...options });
  closing.push(() => made.close());
  return made;
}

const get = (from: Egress, url: string, headers = {}) => from.send({ method: 'GET', url, headers, deadlineMs: 2_000 });
const refusal = async (work: Promise<unknown>): Promise<VendorError> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(VendorError);
  return error as VendorError;
};

describe('what no tool may reach', () => {
  const literals = [
    '127.0.0.1',
    '127.1',
    '2130706433', // decimal
    '0x7f000001',
    '0x7f.0.0.1',
    '0177.0.0.1', // octal
    '017700000001',
    '127.0.0.1.', // trailing dot
    '１２７.0.0.1', // full-width digits
    '0.0.0.0',
    '0',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254', // metadata services
    '100.64.0.1', // carrier NAT
    '192.0.0.192',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]', // IPv4-compatible
    '[0:0:0:0:0:ffff:a9fe:a9fe]',
    '[64:ff9b::7f00:1]', // NAT64
    '[64:ff9b:1::a9fe:a9fe]',
    '[2002:7f00:1::]', // 6to4
    '[2001:0:53aa:64c:0:0:80ff:fffe]', // Teredo
    '[fe80::1]',
    '[fec0::1]',
    '[fc00::1]',
    '[fd12:3456::1]',
    '[fd00:ec2::254]', // metadata service over IPv6
    '[ff02::1]',
    '[2001:db8::1]',
    '[100::1]',
  ];
  test.each(literals)('%s', async (host) => {
    const { port, connections } = await canary();
    const out = egress({ ports: [port] });
    const error = await refusal(get(out, `http://${host}:${port}/`));
    expect(error.category).toBe('bad-input');
    expect(connections()).toBe(0);
  });

  test.each([
    ['localhost', ['127.0.0.1']],
    ['localhost.', ['127.0.0.1']],
    ['127.0.0.1.nip.example', ['127.0.0.1']],
    ['mixed.example', ['93.184.215.14', '10.0.0.1']],
    ['six.example', ['::ffff:10.0.0.1']],
    ['zone.example', ['fe80::1%eth0']],
    ['odd.example', ['not an address']],
  ])('the name %s that resolves to %s', async (host, addresses) => {
    const { port, connections } = await canary();
    const out = egress({ ports: [port], resolve: async () => addresses });
    expect((await refusal(get(out, `http://${host}:${port}/`))).category).toBe('bad-input');
    expect(connections()).toBe(0);
  });

  test.each([
    ['gopher://93.184.215.14/', 'not http'],
    ['file:///etc/passwd', 'not http'],
    ['http://93.184.215.14:22/', 'port 22'],
    ['http://93.184.215.14:6379/', 'port 6379'],
    ['http://user:word@93.184.215.14/', 'name or password'],
    ['http://93.184.215.14@127.0.0.1/', 'name or password'],
    ['http://', 'could not be read'],
  ])('%s', async (url, why) => {
    expect((await refusal(get(egress(), url))).message).toContain(why);
  });

  test('a public address of this machine', async () => {
    const out = egress({ ownAddresses: () => ['93.184.215.14'], resolve: async () => ['93.184.215.14'] });
    expect((await refusal(get(out, 'http://us.example/'))).message).toContain('this machine');
  });

  test('public addresses are accepted', () => {
    const none = parseExceptions('');
    for (const address of ['93.184.215.14', '8.8.8.8', '2606:2800:21f:cb07::1', '2a00:1450:4001::1'])
      expect(addressFault(address, none)).toBeUndefined();
  });
});

describe('redirects and rebinding', () => {
  test('a redirect to the metadata service is refused', async () => {
    const { port } = await canary((_request, response) =>
      response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
    );
    const error = await refusal(get(egress({ allow: `127.0.0.1:${port}` }), `http://127.0.0.1:${port}/`));
    expect(error.message).toBe('169.254.169.254: an address of the kind linkLocal is not allowed');
  });

  test('a redirect to another port of an allowed host is refused', async () => {
    const inner = await canary();
    const { port } = await canary((_request, response) => response.writeHead(307, { location: `http://127.0.0.1:${inner.port}/` }).end());
    await refusal(get(egress({ allow: `127.0.0.1:${port}`, ports: [inner.port] }), `http://127.0.0.1:${port}/`));
    expect(inner.connections()).toBe(0);
  });

  test('a resolver that changes its mind: the checked address is the one that is connected to', async () => {
    const inner = await canary();
    // Nobody listens at 127.0.0.2, which the operator allows here; the canary sits at 127.0.0.1, which nobody allows.
    const answers = [['127.0.0.2'], ['127.0.0.1']];
    let asked = 0;
    const out = egress({ allow: '127.0.0.2/32', ports: [inner.port], resolve: async () => answers[Math.min(asked++, 1)] });
    expect((await refusal(get(out, `http://flip.example:${inner.port}/`))).category).toBe('permanent');
    expect(asked).toBe(1);
    await refusal(get(out, `http://flip.example:${inner.port}/`));
    expect(inner.connections()).toBe(0);
  });

  test('at most three, and no credential goes to another origin', async () => {
    const seen: http.IncomingHttpHeaders[] = [];
    const other = await canary((request, response) => {
      seen.push(request.headers);
      response.end('there');
    });
    const { port } = await canary((request, response) => {
      const left = Number(request.url?.slice(1));
      const location = left > 0 ? `/${left - 1}` : `http://127.0.0.1:${other.port}/`;
      response.writeHead(302, { location }).end();
    });
    const out = egress({ allow: `127.0.0.1:${port},127.0.0.1:${other.port}` });
    const answer = await get(out, `http://127.0.0.1:${port}/2`, { authorization: 'Bearer key', 'x-api-key': 'key', accept: 'text/plain' });
    expect(answer.body.toString()).toBe('there');
    expect(seen[0]).toMatchObject({ accept: 'text/plain' });
    expect(seen[0].authorization ?? seen[0]['x-api-key']).toBeUndefined();
    expect((await refusal(get(out, `http://127.0.0.1:${port}/3`))).message).toContain('too often');
    const body = out.send({ method: 'POST', url: `http://127.0.0.1:${port}/0`, body: 'x', deadlineMs: 1_000 });
    expect((await body).body.toString()).toBe('there');
    expect(seen).toHaveLength(2);
  });

  test('a body is not carried to another host', async () => {
    const other = await canary();
    const { port } = await canary((_request, response) => response.writeHead(308, { location: `http://127.0.0.1:${other.port}/` }).end());
    const out = egress({ allow: `127.0.0.1:${port},127.0.0.1:${other.port}` });
    await refusal(out.send({ method: 'POST', url: `http://127.0.0.1:${port}/`, body: 'secret', deadlineMs: 1_000 }));
    expect(other.connections()).toBe(0);
  });
});

describe('bounds', () => {
  test('an endless body is cut at 256 kB and the connection closed', async () => {
    let closed = false;
    const { port } = await canary((request, response) => {
      request.socket.once('close', () => (closed = true));
      const more = () => {
        while (response.write(Buffer.alloc(65_536, 'x')));
        response.once('drain', more);
      };
      more();
    });
    const answer = await get(egress({ allow: `127.0.0.1:${port}` }), `http://127.0.0.1:${port}/`);
    expect(answer.truncated).toBe(true);
    expect(answer.body.length).toBe(256 * 1024);
    await expect.poll(() => closed).toBe(true);
  });

  test('a server that never answers, trickles, or sends endless headers does not hold anybody up', async () => {
    const silent = await canary(() => {});
    const trickle = await canary((_request, response) => void response.write('x'));
    const heads = await canary((_request, response) => response.writeHead(200, { 'x-long': 'x'.repeat(20_000) }).end());
    const out = egress({ allow: [silent, trickle, heads].map(({ port }) => `127.0.0.1:${port}`).join(',') });
    for (const { port } of [silent, trickle]) {
      const error = await refusal(out.send({ method: 'GET', url: `http://127.0.0.1:${port}/`, deadlineMs: 100 }));
      expect(error).toMatchObject({ category: 'retryable' });
      expect(error.message).toContain('did not answer in time');
    }
    expect((await refusal(get(out, `http://127.0.0.1:${heads.port}/`))).category).toBe('retryable');
  });

  test('what surely was not sent is told apart from what may have been', async () => {
    const gone = await canary((request) => request.socket.destroy());
    const out = egress({ allow: `127.0.0.1:${gone.port},127.0.0.1:1`, resolve: () => Promise.reject(new Error('no such name')) });
    expect((await refusal(get(out, 'http://127.0.0.1:1/'))).category).toBe('permanent');
    expect((await refusal(get(out, 'http://nowhere.example/'))).category).toBe('permanent');
    expect((await refusal(get(out, `http://127.0.0.1:${gone.port}/`))).category).toBe('retryable');
  });

  test('the signal stops it at once', async () => {
    const silent = await canary(() => {});
    const stop = new AbortController();
    const work = egress({ allow: `127.0.0.1:${silent.port}` }).send({
      method: 'GET',
      url: `http://127.0.0.1:${silent.port}/`,
      deadlineMs: 60_000,
      signal: stop.signal,
    });
    setTimeout(() => stop.abort(), 30);
    await refusal(work);
  });

  test('messages never hold a path, a query or a header', async () => {
    const gone = await canary((request) => request.socket.destroy());
    const out = egress({ allow: `127.0.0.1:${gone.port}` });
    const error = await refusal(get(out, `http://127.0.0.1:${gone.port}/secret-path?key=secret-query`, { authorization: 'secret-header' }));
    expect(error.message).not.toContain('secret');
  });
});

describe('the operator', () => {
  test('allows hosts with a port and ranges', async () => {
    const { port } = await canary();
    expect((await get(egress({ allow: `127.0.0.1:${port}` }), `http://127.0.0.1:${port}/`)).body.toString()).toBe('canary');
    const ranged = egress({ allow: '127.0.0.0/8, ::1/128', ports: [port] });
    expect((await get(ranged, `http://127.0.0.1:${port}/`)).status).toBe(200);
    const named = egress({ allow: `crm.internal:${port}`, resolve: async () => ['127.0.0.1'] });
    expect((await get(named, `http://crm.internal:${port}/`)).status).toBe(200);
    await refusal(get(named, `http://other.internal:${port}/`));
  });

  test('is told of an entry that cannot be read', () => {
    for (const list of ['10.0.0.0', 'http://crm.internal', 'crm.internal', '10.0.0.0/99'])
      expect(() => new Egress({ clock, allow: list })).toThrow(expect.objectContaining({ code: 'setting-invalid' }));
  });
});
