import { describe, expect, test } from 'vitest';
import { header } from './headers.ts';
import type { SipMessage, SipPeer, SipRequest } from './message.ts';
import { MemoryNetwork, type MemoryTransport } from './memory-transport.ts';
import type { RegistrationState } from './registration.ts';
import { ALICE } from './testing.ts';
import { testKit } from '#kit/testing.ts';
import { DigestServer } from './digest-server.ts';
import { ha1Of } from './digest.ts';
import { sipUri } from './uri.ts';
import { SipUserAgent } from './user-agent.ts';
import { responseTo, writeMessage } from './write.ts';
import { parseDatagram } from './parse.ts';

/** A registrar that answers by `decide`, after the password was right. */
class Registrar {
  readonly received: SipRequest[] = [];
  silent = false;
  readonly #transport: MemoryTransport;
  readonly #digest: DigestServer;
  decide: (request: SipRequest) => [number, Record<string, string>] = (request) => [
    200,
    { contact: `<sip:other@10.0.0.5>;expires=30, ${header(request, 'contact')};expires=100` },
  ];

  constructor(network: MemoryNetwork, kit: ReturnType<typeof testKit>) {
    this.#transport = network.transport('10.0.0.2');
    this.#digest = new DigestServer({ clock: kit.clock, random: kit.random, realm: 'pbx' });
    network.join(this.#transport, { admits: () => true, fault: () => {}, message: (message, from) => this.#receive(message, from) });
  }

  #receive(message: SipMessage, from: SipPeer): boolean {
    if (message.kind !== 'request') return false;
    if (this.silent) return true;
    this.received.push(message);
    const { outcome } = this.#digest.check(message, (user, algorithm) => ha1Of(algorithm, user, 'pbx', 'secret'));
    const stale = outcome === 'stale';
    const decision = outcome === 'ok' ? this.decide(message) : ([401, {}] as const);
    const [status, extra] = decision;
    const headers = Object.entries(extra).map(([name, value]) => ({ name, value }));
    if (status === 401) headers.push(...this.#digest.challenge({ stale }));
    this.#transport.send(writeMessage(responseTo(message, status, undefined, { toTag: 'r', headers })), from);
    return true;
  }
}

async function scene() {
  const kit = testKit();
  const network = new MemoryNetwork(kit.clock);
  const registrar = new Registrar(network, kit);
  const agent = new SipUserAgent({
    kit,
    host: '10.0.0.1',
    port: 5060,
    portSetting: 'SIP_PORT',
    publicHost: '203.0.113.9',
    publicPort: 5070,
    trusts: () => undefined,
    secret: () => undefined,
    onInvite: () => {},
    transports: [network.transport('10.0.0.1')],
  });
  await agent.start();
  const states: RegistrationState[] = [];
  const register = (password = 'secret') =>
    agent.register({
      registrar: sipUri(undefined, '10.0.0.2'),
      user: 'alice',
      credentials: { ...ALICE, password },
      onState: (state) => states.push(state),
    });
  return { kit, network, registrar, agent, states, register };
}

describe('registration', () => {
  test('answers the challenge, takes the granted time of its own binding, refreshes at 50-90 % of it', async () => {
    const { kit, registrar, agent, states, register } = await scene();
    register();
    await kit.clock.advance(50);
    expect(states).toEqual([{ kind: 'registered', expiresSeconds: 100 }]);
    const [first, second] = registrar.received;
    expect(header(first, 'contact')).toBe('<sip:alice@203.0.113.9:5070>');
    expect(header(second, 'call-id')).toBe(header(first, 'call-id'));
    expect(Number.parseInt(header(second, 'cseq') ?? '', 10)).toBe(Number.parseInt(header(first, 'cseq') ?? '', 10) + 1);
    await kit.clock.advance(49_000);
    expect(registrar.received).toHaveLength(2);
    await kit.clock.advance(42_000);
    expect(registrar.received).toHaveLength(4);
    const stopped = agent.stop();
    await kit.clock.advance(100);
    await stopped;
    expect(states.at(-1)).toEqual({ kind: 'unregistered' });
    expect(header(registrar.received.at(-1) as SipRequest, 'expires')).toBe('0');
    expect(kit.clock.pending).toBe(0);
  });

  test('423 raises what is asked for (§10.2.8)', async () => {
    const { kit, registrar, agent, states, register } = await scene();
    registrar.decide = (request) =>
      Number(header(request, 'expires')) < 1800 ? [423, { 'min-expires': '1800' }] : [200, { expires: '1800' }];
    register();
    await kit.clock.advance(50);
    expect(states).toEqual([{ kind: 'registered', expiresSeconds: 1800 }]);
    registrar.decide = () => [200, {}];
    const stopped = agent.stop();
    await kit.clock.advance(100);
    await stopped;
    expect(kit.clock.pending).toBe(0);
  });

  test('refused or silent: tried again with a growing, jittered wait', async () => {
    const { kit, registrar, agent, states, register } = await scene();
    registrar.decide = () => [503, {}];
    register();
    await kit.clock.advance(4 * 3_600_000);
    const waits = states.map((state) => (state.kind === 'failed' ? state.retryMs : -1));
    expect(states[0]).toMatchObject({ kind: 'failed', status: 503 });
    for (const [i, wait] of waits.entries()) {
      const longest = Math.min(1_800_000, 30_000 * 2 ** i);
      expect(wait).toBeGreaterThanOrEqual(longest / 2);
      expect(wait).toBeLessThanOrEqual(longest);
    }
    expect(waits.length).toBeGreaterThan(8);
    registrar.silent = true;
    await kit.clock.advance(3_600_000);
    expect(states.at(-1)).toMatchObject({ kind: 'failed', status: undefined, reason: 'timeout' });
    registrar.silent = false;
    registrar.decide = () => [200, { expires: '60' }];
    await kit.clock.advance(1_900_000);
    expect(states.some((state) => state.kind === 'registered')).toBe(true);
    const stopped = agent.stop();
    await kit.clock.advance(100);
    await stopped;
    expect(kit.clock.pending).toBe(0);
  });

  test('a wrong password is tried twice, not for ever', async () => {
    const { kit, registrar, agent, states, register } = await scene();
    const registration = register('wrong');
    await kit.clock.advance(1000);
    expect(registrar.received).toHaveLength(2);
    expect(states).toMatchObject([{ kind: 'failed', status: 401 }]);
    expect(registration.registered).toBe(false);
    await registration.stop(); // nothing to remove
    expect(registrar.received).toHaveLength(2);
    await agent.stop();
    expect(kit.clock.pending).toBe(0);
  });

  test('what is sent can be read back', async () => {
    const { kit, network, agent, register } = await scene();
    register();
    await kit.clock.advance(50);
    for (const { text } of network.sent)
      expect(parseDatagram(Buffer.from(text))).toMatchObject({ kind: expect.stringMatching(/request|response/) });
    void agent.stop();
    await kit.clock.advance(3000);
    expect(kit.clock.pending).toBe(0);
  });
});
