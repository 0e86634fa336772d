import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { header, headerValues, setHeader, toTag } from './headers.ts';
import type { SipResponse } from './message.ts';
import { answer, FADED, Pair, RawPeer } from './testing.ts';

/** A request of a hand-written peer at 10.0.0.9. */
function lines(
  method: string,
  extra: string[] = [],
  options: { branch?: string; cseq?: number; toTag?: string; via?: string } = {},
): string[] {
  const { branch = `z9hG4bK${method}`, cseq = 1 } = options;
  return [
    `${method} sip:agent@10.0.0.2 SIP/2.0`,
    `Via: ${options.via ?? 'SIP/2.0/UDP 10.0.0.9:5060'};branch=${branch}`,
    'From: <sip:raw@10.0.0.9>;tag=raw',
    `To: <sip:agent@10.0.0.2>${options.toTag === undefined ? '' : `;tag=${options.toTag}`}`,
    'Call-ID: raw-call',
    `CSeq: ${cseq} ${method}`,
    'Max-Forwards: 70',
    'Contact: <sip:raw@10.0.0.9:5060>',
    ...extra,
  ];
}

const SDP = ['Content-Type: application/sdp'];

async function scene() {
  const pair = await new Pair().start();
  return { pair, raw: new RawPeer(pair) };
}

/** A call of the raw peer, answered; gives our To tag. */
async function connected(extra: string[] = []) {
  const { pair, raw } = await scene();
  await raw.send(lines('INVITE', [...SDP, ...extra]), 'offer');
  answer(pair.b);
  await pair.pass(10);
  const ok = raw.last as SipResponse;
  const tag = toTag(ok) ?? '';
  await raw.send(lines('ACK', [], { branch: 'z9hG4bKack', toTag: tag }));
  return { pair, raw, tag, ok };
}

/** Stops the agent under test, whatever the raw peer leaves unanswered. */
async function stopped(pair: Pair): Promise<void> {
  const stop = pair.b.agent.stop();
  await pair.pass(2100);
  await stop;
  expect(pair.b.agent.load).toEqual({ dialogs: 0, transactions: 0, unanswered: 0 });
}

describe('outside dialogs', () => {
  test('OPTIONS: 200 with Allow, Accept, Supported (§11.2)', async () => {
    const { pair, raw } = await scene();
    await raw.send(lines('OPTIONS'));
    const ok = raw.last as SipResponse;
    expect(ok.status).toBe(200);
    expect(header(ok, 'allow')).toContain('INVITE');
    expect(header(ok, 'accept')).toContain('application/sdp');
    expect(header(ok, 'supported')).toBe('timer');
    expect(toTag(ok)).toBeDefined();
    expect(await pair.fade()).toEqual(FADED);
  });

  test.each([
    ['REFER', 405, 'allow'],
    ['MESSAGE', 405, 'allow'],
    ['NEWTHING', 501, 'allow'],
  ])('%s: %i with Allow', async (method, status, name) => {
    const { pair, raw } = await scene();
    await raw.send(lines(method));
    expect((raw.last as SipResponse).status).toBe(status);
    expect(header(raw.last as SipResponse, name)).toContain('INVITE');
    expect(await pair.fade()).toEqual(FADED);
  });

  test('Require: 100rel gets 420 with Unsupported', async () => {
    const { pair, raw } = await scene();
    await raw.send(lines('INVITE', [...SDP, 'Require: 100rel']), 'offer');
    expect((raw.last as SipResponse).status).toBe(420);
    expect(header(raw.last as SipResponse, 'unsupported')).toBe('100rel');
    expect(pair.b.incoming).toHaveLength(0);
  });

  test.each(['BYE', 'INFO', 'UPDATE'])('%s without its dialog: 481', async (method) => {
    const { pair, raw } = await scene();
    await raw.send(lines(method, [], { toTag: 'unknown' }));
    expect(raw.received).toEqual(['481']);
    await raw.send(lines('CANCEL', [], { branch: 'z9hG4bKnone' }));
    expect(raw.received).toEqual(['481', '481']);
    expect(await pair.fade()).toEqual(FADED);
  });

  test('a merged INVITE gets 482 (§8.2.2.2)', async () => {
    const { pair, raw } = await scene();
    await raw.send(lines('INVITE', SDP), 'offer');
    await raw.send(lines('INVITE', SDP, { branch: 'z9hG4bKdetour' }), 'offer');
    expect(raw.received).toEqual(['100', '482']);
    expect(pair.b.incoming).toHaveLength(1);
    pair.b.incoming[0].reject(404);
    expect(await pair.fade()).toEqual(FADED);
  });

  test('a repeated INVITE is one call and gets the last answer again', async () => {
    const { pair, raw } = await scene();
    await raw.send(lines('INVITE', SDP), 'offer');
    pair.b.incoming[0].ring();
    await raw.send(lines('INVITE', SDP), 'offer');
    expect(raw.received).toEqual(['100', '180', '180']);
    expect(pair.b.incoming).toHaveLength(1);
    pair.b.incoming[0].reject(404);
    expect(await pair.fade()).toEqual(FADED);
  });

  test('a session interval below 90 s gets 422 with Min-SE (RFC 4028 §9)', async () => {
    const { raw } = await scene();
    await raw.send(lines('INVITE', [...SDP, 'Supported: timer', 'Session-Expires: 60']), 'offer');
    expect((raw.last as SipResponse).status).toBe(422);
    expect(header(raw.last as SipResponse, 'min-se')).toBe('90');
  });

  test('rport and received: answers go to the source port, and say so (RFC 3581)', async () => {
    const { pair, raw } = await scene();
    await raw.send(lines('OPTIONS', [], { via: 'SIP/2.0/UDP 192.168.1.5:9999;rport' }));
    const ok = raw.last as SipResponse;
    expect(header(ok, 'via')).toBe('SIP/2.0/UDP 192.168.1.5:9999;rport=5060;branch=z9hG4bKOPTIONS;received=10.0.0.9');
    // Without rport the answer goes to the port of the Via, where nobody is.
    await raw.send(lines('OPTIONS', [], { via: 'SIP/2.0/UDP 192.168.1.5:9999', branch: 'z9hG4bK2' }));
    expect(raw.received).toEqual(['200']);
    expect(pair.network.sent.at(-1)?.to).toBe('10.0.0.9:9999');
  });

  test('more unanswered calls than allowed get 503', async () => {
    const pair = await new Pair({ b: { maxUnanswered: 1 } }).start();
    const raw = new RawPeer(pair);
    pair.place();
    await pair.pass(10);
    await raw.send(lines('INVITE', SDP), 'offer');
    expect(raw.received).toEqual(['100', '503']);
    pair.b.incoming[0].reject(404);
    expect(await pair.fade()).toEqual(FADED);
  });
});

describe('inside a dialog', () => {
  test('Record-Route is echoed verbatim and becomes the route of our BYE', async () => {
    const { pair, raw } = await scene();
    const route = '<sip:10.0.0.9;lr=on;ftag=a.b>';
    await raw.send(lines('INVITE', [...SDP, `Record-Route: ${route}, <sip:10.0.0.8;lr>`]), 'offer');
    answer(pair.b);
    await pair.pass(10);
    const ok = raw.last as SipResponse;
    expect(headerValues(ok, 'record-route')).toEqual([`${route}, <sip:10.0.0.8;lr>`]);
    await raw.send(lines('ACK', [], { branch: 'z9hG4bKack', toTag: toTag(ok) }));
    void pair.b.sessions[0].hangUp();
    await pair.pass(10);
    expect(raw.last).toMatchObject({ kind: 'request', method: 'BYE', uriText: 'sip:raw@10.0.0.9:5060' });
    expect(headerValues(raw.last as SipResponse, 'route')).toEqual([route, '<sip:10.0.0.8;lr>']);
    await stopped(pair);
  });

  test('a strict router gets its own address as Request-URI (§12.2.1.1)', async () => {
    const { pair, raw } = await connected(['Record-Route: <sip:10.0.0.9>']);
    void pair.b.sessions[0].hangUp();
    await pair.pass(10);
    expect(raw.last).toMatchObject({ method: 'BYE', uriText: 'sip:10.0.0.9' });
    expect(headerValues(raw.last as SipResponse, 'route')).toEqual(['<sip:raw@10.0.0.9:5060>']);
    await stopped(pair);
  });

  test('an older CSeq gets 500, and BYE the end (§12.2.2)', async () => {
    const { pair, raw, tag } = await connected();
    await raw.send(lines('INFO', [], { toTag: tag, cseq: 5 }));
    await raw.send(lines('INFO', [], { toTag: tag, cseq: 4, branch: 'z9hG4bKold' }));
    await raw.send(lines('BYE', ['Reason: Q.850;cause=16'], { toTag: tag, cseq: 6 }));
    await raw.send(lines('BYE', [], { toTag: tag, cseq: 7, branch: 'z9hG4bKagain' }));
    expect(raw.received.slice(-4)).toEqual(['200', '500', '200', '481']);
    expect(pair.b.owners[0].endings).toEqual([{ cause: 'peer', reason: 'Q.850;cause=16' }]);
    expect(await pair.fade()).toEqual(FADED);
  });

  test('digits as INFO, other INFO bodies 415', async () => {
    const { pair, raw, tag } = await connected();
    const relay = ['Content-Type: application/dtmf-relay'];
    await raw.send(lines('INFO', relay, { toTag: tag, cseq: 2 }), 'Signal=5\r\nDuration=200\r\n');
    await raw.send(lines('INFO', relay, { toTag: tag, cseq: 3, branch: 'z9hG4bKi3' }), 'Signal= *\r\n');
    await raw.send(lines('INFO', ['Content-Type: application/dtmf'], { toTag: tag, cseq: 4, branch: 'z9hG4bKi4' }), '#');
    await raw.send(lines('INFO', ['Content-Type: text/plain'], { toTag: tag, cseq: 5, branch: 'z9hG4bKi5' }), 'hello');
    expect(pair.b.owners[0].digits).toEqual(['5 200', '* 160', '# 160']);
    expect(raw.received.slice(-4)).toEqual(['200', '200', '200', '415']);
    await raw.send(lines('BYE', [], { toTag: tag, cseq: 6 }));
    expect(await pair.fade()).toEqual(FADED);
  });

  test('UPDATE with an offer is answered; REFER gets 405', async () => {
    const { pair, raw, tag } = await connected();
    await raw.send(lines('UPDATE', SDP, { toTag: tag, cseq: 2 }), 'hold');
    expect(pair.b.owners[0].offers).toEqual(['hold']);
    expect(Buffer.from((raw.last as SipResponse).body).toString()).toBe('answer to hold');
    await raw.send(lines('REFER', ['Refer-To: <sip:x@y>'], { toTag: tag, cseq: 3 }));
    expect((raw.last as SipResponse).status).toBe(405);
    await raw.send(lines('BYE', [], { toTag: tag, cseq: 4 }));
    expect(await pair.fade()).toEqual(FADED);
  });

  test('re-INVITE without SDP: our offer in the 200, the answer in the ACK; the Contact moves', async () => {
    const { pair, raw, tag } = await connected();
    const moved = lines('INVITE', [], { toTag: tag, cseq: 2, branch: 'z9hG4bKre' }).map((line) =>
      line.startsWith('Contact') ? 'Contact: <sip:moved@10.0.0.9:5060>' : line,
    );
    await raw.send(moved);
    expect(Buffer.from((raw.last as SipResponse).body).toString()).toBe('our offer');
    // A late repetition of the first ACK is not the one we wait for.
    await raw.send(lines('ACK', SDP, { branch: 'z9hG4bKack', toTag: tag, cseq: 1 }), 'wrong');
    await raw.send(lines('ACK', SDP, { branch: 'z9hG4bKack2', toTag: tag, cseq: 2 }), 'the answer');
    expect(pair.b.owners[0].answers).toEqual(['the answer']);
    void pair.b.sessions[0].hangUp();
    await pair.pass(10);
    expect(raw.last).toMatchObject({ method: 'BYE', uriText: 'sip:moved@10.0.0.9:5060' });
    await stopped(pair);
  });

  test('before the answer: re-INVITE 500 with Retry-After, BYE ends the call', async () => {
    const { pair, raw } = await scene();
    await raw.send(lines('INVITE', SDP), 'offer');
    pair.b.incoming[0].ring();
    await pair.pass(10);
    const tag = toTag(raw.last as SipResponse);
    await raw.send(lines('INVITE', SDP, { toTag: tag, cseq: 2, branch: 'z9hG4bKre' }), 'second');
    expect((raw.last as SipResponse).status).toBe(500);
    expect(Number(header(raw.last as SipResponse, 'retry-after'))).toBeGreaterThan(0);
    await raw.send(lines('BYE', [], { toTag: tag, cseq: 3 }));
    expect(raw.received.slice(-2)).toEqual(['200', '487']);
    expect(pair.b.incoming[0].signal.aborted).toBe(true);
    expect(await pair.fade()).toEqual(FADED);
  });
});

describe('session timers (RFC 4028)', () => {
  const timer = ['Supported: timer', 'Session-Expires: 90'];

  test('the peer refreshes: accepted, and without a refresh we end the call 30 s before', async () => {
    const { pair, raw, tag, ok } = await connected([...timer, 'Allow: INVITE, UPDATE']);
    expect(header(ok, 'session-expires')).toBe('90;refresher=uac');
    expect(header(ok, 'require')).toBe('timer');
    await pair.pass(50_000);
    await raw.send(lines('UPDATE', timer, { toTag: tag, cseq: 2 }));
    expect(header(raw.last as SipResponse, 'session-expires')).toBe('90;refresher=uac');
    await pair.pass(50_000);
    expect(pair.b.owners[0].endings).toEqual([]);
    await pair.pass(10_000);
    expect(pair.b.owners[0].endings).toEqual([{ cause: 'expired', reason: undefined }]);
    expect(raw.received.at(-1)).toBe('BYE');
    expect(await pair.fade()).toEqual(FADED);
  });

  test('refresher=uas: we refresh with UPDATE at half the interval', async () => {
    const { pair, raw, ok } = await connected(['Supported: timer', 'Session-Expires: 100;refresher=uas', 'Allow: INVITE, UPDATE']);
    expect(header(ok, 'session-expires')).toBe('100;refresher=uas');
    await pair.pass(50_010);
    expect(raw.last).toMatchObject({ kind: 'request', method: 'UPDATE' });
    expect(header(raw.last as SipResponse, 'session-expires')).toBe('100;refresher=uac');
    await stopped(pair);
  });

  test('between two of us: a re-INVITE with the same SDP refreshes where UPDATE is not taken, again and again', async () => {
    const pair = await new Pair().start();
    const original = pair.network.carry.bind(pair.network);
    pair.network.carry = (from, bytes, peer, failed) => {
      let text = Buffer.from(bytes).toString();
      if (from.address === '10.0.0.1') text = text.replace(', UPDATE', '');
      if (from.address === '10.0.0.1' && text.startsWith('INVITE')) {
        text = text.replace('Supported: timer', 'Supported: timer\r\nSession-Expires: 200;refresher=uas');
      }
      original(from, Buffer.from(text), peer, failed);
    };
    const call = await pair.connect();
    await pair.pass(1_000_000);
    expect(call.owner.endings).toEqual([]);
    expect(call.owner.offers.length).toBeGreaterThanOrEqual(9);
    expect(new Set(call.owner.offers)).toEqual(new Set(['answer to offer']));
    void call.session?.hangUp();
    await pair.pass(1000);
    expect(await pair.fade()).toEqual(FADED);
  });

  test('a peer that vanished is noticed by the refresh that fails', async () => {
    const { pair } = await connected(['Supported: timer', 'Session-Expires: 100;refresher=uas', 'Allow: INVITE']);
    pair.network.script = () => [];
    await pair.pass(50_000 + 32_100);
    expect(pair.b.owners[0].endings).toHaveLength(1);
    expect(await pair.fade()).toEqual(FADED);
  });
});

test('forked answers: the first is the call, the others are acknowledged and ended (§13.2.2.4)', async () => {
  const pair = await new Pair().start();
  const original = pair.network.carry.bind(pair.network);
  const oks: string[] = [];
  pair.network.carry = (from, bytes, peer, failed) => {
    const text = Buffer.from(bytes).toString();
    original(from, bytes, peer, failed);
    if (text.startsWith('SIP/2.0 200') && text.includes('INVITE') && oks.length < 2) {
      oks.push(text);
      const to = /To: [^\r]*tag=([^\r;]*)/.exec(text)?.[1] ?? '';
      original(from, Buffer.from(text.replaceAll(to, `fork${oks.length}`)), peer, failed);
    }
  };
  const call = await pair.connect();
  await pair.pass(50);
  expect(call.session?.dialog.remoteTag).not.toContain('fork');
  expect(pair.lines.filter((line) => line.startsWith('1> ACK'))).toHaveLength(2);
  expect(pair.lines.filter((line) => line.startsWith('1> BYE'))).toHaveLength(1);
  expect(call.owner.endings).toEqual([]);
  void call.session?.hangUp();
  expect(await pair.fade()).toEqual(FADED);
});

test('a message broken yet answerable is answered to a trunk and to nobody else', async () => {
  const pair = await new Pair({ b: { trusts: (address) => (address === '10.0.0.9' ? 'trunk' : undefined) } }).start();
  const known = new RawPeer(pair);
  const stranger = new RawPeer(pair, '10.0.0.66');
  const broken = lines('OPTIONS').map((line) => (line.startsWith('CSeq') ? 'CSeq: 1 INVITE' : line));
  await known.send(broken);
  await stranger.send(broken);
  expect(known.received).toEqual(['400']);
  expect(stranger.received).toEqual([]);
  expect(pair.b.agent.counters()).toMatchObject({ sipFaults: 2 });
  setHeader(known.last as SipResponse, 'x', '1');
  expect(await pair.fade()).toEqual(FADED);
});

test('an owner that throws loses its own message and nothing else', async () => {
  const pair = await new Pair({
    b: {
      onInvite: () => {
        throw new Error('a fault of ours');
      },
    },
  }).start();
  const raw = new RawPeer(pair);
  await raw.send(lines('INVITE', SDP), 'offer');
  await raw.send(lines('OPTIONS'));
  expect(raw.received).toEqual(['100', '500', '200']);
  expect(await pair.fade()).toEqual(FADED);
});

test('mutated messages never break the user agent, and leave nothing behind', async () => {
  const pair = await new Pair().start();
  const raw = new RawPeer(pair);
  const methods = ['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'INFO', 'UPDATE', 'REFER', 'REGISTER'];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...methods),
      fc.array(fc.tuple(fc.nat(), fc.constantFrom('drop', 'double', 'cut', 'noise'), fc.string({ unit: 'binary', maxLength: 20 })), {
        maxLength: 4,
      }),
      fc.nat(20),
      async (method, mutations, id) => {
        const message = lines(method, SDP, { branch: `z9hG4bK${id}`, cseq: id, toTag: id % 3 === 0 ? 'x' : undefined });
        for (const [where, how, noise] of mutations) {
          const at = where % message.length;
          if (how === 'drop' && message.length > 1) message.splice(at, 1);
          else if (how === 'double') message.splice(at, 0, message[at]);
          else if (how === 'cut') message[at] = message[at].slice(0, where % 40);
          else message[at] += noise;
        }
        await raw.send(message, 'offer');
      },
    ),
    { numRuns: 500, seed: 7 },
  );
  expect(pair.b.agent.counters().sipErrors).toBe(0);
  expect(await pair.fade()).toEqual(FADED);
});
