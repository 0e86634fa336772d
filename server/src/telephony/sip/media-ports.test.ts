import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { expect, test } from 'vitest';
import { MediaPacer } from '#audio/pacer.ts';
import { testKit } from '#kit/testing.ts';
import type { RtpPorts } from '#rtp/port-pair.ts';
import { PortPool } from '#rtp/ports.ts';
import { MediaPorts } from './media-ports.ts';

const HOST = '127.0.0.1';

function mediaPorts(low: number, callsPerPort: number | undefined) {
  const kit = testKit();
  const pool = new PortPool(low, low + 499, kit.clock, kit.random);
  const media = new MediaPorts({ kit, pacer: new MediaPacer(kit.clock, kit.log), pool, udp: 'dgram', callsPerPort });
  return { pool, media };
}

/** A phone whose sound is heard on `ports` before this resolves. */
async function phoneFor(open: (remote: { address: string; port: number }) => Promise<RtpPorts>) {
  const phone = createSocket('udp4').bind(0, HOST);
  await once(phone, 'listening');
  const ports = await open({ address: HOST, port: phone.address().port });
  await new Promise<void>((resolve) => {
    ports.rtp.onMessage(() => resolve());
    phone.send(new Uint8Array(20), ports.rtp.port, HOST);
  });
  phone.close();
  return ports;
}

test('calls have ports of their own, and share them once there are a hundred', async () => {
  const { pool, media } = mediaPorts(23_000, undefined);
  const own: RtpPorts[] = [];
  for (let i = 0; i < 100; i++) own.push(await media.open(HOST, { address: '10.0.0.1', port: 5_000 + 2 * i }));
  expect(new Set(own.map(({ rtp }) => rtp.port)).size).toBe(100);
  expect(media.linesFree).toBe(pool.free);

  const sharing = [await phoneFor((remote) => media.open(HOST, remote)), await phoneFor((remote) => media.open(HOST, remote))];
  expect(sharing[1].rtp.port).toBe(sharing[0].rtp.port);
  expect(pool.taken).toBe(101);
  expect(media.linesFree).toBe(pool.free + 14);
  // A call out does not know where its sound will come from.
  const out = await media.open(HOST, undefined);
  expect(out.rtp.port).not.toBe(sharing[0].rtp.port);

  for (const ports of [...own, out]) {
    ports.release();
    ports.release();
  }
  const late = await media.open(HOST, { address: '10.0.0.2', port: 5_000 });
  expect(late.rtp.port).not.toBe(sharing[0].rtp.port);
  for (const ports of [...sharing, late]) ports.release();
  expect(pool.taken).toBe(0);
  media.close();
});

test('as many calls share a port as is asked for, from the first one on', async () => {
  const { pool, media } = mediaPorts(23_500, 2);
  const calls: RtpPorts[] = [];
  for (let i = 0; i < 3; i++) calls.push(await phoneFor((remote) => media.open(HOST, remote)));
  expect(calls[1].rtp.port).toBe(calls[0].rtp.port);
  expect(calls[2].rtp.port).not.toBe(calls[0].rtp.port);
  for (const ports of calls) ports.release();
  expect(pool.taken).toBe(0);
  media.close();
});
