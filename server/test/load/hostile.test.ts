/**
 * Strangers at every open port while people talk: seeded noise and mutated messages, about 20,000 at each front, all on
 * the loopback. Nothing falls over, no live call loses sound, everything is counted, and afterwards a call is as usual.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SeededRandom } from '#kit/random.ts';
import { poll, TestLine } from '../interop/peers/line.ts';
import { ADMIN_KEY } from '../tandem-server.ts';
import { frame, handshake, many, mediaPacket, mutate, paced, sipMessage, tcp, throwAt, udpSources } from './hostile-input.ts';

const SEED = 4_475;
const MESSAGES = 20_000;
const PER_SECOND = 5_000;
const LIVE_CALLS = 3;
/** No live call is without sound for longer, beyond what the machine does to it in calm. */
const MAX_GAP_MS = 100;
/** Memory of the start is given back within this time. */
const SETTLE_MS = 18_000;
/** Garbage of the attacks is collected when the collector sees fit. */
const GIVE_BACK_MS = 75_000;
const MAX_RSS_GROWTH_MB = 60;
const CALLERS = fileURLToPath(new URL('./steady-callers.ts', import.meta.url));

interface Heard {
  packets: number;
  loud: number;
  lost: number;
  longestGapMs: number;
  ended: number;
}

/** Calls that go on in a process of their own. */
class Callers {
  ports: number[] = [];
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (!child.stdout) throw new Error('the callers have no output');
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static async place(line: TestLine, user: string, calls: number): Promise<Callers> {
    const plan = JSON.stringify({ server: line.target, user, calls });
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CALLERS, plan], { stdio: ['pipe', 'pipe', 'inherit'] });
    const callers = new Callers(child);
    callers.ports = ((await callers.#next()) as { ports: number[] }).ports;
    return callers;
  }

  /** What was heard since the last time. */
  async report(): Promise<Heard> {
    this.#child.stdin?.write('\n');
    return (await this.#next()) as Heard;
  }

  async hangUp(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin?.end();
    await gone;
  }

  async #next(): Promise<unknown> {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error('the callers are gone');
    return JSON.parse(value);
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

// Another process on the machine can stall a call, too: what an attack does, it does every time.
describe('strangers', { retry: 2 }, () => {
  const random = new SeededRandom(SEED);
  let line: TestLine;
  let callers: Callers;
  let rssBefore: number;
  let calmGapMs = 0;
  /** Connections to the HTTP port that hold still in the middle of a request. */
  let slowOnes: ReturnType<typeof tcp>[] = [];

  const rssMb = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${line.tandem.child.pid}/status`, 'utf8'))?.[1]) / 1024;
  const mediaPort = () => Number(new URL(line.tandem.mediaUrl).port);
  const httpPort = () => Number(new URL(line.tandem.url).port);
  /** A counter of a gateway, of the metrics. */
  const count = async (gateway: string, what: string): Promise<number> => {
    const metrics = await line.metrics();
    return (
      [...metrics].find(
        ([name]) => name.startsWith('tandem_gateway_count{') && name.includes(`gateway="${gateway}"`) && name.includes(`what="${what}"`),
      )?.[1] ?? 0
    );
  };
  /** Attacks; the calls go on as if nothing were. */
  const during = async (attack: () => Promise<void>): Promise<void> => {
    await callers.report();
    await attack();
    await pause(1_200); // counters come once a second
    const heard = await callers.report();
    expect(line.tandem.child.exitCode).toBe(null);
    expect(heard).toMatchObject({ ended: 0 });
    expect(heard.longestGapMs).toBeLessThanOrEqual(MAX_GAP_MS + calmGapMs);
    expect(heard.lost).toBeLessThanOrEqual(heard.packets / 100);
    const metrics = await line.metrics();
    expect(metrics.get('tandem_call_thread_faults')).toBe(0);
    expect(metrics.get('tandem_office_faults')).toBe(0);
  };

  /** What was edited reaches the call thread a moment later. */
  const answers = async (slug: string): Promise<void> => {
    const ask = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ assistant: slug }) };
    for (let i = 0; i < 100; i++) {
      if ((await fetch(`${line.tandem.url}/gateways/browser/session`, ask)).status === 201) return;
      await pause(50);
    }
    throw new Error(`nobody answers ${slug}`);
  };

  beforeAll(async () => {
    const env = { TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`, TWILIO_AUTH_TOKEN: 'a-token-of-nobody' };
    line = await TestLine.open({ sources: ['127.0.0.1'], env });
    const { id } = await line.addAssistant({ name: 'Patient', slug: 'patient', idleMs: 60_000 });
    await line.addNumber('patient', id);
    await answers('patient');
    callers = await Callers.place(line, 'patient', LIVE_CALLS);
    slowOnes = Array.from({ length: 200 }, () => tcp(httpPort()));
    for (const { socket } of slowOnes) socket.write('POST /api/v1/calls HTTP/1.1\r\nHost: x\r\n');
    await pause(SETTLE_MS);
    rssBefore = rssMb();
    calmGapMs = Math.max(0, (await callers.report()).longestGapMs - 40);
  });
  afterAll(async () => {
    await callers?.hangUp();
    await line?.close();
  });

  test('at SIP over UDP, from a trunk and from everywhere else', async () => {
    const trunk = await udpSources(['127.0.0.1']);
    const strangers = await udpSources(Array.from({ length: 60 }, (_, i) => `127.0.1.${i + 1}`));
    const before = { faults: await count('sip', 'sip_faults'), over: await count('sip', 'sip_over_limit') };
    await during(() =>
      paced(MESSAGES, PER_SECOND, (i) => {
        const [from, source] = i % 5 === 0 ? [trunk[0], '127.0.0.1'] : [strangers[random.below(strangers.length)], '127.0.1.1'];
        const text = sipMessage(random, 'UDP', `${source}:${from.address().port}`, i);
        const bytes =
          random.below(10) === 0 ? random.bytes(random.below(1_500)) : random.below(10) === 0 ? Buffer.from(text) : mutate(random, text);
        from.send(bytes.subarray(0, 9_000), line.tandem.sipPort, '127.0.0.1');
      }),
    );
    for (const socket of [...trunk, ...strangers]) socket.close();
    expect(await count('sip', 'sip_faults')).toBeGreaterThan(before.faults + 1_000);
    expect(await count('sip', 'sip_over_limit')).toBeGreaterThan(before.over + MESSAGES / 4);
    expect(await count('sip', 'calls_open')).toBe(LIVE_CALLS);
  });

  test('at SIP over TCP: pieces, endless headers, no line ends, a trickle', async () => {
    const before = await count('sip', 'tcp_faults');
    const port = line.tandem.sipPort;
    const inPieces = (index: number): (string | Uint8Array)[] =>
      Array.from({ length: 100 }, (_, i) => {
        const bytes = mutate(random, sipMessage(random, 'TCP', '127.0.0.1:9', index * 1_000 + i));
        const at = random.below(bytes.length);
        return [bytes.subarray(0, at), bytes.subarray(at)];
      }).flat();
    await during(async () => {
      await Promise.all([
        many(100, 20, async (i) => void (await throwAt(port, inPieces(i), { from: i % 2 === 0 ? '127.0.0.1' : '127.0.2.1' }))),
        many(
          20,
          10,
          async () =>
            void (await throwAt(port, [
              'OPTIONS sip:nobody@127.0.0.1 SIP/2.0\r\n',
              ...Array<string>(200).fill(`X: ${'a'.repeat(2_000)}\r\n`),
            ])),
        ),
        many(20, 10, async () => void (await throwAt(port, Array<string>(200).fill('no line end '.repeat(100))))),
        many(
          40,
          40,
          async (i) =>
            void (await throwAt(
              port,
              sipMessage(random, 'TCP', '127.0.0.1:9', 1e6 + i)
                .slice(0, 150)
                .split(''),
              { eachMs: 20 },
            )),
        ),
      ]);
    });
    expect(await count('sip', 'tcp_faults')).toBeGreaterThan(before);
    expect(await count('sip', 'calls_open')).toBe(LIVE_CALLS);
  });

  test('at the RTP and RTCP ports of the live calls', async () => {
    const sources = await udpSources(['127.0.0.1', '127.0.0.2', '127.0.3.3']);
    const before = await count('sip', 'rtp_foreign_packets');
    await during(() =>
      paced(MESSAGES, PER_SECOND, (i) => {
        const port = callers.ports[i % callers.ports.length] + random.below(2);
        sources[random.below(sources.length)].send(mediaPacket(random, i), port, '127.0.0.1');
      }),
    );
    for (const socket of sources) socket.close();
    expect(await count('sip', 'rtp_foreign_packets')).toBeGreaterThan(before + MESSAGES / 10);
  });

  test('at the media port: noise, WebSockets without a token, giant frames, crumbs, pings, slow hands', async () => {
    const port = mediaPort();
    const before = { malformed: await count('media', 'malformed'), signatures: await count('twilio', 'signatures_refused') };
    const open = handshake('/gateways/browser');
    const hello = frame(1, Buffer.from(JSON.stringify({ type: 'hello', token: 'guess', recognises: true })));
    const attacks: (() => (string | Uint8Array)[])[] = [
      () => [random.bytes(1 + random.below(500))],
      () => [mutate(random, handshake('/gateways/browser'))],
      () => ['GET / HTTP/1.1\r\n', ...Array<string>(100).fill(`x: ${'y'.repeat(300)}\r\n`)],
      () => [handshake('/gateways/twilio/media', ['X-Twilio-Signature: bm9ib2R5'])],
      () => [handshake(`/gateways/${'../'.repeat(random.below(50))}etc/passwd`)],
      () => [open, hello],
      () => [open, frame(2, random.bytes(640), { claims: 2 ** 40 })],
      () => [open, frame(2, Buffer.alloc(100_000))],
      () => [open, Buffer.concat(Array.from({ length: 200 }, (_, i) => frame(i === 0 ? 2 : 0, Buffer.alloc(1), { fin: false })))],
      () => [open, Buffer.concat(Array.from({ length: 3_000 }, () => frame(9, Buffer.alloc(125))))],
      () => [open, Buffer.concat(Array.from({ length: 500 }, () => frame(1, Buffer.from('{"type":"typed"'))))],
      () => [open, frame(1, Buffer.from('['.repeat(30_000))), frame(random.below(16), random.bytes(50), { masked: false })],
    ];
    await during(async () => {
      const slow = Array.from({ length: 100 }, () => tcp(port));
      for (const { socket } of slow) socket.write('GET /gateways/browser HTTP/1.1\r\n');
      await many(1_200, 40, async (i) => void (await throwAt(port, attacks[i % attacks.length](), { withinMs: 60 })));
      for (const { socket } of slow) socket.write('X: 1\r\n');
      // Whoever has not asked for an upgrade in time is gone.
      await Promise.race([
        Promise.all(slow.map(({ closed }) => closed)),
        pause(9_000).then(() => Promise.reject(new Error('slow connections are kept'))),
      ]);
    });
    expect(await count('media', 'malformed')).toBeGreaterThan(before.malformed + 100);
    expect(await count('twilio', 'signatures_refused')).toBeGreaterThanOrEqual(before.signatures + 100);
    expect(await count('browser', 'tokens_refused')).toBeGreaterThanOrEqual(90);
    expect(await count('browser', 'connections_open')).toBe(0);
  });

  test('at the HTTP port: malformed requests, giant headers, deep JSON, every route with every kind of body', async () => {
    const port = httpPort();
    const { paths } = await line.tandem.api<{ paths: Record<string, Record<string, unknown>> }>('/openapi.json');
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ path: path.replace(/\{[^}]+\}/g, 'x'), method })),
    );
    expect(routes.length).toBeGreaterThan(20);
    const deep = '['.repeat(50_000);
    const bodies: [type: string, body: string][] = [
      ['application/json', deep],
      ['application/json', `{"name":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`],
      ['application/json', '{"__proto__":{"x":1},"constructor":{"prototype":{}}}'],
      ['application/json', '{"name":"\\u0000","slug":"\\ud800"}'],
      ['application/json', 'x'.repeat(300_000)],
      ['application/x-www-form-urlencoded', 'a=b&'.repeat(5_000)],
      ['multipart/form-data; boundary=x', '--x\r\n\r\n'],
      ['text/xml', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
      ['', 'nothing'],
    ];
    const statuses = new Map<number, number>();
    let address = 0;
    await during(async () => {
      await many(
        1_000,
        20,
        async () =>
          void (await throwAt(
            port,
            [mutate(random, 'GET /api/v1/calls HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc')],
            { withinMs: 30 },
          )),
      );
      await many(
        200,
        20,
        async () =>
          void (await throwAt(port, ['GET / HTTP/1.1\r\n', ...Array<string>(30).fill(`x: ${'y'.repeat(4_000)}\r\n`)], { withinMs: 30 })),
      );
      const asked = routes
        .filter(({ path }) => !path.endsWith('/session'))
        .flatMap((route) => bodies.flatMap(([type, body]) => [true, false].map((known) => ({ ...route, type, body, known }))));
      await many(asked.length, 8, async (i) => {
        const { path, method, type, body, known } = asked[i];
        const hasBody = method !== 'get' && method !== 'head';
        const headers: Record<string, string> = { 'x-forwarded-for': `10.0.${(address >> 8) & 255}.${address++ & 255}` };
        if (known) headers['authorization'] = `Bearer ${ADMIN_KEY}`;
        if (hasBody && type !== '') headers['content-type'] = type;
        const response = await fetch(`${line.tandem.url}${path}`, {
          method: method.toUpperCase(),
          headers,
          body: hasBody ? body : undefined,
          signal: AbortSignal.timeout(10_000),
        }).catch(() => undefined);
        await response?.arrayBuffer().catch(() => {});
        const status = response?.status ?? 0;
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      });
    });
    // Whoever did not get a request's head across in 10 s is gone.
    expect(slowOnes.filter(({ socket }) => !socket.destroyed)).toEqual([]);
    // Nothing of it is a fault of ours: whatever arrives is refused with its reason.
    expect([...statuses.keys()].filter((status) => status >= 500 && status !== 503)).toEqual([]);
    expect((statuses.get(401) ?? 0) + (statuses.get(415) ?? 0) + (statuses.get(400) ?? 0) + (statuses.get(422) ?? 0)).toBeGreaterThan(100);
  });

  test('leave nothing: memory is as before, nothing was complained of, and a call is as usual', { timeout: 120_000 }, async () => {
    await poll(() => rssMb() - rssBefore <= MAX_RSS_GROWTH_MB, `at most ${MAX_RSS_GROWTH_MB} MB more than ${rssBefore} MB`, GIVE_BACK_MS);
    const complaints = line.tandem
      .output()
      .split('\n')
      .filter((text) => /"level":"error"|unhandled|nobody caught/i.test(text));
    expect(complaints).toEqual([]);
    const caller = await Callers.place(line, line.number, 1);
    await pause(2_000);
    const heard = await caller.report();
    await caller.hangUp();
    expect(heard.packets).toBeGreaterThan(80);
    expect(heard.loud).toBeGreaterThan(20);
    const call = await line.ended(line.number);
    expect(call.ending).toEqual({ by: 'caller', reason: 'hung-up' });
  });
});
