import { assert, integer, nat, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '#kit/clock.ts';
import { SeededRandom } from '#kit/random.ts';
import { LossProcess, SimulatedNetwork, WIRE_MS } from './network.ts';

describe('losses', () => {
  const run = (lossPct: number, burstPackets: number, seed: number, packets = 40_000) => {
    const process = new LossProcess(new SeededRandom(seed), { lossPct, burstPackets });
    let [lost, bursts, before] = [0, 0, false];
    for (let i = 0; i < packets; i++) {
      const loses = process.loses();
      if (loses) lost++;
      if (loses && !before) bursts++;
      before = loses;
    }
    return { share: lost / packets, burst: lost / Math.max(1, bursts) };
  };

  test('come as often and in bursts as long as asked', () => {
    assert(
      property(integer({ min: 2, max: 40 }), integer({ min: 1, max: 8 }), nat(), (lossPct, burstPackets, seed) => {
        const { share, burst } = run(lossPct, burstPackets, seed);
        expect(Math.abs(share * 100 - lossPct)).toBeLessThan(0.25 * lossPct + 1);
        // Chance joins bursts that follow each other at once.
        if (burstPackets > 1) expect(burst / burstPackets).toBeGreaterThan(0.8);
        expect(burst / burstPackets).toBeLessThan(1.3 / (1 - lossPct / 100));
      }),
      { numRuns: 40 },
    );
  });

  test('nothing and everything', () => {
    expect(run(0, 1, 1, 1_000).share).toBe(0);
    expect(run(100, 3, 1, 1_000).share).toBe(1);
  });
});

describe('the network', () => {
  const open = (condition: { lossPct?: number; burstPackets: number; jitterMs?: number }) => {
    const clock = new VirtualClock();
    const network = new SimulatedNetwork(clock, new SeededRandom(3), condition);
    const [a, b] = [network.ports('10.0.0.1'), network.ports('10.0.0.2')];
    const arrived: { at: number; byte: number }[] = [];
    b.rtp.onMessage((bytes, address, port) => {
      expect([address, port]).toEqual(['10.0.0.1', a.rtp.port]);
      arrived.push({ at: clock.now(), byte: bytes[0] });
    });
    const send = (byte: number) => a.rtp.send(Uint8Array.of(0, byte, 0), 1, 1, b.rtp.port, '10.0.0.2');
    return { clock, network, a, b, arrived, send };
  };

  test('carries packets in order, each as long as the wire takes', async () => {
    const { clock, network, arrived, send } = open({ burstPackets: 1 });
    for (let i = 0; i < 10; i++) {
      send(i);
      await clock.advance(10);
      network.tick();
    }
    expect(arrived.slice(0, 3)).toEqual([
      { at: WIRE_MS, byte: 0 },
      { at: WIRE_MS + 10, byte: 1 },
      { at: WIRE_MS + 20, byte: 2 },
    ]);
  });

  test('lets packets overtake each other when it shakes', async () => {
    const { clock, arrived, send } = open({ burstPackets: 1, jitterMs: 60 });
    for (let i = 0; i < 50; i++) {
      send(i);
      await clock.advance(20);
    }
    await clock.advance(200);
    expect(arrived).toHaveLength(50);
    const order = arrived.map(({ byte }) => byte);
    expect(order).not.toEqual(order.toSorted((x, y) => x - y));
    for (const { at, byte } of arrived) {
      expect(at - byte * 20).toBeGreaterThanOrEqual(WIRE_MS);
      expect(at - byte * 20).toBeLessThan(WIRE_MS + 60);
    }
  });

  test('a port that was closed hears nothing', async () => {
    const { clock, network, b, arrived, send } = open({ burstPackets: 1 });
    send(1);
    b.release();
    await clock.advance(100);
    network.tick();
    expect(arrived).toEqual([]);
  });
});
