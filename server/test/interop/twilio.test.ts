/** Twilio calls a whole server: signed webhook, media stream, status callbacks, calls out; by Twilio's protocol to the letter. */
import { connect } from 'node:net';
import type { Call, CallEvent } from '@tandem/contract';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { MULAW_TO_LINEAR } from '#audio/g711.ts';
import { mulawLevel } from '#audio/level.ts';
import { SystemClock } from '#kit/clock.ts';
import { speech as voice } from '../../../bench/load/voice.ts';
import { comeFirst } from '../priority.ts';
import { startTandem, type TandemServer } from '../tandem-server.ts';
import { TwilioCaller, type TwilioCallerOptions } from '../twilio-caller.ts';
import { fetchRecording, loudMs, rhythmMatch } from './recorded-call.ts';
import { addScriptedAssistant, scriptedModels } from './scripted-assistant.ts';
import { startTwilioRest, type TwilioRestFake } from './twilio-rest.ts';

const accountSid = `AC${'0123456789abcdef'.repeat(2)}`;
const authToken = 'the-auth-token-of-this-test';
// None of the approved questions: those are answered without a language model.
const QUESTION = 'Are you open today, too?';
const ANSWER = 'We are open from nine to five. Is there anything else that you would like to know?';
const GREETING = 'Good morning, this is the front desk.';
const LONG_GREETING = `${GREETING} We have moved to our new house by the river, where there is more room for everybody, and a garden with chairs.`;

/** One breath: no gap in it is long enough to be an end of speech. */
const speech = (ms: number) => voice(ms, 150);
const until = <T>(read: () => T | Promise<T>, timeout = 10_000) => expect.poll(read, { timeout, interval: 20 });

let rest: TwilioRestFake;
let server: TandemServer;
let deskId: string;
let comeAsBefore = () => {};
const phones: TwilioCaller[] = [];
let callers = 0;

const port = (url: string) => Number(new URL(url).port);
const voiceUrl = () => `${server.url}/gateways/twilio/voice`;

function phone(change: Partial<TwilioCallerOptions> = {}): TwilioCaller & { from: string } {
  const from = change.from ?? `+1555019${String(callers++).padStart(4, '0')}`;
  const made = new TwilioCaller({
    voiceUrl: voiceUrl(),
    accountSid,
    authToken,
    from,
    to: '+15550111',
    clock: new SystemClock(),
    ...change,
  });
  phones.push(made);
  return Object.assign(made, { from });
}

/** µ-law heard from `fromMs` on, as 20 ms frames that are louder than silence. */
const heardMs = (one: TwilioCaller, fromMs = 0) => {
  let ms = 0;
  for (let at = fromMs * 8; at + 160 <= one.heard.length; at += 160)
    if (mulawLevel(Uint8Array.from(one.heard.slice(at, at + 160))) > -50) ms += 20;
  return ms;
};
const clockOf = (one: TwilioCaller) => one.heard.length / 8;

const callFrom = (from: string) =>
  server.until<{ items: Call[] }, Call>(`/api/v1/calls?search=${encodeURIComponent(from)}`, ({ items }) => items[0]);
const endedCall = (from: string) =>
  server.until<{ items: Call[] }, Call>(
    `/api/v1/calls?search=${encodeURIComponent(from)}`,
    ({ items }) => (items[0]?.ending ? items[0] : false),
    20_000,
  );
const eventsOf = async (callId: string) => (await server.api<{ items: CallEvent[] }>(`/api/v1/calls/${callId}/events`)).items;
const typesOf = (events: CallEvent[]) => events.map(({ type }) => type);
const countOf = async (name: string) => {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.includes('twilio') && line.includes(name))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
};

beforeAll(async () => {
  rest = await startTwilioRest(accountSid, authToken);
  server = await startTandem({
    env: {
      ...scriptedModels(QUESTION, ANSWER),
      TWILIO_ACCOUNT_SID: accountSid,
      TWILIO_AUTH_TOKEN: authToken,
      TWILIO_API_URL: rest.url,
      TWILIO_FROM: '+15550111',
    },
  });
  ({ id: deskId } = await addScriptedAssistant(server, { slug: 'desk', address: '+15550111', greeting: GREETING }));
  await addScriptedAssistant(server, { slug: 'long', address: '+15550112', greeting: LONG_GREETING });
  await addScriptedAssistant(server, { slug: 'hasty', address: '+15550113', greeting: GREETING, idleMs: 2_000, goodbye: 'Goodbye.' });
  comeAsBefore = comeFirst();
});
afterEach(() => {
  for (const one of phones.splice(0)) one.cut();
});
afterAll(async () => {
  comeAsBefore();
  await server?.stop();
  await rest?.close();
});

describe('a call in', () => {
  test('is greeted before it speaks, is understood and answered, sends digits, hangs up; all of it is kept', async () => {
    const caller = phone();
    expect(await caller.call()).toBe(200);
    expect(caller.twiml).toMatch(/^<\?xml .*<Response><Connect><Stream url="ws:/s);
    await until(() => heardMs(caller)).toBeGreaterThan(1_500);
    const { id } = await callFrom(caller.from);
    // The greeting's mark came back: it was played to its end.
    await until(() => caller.counts.marksPlayed).toBe(1);
    const greeted = clockOf(caller);
    caller.say(speech(1_400));
    await until(() => caller.counts.marksPlayed).toBe(2);
    expect(heardMs(caller, greeted)).toBeGreaterThan(3_000);
    caller.press('42#');
    await server.until<{ items: CallEvent[] }, true>(
      `/api/v1/calls/${id}/events`,
      ({ items }) => items.filter(({ type }) => type === 'digit-received').length === 3,
    );
    caller.hangUp();
    const call = await endedCall(caller.from);
    expect(call).toMatchObject({
      id,
      gateway: 'twilio',
      direction: 'inbound',
      to: '+15550111',
      ending: { by: 'caller', reason: 'hung-up' },
    });

    const events = await eventsOf(id);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index));
    expect(events[0]).toMatchObject({ type: 'call-received', providerCallId: caller.callSid });
    expect(events.filter((event) => event.type === 'digit-received').map(({ digit }) => digit)).toEqual(['4', '2', '#']);
    expect(events.find((event) => event.type === 'turn-committed')).toMatchObject({ text: QUESTION, source: 'speech' });
    expect(events.find((event) => event.type === 'line-measured')).toMatchObject({ packetsLost: 0 });
    expect(typesOf(events).at(-1)).toBe('call-ended');
    const { items: lines } = await server.api<{ items: { party: string; text: string }[] }>(`/api/v1/calls/${id}/transcript`);
    expect(lines.slice(0, 3).map(({ party, text }) => `${party}: ${text}`)).toEqual([
      `assistant: ${GREETING}`,
      `caller: ${QUESTION}`,
      `assistant: ${ANSWER}`,
    ]);

    // Never more than 60 ms ahead of what the caller hears, catching up (100 ms) apart; what our own late loop let pile up is not theirs.
    expect(caller.counts.mostAheadMs - caller.counts.mostLateMs).toBeLessThanOrEqual(200);
    const recording = await fetchRecording(server.url, id);
    const said = Int16Array.from(speech(1_400), (code) => MULAW_TO_LINEAR[code]);
    expect(rhythmMatch(said, recording.caller)).toBeGreaterThan(0.99);
    expect(Math.abs(loudMs(recording.assistant) - heardMs(caller))).toBeLessThanOrEqual(200);
  });

  test('that speaks over the greeting silences it at once', async () => {
    const caller = phone({ to: '+15550112' });
    await caller.call();
    await until(() => heardMs(caller)).toBeGreaterThan(1_200);
    caller.say(speech(2_500));
    await until(() => caller.counts.clears).toBeGreaterThanOrEqual(1);
    const { id } = await callFrom(caller.from);
    const interrupted = await server.until<{ items: CallEvent[] }, CallEvent>(`/api/v1/calls/${id}/events`, ({ items }) =>
      items.find(({ type }) => type === 'reply-interrupted'),
    );
    expect(interrupted).toMatchObject({ type: 'reply-interrupted' });
    // Of the greeting only what was heard is remembered; then the question is answered.
    await until(() => caller.counts.marksPlayed, 20_000).toBeGreaterThanOrEqual(1);
    caller.hangUp();
    await endedCall(caller.from);
    const { items: lines } = await server.api<{ items: { party: string; text: string; interrupted: boolean }[] }>(
      `/api/v1/calls/${id}/transcript`,
    );
    expect(lines[0]).toMatchObject({ party: 'assistant', interrupted: true });
    expect(LONG_GREETING.startsWith(lines[0].text.replace(/[^A-Za-z]+$/, ''))).toBe(true);
    expect(lines[0].text.length).toBeLessThan(LONG_GREETING.length);
    expect(lines.at(-1)).toMatchObject({ party: 'assistant', text: ANSWER });
  });

  test('is hung up by an agent: the stream is closed and Twilio is told to end the call', async () => {
    const caller = phone();
    await caller.call();
    await until(() => heardMs(caller)).toBeGreaterThan(500);
    const { id } = await callFrom(caller.from);
    await server.api(`/api/v1/calls/${id}/hang-up`, { method: 'POST' });
    await until(() => caller.closeCode).toBe(1000);
    await until(() => rest.completed).toContain(caller.callSid);
    expect(await endedCall(caller.from)).toMatchObject({ ending: { by: 'agent', reason: 'hung-up' } });
  });

  test('in which nobody speaks is asked, then told goodbye to its last word', async () => {
    const caller = phone({ to: '+15550113' });
    await caller.call();
    await until(() => caller.closeCode, 40_000).toBe(1000);
    expect(await endedCall(caller.from)).toMatchObject({ ending: { by: 'assistant', reason: 'idle' } });
    expect(rest.completed).toContain(caller.callSid);
    const { id } = await callFrom(caller.from);
    const played = (await eventsOf(id)).filter((event) => event.type === 'speech-played');
    expect(played.at(-1)).toMatchObject({ text: 'Goodbye.' });
  });

  test('ends when the callback says so, whatever the order and however often', async () => {
    const caller = phone();
    await caller.call();
    await until(() => heardMs(caller)).toBeGreaterThan(500);
    expect(await caller.status('in-progress', 2)).toBe(204);
    expect(await caller.status('completed', 3)).toBe(204);
    await until(() => caller.closeCode).toBe(1000);
    for (const [status, sequence] of [
      ['ringing', 1],
      ['completed', 3],
      ['in-progress', 2],
      ['initiated', 0],
      ['completed', 3],
    ] as const)
      expect(await caller.status(status, sequence)).toBe(204);
    const call = await endedCall(caller.from);
    expect(call.ending).toEqual({ by: 'caller', reason: 'hung-up' });
    expect(typesOf(await eventsOf(call.id)).filter((type) => type === 'call-ended')).toHaveLength(1);
  });

  test('is lost with its connection, and says so', async () => {
    const caller = phone();
    await caller.call();
    await until(() => heardMs(caller)).toBeGreaterThan(500);
    caller.cut();
    expect(await endedCall(caller.from)).toMatchObject({ ending: { by: 'system', reason: 'media-lost' } });
  });

  test('through the one port of a tunnel is carried all the same', async () => {
    const caller = phone({ connect: () => connect(port(server.url), '127.0.0.1') });
    await caller.call();
    await until(() => caller.counts.marksPlayed).toBe(1);
    const greeted = clockOf(caller);
    caller.say(speech(1_400));
    await until(() => caller.counts.marksPlayed).toBe(2);
    expect(heardMs(caller, greeted)).toBeGreaterThan(3_000);
    caller.hangUp();
    expect(await endedCall(caller.from)).toMatchObject({ turns: 1, ending: { by: 'caller', reason: 'hung-up' } });
  });
});

describe('what is refused', () => {
  test('a wrong signature on the webhook, its callback and the stream: 403, and no call is made of it', async () => {
    const caller = phone();
    expect(await caller.call({ signature: 'bm90IHRoZSBzaWduYXR1cmU=' })).toBe(403);
    expect(caller.twiml).toBe('');
    const stranger = phone({ authToken: 'another-token', from: caller.from });
    expect(await stranger.status('completed', 1)).toBe(403);
    await expect(phone({ from: caller.from }).call({ upgradeSignature: 'bm90IHRoZSBzaWduYXR1cmU=' })).rejects.toThrow(
      'upgrade refused: 403',
    );
    const relayed = phone({ from: caller.from, connect: () => connect(port(server.url), '127.0.0.1') });
    await expect(relayed.call({ upgradeSignature: 'bm90IHRoZSBzaWduYXR1cmU=' })).rejects.toThrow('upgrade refused: 403');
    expect((await server.api<{ items: Call[] }>(`/api/v1/calls?search=${encodeURIComponent(caller.from)}`)).items).toEqual([]);
    await until(() => countOf('signatures_refused'), 5_000).toBeGreaterThanOrEqual(4);
  });

  test('a token that was used, is made up, or belongs to another call: closed with 4403', async () => {
    const first = phone();
    await first.call();
    await until(() => heardMs(first)).toBeGreaterThan(200);
    const url = /url="([^"]+)"/.exec(first.twiml)?.[1] ?? '';
    const used = /name="token" value="([^"]+)"/.exec(first.twiml)?.[1] ?? '';
    for (const token of [used, 'made-up', '']) {
      const thief = phone();
      await thief.openStream(url, token);
      await until(() => thief.closeCode).toBe(4403);
    }
    // Issued for one call, shown by another, and spent by that.
    const owner = phone();
    const foreign = await webhookOf(owner);
    const thief = phone();
    await thief.openStream(url, foreign);
    await until(() => thief.closeCode).toBe(4403);
    await owner.openStream(url, foreign);
    await until(() => owner.closeCode).toBe(4403);
    expect(first.closed).toBe(false);
    first.hangUp();
    await endedCall(first.from);
    await until(() => countOf('tokens_refused'), 5_000).toBe(5);
  });

  test('an unknown number hears a line and is hung up', async () => {
    const caller = phone({ to: '+15559999' });
    expect(await caller.call()).toBe(200);
    expect(caller.twiml).toMatch(/<Response><Say[^>]*>[^<]*not in service[^<]*<\/Say><Hangup\/><\/Response>/);
    expect(caller.counts.media).toBe(0);
  });
});

/** The webhook alone: answers the token of its TwiML. */
async function webhookOf(caller: TwilioCaller): Promise<string> {
  await expect(caller.call({ upgradeSignature: 'none' })).rejects.toThrow('403');
  return /name="token" value="([^"]+)"/.exec(caller.twiml)?.[1] ?? '';
}

describe('a call out', () => {
  const place = (to: string) =>
    server.api<{ id: string }>('/api/v1/calls', { method: 'POST', body: { to, assistantId: deskId, gateway: 'twilio' } });

  test('is placed by REST, greets who answers, and is kept', async () => {
    const { id } = await place('+15550777');
    await until(() => rest.placed.length).toBe(1);
    const [{ callSid, form }] = rest.placed;
    expect([form.get('To'), form.get('From')]).toEqual(['+15550777', '+15550111']);
    expect(form.get('StatusCallback')).toBe(`${server.url}/gateways/twilio/status`);
    const called = phone({ voiceUrl: form.get('Url') ?? '', callSid, from: '+15550111', to: '+15550777' });
    expect(await called.status('initiated', 0)).toBe(204);
    expect(await called.status('ringing', 1)).toBe(204);
    expect(await called.call()).toBe(200);
    await until(() => called.counts.marksPlayed).toBe(1);
    expect(heardMs(called)).toBeGreaterThan(1_500);
    called.hangUp();
    expect(await called.status('completed', 3)).toBe(204);
    const call = await server.until<Call, Call>(`/api/v1/calls/${id}`, (one) => (one.ending ? one : false));
    expect(call).toMatchObject({ direction: 'outbound', to: '+15550777', ending: { by: 'caller', reason: 'hung-up' } });
    expect(call.answeredAt).not.toBeNull();
  });

  test('that is busy, or that Twilio refuses, ends as rejected', async () => {
    const before = rest.placed.length;
    const { id } = await place('+15550778');
    await until(() => rest.placed.length).toBe(before + 1);
    const { callSid, form } = rest.placed[before];
    const called = phone({ voiceUrl: form.get('Url') ?? '', callSid });
    expect(await called.status('busy', 2)).toBe(204);
    const busy = await server.until<Call, Call>(`/api/v1/calls/${id}`, (one) => (one.ending ? one : false));
    expect(busy).toMatchObject({ answeredAt: null, ending: { by: 'system', reason: 'rejected' } });

    rest.refuseNext(400, 'The number is not a valid phone number.');
    const refused = await place('+15550779');
    const call = await server.until<Call, Call>(`/api/v1/calls/${refused.id}`, (one) => (one.ending ? one : false));
    expect(call.ending).toEqual({ by: 'system', reason: 'rejected' });
  });
});

test('afterwards nothing is live and nothing was logged as an error', async () => {
  await server.until<{ items: Call[] }, true>('/api/v1/calls?state=live', ({ items }) => items.length === 0);
  const errors = server
    .output()
    .split('\n')
    .filter((line) => line.includes('"level":"error"') || line.includes('"level":50'));
  expect(errors).toEqual([]);
});
