import { expect, test } from 'vitest';
import { trunk } from './testing.ts';
import { peerUri, TrunkTable } from './trunk-table.ts';

test('a source belongs to the trunk whose range it is in, IPv4 and IPv6', () => {
  const table = new TrunkTable([
    trunk({ id: 'carrier', sources: ['54.172.60.0/30', '2001:db8::/32', ' 203.0.113.7 '] }),
    trunk({ id: 'pbx', registrar: 'sip:198.51.100.1:5070', outboundProxy: 'pbx.example.com' }),
  ]);
  expect(table.bySource('54.172.60.3')).toBe('carrier');
  expect(table.bySource('54.172.60.4')).toBeUndefined();
  expect(table.bySource('::ffff:54.172.60.1')).toBe('carrier');
  expect(table.bySource('2001:db8::1')).toBe('carrier');
  expect(table.bySource('203.0.113.7')).toBe('carrier');
  expect(table.bySource('198.51.100.1')).toBe('pbx');
  expect(table.bySource('not an address')).toBeUndefined();
});

test('what is no source is named, and opens nothing', () => {
  const table = new TrunkTable([trunk({ name: 'odd', sources: ['example.com', '10.0.0.0/33', '10.0.0.0/8/8', '', '/8'] })]);
  expect(table.faults).toHaveLength(5);
  expect(table.faults[0]).toBe('odd: example.com');
  expect(table.bySource('10.1.2.3')).toBeUndefined();
});

test('users need a password, and a way out belongs to its business', () => {
  const table = new TrunkTable([
    trunk({ id: 'a', username: 'open' }),
    trunk({ id: 'b', businessId: 'other', username: 'phone', password: 'secret', outboundProxy: '10.0.0.9:5080;transport=tcp' }),
  ]);
  expect(table.byUser('open')).toBeUndefined();
  expect(table.byUser('phone')?.id).toBe('b');
  expect(table.outbound('business-1')).toBeUndefined();
  expect(table.outbound('other')).toMatchObject({ trunk: { id: 'b' }, proxy: { host: '10.0.0.9', port: 5080 } });
  expect(peerUri('::not a uri::')).toBeUndefined();
});
