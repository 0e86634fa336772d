import { describe, expect, test } from 'vitest';
import { FaultNet, ownedBy } from './fault-net.ts';
import { testKit } from './testing.ts';

function netOf(alive: string[]) {
  const { clock, log } = testKit();
  const blamed: string[] = [];
  let gaveUp = 0;
  const net = new FaultNet({
    clock,
    log,
    blame: (owner) => alive.includes(owner) && blamed.push(owner) > 0,
    giveUp: () => {
      gaveUp++;
    },
  });
  return { net, clock, blamed, gaveUp: () => gaveUp };
}

/** Vitest listens for uncaught faults too, and would fail: its listeners rest while ours is tried. */
async function withoutOthers(run: () => Promise<void>): Promise<void> {
  const names = ['uncaughtException', 'unhandledRejection'] as const;
  const others = names.map((name) => process.listeners(name as 'uncaughtException'));
  for (const name of names) process.removeAllListeners(name);
  try {
    await run();
  } finally {
    for (const [i, name] of names.entries()) for (const listener of others[i]) process.on(name as 'uncaughtException', listener);
  }
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

describe('a fault net', () => {
  test('blames the owner of a timer, of a promise and of what those started', async () => {
    const { net, blamed, gaveUp } = netOf(['one', 'two', 'three']);
    await withoutOthers(async () => {
      const gather = net.spread();
      ownedBy('one', () => {
        setTimeout(() => {
          throw new Error('in a timer');
        });
      });
      ownedBy('two', () => {
        void Promise.resolve().then(() => {
          throw new Error('in a promise');
        });
      });
      void ownedBy('three', async () => {
        await turn();
        setImmediate(() => {
          throw new Error('later');
        });
      });
      await turn();
      await turn();
      await turn();
      gather();
    });
    expect(blamed.toSorted()).toEqual(['one', 'three', 'two']);
    expect(net.count).toBe(3);
    expect(gaveUp()).toBe(0);
  });

  test('gives up only when faults that belong to nothing come in numbers', async () => {
    const { net, clock, gaveUp } = netOf(['busy']);
    for (let i = 0; i < 500; i++) net.catch(new Error('owned'), 'busy');
    for (let i = 0; i < 50; i++) net.catch(new Error('stray'), 'ended long ago');
    await clock.advance(10_001);
    for (let i = 0; i < 50; i++) net.catch(new Error('stray'), undefined);
    expect(gaveUp()).toBe(0);
    net.catch(new Error('the last straw'), undefined);
    expect(gaveUp()).toBe(1);
    expect(net.count).toBe(601);
  });

  test('an owner that cannot even be ended does not break the net', () => {
    const { clock, log } = testKit();
    const blame = () => {
      throw new Error('worse');
    };
    const net = new FaultNet({ clock, log, blame, giveUp: () => {} });
    net.catch(new Error('bad'), 'one');
    expect(net.count).toBe(1);
  });
});
