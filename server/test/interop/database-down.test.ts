/**
 * A whole server on a real PostgreSQL: it works end to end, and calls come, go on and end while the database is gone.
 * Needs the package `postgresql` (only a server started here can be killed: DATABASE_TEST_URL does not do).
 */
import type { Call, CallEvent, Readiness } from '@tandem/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import { speech as voice } from '../../../bench/load/voice.ts';
import { findPostgres, type PostgresServer, startPostgres } from '../postgres-server.ts';
import { startTandem, type TandemServer } from '../tandem-server.ts';
import { TwilioCaller } from '../twilio-caller.ts';
import { fetchRecording } from './recorded-call.ts';
import { addScriptedAssistant, scriptedModels } from './scripted-assistant.ts';
import { startTwilioRest, type TwilioRestFake } from './twilio-rest.ts';

const accountSid = `AC${'fedcba9876543210'.repeat(2)}`;
const authToken = 'the-auth-token-of-this-test';
const GREETING = 'Good morning, this is the front desk.';
// None of the approved questions: those are answered without a language model.
const QUESTION = 'Are you open today, too?';
const ANSWER = 'We are open from nine to five.';
const speech = voice(1_200, 120);
const until = <T>(read: () => T | Promise<T>, timeout = 15_000) => expect.poll(read, { timeout, interval: 50 });

// A server that somebody else runs must not be killed.
const possible = process.env.DATABASE_TEST_URL === undefined && findPostgres() !== undefined;
if (!possible && process.env.CI === 'true') throw new Error('CI needs the package postgresql, and no DATABASE_TEST_URL');

describe.skipIf(!possible)(possible ? 'on PostgreSQL' : 'on PostgreSQL: skipped, there is none that may be killed', () => {
  let postgres: PostgresServer;
  let rest: TwilioRestFake;
  let server: TandemServer;
  const phones: TwilioCaller[] = [];

  function phone(from: string): TwilioCaller {
    const made = new TwilioCaller({
      voiceUrl: `${server.url}/gateways/twilio/voice`,
      accountSid,
      authToken,
      from,
      to: '+15550111',
      clock: new SystemClock(),
    });
    phones.push(made);
    return made;
  }
  /** One turn: the answer to what is said is played to its end. */
  async function takeTurn(caller: TwilioCaller): Promise<void> {
    const marks = caller.counts.marksPlayed;
    caller.say(speech);
    await until(() => caller.counts.marksPlayed).toBe(marks + 1);
  }
  const readiness = async () => (await (await fetch(`${server.url}/readyz`)).json()) as Readiness;
  const ended = (from: string) =>
    server.until<{ items: Call[] }, Call>(
      `/api/v1/calls?search=${encodeURIComponent(from)}`,
      ({ items }) => (items[0]?.ending ? items[0] : false),
      30_000,
    );
  /** Everything about the call is in the database: events without a gap, words, turns, sound. */
  async function isWhole(call: Call, turns: number): Promise<void> {
    const { items: events } = await server.api<{ items: CallEvent[] }>(`/api/v1/calls/${call.id}/events`);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index));
    expect([events[0].type, events.at(-1)?.type]).toEqual(['call-received', 'call-ended']);
    const { items: lines } = await server.api<{ items: { party: string; text: string }[] }>(`/api/v1/calls/${call.id}/transcript`);
    const said = Array.from({ length: turns }, () => [`caller: ${QUESTION}`, `assistant: ${ANSWER}`]).flat();
    expect(lines.map(({ party, text }) => `${party}: ${text}`)).toEqual([`assistant: ${GREETING}`, ...said]);
    const { items: stages } = await server.api<{ items: { turn: number; voiceToVoiceMs: number | null }[] }>(
      `/api/v1/calls/${call.id}/turns`,
    );
    expect(stages.filter(({ turn }) => turn > 0)).toHaveLength(turns);
    const { durationMs } = await fetchRecording(server.url, call.id);
    expect(Math.abs(durationMs - (call.durationMs ?? 0))).toBeLessThan(500);
  }

  beforeAll(async () => {
    postgres = await startPostgres();
    rest = await startTwilioRest(accountSid, authToken);
    server = await startTandem({
      env: {
        ...scriptedModels(QUESTION, ANSWER),
        DATABASE_URL: await postgres.createDatabase('tandem'),
        TWILIO_ACCOUNT_SID: accountSid,
        TWILIO_AUTH_TOKEN: authToken,
        TWILIO_API_URL: rest.url,
      },
    });
    await addScriptedAssistant(server, { slug: 'desk', address: '+15550111', greeting: GREETING });
  });
  afterAll(async () => {
    for (const one of phones) one.cut();
    await server?.stop();
    await rest?.close();
    await postgres?.stop();
  });

  test('a call is answered and kept, as on the embedded database', async () => {
    expect(await readiness()).toMatchObject({ ready: true, degraded: [] });
    const caller = phone('+15550201');
    await caller.call();
    await until(() => caller.counts.marksPlayed).toBe(1);
    await takeTurn(caller);
    caller.hangUp();
    await isWhole(await ended('+15550201'), 1);
    const { items: documents } = await server.api<{ items: unknown[] }>('/api/v1/documents');
    expect(documents.length).toBeGreaterThan(0);
  });

  test('while the database is gone calls go on, begin and end; afterwards nothing is missing', async () => {
    const through = phone('+15550202');
    await through.call();
    await until(() => through.counts.marksPlayed).toBe(1);

    await postgres.kill?.();
    await until(async () => (await readiness()).degraded).toContain('database-unavailable');
    expect((await readiness()).ready).toBe(true);
    const refused = await fetch(`${server.url}/api/v1/calls`, { headers: { authorization: 'Bearer test-admin-key-0123456789' } });
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([503, 'database-unavailable']);

    await takeTurn(through);
    const during = phone('+15550203');
    await during.call();
    await until(() => during.counts.marksPlayed).toBe(1);
    await takeTurn(during);
    during.hangUp();
    await takeTurn(through);

    await postgres.restart?.();
    await until(async () => (await readiness()).degraded, 30_000).toEqual([]);
    await takeTurn(through);
    through.hangUp();
    await isWhole(await ended('+15550203'), 1);
    await isWhole(await ended('+15550202'), 3);
  });

  test('while the database hangs, its connections open, calls go on and are kept', async () => {
    const caller = phone('+15550204');
    await caller.call();
    await until(() => caller.counts.marksPlayed).toBe(1);
    postgres.freeze?.();
    await until(async () => (await readiness()).degraded).toContain('database-unavailable');
    await takeTurn(caller);
    const during = phone('+15550205');
    await during.call();
    await until(() => during.counts.marksPlayed).toBe(1);
    during.hangUp();
    postgres.thaw?.();
    await until(async () => (await readiness()).degraded, 30_000).toEqual([]);
    caller.hangUp();
    await isWhole(await ended('+15550204'), 1);
    await isWhole(await ended('+15550205'), 0);
  });

  test('what was edited before the crash of the database is there, and can be edited again', async () => {
    const made = await server.api<{ id: string; title: string }>('/api/v1/documents', {
      method: 'POST',
      body: { title: 'After the crash', text: 'Everything is as it was.' },
    });
    expect(await server.api(`/api/v1/documents/${made.id}`)).toMatchObject({ title: 'After the crash' });
    const { items } = await server.api<{ items: { slug: string }[] }>('/api/v1/assistants');
    expect(items.map(({ slug }) => slug)).toContain('desk');
  });
});
