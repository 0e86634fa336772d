import { describe, expect, test } from 'vitest';
import { msOf } from '#audio/frame.ts';
import type { SipMessage } from '#sip/message.ts';
import { writeMessage } from '#sip/write.ts';
import { describeLeg, findSound, sweep } from '../leg.contract.ts';
import { inPieces, overhear } from '../testing.ts';
import type { SipLeg } from './leg.ts';
import { connected, house, Phone, trunk } from './testing.ts';
import { sip } from './vendor.ts';

for (const [codec, likeness, queues] of [
  ['PCMU', 0.9999, false],
  ['PCMA', 0.999, false],
  ['G722', 0.97, false],
  ['PCMU', 0.9999, true],
  ['G722', 0.97, true],
] as const) {
  describeLeg({
    name: `sip (${codec}${queues ? ', sockets that send by themselves' : ''})`,
    sendsDigits: true,
    likeness,
    async make() {
      const { leg, phone, pass, close } = await connected({ far: [codec], queues });
      expect(leg.codec).toBe(codec);
      const heard = overhear(phone);
      return {
        leg,
        far: {
          say: (sound) => void phone.play(inPieces(sound)),
          heard: () => (leg.format === 'mulaw-8000' ? Uint8Array.from(heard.samples) : Int16Array.from(heard.samples)),
          press: (digits) => void phone.sendDigits(digits).catch(() => {}),
          hangUp: () => void phone.hangUp(),
          gone: () => heard.ended.length === 1,
        },
        pass,
        close,
      };
    },
  });
}

describe('calls in over SIP', () => {
  test('name caller, called number and the business of the trunk', async () => {
    const { calls, dial, pass, close } = await house();
    dial().catch(() => {});
    await pass(50);
    expect(calls[0]).toMatchObject({ gateway: 'sip', from: '+15550199', to: '+15550100', businessId: 'business-1' });
    calls[0].ring();
    calls[0].refuse('busy');
    await close();
  });

  test.each([
    ['number-unknown', 404],
    ['busy', 486],
    ['capacity-reached', 503],
    ['unavailable', 480],
    ['declined', 603],
  ] as const)('are refused as %s with %i', async (why, status) => {
    const { calls, dial, pass, close } = await house();
    const dialled = dial();
    dialled.catch(() => {});
    await pass(50);
    calls[0].refuse(why);
    await pass(50);
    await expect(dialled).rejects.toMatchObject({ code: 'dial-failed', detail: { status } });
    await expect(calls[0].answer()).rejects.toMatchObject({ code: 'call-ended' });
    await close();
  });

  test.each([
    ['+15550123', 'sip:+15550123@'],
    ['sip:night@pbx.example.com', 'sip:night@pbx.example.com'],
  ])('that there is no room for are sent on to %s', async (overflow, target) => {
    const { calls, dial, pass, close, network } = await house();
    const dialled = dial();
    dialled.catch(() => {});
    await pass(50);
    calls[0].refuse('capacity-reached', overflow);
    await pass(50);
    await expect(dialled).rejects.toMatchObject({ detail: { status: 302 } });
    const moved = network.sent.find(({ text }) => text.startsWith('SIP/2.0 302'));
    expect(moved?.text.toLowerCase()).toContain(`contact: <${target}`);
    await close();
  });

  test('of a number nobody answers get 404, of no codec in common 488, without anybody being asked', async () => {
    const unknown = await house({ whoAnswers: () => undefined });
    const dialled = unknown.dial();
    dialled.catch(() => {});
    await unknown.pass(50);
    await expect(dialled).rejects.toMatchObject({ detail: { status: 404 } });
    await unknown.close();

    const foreign = await house({ near: ['PCMU'], far: ['G722'] });
    const other = foreign.dial();
    other.catch(() => {});
    await foreign.pass(50);
    await expect(other).rejects.toMatchObject({ detail: { status: 488 } });
    expect(foreign.calls).toEqual([]);
    expect(foreign.near.counters()).toMatchObject({ codecs_refused: 1 });
    await foreign.close();
  });

  test('from a stranger are dropped without a word', async () => {
    const { calls, dial, pass, close, near, abort } = await house({ trunks: [trunk({ sources: ['192.0.2.0/24'] })] });
    const dialled = dial();
    dialled.catch(() => {});
    await pass(2_000);
    expect(calls).toEqual([]);
    expect(near.counters()['sip_strangers']).toBeGreaterThan(0);
    abort.abort(new Error('gave up'));
    await expect(dialled).rejects.toThrow('gave up');
    await close();
  });

  test('of a user who knows the password are let in, for the business of that user', async () => {
    const users = [trunk({ id: 'user-trunk', businessId: 'business-2', username: 'phone', password: 'secret' })];
    const { calls, dial, pass, close } = await house({ trunks: users });
    dial({ from: 'phone' }).catch(() => {});
    await pass(100);
    expect(calls[0]).toMatchObject({ businessId: 'business-2', from: 'phone' });
    calls[0].refuse('declined');
    await close();
  });

  test('are cancelled by the caller', async () => {
    const { calls, dial, pass, close, abort } = await house();
    const dialled = dial();
    dialled.catch(() => {});
    await pass(50);
    calls[0].ring();
    await pass(50);
    abort.abort(new Error('changed my mind'));
    await pass(50);
    expect(calls[0].signal.aborted).toBe(true);
    await expect(calls[0].answer()).rejects.toMatchObject({ why: 'cancelled' });
    await expect(dialled).rejects.toThrow('changed my mind');
    await close();
  });
});

describe.each([
  ['', false],
  [' on sockets that send by themselves', true],
] as const)('a call over SIP%s', (_name, queues) => {
  test('says its last words before BYE', async () => {
    const { leg, phone, pass, close } = await connected({ queues });
    overhear(leg);
    const phoneHeard = overhear(phone);
    const speech = sweep(leg, 400);
    const playout = leg.play(inPieces(speech));
    void playout.finished.then(() => leg.hangUp({ by: 'assistant', reason: 'goodbye' }));
    await pass(2_000);
    expect(playout.playedMs).toBe(msOf(speech, leg.format));
    expect(phoneHeard.ended).toEqual(['hung-up']);
    expect(findSound(leg, phoneHeard.samples, speech).likeness).toBeGreaterThan(0.999);
    await close();
  });

  test('on hold sends nothing, expects nothing and lets a reply wait; resumed, it goes on', async () => {
    const { kit, network, media, calls, pass, close } = await house({ queues });
    const phone = new Phone(kit, network, media);
    await phone.call();
    await pass(50);
    const leg = await calls[0].answer();
    await pass(50);
    const heard = overhear(leg);
    const playout = leg.play(inPieces(sweep(leg, 3_000)));
    await pass(1_000);
    phone.reoffer((sdp) => sdp.replace('a=sendrecv', 'a=sendonly'));
    phone.talks = false;
    await pass(100);
    const held = playout.playedMs;
    const received = phone.rtp?.stats().packetsReceived ?? 0;
    expect(held).toBeGreaterThan(900);
    expect(received).toBeGreaterThan(40);
    await pass(40_000);
    expect(heard.ended).toEqual([]);
    expect(playout.playedMs).toBe(held);
    expect(phone.rtp?.stats().packetsReceived).toBe(received);
    phone.reoffer((sdp) => sdp);
    phone.talks = true;
    await pass(3_000);
    expect(await playout.finished).toEqual({ playedMs: 3_000, how: 'played' });
    expect(phone.rtp?.stats().packetsReceived).toBeGreaterThan(received + 90);
    phone.talks = false;
    phone.reoffer((sdp) => sdp.replace(/c=IN IP4 [\d.]+/, 'c=IN IP4 0.0.0.0')); // RFC 3264 §8.4, the old way
    await pass(30_000);
    expect(heard.ended).toEqual([]);
    await Promise.all([leg.hangUp(), pass(500)]);
    expect(phone.endings.map(({ cause }) => cause)).toEqual(['peer']);
    await Promise.all([phone.stop(), pass(3_000)]);
    await close();
  });

  test('keeps its format when the peer changes the codec', async () => {
    const { kit, network, media, calls, pass, close } = await house({ queues });
    const phone = new Phone(kit, network, media);
    await phone.call();
    await pass(50);
    const leg = await calls[0].answer();
    await pass(50);
    const heard = overhear(leg);
    await pass(200);
    expect([leg.codec, leg.format]).toEqual(['PCMU', 'mulaw-8000']);
    for (const [codec, payloadType] of [
      ['G722', 9],
      ['PCMA', 8],
    ] as const) {
      phone.reoffer((sdp) =>
        sdp.replace('RTP/AVP 0', `RTP/AVP ${payloadType}`).replace('a=rtpmap:0 PCMU', `a=rtpmap:${payloadType} ${codec}`),
      );
      await pass(100);
      expect([leg.codec, leg.format]).toEqual([codec, 'mulaw-8000']);
    }
    phone.reoffer((sdp) => sdp.replace('RTP/AVP 0', 'RTP/AVP 18').replace('a=rtpmap:0 PCMU', 'a=rtpmap:18 G729'));
    await pass(200);
    expect(leg.codec).toBe('PCMA'); // 488, and everything stays as it was
    expect(heard.ended).toEqual([]);
    expect(heard.samples.length % 160).toBe(0);
    await Promise.all([leg.hangUp(), pass(500)]);
    await Promise.all([phone.stop(), pass(3_000)]);
    await close();
  });
});

describe('a call over SIP', () => {
  test('goes out through the trunk of its business, and nowhere without one', async () => {
    const { near, farCalls, pass, close } = await house();
    const request = { businessId: 'business-1', to: '+15550177', from: '+15550100', signal: new AbortController().signal };
    expect([near.canDial('business-1'), near.canDial('another')]).toEqual([true, false]);
    await expect(near.dial({ ...request, businessId: 'another' })).rejects.toMatchObject({ code: 'outbound-not-configured' });
    let rang = 0;
    const dialled = near.dial({ ...request, onRinging: () => rang++ });
    await pass(50);
    expect(farCalls[0]).toMatchObject({ from: '+15550100', to: '+15550177' });
    farCalls[0].ring();
    await pass(20);
    expect(rang).toBe(1);
    void farCalls[0].answer();
    await pass(50);
    expect((await dialled).codec).toBe('PCMU');
    await close();
  });

  test('without a packet for 15 s is media-lost, and the far end is told', async () => {
    const { leg, phone, pass, close, media } = await connected();
    const heard = overhear(leg);
    const phoneHeard = overhear(phone);
    await pass(1_000);
    media.drop = () => true;
    await pass(14_500);
    expect(heard.ended).toEqual([]);
    await pass(2_000);
    expect(heard.ended).toEqual(['media-lost']);
    expect(phoneHeard.ended).toHaveLength(1);
    await close();
  });

  test('hides single lost packets and keeps its pace', async () => {
    const { leg, phone, pass, close, media } = await connected();
    const heard = overhear(leg);
    overhear(phone);
    await pass(500);
    let packet = 0;
    media.drop = (bytes) => bytes.length === 172 && packet++ % 10 === 0;
    const speech = sweep(leg, 1_000, 400, 600);
    phone.play(inPieces(speech));
    await pass(2_000);
    media.drop = () => false;
    expect(heard.samples.length / 8).toBe(2_500);
    expect(findSound(leg, heard.samples, speech).likeness).toBeGreaterThan(0.8);
    expect(leg.stats().packetsLost).toBeGreaterThan(5);
    await close();
  });

  test('takes an INVITE without an offer: ours is in the 200, the answer in the ACK', async () => {
    const { network, calls, pass, close } = await house();
    const received: SipMessage[] = [];
    const transport = network.transport('10.0.0.4', 5060, 'UDP');
    network.join(transport, { admits: () => true, message: (message) => received.push(message) > 0, fault: () => {} });
    const send = (text: string) =>
      transport.send(Buffer.from(text), { transport: 'UDP', address: '10.0.0.1', port: 5060, connection: undefined });
    const head = (method: string, cseq: string) =>
      [
        `${method} sip:+15550100@10.0.0.1 SIP/2.0`,
        `Via: SIP/2.0/UDP 10.0.0.4:5060;branch=z9hG4bK-${cseq}`,
        'Max-Forwards: 70',
        'From: <sip:raw@10.0.0.4>;tag=raw',
        'Call-ID: delayed-offer',
        'Contact: <sip:raw@10.0.0.4:5060>',
      ].join('\r\n');
    send(`${head('INVITE', '1')}\r\nTo: <sip:+15550100@10.0.0.1>\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n`);
    await pass(50);
    const leg = await calls[0].answer();
    await pass(20);
    const answer = received.findLast((message) => message.kind === 'response' && message.status === 200);
    const ok = answer ? Buffer.from(writeMessage(answer)).toString() : '';
    expect(ok).toMatch(/m=audio \d+ RTP\/AVP 0 8 9 101/);
    const toTag = /^To: .*;tag=(\S+)/im.exec(ok)?.[1];
    const sdp = ['v=0', 'o=- 1 1 IN IP4 10.0.0.4', 's=-', 'c=IN IP4 10.0.0.4', 't=0 0', 'm=audio 40000 RTP/AVP 8', ''].join('\r\n');
    send(
      `${head('ACK', '2')}\r\nTo: <sip:+15550100@10.0.0.1>;tag=${toTag}\r\nCSeq: 1 ACK\r\nContent-Type: application/sdp\r\nContent-Length: ${sdp.length}\r\n\r\n${sdp}`,
    );
    const heard = overhear(leg);
    await pass(100);
    expect([leg.codec, leg.format]).toEqual(['PCMA', 'mulaw-8000']);
    leg.play(inPieces(sweep(leg, 200)));
    await pass(16_500);
    expect(leg.stats().framesSent).toBe(10);
    expect(heard.ended).toEqual(['media-lost']);
    await pass(5_000);
    await close();
  });

  test('reports a key press once, whether it comes in RTP, in INFO, or in both', async () => {
    const { kit, network, media, calls, pass, close } = await house();
    const phone = new Phone(kit, network, media);
    await phone.call();
    await pass(50);
    const leg = (await calls[0].answer()) as SipLeg;
    await pass(50);
    const heard = overhear(leg);
    await pass(200);
    leg.digit('4');
    phone.rtp?.sendDigits('5');
    await pass(300);
    leg.digit('5');
    await pass(2_000);
    leg.digit('5');
    leg.digit('5');
    expect(heard.digits).toBe('4555');
    await Promise.all([leg.hangUp(), pass(500)]);
    await Promise.all([phone.stop(), pass(3_000)]);
    await close();
  });
});

describe('the settings', () => {
  test('have sensible defaults and name their faults', () => {
    expect(sip.settings.parse({})).toEqual({
      host: '127.0.0.1',
      port: 5060,
      rtpPorts: { low: 20_000, high: 23_999 },
      udp: 'auto',
      digest: ['MD5'],
      codecs: ['PCMU', 'PCMA', 'G722'],
    });
    expect(sip.settings.parse({ digest: 'SHA-256, MD5' }).digest).toEqual(['SHA-256', 'MD5']);
    for (const wrong of [{ digest: 'SHA-1' }, { rtpPorts: '5-1' }, { rtpPorts: 'all' }, { codecs: 'OPUS' }, { port: '70000' }]) {
      expect(sip.settings.safeParse(wrong).success).toBe(false);
    }
  });
});
