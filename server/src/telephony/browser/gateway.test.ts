import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type TalkSession, type TalkToBrowser, talkSession, talkToBrowser } from '@tandem/contract';
import { MediaPacer } from '#audio/pacer.ts';
import { testKit } from '#kit/testing.ts';
import type { GatewayContext, IncomingCall } from '../gateway.ts';
import { describeLeg, sweep } from '../leg.contract.ts';
import { connectionsTo, inPieces, overhear, passOn } from '../testing.ts';
import { BrowserGateway } from './gateway.ts';

const origin = 'https://voice.example.com';

function house() {
  const kit = testKit();
  const pacer = new MediaPacer(kit.clock, kit.log);
  const calls: IncomingCall[] = [];
  const context: GatewayContext = {
    kit,
    pacer,
    onCall: (call) => calls.push(call),
    whoAnswers: (to) => (to === 'assistant:demo' ? 'Ada' : undefined),
    publicUrl: origin,
    mediaUrl: 'ws://media.example.com',
  };
  const gateway = new BrowserGateway(context);
  const connect = connectionsTo(gateway);
  const ask = (body: unknown, change: { origin?: string; method?: string; path?: string; address?: string } = {}) =>
    gateway.request({
      method: change.method ?? 'POST',
      path: change.path ?? '/session',
      headers: { origin: change.origin ?? origin },
      body: JSON.stringify(body),
      remoteAddress: change.address ?? '192.0.2.1',
    });
  const session = async (): Promise<TalkSession> => talkSession.parse(JSON.parse((await ask({ assistant: 'demo' })).body));
  return { kit, pacer, calls, gateway, ask, session, connect, pass: (ms: number) => passOn(kit.clock, ms), page: new Page(connect) };
}

/** The page's half of the protocol. */
class Page {
  readonly told: TalkToBrowser[] = [];
  readonly heard: number[] = [];
  code: number | undefined;
  refused: number | undefined;
  #webSocket: WebSocket | undefined;
  readonly #connect: ReturnType<typeof connectionsTo>;

  constructor(connect: ReturnType<typeof connectionsTo>) {
    this.#connect = connect;
  }

  open(url: string, from: string = origin): void {
    const webSocket = new WebSocket(url, { perMessageDeflate: false, origin: from, createConnection: () => this.#connect() as never });
    this.#webSocket = webSocket;
    webSocket.on('error', () => {});
    webSocket.on('unexpected-response', (request, response) => {
      this.refused = response.statusCode;
      request.destroy();
    });
    webSocket.on('close', (code) => (this.code = code));
    webSocket.on('message', (data: Buffer, isBinary: boolean) => {
      if (!isBinary) this.told.push(talkToBrowser.parse(JSON.parse(data.toString())));
      else for (let at = 0; at < data.length; at += 2) this.heard.push(data.readInt16LE(at));
    });
  }

  tell(message: unknown): void {
    if (this.#webSocket?.readyState === WebSocket.OPEN) this.#webSocket.send(JSON.stringify(message));
  }

  speak(samples: ArrayLike<number>): void {
    const bytes = Buffer.alloc(2 * samples.length);
    for (let i = 0; i < samples.length; i++) bytes.writeInt16LE(samples[i], 2 * i);
    if (this.#webSocket?.readyState === WebSocket.OPEN) this.#webSocket.send(bytes);
  }

  close(code = 1000): void {
    this.#webSocket?.close(code);
  }

  cut(): void {
    this.#webSocket?.terminate();
  }

  /** Stops answering anything, pings included. */
  freeze(): void {
    this.#webSocket?.pause();
  }
}

async function connected({ recognises = false } = {}) {
  const all = house();
  const { token, url } = await all.session();
  all.page.open(url);
  await all.pass(20);
  all.page.tell({ type: 'hello', token, recognises });
  await all.pass(20);
  const leg = await all.calls[0].answer();
  await all.pass(10);
  return { ...all, leg };
}

describeLeg({
  name: 'browser',
  sendsDigits: false,
  async make() {
    const { leg, page, pass, kit, pacer, gateway } = await connected();
    let queue: number[] = [];
    let speaking = true;
    // The page's microphone: 20 ms at a time, silence included.
    const speak = () => {
      if (!speaking) return;
      const frame = new Int16Array(320);
      frame.set(queue.slice(0, 320));
      queue = queue.slice(320);
      page.speak(frame);
      kit.clock.after(20, speak);
    };
    speak();
    return {
      leg,
      far: {
        say: (sound) => queue.push(...sound),
        heard: () => Int16Array.from(page.heard),
        press: (digits) => {
          for (const digit of digits) page.tell({ type: 'digit', digit });
        },
        hangUp: () => page.tell({ type: 'hang-up' }),
        gone: () => page.code !== undefined,
      },
      pass,
      close: async () => {
        speaking = false;
        await Promise.all([gateway.stop(), pass(100)]);
        expect(pacer.size).toBe(0);
        expect(kit.clock.pending).toBe(0);
        expect(gateway.counters()['connections_open']).toBe(0);
      },
    };
  },
});

describe('a session', () => {
  test('is a one-time token for one assistant, on the media port', async () => {
    const { ask } = house();
    const answer = await ask({ assistant: 'demo' });
    expect(answer.status).toBe(201);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(JSON.parse(answer.body)).toEqual({
      token: expect.stringMatching(/^[0-9a-z]{32}$/) as string,
      url: 'ws://media.example.com/gateways/browser',
      assistantName: 'Ada',
    });
  });

  test('is refused with its reason', async () => {
    const { ask } = house();
    const codeOf = async (answer: ReturnType<typeof ask>) => {
      const { status, body } = await answer;
      return [status, (JSON.parse(body) as { code: string }).code];
    };
    expect(await codeOf(ask({ assistant: 'nobody' }))).toEqual([404, 'not-found']);
    expect(await codeOf(ask({}))).toEqual([422, 'invalid-input']);
    expect(await codeOf(ask({ assistant: 'demo' }, { origin: 'https://evil.example' }))).toEqual([403, 'forbidden']);
    expect(await codeOf(ask({ assistant: 'demo' }, { method: 'GET' }))).toEqual([405, 'bad-request']);
    expect(await codeOf(ask({ assistant: 'demo' }, { path: '/other' }))).toEqual([404, 'not-found']);
    for (let i = 0; i < 50; i++) await ask({ assistant: 'demo' }, { origin: 'http://localhost:5173' });
    expect(await codeOf(ask({ assistant: 'demo' }))).toEqual([429, 'rate-limited']);
    expect((await ask({ assistant: 'demo' }, { address: '192.0.2.2' })).status).toBe(201);
  });
});

describe('a browser call', () => {
  test('is a call to its assistant, and tells the page when it is answered', async () => {
    const { calls, page } = await connected();
    expect(calls[0]).toMatchObject({ gateway: 'browser', to: 'assistant:demo', from: 'browser' });
    expect(page.told).toEqual([{ type: 'answered', callId: calls[0].providerCallId }]);
  });

  test('of another site, or on another path, is refused before the handshake', async () => {
    const { page, pass, session, connect, gateway } = house();
    const { url } = await session();
    page.open(url, 'https://evil.example');
    await pass(20);
    expect(page.refused).toBe(403);
    const lost = new Page(connect);
    lost.open(`${url}/elsewhere`);
    await pass(20);
    expect(lost.refused).toBe(404);
    expect(gateway.counters()).toMatchObject({ origins_refused: 1, connections: 0 });
  });

  test('needs a token that was not used and is not older than 60 s', async () => {
    const { page, pass, session, connect, calls, gateway } = house();
    const { url, token } = await session();
    page.open(url);
    await pass(20);
    page.tell({ type: 'hello', token, recognises: false });
    await pass(20);
    const again = new Page(connect);
    again.open(url);
    await pass(20);
    again.tell({ type: 'hello', token, recognises: false });
    await pass(20);
    expect(again.told).toMatchObject([{ type: 'refused', code: 'signature-invalid' }]);
    expect(again.code).toBe(4403);
    const { token: old } = await session();
    await pass(60_000);
    const late = new Page(connect);
    late.open(url);
    await pass(20);
    late.tell({ type: 'hello', token: old, recognises: false });
    await pass(20);
    expect(late.code).toBe(4403);
    expect(calls).toHaveLength(1);
    expect(gateway.counters()['tokens_refused']).toBe(2);
  });

  test('that says nothing is closed after 5 s, that only says nonsense as well', async () => {
    const { page, pass, session, connect, kit } = house();
    const { url } = await session();
    page.open(url);
    const babbler = new Page(connect);
    babbler.open(url);
    await pass(20);
    for (let i = 0; i < 10; i++) babbler.tell({ type: 'nonsense' });
    await pass(20);
    expect(babbler.code).toBe(4400);
    await pass(5_000);
    expect(page.code).toBe(4408);
    expect(kit.clock.pending).toBe(0);
  });

  test('refused by us tells the page why', async () => {
    const { page, pass, session, calls } = house();
    const { url, token } = await session();
    page.open(url);
    await pass(20);
    page.tell({ type: 'hello', token, recognises: false });
    await pass(20);
    calls[0].refuse('capacity-reached');
    await pass(20);
    expect(page.told).toMatchObject([{ type: 'refused', code: 'capacity-reached' }]);
    expect(page.code).toBe(1000);
    expect(calls[0].signal.aborted).toBe(true);
  });

  test('brings typed and recognised words, shows captions, and says how it ended', async () => {
    const { leg, page, pass } = await connected({ recognises: true });
    const heard = overhear(leg);
    expect(leg.recognises).toBe(true);
    page.tell({ type: 'typed', text: 'When are you open?' });
    page.tell({ type: 'transcript', text: 'hello', final: true, confidence: 0.9 });
    page.tell({ type: 'played', ms: 120 });
    leg.caption({ party: 'assistant', turn: 1, text: 'From nine to five', final: true });
    await pass(40);
    expect(heard.typed).toEqual(['When are you open?']);
    expect(heard.recognised).toEqual([['hello', true, 0.9]]);
    await leg.hangUp({ by: 'assistant', reason: 'goodbye' });
    await pass(20);
    expect(page.told.slice(1)).toEqual([
      { type: 'caption', party: 'assistant', turn: 1, text: 'From nine to five', final: true },
      { type: 'ended', by: 'assistant', reason: 'goodbye' },
    ]);
    expect(page.code).toBe(1000);
  });

  test('does not believe transcripts of a page that said it has none', async () => {
    const { leg, page, pass } = await connected();
    const heard = overhear(leg);
    page.tell({ type: 'transcript', text: 'hello', final: true });
    await pass(40);
    expect(heard.recognised).toEqual([]);
    await leg.hangUp();
  });

  test('clears what the page has queued when the assistant is cut', async () => {
    const { leg, page, pass } = await connected();
    overhear(leg);
    const playout = leg.play(inPieces(sweep(leg, 2_000)));
    await pass(300);
    playout.stop();
    await pass(20);
    expect(page.told.at(-1)).toEqual({ type: 'clear' });
    await leg.hangUp();
  });

  test('that closes its page hung up; that breaks lost its signalling', async () => {
    const closed = await connected();
    const heard = overhear(closed.leg);
    closed.page.close(1001);
    await closed.pass(40);
    expect(heard.ended).toEqual(['hung-up']);

    const broken = await connected();
    const brokenHeard = overhear(broken.leg);
    broken.page.cut();
    await broken.pass(40);
    expect(brokenHeard.ended).toEqual(['signalling-lost']);
  });

  test('of a page that does not read loses sound, then ends after 5 s', async () => {
    const { leg, page, pass, gateway } = await connected();
    const heard = overhear(leg);
    page.freeze();
    const playout = leg.play(inPieces(sweep(leg, 20_000)));
    await pass(12_000);
    expect(heard.ended).toEqual(['media-lost']);
    expect((await playout.finished).how).toBe('stopped');
    await pass(100);
    expect(gateway.counters()['frames_dropped']).toBeGreaterThan(100);
    expect(gateway.counters()['connections_open']).toBe(0);
  });

  test('of a page that is silent but alive goes on: it answers pings', async () => {
    const { leg, pass } = await connected();
    const heard = overhear(leg);
    await pass(40_000);
    expect(heard.ended).toEqual([]);
    await leg.hangUp();
  });
});
