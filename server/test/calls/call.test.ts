/** Whole calls as scripts: ring to ending, on the virtual clock. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { parseWav } from '#audio/wav.ts';
import type { LanguageModel } from '#models/language-model.ts';
import { CallCentre, type OfficeOptions } from './telephone.ts';

let centre: CallCentre;
const open = async (options?: OfficeOptions) => {
  centre = await CallCentre.open(options);
  return centre;
};

/** No call may leave anything behind. */
afterEach(async () => {
  expect(await centre.close()).toBe(0);
  expect(centre.switchboard.live).toBe(0);
});

const ending = () => {
  const [ended, ...more] = centre.events('call-ended');
  expect(more).toEqual([]);
  expect(centre.journal.events.at(-1)?.type).toBe('call-ended');
  return ended && { by: ended.by, reason: ended.reason };
};
const spoken = () => centre.events('speech-played').map(({ text }) => text);

describe('a call', () => {
  test('greets, answers from a document, says goodbye and hangs up', async () => {
    await open();
    const caller = await centre.call();
    await caller.untilQuiet();
    expect(spoken().join(' ')).toBe('Hello, Harbour Dental.');
    await caller.says('when do you close on Saturday');
    await caller.untilQuiet();
    expect(spoken().join(' ')).toContain('On Saturday we close at one.');
    const [retrieval] = centre.events('retrieval-done');
    expect(retrieval).toMatchObject({ answerable: true, passages: [{ documentId: 'document_hours' }] });
    await caller.says('thank you goodbye');
    await caller.untilQuiet(3000);
    expect(caller.ended).toBe('hung-up');
    expect(ending()).toEqual({ by: 'assistant', reason: 'goodbye' });
  });

  test('an approved answer is spoken as it stands', async () => {
    await open();
    const caller = await centre.call();
    await caller.untilQuiet();
    await caller.says('how much is whitening');
    await caller.untilQuiet();
    expect(spoken().at(-1)).toBe('Whitening costs two hundred dollars.');
    await caller.hangsUp();
  });

  test('what nobody wrote down is not made up', async () => {
    await open();
    const caller = await centre.call();
    await caller.untilQuiet();
    await caller.says('do you repair bicycles');
    await caller.untilQuiet();
    expect(centre.events('retrieval-done')[0].answerable).toBe(false);
    expect(spoken().at(-1)).not.toMatch(/open|whitening/i);
    await caller.hangsUp();
  });

  test('events are in order, numbered without a gap, and every turn accounts for its stages', async () => {
    await open();
    const caller = await centre.call();
    await caller.untilQuiet();
    await caller.says('when are you open');
    await caller.untilQuiet();
    await caller.hangsUp();
    await centre.close();
    const { events } = centre.journal;
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index));
    for (let i = 1; i < events.length; i++) expect(events[i].at).toBeGreaterThanOrEqual(events[i - 1].at);
    expect(events.slice(0, 3).map(({ type }) => type)).toEqual(['call-received', 'call-answered', 'leg-joined']);
    const turn = centre.events('turn-completed').find(({ turn: n }) => n === 1);
    const { speechEndAt, committedAt, requestAt, firstTokenAt, firstAudioAt, firstPacketAt } = turn?.stages ?? {};
    // The answer may have been begun in secret, before the turn was committed; nothing of it leaves before.
    expect(committedAt).toBeLessThanOrEqual(firstPacketAt ?? -1);
    const order = [speechEndAt, requestAt, firstTokenAt, firstAudioAt, firstPacketAt] as number[];
    expect(order.every((at) => at !== undefined)).toBe(true);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(turn?.voiceToVoiceMs).toBeCloseTo((firstPacketAt ?? 0) - (speechEndAt ?? 0), 0);
    expect(ending()).toEqual({ by: 'caller', reason: 'hung-up' });
  });

  test('is recorded in stereo from answer to end', async () => {
    await open({ record: true });
    const caller = await centre.call();
    // Virtual time does not wait for the real disk: 3 s are fewer blocks than a recording holds for a slow one.
    await caller.says('when are you open', { at: 1_500 });
    await caller.until(3_000);
    await caller.hangsUp();
    for (let i = 0; i < 5_000 && centre.switchboard.live > 0; i++) await new Promise((resolve) => setTimeout(resolve, 2));
    const [name] = await readdir(join(centre.folder, 'business_1'));
    const bytes = new Uint8Array(await readFile(join(centre.folder, 'business_1', name)));
    const file = parseWav(bytes);
    expect(file).toMatchObject({ channels: 2, rate: 8000, encoding: 'mulaw' });
    const stopped = centre.events('recording-stopped')[0];
    expect(stopped).toMatchObject({ reason: 'call-ended', durationMs: 3_000 });
    expect((bytes.length - 58) / 16).toBeCloseTo(stopped.durationMs, -1);
  });
});

describe('the caller', () => {
  test('interrupts: the assistant falls silent and remembers only what was heard', async () => {
    await open({ assistant: { greeting: 'Hello, this is Harbour Dental and we are glad that you call us today, how may we help you?' } });
    const caller = await centre.call();
    await caller.says('wait when are you open', { at: 1500 });
    const [interrupted] = centre.events('reply-interrupted');
    expect(interrupted).toBeDefined();
    expect('Hello, this is Harbour Dental and we are glad that you call us today, how may we help you?').toContain(interrupted.heard);
    expect(interrupted.heard.length).toBeLessThan(60);
    await caller.untilQuiet();
    expect(spoken().join(' ')).toContain('open from Monday');
    await caller.hangsUp();
  });

  test('hangs up in the middle of a reply: nothing is left', async () => {
    await open();
    const caller = await centre.call();
    await caller.until(600);
    await caller.hangsUp();
    await centre.close();
    expect(ending()).toEqual({ by: 'caller', reason: 'hung-up' });
  });

  test('gives up at the moment of the answer', async () => {
    await open();
    const placed = centre.gateway.place({ to: '+15550100' });
    await centre.kit.clock.settle();
    placed.giveUp();
    const leg = await placed.answered;
    await leg.hangUp();
    await centre.close();
    // A loopback line is answered at once, so giving up comes too late and is a hang-up.
    expect(ending()).toEqual({ by: 'caller', reason: 'hung-up' });
  });

  test('says nothing: is asked twice, then the call ends politely', async () => {
    await open({ assistant: { idleMs: 4_000 } });
    const caller = await centre.call();
    await caller.until(60_000);
    expect(centre.events('reply-started').map(({ kind }) => kind)).toEqual(['greeting', 'reprompt', 'reprompt', 'goodbye']);
    expect(ending()).toEqual({ by: 'assistant', reason: 'idle' });
  });

  test('presses a key: one digit, and the assistant yields', async () => {
    await open({ assistant: { greeting: 'Hello, this is Harbour Dental and we are glad that you call us today.' } });
    const caller = await centre.call();
    await caller.until(1_000);
    const pressed = caller.leg.sendDigits('5');
    await caller.until(1_300);
    await pressed;
    expect(centre.events('digit-received').map(({ digit }) => digit)).toEqual(['5']);
    expect(centre.events('reply-interrupted')).toHaveLength(1);
    await caller.hangsUp();
  });

  test('types instead of speaking', async () => {
    await open();
    const caller = await centre.call();
    await caller.untilQuiet();
    caller.leg.type('how much is whitening');
    await caller.untilQuiet(1_000);
    expect(centre.events('turn-committed')[0]).toMatchObject({ source: 'typed', text: 'how much is whitening' });
    expect(spoken().at(-1)).toBe('Whitening costs two hundred dollars.');
    await caller.hangsUp();
  });
});

describe('what can go wrong', () => {
  const failing: LanguageModel = {
    name: 'failing',
    // oxlint-disable-next-line require-yield -- it fails before its first part
    async *generate() {
      throw new Error('out of order');
    },
  };

  test('a model that fails is heard as an apology, and the call ends with its cause', async () => {
    await open({ languageModel: failing });
    const caller = await centre.call();
    await caller.untilQuiet();
    await caller.says('when are you open');
    await caller.untilQuiet(8_000);
    expect(centre.events('reply-started').some(({ kind }) => kind === 'apology')).toBe(true);
    await centre.close();
    expect(ending()).toEqual({ by: 'assistant', reason: 'model-failed' });
  });

  test('the line goes dead', async () => {
    await open();
    const caller = await centre.call();
    await caller.until(500);
    caller.leg.breakWire();
    await centre.close();
    expect(ending()).toEqual({ by: 'system', reason: 'media-lost' });
  });

  test('a call longer than allowed ends', async () => {
    await open({ assistant: { maxDurationMs: 10_000 } });
    const caller = await centre.call();
    await caller.until(11_000);
    expect(ending()).toEqual({ by: 'system', reason: 'max-duration' });
  });

  test('an unknown number, a full house and a draining one are refused by name', async () => {
    await open({ maxCalls: 1 });
    const refused = async (to: string) => {
      try {
        await centre.gateway.place({ to }).answered;
        return 'answered';
      } catch (error) {
        return (error as { detail: { refusal: string } }).detail.refusal;
      }
    };
    expect(await refused('+15550999')).toBe('number-unknown');
    const caller = await centre.call();
    expect(await refused('+15550100')).toBe('capacity-reached');
    const drained = centre.switchboard.drain(60_000);
    expect(await refused('+15550100')).toBe('unavailable');
    await caller.hangsUp();
    await centre.close();
    expect(await drained).toBe(0);
    expect(centre.switchboard.refused).toEqual({ 'number-unknown': 1, calls: 1, draining: 1 });
  });
});

test('the same seed gives the same events, bit for bit', async () => {
  const run = async () => {
    await open({ seed: 7 });
    const caller = await centre.call();
    await caller.untilQuiet();
    await caller.says('when are you open on Saturday');
    await caller.until(caller.now + 700);
    await caller.says('wait stop');
    await caller.untilQuiet();
    await caller.hangsUp();
    await centre.close();
    return JSON.stringify(centre.journal.events);
  };
  const first = await run();
  expect(first.length).toBeGreaterThan(2_000);
  expect(await run()).toBe(first);
});

test('what changes while a call is on the line is known to the next call', async () => {
  await open();
  const caller = await centre.call();
  await caller.untilQuiet();
  const [entry] = centre.switchboard.directory.businesses;
  const documents = [{ id: 'document_new', title: 'Parking', text: 'Parking is behind the house.' }];
  const published = centre.switchboard.publish([{ ...entry, knowledge: { version: '2', documents, questions: [] } }]);
  await centre.kit.clock.advance(100);
  await published;
  await caller.says('is there parking');
  await caller.untilQuiet();
  expect(centre.events('retrieval-done')[0].answerable).toBe(false);
  await caller.hangsUp();
  const next = await centre.call();
  await next.untilQuiet();
  await next.says('is there parking');
  await next.untilQuiet();
  expect(spoken().at(-1)).toBe('Parking is behind the house.');
  await next.hangsUp();
});
