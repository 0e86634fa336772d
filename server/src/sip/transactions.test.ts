import { describe, expect, test } from 'vitest';
import { VirtualClock } from '#kit/clock.ts';
import { addHeader, setHeader } from './headers.ts';
import type { InviteServerTransaction } from './invite-server.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { ackForFailure } from './request.ts';
import type { TransactionWire } from './transaction.ts';
import { Transactions } from './transactions.ts';
import { newRequest, responseTo } from './write.ts';

function request(method: string, branch = 'z9hG4bKa', extra: { cseq?: number; toTag?: string } = {}): SipRequest {
  return newRequest({
    method,
    uri: 'sip:bob@10.0.0.2',
    via: `SIP/2.0/UDP 10.0.0.1:5060;branch=${branch}`,
    from: '<sip:ann@10.0.0.1>;tag=f',
    to: extra.toTag === undefined ? '<sip:bob@10.0.0.2>' : `<sip:bob@10.0.0.2>;tag=${extra.toTag}`,
    callId: 'c1',
    cseq: extra.cseq ?? 1,
    route: ['<sip:p1;lr>', '<sip:p2;lr>'],
  });
}

/** A wire that notes time and start line of what it carries, and fails on command. */
class Wire implements TransactionWire {
  readonly log: string[] = [];
  readonly messages: (SipRequest | SipResponse)[] = [];
  readonly reliable: boolean;
  readonly #clock: VirtualClock;
  fail: (() => void) | undefined;

  constructor(clock: VirtualClock, reliable: boolean) {
    this.#clock = clock;
    this.reliable = reliable;
  }

  send(message: SipRequest | SipResponse, onFailure?: (error: Error) => void): void {
    this.log.push(`${this.#clock.now()} ${message.kind === 'request' ? message.method : message.status}`);
    this.messages.push(message);
    this.fail = () => onFailure?.(new Error('unreachable'));
  }
}

function scene(reliable = false) {
  const clock = new VirtualClock();
  const wire = new Wire(clock, reliable);
  const table = new Transactions(clock, 100);
  const told: string[] = [];
  const user = { response: (response: SipResponse) => told.push(String(response.status)), failed: (why: string) => told.push(why) };
  const start = (sent: SipRequest) => {
    const transaction = table.request(sent, wire, user);
    transaction.start();
    return transaction;
  };
  return { clock, wire, table, told, start };
}

describe('INVITE client', () => {
  test('timer A doubles until timer B (§17.1.1.2)', async () => {
    const { clock, wire, told, start, table } = scene();
    start(request('INVITE'));
    await clock.advance(40_000);
    expect(wire.log).toEqual(['0', '500', '1500', '3500', '7500', '15500', '31500'].map((at) => `${at} INVITE`));
    expect(told).toEqual(['timeout']);
    expect([clock.pending, table.size]).toEqual([0, 0]);
  });

  test('a provisional response ends retransmission, and there is no deadline any more', async () => {
    const { clock, wire, told, start, table } = scene();
    const sent = request('INVITE');
    start(sent);
    await clock.advance(600);
    table.response(responseTo(sent, 180));
    await clock.advance(120_000);
    expect(wire.log).toEqual(['0 INVITE', '500 INVITE']);
    expect(told).toEqual(['180']);
    expect(clock.pending).toBe(0);
  });

  test('a failure is acknowledged, each time it comes, for 32 s (timer D)', async () => {
    const { clock, wire, told, start, table } = scene();
    const sent = request('INVITE');
    start(sent);
    const busy = responseTo(sent, 486, undefined, { toTag: 'b' });
    table.response(busy);
    await clock.advance(1000);
    table.response(busy);
    table.response(responseTo(sent, 200)); // a late 2xx of another branch does not count any more
    await clock.advance(30_999);
    expect(table.size).toBe(1);
    await clock.advance(1);
    expect([clock.pending, table.size]).toEqual([0, 0]);
    expect(wire.log).toEqual(['0 INVITE', '0 ACK', '1000 ACK']);
    expect(told).toEqual(['486']);
    const ack = wire.messages[1];
    expect(ack.headers.filter(({ name }) => name === 'via')).toHaveLength(1);
    expect(ack.headers.filter(({ name }) => name === 'route')).toHaveLength(2);
    expect(ack.headers.find(({ name }) => name === 'to')?.value).toBe('<sip:bob@10.0.0.2>;tag=b');
    expect(ack.headers.find(({ name }) => name === 'cseq')?.value).toBe('1 ACK');
  });

  test('over TCP nothing is repeated and D is 0', async () => {
    const { clock, wire, start, table } = scene(true);
    const sent = request('INVITE');
    start(sent);
    await clock.advance(5000);
    table.response(responseTo(sent, 404));
    await clock.advance(0);
    expect(wire.log).toEqual(['0 INVITE', '5000 ACK']);
    expect([clock.pending, table.size]).toEqual([0, 0]);
  });

  test('every 2xx reaches the user for 64*T1 (RFC 6026 timer M)', async () => {
    const { clock, told, start, table } = scene();
    const sent = request('INVITE');
    start(sent);
    table.response(responseTo(sent, 200, undefined, { toTag: 'x' }));
    table.response(responseTo(sent, 200, undefined, { toTag: 'x' }));
    await clock.advance(31_999);
    expect(table.response(responseTo(sent, 200, undefined, { toTag: 'y' }))).toBe(true);
    table.response(responseTo(sent, 486));
    await clock.advance(1);
    expect(table.response(responseTo(sent, 200))).toBe(false);
    expect(told).toEqual(['200', '200', '200']);
    expect([clock.pending, table.size]).toEqual([0, 0]);
  });

  test('a transport error is told once', async () => {
    const { clock, wire, told, start, table } = scene();
    start(request('INVITE'));
    wire.fail?.();
    wire.fail?.();
    expect(told).toEqual(['transport']);
    await clock.advance(0);
    expect([clock.pending, table.size]).toEqual([0, 0]);
  });
});

describe('non-INVITE client', () => {
  test('timer E doubles to T2, F ends it (§17.1.2.2)', async () => {
    const { clock, wire, told, start } = scene();
    start(request('OPTIONS'));
    await clock.advance(40_000);
    expect(wire.log.map((line) => Number(line.split(' ')[0]))).toEqual([
      0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
    ]);
    expect(told).toEqual(['timeout']);
    expect(clock.pending).toBe(0);
  });

  test('in proceeding it is repeated every T2; K absorbs late answers', async () => {
    const { clock, wire, told, start, table } = scene();
    const sent = request('BYE');
    start(sent);
    table.response(responseTo(sent, 100));
    await clock.advance(5000);
    expect(wire.log).toEqual(['0 BYE', '500 BYE', '4500 BYE']);
    table.response(responseTo(sent, 200));
    expect(table.response(responseTo(sent, 200))).toBe(true);
    await clock.advance(5000);
    expect(told).toEqual(['100', '200']);
    expect([clock.pending, table.size]).toEqual([0, 0]);
  });
});

describe('INVITE server', () => {
  test('a repeated INVITE gets the last provisional again; a failure is repeated until the ACK (G), then absorbed (I)', async () => {
    const { clock, wire, table } = scene();
    const invite = request('INVITE');
    const server = table.serve(invite, wire) as InviteServerTransaction;
    server.receive(invite);
    server.respond(responseTo(invite, 180));
    server.receive(invite);
    const busy = responseTo(invite, 486, undefined, { toTag: 'b' });
    server.respond(busy);
    await clock.advance(8000);
    expect(wire.log).toEqual(['0 180', '0 180', '0 486', '500 486', '1500 486', '3500 486', '7500 486']);
    const ack = ackForFailure(invite, busy);
    expect(table.serverOf(ack)).toBe(server);
    server.receive(ack);
    expect(server.state).toBe('confirmed');
    await clock.advance(5000);
    expect(wire.log).toHaveLength(7);
    expect([clock.pending, table.size]).toEqual([0, 0]);
  });

  test('without ACK the user is told after 64*T1 (H)', async () => {
    const { clock, wire, table } = scene();
    const invite = request('INVITE');
    const server = table.serve(invite, wire) as InviteServerTransaction;
    const told: string[] = [];
    server.user = { ack: () => {}, failed: (why) => told.push(why) };
    server.respond(responseTo(invite, 500));
    await clock.advance(32_000);
    expect(told).toEqual(['timeout']);
    expect(wire.log.at(-1)).toBe('31500 500');
    expect([clock.pending, table.size]).toEqual([0, 0]);
  });

  test('after a 2xx: INVITEs are absorbed, ACK and further 2xx pass, until L (RFC 6026)', async () => {
    const { clock, wire, table } = scene();
    const invite = request('INVITE');
    const server = table.serve(invite, wire) as InviteServerTransaction;
    const acks: string[] = [];
    server.user = { ack: (ack) => acks.push(ack.method), failed: () => {} };
    const ok = responseTo(invite, 200, undefined, { toTag: 'b' });
    server.respond(ok);
    server.receive(invite);
    server.respond(ok);
    server.respond(responseTo(invite, 486));
    server.receive(request('ACK'));
    expect(acks).toEqual(['ACK']);
    await clock.advance(32_000);
    expect(wire.log).toEqual(['0 200', '0 200']);
    expect([clock.pending, table.size]).toEqual([0, 0]);
  });
});

describe('non-INVITE server', () => {
  test('nothing before an answer, the answer again until J', async () => {
    const { clock, wire, table } = scene();
    const options = request('OPTIONS');
    const server = table.serve(options, wire);
    server.receive(options);
    expect(wire.log).toEqual([]);
    server.respond(responseTo(options, 200));
    server.receive(options);
    server.respond(responseTo(options, 500));
    await clock.advance(31_999);
    expect(table.serverOf(options)).toBe(server);
    await clock.advance(1);
    expect(wire.log).toEqual(['0 200', '0 200']);
    expect([clock.pending, table.size]).toEqual([0, 0]);
  });

  test('a user that never answers does not hold it (RFC 4320: no 408)', async () => {
    const { clock, wire, table } = scene();
    table.serve(request('INFO'), wire);
    await clock.advance(32_000);
    expect(wire.log).toEqual([]);
    expect([clock.pending, table.size]).toEqual([0, 0]);
  });
});

describe('matching', () => {
  test('branch, sent-by and method decide (§17.2.3); CANCEL finds its INVITE, another sent-by does not', () => {
    const { wire, table } = scene();
    const invite = request('INVITE');
    const server = table.serve(invite, wire);
    const cancel = request('CANCEL');
    expect(table.serverOf(cancel)).toBeUndefined();
    expect(table.cancelled(cancel)).toBe(server);
    setHeader(cancel, 'via', 'SIP/2.0/UDP 10.9.9.9:5060;branch=z9hG4bKa');
    expect(table.cancelled(cancel)).toBeUndefined();
    table.end();
    expect(table.size).toBe(0);
  });

  test('RFC 2543 peers without the magic cookie are matched by their fields', () => {
    const { wire, table } = scene();
    const invite = request('INVITE', '1');
    const server = table.serve(invite, wire);
    expect(table.serverOf(structuredClone(invite))).toBe(server);
    expect(table.serverOf(ackForFailure(invite, responseTo(invite, 486, undefined, { toTag: 'b' })))).toBe(server);
    expect(table.serverOf(request('INVITE', '1', { cseq: 2 }))).toBeUndefined();
    table.end();
  });

  test('the same request by another way is merged (§8.2.2.2), one inside a dialog is not', () => {
    const { wire, table } = scene();
    table.serve(request('INVITE'), wire);
    expect(table.isMerged(request('INVITE', 'z9hG4bKother'))).toBe(true);
    expect(table.isMerged(request('INVITE', 'z9hG4bKother', { cseq: 2 }))).toBe(false);
    expect(table.isMerged(request('INVITE', 'z9hG4bKother', { toTag: 'b' }))).toBe(false);
    table.end();
    expect(table.isMerged(request('INVITE', 'z9hG4bKother'))).toBe(false);
  });

  test('a response without our branch belongs to nobody', () => {
    const { table, start, told } = scene();
    start(request('OPTIONS'));
    expect(table.response(responseTo(request('OPTIONS', 'z9hG4bKforeign'), 200))).toBe(false);
    const crossed = responseTo(request('OPTIONS'), 200);
    setHeader(crossed, 'cseq', '1 BYE');
    expect(table.response(crossed)).toBe(false);
    addHeader(crossed, 'x', 'y');
    expect(told).toEqual([]);
    table.end();
  });
});
