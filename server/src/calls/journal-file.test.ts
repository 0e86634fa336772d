import { spawn } from 'node:child_process';
import { appendFile, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { CallEvent, CallFact } from '@tandem/contract';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import { testKit } from '#kit/testing.ts';
import { type FileJournal, openJournal } from './journal-file.ts';
import { JOURNAL_START, type JournalPosition, MemoryJournal } from './journal.ts';
import { closeDeadCalls } from './journal-repair.ts';
import { readJournal, readLine, segmentPath, writeLine } from './journal-segment.ts';

let folder: string;
const opened: FileJournal[] = [];
const kit = { ...testKit(), clock: new SystemClock() };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journal-'));
});

afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
  await rm(folder, { recursive: true, force: true });
});

function eventOf(callId: string, seq: number, fact: CallFact = { type: 'transcript-partial', turn: 1, text: `word ${seq}` }): CallEvent {
  return { businessId: 'business_1', callId, seq, at: seq * 10, ...fact };
}

const received: CallFact = {
  type: 'call-received',
  startedAt: '2026-01-05T09:00:00.000Z',
  direction: 'inbound',
  gateway: 'sip',
  from: 'a',
  to: 'b',
};

async function openHere(options = {}) {
  const durable: CallEvent[] = [];
  const positions: JournalPosition[] = [];
  const { journal, openCalls } = await openJournal(
    folder,
    kit,
    (events, position) => {
      durable.push(...events);
      positions.push(position);
    },
    options,
  );
  opened.push(journal);
  return { journal, openCalls, durable, positions };
}

async function readAll(from = JOURNAL_START, until: JournalPosition = { segment: 1e9, offset: 0 }) {
  const events: CallEvent[] = [];
  for await (const chunk of readJournal(folder, from, until)) events.push(...chunk.events);
  return events;
}

describe('append', () => {
  test('announces events in order, once they are in the file', async () => {
    const { journal, durable, positions } = await openHere();
    const events = Array.from({ length: 500 }, (_, seq) => eventOf('call_1', seq));
    for (const event of events) journal.append(event);
    expect(durable).toEqual([]);
    await journal.flush();
    expect(durable).toEqual(events);
    expect(await readAll()).toEqual(events);
    expect(positions.at(-1)).toEqual({ segment: 1, offset: (await stat(segmentPath(folder, 1))).size });
    expect(positions.length).toBeLessThan(10); // group commit, not a sync per event
  });

  test('a position that was announced is where reading goes on', async () => {
    const { journal, positions } = await openHere();
    journal.append(eventOf('call_1', 0));
    await journal.flush();
    journal.append(eventOf('call_1', 1));
    await journal.flush();
    expect((await readAll(positions[0])).map((event) => event.seq)).toEqual([1]);
    expect((await readAll(JOURNAL_START, positions[0])).map((event) => event.seq)).toEqual([0]);
  });

  test('goes on in the same file after an orderly stop, under the same name', async () => {
    const first = await openHere();
    first.journal.append(eventOf('call_1', 0, received));
    await first.journal.close();
    const second = await openHere();
    second.journal.append(eventOf('call_1', 1));
    await second.journal.flush();
    expect((await readAll()).map((event) => event.seq)).toEqual([0, 1]);
    expect(second.journal.name).toBe(first.journal.name);
  });

  test('text of any kind comes back as it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 50 }), async (text) => {
        const event = eventOf('call_1', 1, { type: 'transcript-partial', turn: 1, text });
        const line = Buffer.from(writeLine(event));
        expect(readLine(line.subarray(0, -1))).toEqual(JSON.parse(JSON.stringify(event)));
      }),
      { numRuns: 200 },
    );
  });

  test('an event that is no JSON is counted as lost, and nothing is thrown', async () => {
    const { journal, durable } = await openHere();
    journal.append(eventOf('call_1', 0, { type: 'tool-called', turn: 1, toolCallId: 't', name: 'n', arguments: 1n }));
    journal.append(eventOf('call_1', 1));
    await journal.flush();
    expect(journal.lost).toBe(1);
    expect(durable.map((event) => event.seq)).toEqual([1]);
  });
});

describe('segments', () => {
  test('a full segment is followed by the next, and reading crosses over', async () => {
    const { journal } = await openHere({ segmentBytes: 2_000 });
    for (let seq = 0; seq < 100; seq++) {
      journal.append(eventOf('call_1', seq));
      if (seq % 10 === 9) await journal.flush();
    }
    expect(journal.end.segment).toBeGreaterThan(3);
    expect((await readAll()).map((event) => event.seq)).toEqual(Array.from({ length: 100 }, (_, seq) => seq));
  });

  test('old ones are removed, but not those that hold a call that is still open', async () => {
    const { journal } = await openHere({ segmentBytes: 500 });
    const put = async (event: CallEvent) => {
      journal.append(event);
      await journal.flush();
    };
    for (let seq = 0; seq < 10; seq++) await put(eventOf('call_0', seq));
    const before = journal.end.segment;
    await put(eventOf('call_1', 0, received));
    for (let seq = 1; seq < 20; seq++) await put(eventOf('call_1', seq));
    expect(before).toBeGreaterThan(1);
    await journal.removeBefore(journal.end);
    expect((await readAll()).filter((event) => event.callId === 'call_1')).toHaveLength(20);
    expect((await readdir(folder)).includes('00000001.jsonl')).toBe(false);
    await put(eventOf('call_1', 20, { type: 'call-ended', by: 'caller', reason: 'hung-up', durationMs: 5 }));
    await journal.removeBefore(journal.end);
    expect((await readdir(folder)).filter((file) => file.endsWith('.jsonl'))).toEqual([
      `${String(journal.end.segment).padStart(8, '0')}.jsonl`,
    ]);
  });
});

describe('repair', () => {
  test('a torn tail is cut off wherever it was torn', async () => {
    const whole = [eventOf('call_1', 0), eventOf('call_1', 1)].map(writeLine).join('');
    const torn = writeLine(eventOf('call_1', 2));
    for (let length = 1; length < Buffer.byteLength(torn); length += 7) {
      await writeFile(segmentPath(folder, 1), whole + torn.slice(0, length));
      const { journal } = await openHere();
      expect(await readFile(segmentPath(folder, 1), 'utf8')).toBe(whole);
      journal.append(eventOf('call_1', 3));
      await journal.close();
      expect((await readAll()).map((event) => event.seq)).toEqual([0, 1, 3]);
    }
  });

  test('garbage at the end is cut off, a damaged line in the middle is passed over', async () => {
    const lines = [0, 1, 2].map((seq) => writeLine(eventOf('call_1', seq)));
    lines[1] = lines[1].replace('word', 'lord');
    await writeFile(segmentPath(folder, 1), lines.join(''));
    await appendFile(segmentPath(folder, 1), Buffer.from([0, 0, 10, 0, 255, 10, 0]));
    const { journal } = await openHere();
    await journal.close();
    expect(await readFile(segmentPath(folder, 1), 'utf8')).toBe(lines.join(''));
    expect((await readAll()).map((event) => event.seq)).toEqual([0, 2]);
  });

  test('calls that nobody ended are found and ended as of their last event', async () => {
    const first = await openHere();
    const facts: CallFact[] = [
      received,
      { type: 'call-answered', ringMs: 5 },
      { type: 'leg-joined', legId: 'leg_1', party: 'caller', gateway: 'sip', codec: 'PCMU' },
      { type: 'recording-started', channels: 2, rate: 8000 },
      { type: 'speech-started', party: 'caller' },
    ];
    for (const [seq, fact] of facts.entries()) first.journal.append(eventOf('call_open', seq, fact));
    first.journal.append(eventOf('call_over', 0, received));
    first.journal.append(eventOf('call_over', 1, { type: 'call-ended', by: 'caller', reason: 'cancelled', durationMs: 0 }));
    first.journal.append(eventOf('call_over', 2, { type: 'call-summarised', summary: 'late' }));
    first.journal.append(eventOf('call_rang', 0, received));
    await first.journal.close();

    const second = await openHere();
    expect(second.openCalls.map((call) => call.callId)).toEqual(['call_open', 'call_rang']);
    closeDeadCalls(second.journal, second.openCalls);
    await second.journal.close();
    expect(second.durable.filter((event) => event.callId === 'call_open')).toEqual(
      [
        eventOf('call_open', 5, { type: 'leg-left', legId: 'leg_1', party: 'caller', cause: 'process-died' }),
        eventOf('call_open', 6, { type: 'recording-stopped', reason: 'process-died', durationMs: 10 }),
        eventOf('call_open', 7, { type: 'call-ended', by: 'system', reason: 'process-died', durationMs: 30 }),
      ].map((event) => ({ ...event, at: 40 })),
    );
    expect(second.durable.at(-1)).toMatchObject({ callId: 'call_rang', type: 'call-ended', durationMs: 0 });
    expect((await openHere()).openCalls).toEqual([]);
  });
});

describe('a disk that refuses', () => {
  /** /dev/full gives ENOSPC to every write: the next segment is a link to it until the disk "has space again". */
  test('events wait in memory, are degraded, and follow in order in a new segment', async () => {
    const { journal, durable } = await openHere({ segmentBytes: 1 });
    journal.append(eventOf('call_1', 0));
    await journal.flush();
    await symlink('/dev/full', segmentPath(folder, 2));
    for (let seq = 1; seq < 50; seq++) journal.append(eventOf('call_1', seq));
    await until(() => journal.degraded);
    expect(durable).toHaveLength(1);
    await rm(segmentPath(folder, 2));
    await journal.flush();
    expect(journal.degraded).toBe(false);
    expect(durable.map((event) => event.seq)).toEqual(Array.from({ length: 50 }, (_, seq) => seq));
    expect((await readAll()).map((event) => event.seq)).toEqual(Array.from({ length: 50 }, (_, seq) => seq));
  });

  test('at the bound partial transcripts go first, endings stay', async () => {
    const { journal } = await openHere({ maxWaiting: 2_000, everyMs: 60_000 });
    journal.append(eventOf('call_1', 0, received)); // written at once; the next sync is a minute away
    await journal.flush();
    for (let seq = 1; seq < 100; seq++) journal.append(eventOf('call_1', seq));
    const partials = journal.lost;
    expect(partials).toBeGreaterThan(80);
    journal.append(eventOf('call_1', 100, { type: 'speech-started', party: 'caller' }));
    expect(journal.lost).toBe(partials);
    for (let seq = 101; seq < 200; seq++) journal.append(eventOf('call_1', seq, { type: 'speech-started', party: 'caller' }));
    const others = journal.lost;
    expect(others).toBeGreaterThan(partials);
    journal.append(eventOf('call_1', 200, { type: 'call-ended', by: 'caller', reason: 'hung-up', durationMs: 1 }));
    expect(journal.lost).toBe(others);
  });
});

test('the memory journal announces in order, without a timer', async () => {
  const told: CallEvent[] = [];
  const journal = new MemoryJournal((events) => told.push(...events));
  journal.append(eventOf('call_1', 0));
  journal.append(eventOf('call_2', 0));
  expect(told).toEqual([]);
  await journal.flush();
  expect(told).toEqual(journal.events);
  expect(journal.of('call_2')).toHaveLength(1);
});

describe('kill -9', () => {
  test('no acknowledged event is lost, whenever the process dies', { timeout: 60_000 }, async () => {
    const rounds = 20;
    let lastAcked = -1;
    for (let round = 0; round < rounds; round++) {
      const acked = await runAndKill(lastAcked + 1, 15 + ((round * 37) % 60));
      expect(acked).toBeGreaterThan(lastAcked);
      lastAcked = acked;
      const { journal } = await openHere();
      await journal.close();
      const text = await readFile(segmentPath(folder, journal.end.segment));
      expect(text.at(-1) ?? 10).toBe(10); // ends with a whole line
      const seqs = (await readAll()).map((event) => event.seq);
      const present = new Set(seqs);
      for (let seq = 0; seq <= lastAcked; seq++) expect(present.has(seq), `event ${seq} in round ${round}`).toBe(true);
      lastAcked = Math.max(lastAcked, ...seqs.slice(-1));
    }
  });

  /** Starts a process that appends from `first` and prints what is durable; kills it `afterMs` after the first ack. */
  function runAndKill(first: number, afterMs: number): Promise<number> {
    const child = spawn(process.execPath, [new URL('./journal-writer.fixture.ts', import.meta.url).pathname, folder, String(first)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let acked = first - 1;
    let kill: NodeJS.Timeout | undefined;
    createInterface({ input: child.stdout }).on('line', (line) => {
      kill ??= setTimeout(() => child.kill('SIGKILL'), afterMs);
      if (/^\d+!$/.test(line)) acked = Number.parseInt(line, 10); // a line cut off by the kill is no acknowledgement
    });
    return new Promise((resolve) => {
      child.on('close', () => resolve(acked));
    });
  }
});

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await kit.clock.sleep(5);
  expect(condition()).toBe(true);
}
