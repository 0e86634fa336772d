import { describe, expect, test } from 'vitest';
import { VirtualClock } from '#kit/clock.ts';
import { ha1Of } from './digest.ts';
import { header, headerValues } from './headers.ts';
import { SourceLimits } from './source-limits.ts';
import { ALICE, answer, FADED, Pair, PlacedCall, RawPeer } from './testing.ts';
import { sipUri } from './uri.ts';

const guarded = { trusts: () => undefined, secret: (user: string) => (user === 'alice' ? { password: 'secret' } : undefined) };

function fromAlice(pair: Pair, credentials = ALICE): PlacedCall {
  return pair.place({ from: { display: undefined, uri: sipUri('alice', '10.0.0.2'), params: new Map() }, credentials });
}

describe('strangers', () => {
  test('get no answer at all, whatever they send', async () => {
    const pair = await new Pair({ b: guarded }).start();
    const raw = new RawPeer(pair, '10.0.0.66');
    for (const method of ['OPTIONS', 'INVITE', 'REGISTER', 'BYE', 'CANCEL', 'ACK', 'SUBSCRIBE']) {
      await raw.send([
        `${method} sip:100@10.0.0.2 SIP/2.0`,
        `Via: SIP/2.0/UDP 10.0.0.66:5060;branch=z9hG4bK-${method}`,
        'From: "sipvicious"<sip:100@1.1.1.1>;tag=x',
        `To: "sipvicious"<sip:100@1.1.1.1>${method === 'BYE' ? ';tag=y' : ''}`,
        `Call-ID: ${method}`,
        `CSeq: 1 ${method}`,
        'Max-Forwards: 70',
        'User-Agent: friendly-scanner',
      ]);
    }
    expect(raw.received).toEqual([]);
    expect(pair.b.incoming).toEqual([]);
    expect(pair.b.agent.counters()).toMatchObject({ sipStrangers: 6, sipStrayAcks: 1 });
    expect(pair.b.agent.load).toEqual({ dialogs: 0, transactions: 0, unanswered: 0 });
  });

  test('a flood runs out of tokens before it is parsed; a trunk is not affected', async () => {
    const pair = await new Pair({ b: { trusts: (address) => (address === '10.0.0.1' ? 'trunk' : undefined) } }).start();
    const raw = new RawPeer(pair, '10.0.0.66');
    for (let i = 0; i < 300; i++) await raw.send(['OPTIONS sip:100@10.0.0.2 SIP/2.0', 'Via: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKx']);
    const { sipOverLimit, sipFaults } = pair.b.agent.counters();
    expect(sipFaults).toBeLessThan(120);
    expect(sipOverLimit + sipFaults).toBe(300);
    const call = await pair.connect();
    expect(call.session).toBeDefined();
    void call.session?.hangUp();
    expect(await pair.fade()).toEqual(FADED);
  });
});

describe('credentials', () => {
  test.each(['MD5', 'SHA-256'] as const)(
    'a known user from anywhere is challenged, proves the password with %s, and calls',
    async (algorithm) => {
      const pair = await new Pair({ b: { ...guarded, challenges: [algorithm] } }).start();
      const call = fromAlice(pair);
      await pair.pass(30);
      expect(pair.b.incoming[0].admitted).toEqual({ trunk: undefined, user: 'alice' });
      answer(pair.b);
      await pair.pass(30);
      expect(call.session).toBeDefined();
      const invites = pair.network.sent.filter(({ text }) => text.startsWith('INVITE'));
      expect(invites).toHaveLength(2);
      expect(invites[1].text).toContain(`algorithm=${algorithm}`);
      expect(pair.network.sent.find(({ text }) => text.startsWith('ACK') && text.includes('Authorization'))).toBeDefined();
      // Inside the dialog nobody is asked again.
      void call.session?.hangUp();
      await pair.pass(30);
      expect(pair.b.owners[0].endings).toHaveLength(1);
      expect(await pair.fade()).toEqual(FADED);
    },
  );

  test('MD5, with a stored HA1 instead of a password', async () => {
    const ha1 = { MD5: ha1Of('MD5', 'alice', 'tandem', 'secret') };
    const pair = await new Pair({ b: { ...guarded, challenges: ['SHA-256', 'MD5'], secret: () => ({ ha1 }) } }).start();
    const original = pair.network.carry.bind(pair.network);
    pair.network.carry = (from, bytes, peer, failed) =>
      original(
        from,
        Buffer.from(
          Buffer.from(bytes)
            .toString()
            .replace(/WWW-Authenticate: [^\r]*SHA-256[^\r]*\r\n/, ''),
        ),
        peer,
        failed,
      );
    const call = fromAlice(pair);
    await pair.pass(30);
    expect(header(pair.b.incoming[0].request, 'authorization')).toContain('algorithm=MD5');
    pair.b.incoming[0].reject(486);
    await pair.pass(30);
    expect(call.failures[0]).toMatchObject({ status: 486 });
    expect(await pair.fade()).toEqual(FADED);
  });

  test('a wrong password: the same 401, asked once more at most, and after five a ban that outlasts the right one', async () => {
    const pair = await new Pair({ b: guarded }).start();
    for (let i = 0; i < 5; i++) {
      const call = fromAlice(pair, { username: 'alice', password: 'guess' });
      await pair.pass(100);
      expect(call.failures).toMatchObject([{ cause: 'rejected', status: 401 }]);
    }
    expect(pair.b.agent.counters()).toMatchObject({ sipWrongPasswords: 5, sipBans: 1, sipChallenges: 10 });
    const silent = fromAlice(pair);
    await pair.pass(40_000);
    expect(silent.failures[0]).toMatchObject({ cause: 'timeout' });
    await pair.pass(900_000);
    fromAlice(pair);
    await pair.pass(100);
    expect(pair.b.incoming).toHaveLength(1);
    pair.b.incoming[0].reject(486);
    expect(await pair.fade()).toEqual(FADED);
  });

  test('a user that does not exist is a stranger, with or without credentials', async () => {
    const pair = await new Pair({ b: { ...guarded, secret: () => undefined } }).start();
    const call = fromAlice(pair);
    await pair.pass(33_000);
    expect(call.failures[0]).toMatchObject({ cause: 'timeout' });
    expect(pair.network.sent.every(({ from }) => from.startsWith('10.0.0.1'))).toBe(true);
    expect(await pair.fade()).toEqual(FADED);
  });

  test('a challenge costs no memory, and the same request gets the same To tag (§8.2.7)', async () => {
    const pair = await new Pair({ b: guarded }).start();
    const raw = new RawPeer(pair, '10.0.0.66');
    const tags: (string | undefined)[] = [];
    for (let i = 0; i < 2; i++) {
      await raw.send([
        'INVITE sip:x@10.0.0.2 SIP/2.0',
        'Via: SIP/2.0/UDP 10.0.0.66:5060;branch=z9hG4bKsame',
        'From: <sip:alice@10.0.0.2>;tag=x',
        'To: <sip:x@10.0.0.2>',
        'Call-ID: c',
        'CSeq: 1 INVITE',
        'Max-Forwards: 70',
        'Contact: <sip:alice@10.0.0.66>',
      ]);
      if (typeof raw.last === 'object' && raw.last.kind === 'response') {
        tags.push(header(raw.last, 'to'));
        expect(headerValues(raw.last, 'www-authenticate')).toHaveLength(1);
      }
    }
    expect(tags[0]).toContain('tag=');
    expect(tags[1]).toBe(tags[0]);
    expect(pair.b.agent.load.transactions).toBe(0);
  });
});

test('limits remember a bounded number of sources', () => {
  const limits = new SourceLimits(new VirtualClock(), { sources: 100, failures: 1 });
  for (let i = 0; i < 1000; i++) {
    limits.take(`10.0.${i >> 8}.${i & 255}`, false);
    limits.fail(`10.0.${i >> 8}.${i & 255}`, 'u');
  }
  expect(limits.size).toBe(200);
  expect(limits.banned('10.0.3.231', 'u')).toBe(true);
  expect(limits.banned('10.0.0.1', 'u')).toBe(false);
});
