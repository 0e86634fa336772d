/** baresip calls: three codecs, two transports, hold, digits, and who hangs up. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Baresip, type BaresipCodec, type BaresipOptions, rateOf } from './peers/baresip.ts';
import { missing } from './peers/installed.ts';
import { audibleSpan, likeness } from './peers/likeness.ts';
import { GREETING, TestLine } from './peers/line.ts';
import { inTurn, pause, prompt, resample } from './peers/speech.ts';

const absent = missing('baresip', 'prompts');
/** The caller lets the greeting pass, speaks, and lets the answer pass. */
const SILENT_MS = 5_500;
const SPEAKING_MS = 5_000;
let line: TestLine;
let speech: Int16Array;
const phones: Baresip[] = [];

beforeAll(async () => {
  if (absent) return;
  const prompted = (await prompt('demo-congrats')).subarray(0, (SPEAKING_MS / 1000) * 8000);
  speech = inTurn(pause(SILENT_MS), prompted, pause(40_000));
  line = await TestLine.open();
});
afterEach(async () => {
  await Promise.all(phones.splice(0).map((phone) => phone.stop()));
  await line?.quiet();
});
afterAll(() => line?.close());

const start = async (options: Omit<BaresipOptions, 'says'> & { says?: Int16Array }) => {
  const codec = options.codec ?? 'PCMU';
  const phone = await Baresip.start({ ...options, says: resample(options.says ?? speech, 8000, rateOf(codec)) });
  phones.push(phone);
  return phone;
};
const uri = (transport: string) => `sip:${line.number}@${line.target};transport=${transport}`;
const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(absent)('baresip talks', () => {
  const ways: { codec: BaresipCodec; transport: 'udp' | 'tcp'; least: number }[] = [
    { codec: 'PCMU', transport: 'udp', least: 0.99 },
    { codec: 'PCMA', transport: 'udp', least: 0.99 },
    { codec: 'G722', transport: 'udp', least: 0.97 },
    { codec: 'PCMU', transport: 'tcp', least: 0.99 },
    { codec: 'G722', transport: 'tcp', least: 0.97 },
  ];
  const userOf = ({ codec, transport }: { codec: string; transport: string }) => `sound-${codec}-${transport}`.toLowerCase();
  const heard = new Map<string, Int16Array>();

  // Five phones talk at once; each test looks at its own call.
  beforeAll(async () => {
    await Promise.all(
      ways.map(async ({ codec, transport }) => {
        const user = userOf({ codec, transport });
        const phone = await start({ user, codec, tcp: transport === 'tcp' });
        await phone.dial(uri(transport));
        await after(SILENT_MS + SPEAKING_MS - 500);
        await phone.hangUp();
        const { samples, rate } = await phone.heard();
        expect(rate).toBe(rateOf(codec));
        heard.set(user, resample(samples, rateOf(codec), 8000));
      }),
    );
  });

  test.each(ways)('$codec over $transport: both hear what the other said', async ({ codec, transport, least }) => {
    const user = userOf({ codec, transport });
    const call = await line.ended(user);
    expect(call.ending).toEqual({ by: 'caller', reason: 'hung-up' });
    expect((await line.events(call, 'leg-joined'))[0].codec).toBe(codec);

    const recorded = await line.recording(call);
    const said = likeness(speech, recorded.caller, { rate: 8000, fromMs: SILENT_MS + 500, toMs: SILENT_MS + SPEAKING_MS - 1_500 });
    expect(said.median).toBeGreaterThan(least);

    const played = await line.events(call, 'speech-played');
    const greeting = played.filter(({ turn }) => turn === 0).map(({ text }) => text);
    expect(greeting.join(' ')).toBe(GREETING);
    const { fromMs, toMs } = audibleSpan(recorded.assistant, 8000) ?? { fromMs: 0, toMs: 0 };
    expect(toMs - fromMs).toBeGreaterThan(2_000);
    const greeted = likeness(recorded.assistant, heard.get(user) ?? new Int16Array(), { rate: 8000, fromMs, toMs: fromMs + 3_000 });
    expect(greeted.median).toBeGreaterThan(least);
    expect(greeted.windows).toBeGreaterThan(3);
  });
});

describe.skipIf(absent)('baresip', () => {
  test('gets reports about its sound (RTCP)', async () => {
    const phone = await start({ user: 'reports' });
    await phone.dial(uri('udp'));
    await phone.event('CALL_RTCP', 15_000);
    await phone.hangUp();
    await line.ended('reports');
  });

  test('holds, hears nothing, resumes and is heard again', async () => {
    const long = inTurn(pause(1_000), await prompt('demo-congrats'));
    const phone = await start({ user: 'holds', says: long });
    await phone.dial(uri('udp'));
    await after(3_000);
    phone.command('hold');
    await after(2_500);
    const held = await line.answered('holds');
    phone.command('resume');
    await after(5_000);
    await phone.hangUp();
    const call = await line.ended('holds');
    expect(call.id).toBe(held.id);
    expect(call.ending).toEqual({ by: 'caller', reason: 'hung-up' });
    const { caller } = await line.recording(call);
    const before = likeness(caller.subarray(0, 3 * 8000), long, { rate: 8000, fromMs: 1_500, toMs: 2_900 });
    const afterwards = likeness(caller.subarray(6.5 * 8000), long, { rate: 8000, fromMs: 500, toMs: 3_000 });
    expect(before.median).toBeGreaterThan(0.99);
    expect(afterwards.median).toBeGreaterThan(0.99);
    expect(audibleSpan(caller.subarray(4 * 8000, 5 * 8000), 8000)).toBeUndefined();
  });

  test('presses keys: exactly those arrive, each once', async () => {
    const phone = await start({ user: 'digits' });
    await phone.dial(uri('udp'));
    await after(500);
    await phone.press('0123456789*#5500');
    const call = await line.answered('digits');
    await line.untilEvents(call, 'digit-received', (events) => events.length >= 16);
    await after(500);
    await phone.hangUp();
    const digits = await line.events(await line.ended('digits'), 'digit-received');
    expect(digits.map(({ digit }) => digit).join('')).toBe('0123456789*#5500');
  });

  test('is hung up on', async () => {
    const phone = await start({ user: 'dismissed' });
    await phone.dial(uri('udp'));
    const call = await line.answered('dismissed');
    await line.hangUp(call);
    await phone.event('CALL_CLOSED');
    expect((await line.ended('dismissed')).ending).toEqual({ by: 'agent', reason: 'hung-up' });
  });

  test("hangs up at once: CANCEL or BYE, the call is the caller's to end", async () => {
    const phone = await start({ user: 'hasty' });
    phone.command('dial', uri('udp'));
    await phone.event('CALL_RINGING');
    await phone.hangUp();
    const { ending } = await line.ended('hasty');
    expect(ending?.by).toBe('caller');
    expect(['cancelled', 'hung-up']).toContain(ending?.reason);
  });
});
