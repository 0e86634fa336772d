import { createServer, type Server } from 'node:http';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallEvent } from '@tandem/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeLine } from '#calls/journal-segment.ts';
import { testKit } from '#kit/testing.ts';
import type { Workshop } from '../commands/command.ts';
import { replay } from '../commands/replay.ts';
import { policyOf, readArguments } from '../commands/replay-arguments.ts';
import { readCall } from './source.ts';
import { callOf, type Life } from './testing.ts';

const LIFE: Life = {
  deeds: [{ deed: { do: 'say', text: 'When are you open?', ms: 1_000, finalMs: 150 }, afterMs: 3_000 }],
  answers: ['We are open from nine to five.'],
  thinkMs: 200,
  adaptive: true,
  speculation: 'off',
  language: 'en',
};

let folder: string;
let server: Server;
let url: string;
let calls: CallEvent[];
const asked: string[] = [];

function workshop(more: Partial<Workshop> = {}): Workshop & { printed: string[] } {
  const printed: string[] = [];
  return {
    kit: testKit(),
    folder,
    dataFolder: join(folder, 'data'),
    serverUrl: url,
    apiKey: () => Promise.resolve('key'),
    models: () => Promise.reject(new Error('nobody asks for models')),
    rooms: () => {
      throw new Error('nobody asks for rooms');
    },
    print: (line) => printed.push(line),
    tell: () => {},
    signal: new AbortController().signal,
    ...more,
    printed,
  };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-source-'));
  const events = await callOf(LIFE);
  const received = {
    type: 'call-received',
    startedAt: '2026-01-01T00:00:00Z',
    direction: 'inbound',
    gateway: 'sip',
    from: '+15550199',
    to: '+15550100',
  } as const;
  const of = (callId: string): CallEvent[] => {
    const head = { businessId: 'business_1', callId };
    return [{ ...head, seq: 0, at: 0, ...received }, ...events.map((event) => ({ ...event, callId, seq: event.seq + 1 }))];
  };
  const [one, two] = [of('call_one'), of('call_two')];
  // Two calls at once, as a journal has them.
  calls = one.flatMap((event, i) => [event, two[i]]);
  const answerTo = (path: string, after: number) => {
    if (path === '/api/v1/calls') return { items: [{ id: 'call_two' }] };
    if (path !== '/api/v1/calls/call_two/events') return undefined;
    const rest = two.filter(({ seq }) => seq > after);
    const items = rest.slice(0, 5);
    return { items, ...(rest.length > 5 ? { nextAfter: items.at(-1)?.seq } : {}) };
  };
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
    const answer = answerTo(pathname, Number(searchParams.get('after')));
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? { detail: 'There is no such call' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

describe('a call is found', () => {
  test('in a file of lines, of lines with sums, of one JSON text, by its id or as the latest', async () => {
    await writeFile(join(folder, 'lines.jsonl'), calls.map((event) => JSON.stringify(event)).join('\n'));
    await writeFile(join(folder, 'sums.jsonl'), calls.map((event) => writeLine(event)).join(''));
    await writeFile(join(folder, 'page.json'), JSON.stringify({ items: calls }));
    for (const file of ['lines.jsonl', 'sums.jsonl', 'page.json']) {
      const one = await readCall('call_one', { file }, workshop());
      expect(one.events.map(({ seq }) => seq)).toEqual(one.events.map((_, i) => i));
      expect((await readCall(file, {}, workshop())).callId).toBe('call_two');
    }
  });

  test('in the journal of the data folder, past a damaged line and a line that is still being written', async () => {
    const journal = join(folder, 'data', 'journal');
    await mkdir(journal, { recursive: true });
    const half = Math.floor(calls.length / 2);
    const text = (events: readonly CallEvent[]) => events.map((event) => writeLine(event)).join('');
    await writeFile(join(journal, '00000001.jsonl'), `${text(calls.slice(0, half))}00000000 {"type":"damaged"}\n`);
    await writeFile(join(journal, '00000002.jsonl'), `${text(calls.slice(half))}1234abcd {"type":"call-en`);
    const found = await readCall('call_one', {}, workshop());
    expect(found.events.length).toBe(calls.length / 2);
    expect((await readCall('latest', {}, workshop())).callId).toBe('call_two');
  });

  test('at a server, page by page, with the key', async () => {
    const { events, from } = await readCall('latest', { url }, workshop());
    expect(events.length).toBe(calls.length / 2);
    expect(from).toBe(url);
    expect(asked.filter((line) => line.startsWith('GET /api/v1/calls/call_two/events?after=')).length).toBeGreaterThan(2);
    expect(asked.every((line) => line.endsWith('Bearer key'))).toBe(true);
  });
});

describe('a call is not found', () => {
  test('and that is said in a sentence with a code', async () => {
    await writeFile(join(folder, 'nothing.txt'), 'Good morning');
    const nowhere = { dataFolder: join(folder, 'nowhere') };
    await expect(readCall('nothing.txt', {}, workshop())).rejects.toMatchObject({ code: 'bad-request' });
    await expect(readCall('call_nobody', { file: 'lines.jsonl' }, workshop())).rejects.toMatchObject({ code: 'not-found' });
    await expect(readCall('call_nobody', {}, workshop(nowhere))).rejects.toMatchObject({ code: 'not-found' });
    await expect(readCall('call_two', { url: 'http://127.0.0.1:1' }, workshop())).rejects.toMatchObject({ code: 'unavailable' });
    await expect(readCall('x', {}, workshop({ ...nowhere, apiKey: () => Promise.resolve(undefined) }))).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });
});

describe('npx tandem replay', () => {
  test('answers 0 for the same decisions, 1 where they differ, 2 where it cannot', async () => {
    const shop = workshop();
    expect(await replay.run(['lines.jsonl', '--save', 'saved.jsonl'], shop)).toBe(0);
    expect(shop.printed.at(-1)).toBe('The same decisions.');
    expect(await replay.run(['saved.jsonl'], shop)).toBe(0);

    const changed = calls.map((event) =>
      event.type === 'conversation-began' ? { ...event, policy: { ...event.policy, minDelayMs: 1_500, sentenceDelayMs: 1_500 } } : event,
    );
    await writeFile(join(folder, 'changed.jsonl'), changed.map((event) => JSON.stringify(event)).join('\n'));
    expect(await replay.run(['changed.jsonl'], shop)).toBe(1);
    expect(shop.printed.join('\n')).toMatch(/first difference: input \d+ at \d\.\d\d s, turn \d+, while the floor was in "hold"/);

    const older = calls.filter(({ type }) => type !== 'conversation-began' && type !== 'decisions-taken');
    const of = (callId: string) => older.filter((event) => event.callId === callId).map((event, seq) => JSON.stringify({ ...event, seq }));
    await writeFile(join(folder, 'older.jsonl'), of('call_one').join('\n'));
    expect(await replay.run(['older.jsonl'], shop)).toBe(2);
    expect(shop.printed.at(-1)).toMatch(/^It cannot be replayed: .*older than the journal of decisions\.$/);
    expect(await replay.run(['lines.jsonl', '--json'], shop)).toBe(0);
    expect(JSON.parse(shop.printed.at(-1) ?? '')).toMatchObject({ callId: 'call_two', outcome: 'same' });
  });

  test('with another policy that changes nothing needs no engine', async () => {
    const shop = workshop();
    expect(await replay.run(['lines.jsonl', '--policy', 'bargeInMs=900'], shop)).toBe(0);
    expect(shop.printed).toEqual(['= Under this policy every decision is the same.']);
  });

  test('refuses what it does not understand', () => {
    const refused = (args: string[]) => expect(() => readArguments(args)).toThrow(expect.objectContaining({ code: 'bad-request' }));
    refused([]);
    refused(['a', 'b']);
    refused(['a', '--fork', 'two']);
    refused(['a', '--model', 'gpt']);
    refused(['a', '--sound', 'x']);
    refused(['a', '--what']);
    refused(['a', '--policy', 'patience=3']);
    refused(['a', '--policy', 'adaptive=perhaps']);
    refused(['a', '--policy', 'minDelayMs=-4']);
    expect(policyOf(['minDelayMs=350, eagerness=high', 'rules.sentence=false,rules.silence=700,adaptive=true'])).toEqual({
      minDelayMs: 350,
      eagerness: 'high',
      adaptive: true,
      rules: { sentence: false, silence: 700 },
    });
  });
});
