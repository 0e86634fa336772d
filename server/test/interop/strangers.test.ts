/** Who may not speak to us, and what nobody should send: no answer to strangers, passwords checked, garbage dropped. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SeededRandom } from '#kit/random.ts';
import { Baresip } from './peers/baresip.ts';
import { Datagrams, requestText } from './peers/datagrams.ts';
import { missing } from './peers/installed.ts';
import { likeness } from './peers/likeness.ts';
import { poll, TestLine } from './peers/line.ts';
import { caller, expectStatus, provisional, scenario, stopStream, stream, wait } from './peers/scenario.ts';
import { faultOf, runSipp } from './peers/sipp.ts';
import { pause, prompt, writeRaw } from './peers/speech.ts';

const absent = missing('sipp', 'baresip', 'prompts');
/** The trunk lives at another address of this machine; 127.0.0.1 is a stranger, unless it knows a password. */
const TRUNK = '127.0.0.2';
const USER = { username: 'phone', password: 'right-password' };
let line: TestLine;
let folder: string;
let speech: Int16Array;
let mulaw: string;

beforeAll(async () => {
  if (absent) return;
  folder = await mkdtemp(join(tmpdir(), 'tandem-interop-'));
  speech = (await prompt('demo-congrats')).subarray(0, 20 * 8000);
  mulaw = await writeRaw(join(folder, 'speech.ulaw'), speech, 'PCMU');
  line = await TestLine.open({ sources: [`${TRUNK}/32`] });
  await line.addTrunk({ name: 'phones', ...USER });
  await line.addTrunk({ name: 'victims', username: 'victim', password: 'never-guessed' });
  // The trunks reach the call thread a moment after they are stored.
  const knock = await Datagrams.open(TRUNK);
  await poll(async () => {
    await knock.send(optionsFrom('knock', knock.port), line.tandem.sipPort);
    return knock.received.length > 0;
  }, 'the trunks');
  knock.close();
});
afterEach(() => line?.quiet());
afterAll(async () => {
  await line?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const optionsFrom = (user: string, port: number) =>
  requestText('OPTIONS', { user, number: line.number, target: line.target, port, callId: `${user}-${Math.random()}` });

/** sipp signs host and port alone unless it is told the URI; we insist on the number dialled (RFC 7616 §3.4.6). */
const asDialled = () => ({ target: line.target, more: ['-auth_uri', `${line.number}@${line.target}`] });

/** INVITE, a challenge, the same with sipp's Authorization, and then a short call unless told otherwise. */
const withPassword = (password: string, then?: (phone: ReturnType<typeof caller>) => string[]) => {
  const phone = caller(USER.username, line.number);
  return scenario(
    'digest',
    phone.invite(),
    expectStatus(401, { challenge: true }),
    phone.ackRefusal(),
    phone.invite({ headers: [`[authentication username=${USER.username} password=${password}]`] }),
    ...provisional(),
    ...(then?.(phone) ?? [expectStatus(200, { dialog: true }), phone.ack(), wait(1_500), phone.bye(), expectStatus(200)]),
  );
};

describe.skipIf(absent)('a stranger', () => {
  test('is not answered, whatever it sends', async () => {
    const before = (await line.counters())['sip_strangers'] ?? 0;
    const stranger = await Datagrams.open();
    for (const method of ['OPTIONS', 'INVITE', 'REGISTER', 'SUBSCRIBE', 'BYE', 'CANCEL', 'NONSENSE']) {
      const parts = { user: 'scanner', number: line.number, target: line.target, port: stranger.port, callId: `scan-${method}` };
      await stranger.send(requestText(method, parts), line.tandem.sipPort);
    }
    await stranger.send('garbage\r\n\r\n', line.tandem.sipPort);
    await line.counted('sip_strangers', before + 6);
    await after(500);
    expect(stranger.texts).toEqual([]);
    stranger.close();
    expect(await line.callsOf('scanner')).toEqual([]);
  });

  test('that is sipp gives up without having heard a thing', async () => {
    const phone = caller('intruder', line.number);
    const result = await runSipp({
      scenario: scenario('stranger', phone.invite(), expectStatus(100, { withinMs: 3_000 })),
      target: line.target,
    });
    expect(result).toMatchObject({ exitCode: 1, successful: 0, failed: 1 });
    expect(result.messages).toMatch(/message sent/);
    expect(result.messages).not.toMatch(/message received/);
  });
});

describe.skipIf(absent)('a password', () => {
  test('that is right lets sipp in', async () => {
    expect(faultOf(await runSipp({ scenario: withPassword(USER.password), ...asDialled() }))).toBe('');
    expect((await line.ended(USER.username)).ending).toEqual({ by: 'caller', reason: 'hung-up' });
  });

  test('that is wrong is challenged again, and no call comes of it', async () => {
    const before = (await line.callsOf(USER.username)).length;
    const result = await runSipp({
      scenario: withPassword('wrong-password', (phone) => [expectStatus(401), phone.ackRefusal()]),
      ...asDialled(),
    });
    expect(faultOf(result)).toBe('');
    expect(await line.callsOf(USER.username)).toHaveLength(before);
    await line.counted('sip_wrong_passwords', 1);
  });

  test('lets baresip in, over UDP and TCP', async () => {
    for (const tcp of [false, true]) {
      const phone = await Baresip.start({ user: USER.username, password: USER.password, says: pause(20_000), tcp });
      try {
        await phone.dial(`sip:${line.number}@${line.target};transport=${tcp ? 'tcp' : 'udp'}`);
        await line.answered(USER.username);
        await phone.hangUp();
      } finally {
        await phone.stop();
      }
      expect((await line.ended(USER.username)).ending).toEqual({ by: 'caller', reason: 'hung-up' });
    }
  });

  test('that is guessed at brings a ban: then not even a challenge comes', async () => {
    const guesser = await Datagrams.open();
    const header = (nonce: string) =>
      `Authorization: Digest username="victim", realm="tandem", nonce="${nonce}", uri="sip:${line.number}@${line.target}", response="${'0'.repeat(32)}", algorithm=MD5`;
    for (let guess = 0; guess < 7; guess++) {
      const parts = { user: 'victim', number: line.number, target: line.target, port: guesser.port, callId: `guess-${guess}` };
      const answers = guesser.received.length;
      await guesser.send(requestText('INVITE', parts), line.tandem.sipPort);
      await poll(() => guesser.received.length > answers, 'a challenge', 2_000).catch(() => {});
      const [, nonce = ''] = /nonce="([^"]+)"/.exec(guesser.texts.at(-1) ?? '') ?? [];
      const again = requestText('INVITE', { ...parts, cseq: 2, branch: `guess-${guess}-again` }).replace(
        'Max-Forwards',
        `${header(nonce)}\r\nMax-Forwards`,
      );
      const challenged = guesser.received.length;
      await guesser.send(again, line.tandem.sipPort);
      await poll(() => guesser.received.length > challenged, 'an answer', 1_000).catch(() => {});
    }
    await line.counted('sip_bans', 1);
    const before = guesser.received.length;
    const parts = { user: 'victim', number: line.number, target: line.target, port: guesser.port, callId: 'after-the-ban' };
    await guesser.send(requestText('INVITE', parts), line.tandem.sipPort);
    await after(700);
    expect(guesser.received.length).toBe(before);
    expect(guesser.texts.filter((text) => text.startsWith('SIP/2.0 200'))).toEqual([]);
    guesser.close();
  });
});

describe.skipIf(absent)('a trunk', () => {
  test('that cancels its INVITE at once gets 487, or an answer that it then ends', async () => {
    const phone = await Datagrams.open(TRUNK);
    const parts = { user: 'canceller', number: line.number, target: line.target, port: phone.port, callId: 'cancels' };
    await Promise.all([
      phone.send(requestText('INVITE', parts), line.tandem.sipPort),
      phone.send(requestText('CANCEL', parts), line.tandem.sipPort),
    ]);
    const answer = (status: number, cseq: string) =>
      phone.texts.find((text) => text.startsWith(`SIP/2.0 ${status} `) && new RegExp(`^CSeq: ${cseq}`, 'im').test(text));
    await poll(() => answer(200, '1 CANCEL'), 'the 200 of CANCEL', 3_000);
    const final = await poll(() => answer(487, '1 INVITE') ?? answer(200, '1 INVITE'), 'a final answer', 3_000);
    const [, toTag] = /^To:.*;tag=([^;\s]+)/im.exec(final) ?? [];
    const late = final.startsWith('SIP/2.0 200');
    await phone.send(requestText('ACK', { ...parts, toTag, branch: late ? 'cancels-ack' : 'cancels' }), line.tandem.sipPort);
    if (late) {
      await phone.send(requestText('BYE', { ...parts, toTag, cseq: 2, branch: 'cancels-bye' }), line.tandem.sipPort);
      await poll(() => answer(200, '2 BYE'), 'the 200 of BYE', 3_000);
    }
    const { ending } = await line.ended('canceller');
    expect(ending).toEqual({ by: 'caller', reason: late ? 'hung-up' : 'cancelled' });
    const count = phone.received.length;
    await after(1_200);
    expect(phone.received.length, 'nothing is sent again after ACK').toBe(count);
    phone.close();
  });

  test('does not notice garbage on any port', async () => {
    const phone = caller('calm', line.number);
    const calling = runSipp({
      scenario: scenario(
        'calm',
        phone.invite(),
        ...provisional(),
        expectStatus(200, { dialog: true }),
        phone.ack(),
        stream(mulaw, 0),
        wait(7_000),
        stopStream(),
        phone.bye(),
        expectStatus(200),
      ),
      target: line.target,
      address: TRUNK,
    });
    const call = await line.answered('calm');
    const before = await line.counters();
    const random = new SeededRandom(7);
    const [insider, outsider] = [await Datagrams.open(TRUNK), await Datagrams.open()];
    const valid = Buffer.from(
      requestText('INVITE', { user: 'garbage', number: line.number, target: line.target, port: insider.port, callId: 'garbage' }),
    );
    const media = line.openMediaPorts();
    expect(media.length).toBe(2);
    for (let i = 0; i < 300; i++) {
      const noise = random.bytes(1 + random.below(600));
      await insider.send(noise, line.tandem.sipPort);
      await insider.send(valid.subarray(0, random.below(valid.length - 60)), line.tandem.sipPort);
      await insider.send(mutated(valid, random), line.tandem.sipPort);
      await outsider.send(noise, line.tandem.sipPort);
      for (const port of media) {
        await insider.send(noise, port);
        // Looks like RTP of the right format, but is from somewhere else.
        await outsider.send(Buffer.concat([Buffer.from([0x80, 0, 0, i]), random.bytes(168)]), port);
      }
      if (i % 30 === 0) await after(50);
    }
    await line.counted('udp_faults', (before['udp_faults'] ?? 0) + 300);
    await line.counted('rtp_foreign_packets', 250);
    expect(faultOf(await calling)).toBe('');
    await line.ended('calm');
    const { caller: heard } = await line.recording(call);
    expect(likeness(speech, heard, { rate: 8000, fromMs: 500, toMs: 6_000 }).median).toBeGreaterThan(0.99);
    expect(outsider.texts).toEqual([]);
    insider.close();
    outsider.close();
  });
});

/** A message with a few bytes changed; its first line is kept from being a call to a number of ours. */
function mutated(message: Buffer, random: SeededRandom): Buffer {
  const bytes = Buffer.from(message.toString('latin1').replace('INVITE sip:line@', 'INVITE sip:nobody@'), 'latin1');
  for (let i = 0; i < 8; i++) bytes[random.below(bytes.length)] = random.below(256);
  return bytes;
}
