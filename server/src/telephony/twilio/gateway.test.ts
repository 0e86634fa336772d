import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { MediaPacer } from '#audio/pacer.ts';
import { testKit } from '#kit/testing.ts';
import { sign, TwilioCaller } from '../../../test/twilio-caller.ts';
import type { GatewayContext, IncomingCall } from '../gateway.ts';
import { describeLeg, sweep } from '../leg.contract.ts';
import { connectionsTo, inPieces, overhear, passOn } from '../testing.ts';
import { TwilioGateway } from './gateway.ts';
import { twilio } from './vendor.ts';

const accountSid = `AC${'0123456789abcdef'.repeat(2)}`;
const authToken = 'a-secret-of-the-test';
const publicUrl = 'https://voice.example.com';
const voiceUrl = `${publicUrl}/gateways/twilio/voice`;

/** A gateway on a virtual clock, reached over streams in memory. */
function house({
  settings = {},
  whoAnswers = () => 'Ada',
  wouldRefuse,
}: {
  settings?: object;
  whoAnswers?: (to: string) => string | undefined;
  wouldRefuse?: GatewayContext['wouldRefuse'];
} = {}) {
  const kit = testKit();
  const pacer = new MediaPacer(kit.clock, kit.log);
  const calls: IncomingCall[] = [];
  const context: GatewayContext = {
    kit,
    pacer,
    onCall: (call) => calls.push(call),
    whoAnswers,
    wouldRefuse,
    publicUrl,
    mediaUrl: 'ws://media.example.com',
  };
  // Without an account nothing is ended by REST: only the tests of calls out have one.
  const gateway = new TwilioGateway(twilio.settings.parse({ authToken, ...settings }), context);
  const connect = connectionsTo(gateway);
  const caller = (change: { to?: string; callSid?: string; voiceUrl?: string } = {}) =>
    new TwilioCaller({
      voiceUrl,
      accountSid,
      authToken,
      from: '+15550199',
      to: '+15550100',
      clock: kit.clock,
      connect,
      post: (url, headers, body) =>
        gateway.request({
          method: 'POST',
          path: url.replace(`${publicUrl}/gateways/twilio`, ''),
          headers,
          body,
          remoteAddress: '192.0.2.1',
        }),
      ...change,
    });
  return { kit, pacer, calls, gateway, caller, pass: (ms: number) => passOn(kit.clock, ms) };
}

async function connected() {
  const all = house();
  const phone = all.caller();
  const status = await phone.call();
  expect(status).toBe(200);
  await all.pass(40);
  const leg = await all.calls[0].answer();
  return { ...all, phone, leg };
}

describeLeg({
  name: 'twilio',
  sendsDigits: false,
  async make() {
    const { leg, phone, pass, kit, pacer, gateway } = await connected();
    return {
      leg,
      far: {
        say: (sound) => phone.say(sound),
        heard: () => Uint8Array.from(phone.heard),
        press: (digits) => phone.press(digits),
        hangUp: () => phone.hangUp(),
        gone: () => phone.closed,
      },
      pass,
      async close() {
        await Promise.all([leg.hangUp(), pass(2_000)]);
        await Promise.all([gateway.stop(), pass(2_000)]);
        expect(pacer.size).toBe(0);
        expect(kit.clock.pending).toBe(0);
        expect(gateway.counters()['streams_open']).toBe(0);
      },
    };
  },
});

describe('the voice webhook', () => {
  test('answers a known number with a stream and a token of its own', async () => {
    const { caller, calls, pass } = house();
    const phone = caller();
    expect(await phone.call()).toBe(200);
    await pass(40);
    expect(phone.twiml).toContain('<Connect><Stream url="ws://media.example.com/gateways/twilio/media">');
    expect(phone.twiml).toMatch(/<Parameter name="token" value="[0-9a-z]{32}"\/>/);
    expect(calls[0]).toMatchObject({ gateway: 'twilio', from: '+15550199', to: '+15550100', providerCallId: phone.callSid });
    phone.hangUp();
    await pass(1_100);
  });

  test.each([
    [undefined, '<Reject reason="busy"/>'],
    ['+15550123', '<Dial><Number>+15550123</Number></Dial>'],
    ['sip:night@pbx.example.com', '<Dial><Sip>sip:night@pbx.example.com</Sip></Dial>'],
  ])('a call that there is no room for never connects its sound (overflow: %s)', async (overflow, verb) => {
    const { caller, calls, gateway } = house({ wouldRefuse: () => ({ why: 'capacity-reached', overflow }) });
    const phone = caller();
    expect(await phone.call()).toBe(200);
    expect(phone.twiml).toContain(`<Response>${verb}</Response>`);
    expect(calls).toEqual([]);
    expect(gateway.counters()['calls_refused']).toBe(1);
  });

  test('says so, and hangs up, when nobody answers the number', async () => {
    const { caller, calls, gateway } = house({ whoAnswers: () => undefined });
    const phone = caller();
    expect(await phone.call()).toBe(200);
    expect(phone.twiml).toMatch(/<Response><Say>[^<]+<\/Say><Hangup\/><\/Response>/);
    expect(calls).toEqual([]);
    expect(gateway.counters()['numbers_unknown']).toBe(1);
  });

  test.each([
    ['a wrong signature', { signature: sign('another-secret', voiceUrl, {}) }],
    ['no signature', { signature: '' }],
  ])('refuses %s with 403 before asking anybody', async (_what, change) => {
    let asked = 0;
    const { caller, gateway } = house({
      whoAnswers: () => {
        asked++;
        return 'Ada';
      },
    });
    expect(await caller().call(change)).toBe(403);
    expect(asked).toBe(0);
    expect(gateway.counters()['signatures_refused']).toBe(1);
  });

  test('refuses everything without an auth token', async () => {
    const { caller } = house({ settings: { authToken: undefined } });
    expect(await caller().call()).toBe(403);
  });

  test('knows no other path, and takes a GET with its parameters in the query', async () => {
    const { gateway } = house();
    const ask = (method: string, path: string, signature = '') =>
      gateway.request({ method, path, headers: { 'x-twilio-signature': signature }, body: '', remoteAddress: '192.0.2.1' });
    expect((await ask('POST', '/nothing')).status).toBe(404);
    expect((await ask('DELETE', '/voice')).status).toBe(405);
    const query = '/voice?CallSid=CA1&To=%2B15550100&From=%2B15550199';
    const answer = await ask('GET', query, sign(authToken, `${publicUrl}/gateways/twilio${query}`, {}));
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'text/xml; charset=utf-8' } });
    expect(answer.body).toContain('<Stream');
  });
});

describe('the media stream', () => {
  test('is refused with 403 before the handshake when it is not signed', async () => {
    const { caller, calls, gateway } = house();
    await expect(caller().call({ upgradeSignature: 'bm90IHR3aWxpbw==' })).rejects.toThrow('403');
    expect(calls).toEqual([]);
    expect(gateway.counters()).toMatchObject({ signatures_refused: 1, streams: 0 });
  });

  test('closes with 4403 on a wrong, a used, a foreign and an expired token', async () => {
    const { caller, calls, gateway, pass } = house();
    const wrong = caller();
    await wrong.call({ token: 'guessed' });
    await pass(40);
    expect(wrong.closeCode).toBe(4403);

    const first = caller({ callSid: `CA${'1'.repeat(32)}` });
    await first.call();
    await pass(40);
    const token = /value="([^"]+)"/.exec(first.twiml)?.[1] ?? '';
    const again = caller({ callSid: `CA${'1'.repeat(32)}` });
    await again.openStream('ws://media.example.com/gateways/twilio/media', token);
    await pass(40);
    expect(again.closeCode).toBe(4403);

    const other = caller({ callSid: `CA${'2'.repeat(32)}` });
    const issued = await gateway.request({
      method: 'GET',
      path: '/voice?CallSid=CA3&To=1',
      headers: { 'x-twilio-signature': sign(authToken, `${publicUrl}/gateways/twilio/voice?CallSid=CA3&To=1`, {}) },
      body: '',
      remoteAddress: '192.0.2.1',
    });
    await other.openStream('ws://media.example.com/gateways/twilio/media', /value="([^"]+)"/.exec(issued.body)?.[1] ?? '');
    await pass(40);
    expect(other.closeCode).toBe(4403);
    expect(gateway.counters()['tokens_refused']).toBe(3);
    expect(calls.length).toBe(1);
    first.hangUp();
    await pass(2_100);
  });

  test('has 5 s to start, and must not begin with anything else', async () => {
    const { caller, gateway, pass, kit } = house();
    const phone = caller();
    await phone.call({ token: 'unused' });
    await pass(40);
    const early = caller();
    const opening = early.openStream('ws://media.example.com/gateways/twilio/media', '');
    await opening;
    early.sendRaw('{"event":"media","streamSid":"MZ1","media":{"timestamp":"0","payload":""}}');
    await pass(40);
    expect(early.closeCode).toBeGreaterThanOrEqual(4400);
    await pass(2_100);
    expect(gateway.counters()['streams_open']).toBe(0);
    expect(kit.clock.pending).toBe(0);
  });

  test('survives garbage, and closes after too much of it', async () => {
    const { leg, phone, pass } = await connected();
    const heard = overhear(leg);
    const garbage = ['', '{', 'null', '{"event":"media"', '{"event":"media","media":{}}', '[]', '{"event":"nothing"}', '{"event":"dtmf"}'];
    for (const text of garbage) phone.sendRaw(text);
    phone.sendRaw('{"event":"media","streamSid":"MZother","media":{"timestamp":"5","payload":"AAAA"}}');
    await pass(100);
    expect(heard.ended).toEqual([]);
    for (const text of garbage) phone.sendRaw(text);
    await pass(100);
    expect(heard.ended).toEqual(['error']);
    expect(phone.closeCode).toBe(4400);
    await pass(1_100);
  });

  test('sends at most 120 ms ahead, five frames in a message, a mark after each playout and clear at a cut', async () => {
    const { leg, phone, pass } = await connected();
    overhear(leg);
    const playout = leg.play(inPieces(sweep(leg, 1_000)));
    await pass(1_200);
    expect((await playout.finished).how).toBe('played');
    expect(phone.counts.mostAheadMs).toBeLessThanOrEqual(120);
    expect(phone.counts.media).toBeLessThanOrEqual(12);
    expect(phone.counts.marksPlayed).toBe(1);
    expect(phone.counts.clears).toBe(0);
    const cut = leg.play(inPieces(sweep(leg, 1_000)));
    await pass(300);
    const played = cut.stop();
    await pass(20);
    expect(phone.counts.clears).toBe(1);
    expect(played % 20).toBe(0);
    expect(phone.counts.marksPlayed).toBe(1);
    await Promise.all([leg.hangUp(), pass(1_100)]);
  });

  test('lets the last words be played before it closes', async () => {
    const { leg, phone, pass } = await connected();
    const heard = overhear(leg);
    const speech = sweep(leg, 300);
    const playout = leg.play(inPieces(speech));
    void playout.finished.then(() => leg.hangUp());
    await pass(1_000);
    expect(heard.ended).toEqual(['local']);
    expect(phone.closed).toBe(true);
    const voiced = phone.heard.filter((byte) => byte !== 0xff).length;
    expect(voiced).toBeGreaterThan(speech.length - 80);
    await pass(1_100);
  });

  test('a stream that breaks is media-lost, unless a callback says that the call was completed', async () => {
    const broken = await connected();
    const heard = overhear(broken.leg);
    broken.phone.cut();
    await broken.pass(900);
    expect(heard.ended).toEqual([]);
    await broken.pass(200);
    expect(heard.ended).toEqual(['media-lost']);

    const told = await connected();
    const toldHeard = overhear(told.leg);
    told.phone.cut();
    await told.pass(200);
    expect(await told.phone.status('completed', 3)).toBe(204);
    expect(toldHeard.ended).toEqual(['hung-up']);
    await told.pass(1_100);
    expect(toldHeard.ended).toEqual(['hung-up']);
  });

  test('15 s without a sound from Twilio is media-lost', async () => {
    const { leg, pass, caller, calls } = await connected();
    void leg.hangUp();
    const silent = caller({ callSid: `CA${'9'.repeat(32)}` });
    await silent.call();
    await pass(40);
    const heard = overhear(await calls[1].answer());
    silent.pause();
    await pass(14_900);
    expect(heard.ended).toEqual([]);
    await pass(300);
    expect(heard.ended).toEqual(['media-lost']);
    await pass(2_100);
  });

  test('callbacks in any order: only the newest counts, and completed is final', async () => {
    const { leg, phone, pass } = await connected();
    const heard = overhear(leg);
    expect(await phone.status('in-progress', 2)).toBe(204);
    expect(await phone.status('ringing', 1)).toBe(204);
    expect(heard.ended).toEqual([]);
    expect(await phone.status('completed', 3)).toBe(204);
    expect(await phone.status('in-progress', 2)).toBe(204);
    expect(heard.ended).toEqual(['hung-up']);
    await pass(1_100);
    // A webhook that is replayed for a call that is over connects nothing.
    await phone.call();
    expect(phone.twiml).not.toContain('Stream');
  });

  test('who hangs up before the answer aborts the call', async () => {
    const { caller, calls, pass } = house();
    const phone = caller();
    await phone.call();
    await pass(40);
    phone.hangUp();
    await pass(40);
    expect(calls[0].signal.aborted).toBe(true);
    await expect(calls[0].answer()).rejects.toMatchObject({ why: 'caller-hung-up' });
    await pass(1_100);
  });
});

describe('a call out', () => {
  let api: Server | undefined;
  afterEach(() => {
    api?.closeAllConnections();
    api?.close();
    api = undefined;
  });

  /** Twilio's REST interface, as far as calls go. */
  async function twilioApi(): Promise<{
    url: string;
    requests: { path: string; form: URLSearchParams; auth: string }[];
    fail: { status: number };
  }> {
    const requests: { path: string; form: URLSearchParams; auth: string }[] = [];
    const fail = { status: 0 };
    const server = createHttpServer((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString()));
      request.on('end', () => {
        requests.push({ path: request.url ?? '', form: new URLSearchParams(body), auth: request.headers.authorization ?? '' });
        response.writeHead(fail.status || 201, { 'content-type': 'application/json' });
        response.end(JSON.stringify(fail.status ? { code: 21211, message: 'Invalid To' } : { sid: `CA${'7'.repeat(32)}` }));
      });
    });
    api = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, fail };
  }
  const until = async (done: () => boolean) => {
    for (let i = 0; i < 2_000 && !done(); i++) await new Promise((resolve) => setImmediate(resolve));
    expect(done()).toBe(true);
  };

  test('is placed by REST, rings, and becomes a leg when its stream starts', async () => {
    const twilioRest = await twilioApi();
    const { gateway, caller, pass, calls } = house({ settings: { accountSid, apiUrl: twilioRest.url } });
    let rang = 0;
    const dialled = gateway.dial({
      businessId: 'b',
      to: '+15550177',
      from: '+15550100',
      signal: new AbortController().signal,
      onRinging: () => rang++,
    });
    await until(() => twilioRest.requests.length === 1);
    const [{ path, form, auth }] = twilioRest.requests;
    expect(path).toBe(`/Accounts/${accountSid}/Calls.json`);
    expect(auth).toBe(`Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`);
    expect(Object.fromEntries(form)).toMatchObject({ To: '+15550177', From: '+15550100' });
    const answerUrl = form.get('Url') ?? '';
    const phone = caller({ callSid: `CA${'7'.repeat(32)}` });
    await pass(20);
    await phone.status('ringing', 1);
    expect(rang).toBe(1);
    await caller({ callSid: phone.callSid, voiceUrl: answerUrl }).call();
    await pass(40);
    const leg = await dialled;
    expect(leg.codec).toBe('PCMU');
    expect(calls).toEqual([]);
    const hungUp = leg.hangUp();
    await until(() => twilioRest.requests.length === 2);
    expect(twilioRest.requests[1]).toMatchObject({ path: `/Accounts/${accountSid}/Calls/CA${'7'.repeat(32)}.json` });
    expect(twilioRest.requests[1].form.get('Status')).toBe('completed');
    await hungUp;
    await pass(1_100);
  });

  test('fails with what Twilio says, and with a busy line', async () => {
    const twilioRest = await twilioApi();
    twilioRest.fail.status = 400;
    const { gateway, caller, pass } = house({ settings: { accountSid, apiUrl: twilioRest.url } });
    const request = { businessId: 'b', to: 'nonsense', from: '+15550100', signal: new AbortController().signal };
    await expect(gateway.dial(request)).rejects.toMatchObject({
      code: 'dial-failed',
      message: expect.stringContaining('Invalid To') as string,
    });
    twilioRest.fail.status = 0;
    const dialled = gateway.dial(request);
    dialled.catch(() => {});
    await until(() => twilioRest.requests.length === 2);
    for (let i = 0; i < 50; i++) await pass(1);
    await caller({ callSid: `CA${'7'.repeat(32)}` }).status('busy', 2);
    await expect(dialled).rejects.toMatchObject({ code: 'dial-failed', detail: { status: 'busy' } });
  });

  test('that is given up is ended at Twilio', async () => {
    const twilioRest = await twilioApi();
    const { gateway } = house({ settings: { accountSid, apiUrl: twilioRest.url } });
    const giveUp = new AbortController();
    const dialled = gateway.dial({ businessId: 'b', to: '+15550177', from: '+15550100', signal: giveUp.signal });
    giveUp.abort(new Error('no longer needed'));
    await expect(dialled).rejects.toThrow('no longer needed');
    await until(() => twilioRest.requests.length === 2);
    expect(twilioRest.requests[1].form.get('Status')).toBe('completed');
  });

  test('needs an account', async () => {
    const { gateway } = house();
    const request = { businessId: 'b', to: '+15550177', from: '+15550100', signal: new AbortController().signal };
    await expect(gateway.dial(request)).rejects.toMatchObject({ code: 'outbound-not-configured' });
  });
});
