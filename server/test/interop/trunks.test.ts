/** A trunk the other way round: we register at a PBX, and call out through it. */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Trunk } from '@tandem/contract';
import { Baresip } from './peers/baresip.ts';
import { missing } from './peers/installed.ts';
import { audibleSpan, likeness } from './peers/likeness.ts';
import { GREETING, TestLine } from './peers/line.ts';
import { answer, expectRequest, scenario, sdp, wait } from './peers/scenario.ts';
import { Sipp } from './peers/sipp.ts';
import { inTurn, pause, prompt } from './peers/speech.ts';

const absent = missing('sipp', 'baresip', 'prompts');
const ACCOUNT = { username: 'tandem', password: 'registers-here' };
const CHALLENGE = 'Digest realm="pbx", nonce="a-nonce-of-the-pbx", algorithm=MD5, qop="auth"';
let line: TestLine;
let trunk: Trunk;

beforeAll(async () => {
  if (absent) return;
  line = await TestLine.open({ sources: [] });
  trunk = await line.addTrunk({ name: 'pbx' });
});
afterEach(() => line?.quiet());
afterAll(() => line?.close());

const change = (body: Record<string, unknown>) => line.tandem.api(`/api/v1/trunks/${trunk.id}`, { method: 'PATCH', body });
/** Places a call; the new way out may need a moment to reach the call thread. */
const place = async (to: string, port: number, more: Record<string, unknown> = {}) => {
  await change({ outboundProxy: `sip:127.0.0.1:${port}`, ...more });
  await after(500);
  return (await line.tandem.api<{ id: string }>('/api/v1/calls', { method: 'POST', body: { to, assistantId: line.assistantId } })).id;
};
const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const digestField = (fields: string, name: string) => new RegExp(`(?:^|[ ,])${name}="?([^",]+)"?`).exec(fields)?.[1] ?? '';
/** RFC 7616 §3.4.1 with qop=auth, in the plainest way there is. */
const responseTo = (fields: string, method: string) => {
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const [realm, uri, nonce, nc, cnonce] = ['realm', 'uri', 'nonce', 'nc', 'cnonce'].map((name) => digestField(fields, name));
  return md5(`${md5(`${ACCOUNT.username}:${realm}:${ACCOUNT.password}`)}:${nonce}:${nc}:${cnonce}:auth:${md5(`${method}:${uri}`)}`);
};

describe.skipIf(absent)('registering', () => {
  test('answers the challenge, and unregisters when the trunk no longer wants it', async () => {
    const challenge = answer(401, 'Unauthorized', { headers: [`WWW-Authenticate: ${CHALLENGE}`] });
    const accepted = (expires: number) => answer(200, 'OK', { headers: [`Expires: ${expires}`] });
    const registrar = await Sipp.start({
      scenario: scenario(
        'registrar',
        expectRequest('REGISTER'),
        challenge,
        expectRequest('REGISTER', { verify: ACCOUNT }),
        accepted(60),
        expectRequest('REGISTER', { withinMs: 20_000 }),
        challenge,
        expectRequest('REGISTER', { verify: ACCOUNT }),
        accepted(0),
      ),
    });
    const result = await registrar.during(async () => {
      await change({ registrar: `sip:127.0.0.1:${registrar.port}`, registerUser: ACCOUNT.username, registerPassword: ACCOUNT.password });
      await after(3_000);
      await change({ registrar: null });
    });
    const registers = result.messages.split(/^REGISTER /m).slice(1);
    expect(registers).toHaveLength(4);
    expect(registers[1]).toMatch(/^Authorization: Digest .*username="tandem"/m);
    expect(registers[1]).not.toContain(ACCOUNT.password);
    expect(registers[3]).toMatch(/^Expires: 0|expires=0/im);
  });
});

describe.skipIf(absent)('calling out', () => {
  test('reaches baresip, which answers: both hear each other', async () => {
    const speech = inTurn(pause(5_500), (await prompt('demo-congrats')).subarray(0, 4 * 8000), pause(30_000));
    const phone = await Baresip.start({ user: 'bob', says: speech, answers: true });
    try {
      await place('bob', phone.port);
      await phone.event('CALL_ESTABLISHED');
      const call = await line.answered('bob');
      expect(call).toMatchObject({ direction: 'outbound', to: 'bob', gateway: 'sip' });
      await after(9_500);
      await phone.hangUp();
      const ended = await line.ended('bob');
      expect(ended.ending).toEqual({ by: 'caller', reason: 'hung-up' });
      const recorded = await line.recording(ended);
      expect(likeness(speech, recorded.caller, { rate: 8000, fromMs: 6_000, toMs: 8_500 }).median).toBeGreaterThan(0.99);
      const played = (await line.events(ended, 'speech-played')).filter(({ turn }) => turn === 0);
      expect(played.map(({ text }) => text).join(' ')).toBe(GREETING);
      const { samples } = await phone.heard();
      const { fromMs } = audibleSpan(recorded.assistant, 8000) ?? { fromMs: 0 };
      expect(likeness(recorded.assistant, samples, { rate: 8000, fromMs, toMs: fromMs + 3_000 }).median).toBeGreaterThan(0.99);
    } finally {
      await phone.stop();
    }
  });

  test('reaches sipp, which wants a password first, and is ended by us', async () => {
    const callee = await Sipp.start({
      scenario: scenario(
        'callee',
        expectRequest('INVITE'),
        answer(407, 'Proxy Authentication Required', { headers: [`Proxy-Authenticate: ${CHALLENGE}`], retransmitMs: 500 }),
        expectRequest('ACK'),
        expectRequest('INVITE'),
        answer(180, 'Ringing'),
        wait(500),
        answer(200, 'OK', { body: sdp(), retransmitMs: 500 }),
        expectRequest('ACK'),
        expectRequest('BYE', { withinMs: 20_000 }),
        answer(200, 'OK', { tag: false }),
      ),
    });
    const { messages } = await callee.during(async () => {
      await place('carol', callee.port, { registerUser: ACCOUNT.username, registerPassword: ACCOUNT.password });
      const call = await line.answered('carol');
      await after(1_000);
      await line.hangUp(call);
    });
    // sipp's own check reads Authorization only.
    const [, fields = ''] = /^Proxy-Authorization: Digest (.*)$/m.exec(messages) ?? [];
    expect(digestField(fields, 'uri')).toBe(`sip:carol@127.0.0.1:${callee.port}`);
    expect(digestField(fields, 'response')).toBe(responseTo(fields, 'INVITE'));
    expect((await line.ended('carol')).ending).toEqual({ by: 'agent', reason: 'hung-up' });
  });

  test('is given up while it rings: CANCEL, 487, ACK', async () => {
    const callee = await Sipp.start({
      scenario: scenario(
        'ringing',
        expectRequest('INVITE'),
        answer(180, 'Ringing'),
        expectRequest('CANCEL', { withinMs: 20_000 }),
        answer(200, 'OK'),
        answer(487, 'Request Terminated', { cseq: '[last_cseq_number] INVITE', retransmitMs: 500 }),
        expectRequest('ACK'),
      ),
    });
    await callee.during(async () => {
      const id = await place('dave', callee.port);
      await after(1_000);
      await line.tandem.api(`/api/v1/calls/${id}/hang-up`, { method: 'POST' });
    });
    const call = await line.ended('dave');
    expect(call.answeredAt).toBeNull();
    expect(call.ending).toEqual({ by: 'agent', reason: 'hung-up' });
  });

  test('is refused by the far end: the call says so', async () => {
    const callee = await Sipp.start({
      scenario: scenario('busy', expectRequest('INVITE'), answer(486, 'Busy Here', { retransmitMs: 500 }), expectRequest('ACK')),
    });
    await callee.during(async () => void (await place('erin', callee.port)));
    const call = await line.ended('erin');
    expect(call.ending).toEqual({ by: 'system', reason: 'rejected' });
    expect((await line.events(call, 'call-ended'))[0].detail).toContain('486');
  });

  test('without a way out is impossible', async () => {
    await change({ outboundProxy: undefined });
    await line.tandem.api(`/api/v1/trunks/${trunk.id}`, { method: 'DELETE' });
    await after(500);
    const placed = line.tandem.api('/api/v1/calls', { method: 'POST', body: { to: 'frank', assistantId: line.assistantId } });
    await expect(placed).rejects.toThrow(/outbound-not-configured/);
  });
});
