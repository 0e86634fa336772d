import { describe, expect, test } from 'vitest';
import { header } from './headers.ts';
import { answer, FADED, Pair, RecordingOwner } from './testing.ts';

describe('a call from end to end', () => {
  test('rings, is answered, is ended by the caller (RFC 3665 §3.1)', async () => {
    const pair = await new Pair().start();
    const call = pair.place();
    await pair.pass(20);
    expect(pair.b.incoming[0].calledUser).toBe('agent');
    expect(pair.b.incoming[0].from?.display).toBe('Ann');
    expect(pair.b.incoming[0].offer).toBe('offer');
    answer(pair.b);
    await pair.pass(20);
    expect(call.rang).toEqual([180]);
    expect(call.session?.state).toBe('confirmed');
    expect(call.owner.answers).toEqual(['answer to offer']);
    expect(pair.b.sessions[0].state).toBe('confirmed');
    await pair.pass(10_000);
    void call.session?.hangUp();
    await pair.pass(20);
    expect(call.owner.endings).toEqual([{ cause: 'local', reason: undefined }]);
    expect(pair.b.owners[0].endings).toEqual([{ cause: 'peer', reason: undefined }]);
    expect(pair.lines).toEqual([
      '1> INVITE sip:agent@10.0.0.2:5060',
      '2> 100 Trying',
      '2> 180 Ringing',
      '2> 200 OK',
      '1> ACK sip:agent@10.0.0.2:5060',
      '1> BYE sip:agent@10.0.0.2:5060',
      '2> 200 OK',
    ]);
    expect(await pair.fade()).toEqual(FADED);
  });

  test('is ended by the called side, over a reliable transport', async () => {
    const pair = await new Pair({ transport: 'TCP' }).start();
    const call = await pair.connect();
    expect(pair.network.sent[0].text).toContain('Contact: <sip:ann@10.0.0.1:5060;transport=tcp>');
    const gone = pair.b.sessions[0].hangUp('Q.850;cause=16');
    await pair.pass(20);
    await gone;
    expect(call.owner.endings).toEqual([{ cause: 'peer', reason: 'Q.850;cause=16' }]);
    expect(await pair.fade()).toEqual(FADED);
  });

  test('100 goes out at once, 180 again every minute, and 3 minutes are the longest it rings', async () => {
    const pair = await new Pair().start();
    const call = pair.place({ noAnswerMs: 600_000 });
    await pair.pass(20);
    pair.b.incoming[0].ring();
    await pair.pass(130_000);
    expect(call.rang).toEqual([180, 180, 180]);
    await pair.pass(60_000);
    expect(call.failures[0]).toMatchObject({ cause: 'rejected', status: 480 });
    expect(pair.b.incoming[0].signal.aborted).toBe(true);
    expect(await pair.fade()).toEqual(FADED);
  });

  test('early media: SDP of the 183 reaches the caller', async () => {
    const pair = await new Pair().start();
    const call = pair.place();
    await pair.pass(20);
    pair.b.incoming[0].early('early answer');
    await pair.pass(20);
    expect(call.early).toEqual(['early answer']);
    answer(pair.b);
    await pair.pass(20);
    expect(call.session).toBeDefined();
    void call.session?.hangUp();
    expect(await pair.fade()).toEqual(FADED);
  });

  test('a refusal carries its status and headers', async () => {
    const pair = await new Pair().start();
    const call = pair.place();
    await pair.pass(20);
    pair.b.incoming[0].reject(486, { headers: [{ name: 'retry-after', value: '7' }] });
    await pair.pass(20);
    expect(call.failures).toEqual([{ cause: 'rejected', status: 486, reason: 'Busy Here', retryAfterMs: 7000 }]);
    expect(pair.b.incoming[0].accept('late', new RecordingOwner())).toBeUndefined();
    expect(pair.lines.at(-1)).toBe('1> ACK sip:agent@10.0.0.2:5060');
    expect(await pair.fade()).toEqual(FADED);
  });

  test('a redirection is never followed', async () => {
    const pair = await new Pair().start();
    const call = pair.place();
    await pair.pass(20);
    pair.b.incoming[0].reject(302, { headers: [{ name: 'contact', value: '<sip:+88299@10.0.0.7>' }] });
    await pair.pass(20);
    expect(call.failures[0]).toMatchObject({ cause: 'redirected', status: 302 });
    expect(pair.lines.filter((line) => line.includes('INVITE'))).toHaveLength(1);
    expect(await pair.fade()).toEqual(FADED);
  });
});

describe('giving up', () => {
  test('CANCEL: 200 to it, 487 to the INVITE, and the called side learns it (RFC 3665 §3.8)', async () => {
    const pair = await new Pair().start();
    const call = pair.place();
    await pair.pass(20);
    pair.b.incoming[0].ring();
    await pair.pass(20);
    call.outgoing.cancel();
    expect(call.failures[0]).toMatchObject({ cause: 'cancelled' });
    await pair.pass(20);
    expect(pair.b.incoming[0].signal.aborted).toBe(true);
    expect(pair.lines.slice(3)).toEqual([
      '1> CANCEL sip:agent@10.0.0.2:5060',
      '2> 200 OK',
      '2> 487 Request Terminated',
      '1> ACK sip:agent@10.0.0.2:5060',
    ]);
    expect(call.failures).toHaveLength(1);
    expect(await pair.fade()).toEqual(FADED);
  });

  test('CANCEL waits for the first provisional response (§9.1)', async () => {
    const pair = await new Pair({ script: ({ text }) => (text.startsWith('SIP/2.0 100') ? [400] : [1]) }).start();
    const call = pair.place();
    await pair.pass(20);
    call.outgoing.cancel();
    await pair.pass(200);
    expect(pair.lines.join()).not.toContain('CANCEL');
    await pair.pass(400);
    expect(pair.lines.join()).toContain('CANCEL');
    expect(pair.b.incoming[0].signal.aborted).toBe(true);
    expect(await pair.fade()).toEqual(FADED);
  });

  test('CANCEL and 200 cross: the answer is acknowledged and ended (RFC 5407 §3.1.2)', async () => {
    const pair = await new Pair().start();
    const call = pair.place();
    await pair.pass(20);
    answer(pair.b);
    call.outgoing.cancel();
    await pair.pass(20);
    expect(call.session).toBeUndefined();
    expect(pair.b.owners[0].endings).toEqual([{ cause: 'peer', reason: undefined }]);
    expect(pair.lines.filter((line) => line.startsWith('1>')).map((line) => line.split(' ')[1])).toEqual([
      'INVITE',
      'CANCEL',
      'ACK',
      'BYE',
    ]);
    expect(await pair.fade()).toEqual(FADED);
  });

  test('a phone that rings too long is cancelled', async () => {
    const pair = await new Pair().start();
    const call = pair.place({ noAnswerMs: 20_000 });
    await pair.pass(20);
    pair.b.incoming[0].ring();
    await pair.pass(20_100);
    expect(call.failures[0]).toMatchObject({ cause: 'no-answer' });
    expect(pair.b.incoming[0].open).toBe(false);
    expect(await pair.fade()).toEqual(FADED);
  });

  test('nobody there: transport error; a silent peer: timeout after 64*T1', async () => {
    const pair = await new Pair().start();
    await pair.b.agent.stop();
    const refused = pair.place();
    await pair.pass(20);
    expect(refused.failures[0]).toMatchObject({ cause: 'transport' });
    pair.network.script = () => [];
    const silent = pair.place();
    await pair.pass(31_000);
    expect(silent.failures).toEqual([]);
    await pair.pass(2000);
    expect(silent.failures[0]).toMatchObject({ cause: 'timeout', status: undefined });
    // A: 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s
    expect(pair.lines.filter((line) => line.includes('INVITE'))).toHaveLength(1 + 7);
    expect(await pair.fade()).toEqual(FADED);
  });
});

describe('a bad network', () => {
  test('every message lost once, and then doubled, still makes and ends a call', async () => {
    const seen = new Map<string, number>();
    const pair = await new Pair({
      script: ({ text, from }) => {
        const key = from + text.slice(0, 7) + /CSeq: (.*)/.exec(text)?.[1];
        const count = (seen.get(key) ?? 0) + 1;
        seen.set(key, count);
        return count === 1 ? [] : [1, 30];
      },
    }).start();
    const call = pair.place();
    await pair.pass(3000);
    answer(pair.b);
    await pair.pass(10_000);
    expect(pair.b.incoming).toHaveLength(1);
    expect(call.session?.state).toBe('confirmed');
    expect(pair.b.sessions[0].state).toBe('confirmed');
    void call.session?.hangUp();
    await pair.pass(10_000);
    expect(call.owner.endings).toHaveLength(1);
    expect(pair.b.owners[0].endings).toEqual([{ cause: 'peer', reason: undefined }]);
    expect(await pair.fade()).toEqual(FADED);
  });

  test('random loss of 20 %, delay and reordering: 30 calls all come and go', async () => {
    const pair = new Pair();
    const { random } = pair.kit;
    pair.network.script = () => (random.next() < 0.2 ? [] : [random.below(200)]);
    await pair.start();
    for (let i = 0; i < 30; i++) {
      const call = pair.place();
      await pair.pass(20_000);
      answer(pair.b, i);
      await pair.pass(20_000);
      expect(call.session?.state).toBe('confirmed');
      void (i % 2 ? call.session : pair.b.sessions[i])?.hangUp();
      await pair.pass(40_000);
      expect(call.owner.endings).toHaveLength(1);
      expect(pair.b.owners[i].endings).toHaveLength(1);
    }
    expect(await pair.fade()).toEqual(FADED);
  });

  test('the answer is repeated until the ACK comes, and given up after 64*T1 with a BYE (§13.3.1.4)', async () => {
    const pair = await new Pair({ script: ({ text }) => (text.startsWith('ACK') ? [] : [1]) }).start();
    const call = await pair.connect();
    await pair.pass(33_000);
    expect(pair.lines.filter((line) => line === '2> 200 OK').length).toBeGreaterThanOrEqual(10);
    expect(pair.b.owners[0].endings).toEqual([{ cause: 'no-ack', reason: undefined }]);
    expect(call.owner.endings).toEqual([{ cause: 'peer', reason: undefined }]);
    expect(await pair.fade()).toEqual(FADED);
  });

  test('hanging up before the ACK waits for it (§15)', async () => {
    const pair = await new Pair({ script: ({ text }) => [text.startsWith('ACK') ? 300 : 1] }).start();
    await pair.connect();
    void pair.b.sessions[0].hangUp();
    expect(pair.b.owners[0].endings).toHaveLength(1);
    await pair.pass(100);
    expect(pair.lines.join()).not.toContain('BYE');
    await pair.pass(300);
    expect(pair.lines.join()).toContain('2> BYE');
    expect(await pair.fade()).toEqual(FADED);
  });

  test('hanging up without the ACK ever coming: the BYE goes out after 64*T1', async () => {
    const pair = await new Pair({ script: ({ text }) => (text.startsWith('ACK') ? [] : [1]) }).start();
    const call = await pair.connect();
    void pair.b.sessions[0].hangUp();
    await pair.pass(33_000);
    expect(call.owner.endings).toEqual([{ cause: 'peer', reason: undefined }]);
    expect(pair.b.owners[0].endings).toEqual([{ cause: 'local', reason: undefined }]);
    expect(await pair.fade()).toEqual(FADED);
  });

  test('BYEs that cross are both answered 200 (RFC 5407 §3.2.1)', async () => {
    const pair = await new Pair({ script: () => [50] }).start();
    const call = pair.place();
    await pair.pass(200);
    answer(pair.b);
    await pair.pass(200);
    void call.session?.hangUp();
    void pair.b.sessions[0].hangUp();
    await pair.pass(200);
    expect(pair.lines.slice(-2)).toEqual(['2> 200 OK', '1> 200 OK'].toSorted().toReversed());
    expect(await pair.fade()).toEqual(FADED);
  });
});

describe('inside a session', () => {
  test('delayed offer: we offer in the 200, the answer comes in the ACK (RFC 6337 §2)', async () => {
    const pair = await new Pair().start();
    const invite = pair.network;
    // A caller without an offer: the SDP is cut out of the INVITE on its way.
    const original = invite.carry.bind(invite);
    invite.carry = (from, bytes, peer, failed) => {
      const text = Buffer.from(bytes).toString();
      if (text.startsWith('INVITE')) {
        original(from, Buffer.from(text.replace(/Content-Length: .*[^]*/, 'Content-Length: 0\r\n\r\n')), peer, failed);
      } else if (text.startsWith('ACK')) {
        const ack = text.replace(/Content-Length: 0/, 'Content-Type: application/sdp\r\nContent-Length: 9');
        original(from, Buffer.from(`${ack}my answer`), peer, failed);
      } else original(from, bytes, peer, failed);
    };
    await pair.connect();
    expect(pair.b.incoming[0].offer).toBeUndefined();
    expect(pair.b.owners[0].answers).toEqual(['my answer']);
    void pair.b.sessions[0].hangUp();
    expect(await pair.fade()).toEqual(FADED);
  });

  test('hold and resume by re-INVITE; a refused one leaves the session as it was', async () => {
    const pair = await new Pair().start();
    const call = await pair.connect();
    expect(call.session?.offer('hold')).toBe(true);
    expect(call.session?.offer('too soon')).toBe(false);
    await pair.pass(50);
    expect(pair.b.owners[0].offers).toEqual(['hold']);
    expect(call.owner.answers).toEqual(['answer to offer', 'answer to hold']);
    pair.b.owners[0].refuses = true;
    call.session?.offer('video');
    await pair.pass(50);
    expect(pair.lines.at(-2)).toBe('2> 488 Not Acceptable Here');
    expect(call.session?.state).toBe('confirmed');
    pair.b.owners[0].refuses = false;
    call.session?.offer('resume');
    await pair.pass(50);
    expect(call.owner.answers.at(-1)).toBe('answer to resume');
    void call.session?.hangUp();
    expect(await pair.fade()).toEqual(FADED);
  });

  test('re-INVITEs that cross get 491, and the called side tries again first (§14.1)', async () => {
    const pair = await new Pair({ script: () => [20] }).start();
    const call = pair.place();
    await pair.pass(100);
    answer(pair.b);
    await pair.pass(100);
    call.session?.offer('from a');
    pair.b.sessions[0].offer('from b');
    await pair.pass(100);
    expect(pair.lines.filter((line) => line.endsWith('491 Request Pending'))).toHaveLength(2);
    await pair.pass(2050);
    expect(call.owner.offers).toEqual(['our offer']);
    expect(pair.b.owners[0].offers).toEqual([]);
    await pair.pass(2100);
    expect(pair.b.owners[0].offers).toEqual(['our offer']);
    void call.session?.hangUp();
    expect(await pair.fade()).toEqual(FADED);
  });

  test('a re-INVITE before the ACK of the last answer gets 491', async () => {
    const pair = await new Pair({ script: ({ text }) => [text.startsWith('ACK') ? 400 : 1] }).start();
    const call = await pair.connect();
    call.session?.offer('quick');
    await pair.pass(50);
    expect(pair.lines).toContain('2> 491 Request Pending');
    await pair.pass(6000);
    expect(pair.b.owners[0].offers).toEqual(['our offer']);
    void call.session?.hangUp();
    expect(await pair.fade()).toEqual(FADED);
  });

  test('an answer that cannot be used ends the call', async () => {
    const pair = await new Pair().start();
    const call = pair.place();
    call.owner.takesAnswers = false;
    await pair.pass(20);
    answer(pair.b);
    await pair.pass(50);
    expect(call.failures[0]).toMatchObject({ cause: 'media' });
    expect(pair.b.owners[0].endings).toEqual([{ cause: 'peer', reason: undefined }]);
    expect(await pair.fade()).toEqual(FADED);
  });

  test('a peer that lost the dialog ends the call (§12.2.1.2)', async () => {
    const pair = await new Pair().start();
    const call = await pair.connect();
    pair.b.agent.leaveDialog(pair.b.sessions[0].dialog);
    call.session?.offer('hello?');
    await pair.pass(50);
    expect(call.owner.endings).toEqual([{ cause: 'lost', reason: undefined }]);
    pair.b.sessions[0].refuseMedia();
    expect(await pair.fade()).toEqual(FADED);
  });
});

describe('stopping', () => {
  test('ends calls, rejects what rings, cancels what was placed, closes', async () => {
    const pair = await new Pair().start();
    const up = await pair.connect();
    const ringing = pair.place();
    await pair.pass(20);
    const stopped = pair.b.agent.stop();
    await pair.pass(50);
    await stopped;
    expect(up.owner.endings).toEqual([{ cause: 'peer', reason: undefined }]);
    expect(ringing.failures[0]).toMatchObject({ cause: 'rejected', status: 503 });
    expect(pair.b.agent.load).toEqual({ dialogs: 0, transactions: 0, unanswered: 0 });
    const mine = pair.a.agent.stop();
    await pair.pass(3000);
    await mine;
    expect(pair.kit.clock.pending).toBe(0);
  });

  test('does not wait long for a peer that is gone', async () => {
    const pair = await new Pair().start();
    const call = await pair.connect();
    pair.network.script = () => [];
    const stopped = pair.a.agent.stop();
    await pair.pass(2500);
    await stopped;
    expect(call.owner.endings).toEqual([{ cause: 'local', reason: undefined }]);
    void pair.b.agent.stop();
    await pair.pass(2500);
    expect(pair.kit.clock.pending).toBe(0);
  });
});

test('OPTIONS-like capabilities are told in every INVITE', async () => {
  const pair = await new Pair().start();
  pair.place();
  await pair.pass(20);
  const { request } = pair.b.incoming[0];
  expect(header(request, 'allow')).toContain('UPDATE');
  expect(header(request, 'supported')).toBe('timer');
  expect(header(request, 'via')).toContain(';rport=5060');
  expect(header(request, 'via')).toContain(';received=10.0.0.1');
  pair.b.incoming[0].reject(404);
  expect(await pair.fade()).toEqual(FADED);
});
