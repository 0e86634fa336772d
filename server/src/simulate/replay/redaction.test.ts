import type { CallEvent } from '@tandem/contract';
import { callEvent } from '@tandem/contract';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sameWords, wordsOf } from '#conversation/rules/words.ts';
import { pureChecks } from './checks.ts';
import { Disguise } from './disguise.ts';
import { replayFloor } from './floor-replay.ts';
import { conversationsOf } from './recorded-conversation.ts';
import { redact } from './redaction.ts';
import { callOf, life, type Life } from './testing.ts';

describe('a disguise', () => {
  test('hides names, numbers, addresses and letters, and keeps what tells nothing', () => {
    const disguise = new Disguise();
    const shown = (said: string) => disguise.text(said);
    expect(shown('My name is Jane Smith.')).toMatch(/^My name is [A-Z][a-z]+ [A-Z][a-z]+th\.$/);
    expect(shown('My name is Jane Smith.')).not.toMatch(/jane|smith/i);
    expect(shown('jane.smith@example.com')).toMatch(/^[a-z]+\.[a-z]+@[a-z]+\.com$/);
    expect(shown('four two four two')).toBe('zero zero zero zero');
    expect(shown('nine nine one five')).not.toMatch(/nine|five/);
    expect(shown('S M I T H')).toMatch(/^[B-Z] [B-Z] [B-Z] [B-Z] [B-Z]$/);
    expect(shown('S M I T H')).not.toBe('S M I T H');
    expect(shown('on the 23rd of March')).toMatch(/^on the 00rd of January$/);
    expect(shown('I would like to, um')).toBe('I would like to, um');
  });

  test('is the same for the same words, has as many words, and tells different texts apart', () => {
    const word = fc.constantFrom(
      'Jane',
      'jane',
      'Müller',
      'Smith',
      'four',
      'two',
      'nine',
      '4242',
      '55',
      'S',
      'M',
      'to',
      "it's",
      'appointment',
      'fünfzig',
      'um,',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), fc.array(word, { maxLength: 6 }), (one, other) => {
        const disguise = new Disguise();
        const [a, b] = [one.join(' '), other.join(' ')];
        const [x, y] = [disguise.text(a), disguise.text(b)];
        expect(wordsOf(x).length).toBe(wordsOf(a).length);
        expect(sameWords(x, y)).toBe(sameWords(a, b));
        expect(disguise.text(a)).toBe(x);
      }),
      { numRuns: 500 },
    );
  });
});

const batchesOf = (events: readonly CallEvent[]) => conversationsOf(events).flatMap(({ batches }) => batches);
const wordless = (events: readonly CallEvent[]) =>
  batchesOf(events).map(({ decisions }) => decisions.map(({ input, action }) => ({ input, action: { ...action, text: '' } })));

describe('a redacted call', () => {
  test('replays to the same decisions at the same times, whatever the caller did', async () => {
    let orders = 0;
    let calls = 0;
    await fc.assert(
      fc.asyncProperty(life, async (one) => {
        const events = await callOf(one);
        const { events: redacted, numbers } = redact(events);
        calls++;
        if (numbers === 'order') orders++;
        expect(wordless(redacted)).toEqual(wordless(events));
        const before = conversationsOf(events).map((conversation) => replayFloor(conversation));
        const after = conversationsOf(redacted).map((conversation) => replayFloor(conversation));
        expect(after.map(({ digest, recorded }) => digest === recorded)).toEqual(after.map(() => true));
        expect(after.map(({ inputs, decisions }) => ({ inputs, decisions }))).toEqual(
          before.map(({ inputs, decisions }) => ({ inputs, decisions })),
        );
        for (const { name, faults } of pureChecks(redacted)) expect([name, faults]).toEqual([name, []]);
        for (const event of redacted) callEvent.parse(event);
        expect(JSON.stringify(redacted)).not.toMatch(/jane|smith|0142|example\.com|call_1\b|business_1\b|five oh one/i);
      }),
      { numRuns: 60, seed: 8 },
    );
    expect(orders / calls).toBeGreaterThan(0.9);
  }, 60_000);

  test('keeps no number, address, id, date or value of a tool', async () => {
    const one: Life = {
      deeds: [{ deed: { do: 'say', text: 'My name is Jane Smith.', ms: 900, finalMs: 150 }, afterMs: 3_000 }],
      answers: ['Is that right?'],
      thinkMs: 0,
      adaptive: true,
      speculation: 'off',
      language: 'en',
    };
    const events = await callOf(one);
    const head = { businessId: 'business_1', callId: 'call_1', at: events.at(-1)?.at ?? 0 };
    const facts = [
      {
        type: 'call-received',
        startedAt: '2026-05-04T10:00:00Z',
        direction: 'inbound',
        gateway: 'sip',
        from: '+4930123456',
        to: 'sip:desk@harbour.example',
      },
      {
        type: 'tool-called',
        turn: 1,
        toolCallId: 'toolu_01',
        name: 'find_order',
        arguments: { order: 48213, email: 'jane@example.com', notes: ['ring twice at Elm Street'] },
      },
      { type: 'digit-received', legId: 'leg_77', digit: '7' },
      {
        type: 'callback-scheduled',
        callbackId: 'cb_1',
        name: 'Jane Smith',
        number: '+4930123456',
        when: 'Friday at nine',
        reason: 'Invoice 7731',
      },
      { type: 'call-ended', by: 'caller', reason: 'hung-up', durationMs: 4_000, detail: 'BYE from 203.0.113.7' },
    ];
    const whole = [...events, ...facts.map((fact, i) => ({ ...head, seq: events.length + i, ...fact }) as CallEvent)];
    const { events: redacted } = redact(whole);
    const text = JSON.stringify(redacted);
    expect(text).not.toMatch(/4930123456|harbour|2026-|48213|jane|elm street|toolu_01|leg_77|cb_1"|7731|203\.0|"7"/i);
    expect(text).toMatch(/find_order/);
    expect(redacted.at(-1)).toMatchObject({ type: 'call-ended', by: 'caller', reason: 'hung-up', durationMs: 4_000 });
    const [received, callback] = [
      redacted.find(({ type }) => type === 'call-received'),
      redacted.find(({ type }) => type === 'callback-scheduled'),
    ];
    expect(received).toMatchObject({
      from: expect.stringMatching(/^\+1555\d{7}$/),
      to: expect.stringMatching(/^sip:party\d+@example\.invalid$/),
    });
    expect(callback).toMatchObject({ when: expect.stringMatching(/^\w+day at \w+$/) });
  });
});
