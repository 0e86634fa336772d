/** sipp calls: sound, transports, what a phone does in and around a call. Most of them side by side: a call is mostly waiting. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missing } from './peers/installed.ts';
import { likeness } from './peers/likeness.ts';
import { GREETING, TestLine } from './peers/line.ts';
import {
  caller,
  expectRequest,
  expectStatus,
  provisional,
  scenario,
  sdp,
  answer,
  stopStream,
  stream,
  talking,
  wait,
} from './peers/scenario.ts';
import { faultOf, runSipp, type SippOptions } from './peers/sipp.ts';
import { prompt, writeRaw } from './peers/speech.ts';

const absent = missing('sipp', 'prompts');
let line: TestLine;
let folder: string;
let speech: Int16Array;
let mulaw: string;
let alaw: string;

beforeAll(async () => {
  if (absent) return;
  folder = await mkdtemp(join(tmpdir(), 'tandem-interop-'));
  speech = (await prompt('demo-congrats')).subarray(0, 20 * 8000);
  mulaw = await writeRaw(join(folder, 'speech.ulaw'), speech, 'PCMU');
  alaw = await writeRaw(join(folder, 'speech.alaw'), speech, 'PCMA');
  line = await TestLine.open();
});
afterAll(async () => {
  // Nothing is left of any call.
  await line?.quiet();
  await line?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const run = async (steps: string, options: Partial<SippOptions> = {}) => {
  const result = await runSipp({ scenario: steps, target: line.target, ...options });
  expect(faultOf(result)).toBe('');
  return result;
};

const talk = (user: string, { formats = [0, 101], file = mulaw } = {}) => talking(caller(user, line.number), { ms: 5_000, formats, file });

describe.skipIf(absent).concurrent('sipp', () => {
  test.each([
    ['UDP', false],
    ['TCP', true],
  ])('talks over %s in PCMU and hears the greeting', async (transport, tcp) => {
    const user = `talk-${transport}`.toLowerCase();
    await run(talk(user), { tcp });
    const call = await line.ended(user);
    expect(call).toMatchObject({
      from: user,
      to: line.number,
      direction: 'inbound',
      gateway: 'sip',
      ending: { by: 'caller', reason: 'hung-up' },
    });
    const { caller: heard } = await line.recording(call);
    const found = likeness(speech, heard, { rate: 8000, fromMs: 500, toMs: 4_000 });
    expect(found.median).toBeGreaterThan(0.99);
    expect(found.windows).toBeGreaterThan(3);
    // It is talked over from its first word on.
    const [begun] = await line.events(call, 'reply-started');
    expect(begun).toMatchObject({ turn: 0, kind: 'greeting' });
    const [measured] = await line.events(call, 'line-measured');
    expect(measured.packetsReceived).toBeGreaterThan(200);
    expect(measured.packetsLost).toBe(0);
    expect(measured.framesSent).toBeGreaterThan(20);
  });

  test('talks in PCMA', async () => {
    await run(talk('talk-alaw', { formats: [8, 101], file: alaw }));
    const call = await line.ended('talk-alaw');
    expect((await line.events(call, 'leg-joined'))[0].codec).toBe('PCMA');
    const { caller: heard } = await line.recording(call);
    expect(likeness(speech, heard, { rate: 8000, fromMs: 500, toMs: 4_000 }).median).toBeGreaterThan(0.99);
  });

  test('that stays silent hears the whole greeting', async () => {
    const phone = caller('silent', line.number);
    await run(
      scenario(
        'silent',
        phone.invite(),
        ...provisional(),
        expectStatus(200, { dialog: true }),
        phone.ack(),
        wait(7_000),
        phone.bye(),
        expectStatus(200),
      ),
    );
    const played = await line.events(await line.ended('silent'), 'speech-played');
    expect(played.map(({ text }) => text).join(' ')).toBe(GREETING);
  });

  test('sends its INVITE again when it is answered already, and has one call', async () => {
    const phone = caller('twice', line.number);
    await run(
      scenario(
        'retransmission',
        phone.invite({ retransmitMs: undefined }),
        ...provisional(),
        expectStatus(200, { dialog: true }),
        phone.inviteAgain(),
        phone.ack(),
        wait(1_000),
        phone.bye(),
        expectStatus(200),
      ),
    );
    await line.ended('twice');
    expect(await line.callsOf('twice')).toHaveLength(1);
  });

  test('loses its ACK: the 200 comes again until one arrives', async () => {
    const phone = caller('lost-ack', line.number);
    const again = expectStatus(200, { dialog: true, withinMs: 5_000 });
    await run(
      scenario(
        'lost ACK',
        phone.invite({ retransmitMs: undefined }),
        ...provisional(),
        again,
        again,
        again,
        phone.ack(),
        wait(2_000),
        phone.bye(),
        expectStatus(200),
      ),
      { more: ['-nr'] },
    );
    expect((await line.ended('lost-ack')).ending).toEqual({ by: 'caller', reason: 'hung-up' });
  });

  test('asks what we can do (OPTIONS), outside and inside a call', async () => {
    const phone = caller('asks', line.number);
    const able = { header: 'Allow:.*INVITE.*BYE' };
    await run(scenario('options', phone.options(), expectStatus(200, able)));
    await run(
      scenario(
        'options within',
        phone.invite(),
        ...provisional(),
        expectStatus(200, { dialog: true }),
        phone.ack(),
        phone.within('OPTIONS'),
        expectStatus(200, able),
        phone.bye(),
        expectStatus(200),
      ),
    );
    await line.ended('asks');
  });

  test('calls without an offer: ours comes in the 200, its answer in the ACK', async () => {
    const phone = caller('delayed', line.number);
    await run(
      scenario(
        'delayed offer',
        phone.invite({ body: null }),
        ...provisional(),
        expectStatus(200, { dialog: true, body: 'm=audio [0-9]+ RTP/AVP .*0' }),
        phone.ack({ body: sdp() }),
        stream(mulaw, 0),
        wait(4_000),
        stopStream(),
        phone.bye(),
        expectStatus(200),
      ),
    );
    const call = await line.ended('delayed');
    const { caller: heard } = await line.recording(call);
    expect(likeness(speech, heard, { rate: 8000, fromMs: 500, toMs: 3_000 }).median).toBeGreaterThan(0.99);
    expect((await line.events(call, 'line-measured'))[0].framesSent).toBeGreaterThan(20);
  });

  test('holds and resumes', async () => {
    const phone = caller('holds', line.number);
    await run(
      scenario(
        'hold',
        phone.invite(),
        ...provisional(),
        expectStatus(200, { dialog: true, body: 'a=sendrecv' }),
        phone.ack(),
        wait(1_000),
        phone.reinvite(sdp({ direction: 'sendonly', version: 2 })),
        expectStatus(100, { optional: true }),
        expectStatus(200, { body: 'a=recvonly' }),
        phone.ack(),
        wait(2_000),
        phone.reinvite(sdp({ version: 3 })),
        expectStatus(100, { optional: true }),
        expectStatus(200, { body: 'a=sendrecv' }),
        phone.ack(),
        stream(mulaw, 0),
        wait(4_000),
        stopStream(),
        phone.bye(),
        expectStatus(200),
      ),
    );
    const { caller: heard } = await line.recording(await line.ended('holds'));
    const found = likeness(speech, heard, { rate: 8000, fromMs: 500, toMs: 3_000 });
    expect(found.median).toBeGreaterThan(0.99);
    expect(found.lagMs).toBeGreaterThan(2_500);
  });

  test('changes the codec in the middle', async () => {
    const phone = caller('changes', line.number);
    await run(
      scenario(
        'codec change',
        phone.invite({ body: sdp({ formats: [0, 101] }) }),
        ...provisional(),
        expectStatus(200, { dialog: true }),
        phone.ack(),
        stream(mulaw, 0),
        wait(3_000),
        phone.reinvite(sdp({ formats: [8, 101], version: 2 })),
        expectStatus(100, { optional: true }),
        expectStatus(200, { body: 'm=audio [0-9]+ RTP/AVP 8' }),
        phone.ack(),
        stream(alaw, 8),
        wait(4_000),
        stopStream(),
        phone.bye(),
        expectStatus(200),
      ),
    );
    const { caller: heard } = await line.recording(await line.ended('changes'));
    const first = heard.subarray(0, 3.2 * 8000);
    const second = heard.subarray(3 * 8000);
    expect(likeness(speech, first, { rate: 8000, fromMs: 300, toMs: 2_300 }).median).toBeGreaterThan(0.99);
    expect(likeness(speech, second, { rate: 8000, fromMs: 500, toMs: 3_000 }).median).toBeGreaterThan(0.99);
  });

  test('says nothing: the assistant says goodbye and sends BYE', async () => {
    const impatient = await line.addAssistant({ idleMs: 2_000, greeting: 'Hello.' });
    await line.addNumber('impatient', impatient.id);
    const phone = caller('idle', 'impatient');
    await run(
      scenario(
        'idle',
        phone.invite(),
        ...provisional(),
        expectStatus(200, { dialog: true }),
        phone.ack(),
        expectRequest('BYE', { withinMs: 40_000 }),
        answer(200, 'OK', { tag: false }),
      ),
    );
    const call = await line.ended('idle');
    expect(call.ending).toEqual({ by: 'assistant', reason: 'idle' });
    const started = await line.events(call, 'reply-started');
    expect(started.map(({ kind }) => kind)).toEqual(['greeting', 'reprompt', 'reprompt', 'goodbye']);
  });

  test('offers only what we do not speak: 488', async () => {
    const phone = caller('foreign', line.number);
    await run(scenario('488', phone.invite({ body: sdp({ formats: [18] }) }), ...provisional(), expectStatus(488), phone.ackRefusal()));
    expect(await line.callsOf('foreign')).toEqual([]);
  });

  test('calls a number that nobody answers: 404', async () => {
    const phone = caller('lost', 'nobody');
    await run(scenario('404', phone.invite(), ...provisional(), expectStatus(404), phone.ackRefusal()));
    expect(await line.callsOf('nobody')).toEqual([]);
  });
});
