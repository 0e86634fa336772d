import { describe, expect, test } from 'vitest';
import { VirtualClock } from '#kit/clock.ts';
import { isPrivateAddress, localAddressFor } from './local-address.ts';
import { locate, type NameService } from './locate.ts';
import type { SipUri } from './message.ts';
import { answer, FADED, Pair } from './testing.ts';
import { parseUri } from './uri.ts';

const names: NameService = {
  addresses: (host) =>
    host === 'gone' ? Promise.reject(new Error('no such name')) : Promise.resolve([host === 'one' ? '10.0.0.3' : '10.0.0.2']),
  services: (name) =>
    name === '_sip._udp.trunk.example'
      ? Promise.resolve([
          { host: 'one', port: 5060 },
          { host: 'two', port: 5060 },
        ])
      : Promise.reject(new Error('no such service')),
};

const places = async (text: string) =>
  (await locate(parseUri(text) as SipUri, names, new VirtualClock())).map((place) => `${place.transport} ${place.address}:${place.port}`);

describe('where requests go (RFC 3263 §4)', () => {
  test('a literal address, with and without port and transport', async () => {
    expect(await places('sip:a@10.1.1.1')).toEqual(['UDP 10.1.1.1:5060']);
    expect(await places('sip:a@[2001:db8::1]:5070;transport=TCP')).toEqual(['TCP 2001:db8::1:5070']);
  });

  test('SRV without a port, addresses with one, nothing where there is no name', async () => {
    expect(await places('sip:a@trunk.example')).toEqual(['UDP 10.0.0.3:5060', 'UDP 10.0.0.2:5060']);
    expect(await places('sip:a@trunk.example:5080')).toEqual(['UDP 10.0.0.2:5080']);
    expect(await places('sip:a@gone')).toEqual([]);
  });

  test('a resolver that never answers is given up', async () => {
    const clock = new VirtualClock();
    const silent = { addresses: () => new Promise<string[]>(() => {}), services: () => new Promise<[]>(() => {}) };
    const found = locate(parseUri('sip:a@b.example') as SipUri, silent, clock);
    await clock.advance(4000);
    expect(await found).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test('the next place is tried after a transport error, and after 503', async () => {
    const pair = await new Pair({ a: { names } }).start();
    const target = parseUri('sip:agent@trunk.example') as SipUri;
    const call = pair.place({ target }); // nobody listens at 10.0.0.3
    await pair.pass(20);
    answer(pair.b);
    await pair.pass(20);
    expect(call.session?.state).toBe('confirmed');
    void call.session?.hangUp();
    const nowhere = pair.place({ target: parseUri('sip:agent@gone') as SipUri });
    await pair.pass(20);
    expect(nowhere.failures).toMatchObject([{ cause: 'transport' }]);
    expect(await pair.fade()).toEqual(FADED);
  });
});

describe('our address', () => {
  test('what is bound, else what the peer can reach', () => {
    expect(localAddressFor('198.51.100.7', '192.0.2.1')).toBe('192.0.2.1');
    expect(localAddressFor('127.0.0.1', '0.0.0.0')).toBe('127.0.0.1');
    expect(localAddressFor('::1', '::')).toBe('::1');
    expect(localAddressFor('198.51.100.7', '0.0.0.0')).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  });

  test.each([
    ['10.1.2.3', true],
    ['172.31.0.1', true],
    ['172.32.0.1', false],
    ['192.168.1.1', true],
    ['100.64.0.1', true],
    ['127.0.0.1', true],
    ['8.8.8.8', false],
    ['fd00::1', true],
    ['2001:db8::1', false],
  ])('%s is private: %s', (address, expected) => {
    expect(isPrivateAddress(address)).toBe(expected);
  });
});
