import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallEvent, CallExplanation, CallFact } from '@tandem/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TandemError } from '#kit/errors.ts';
import { testKit } from '#kit/testing.ts';
import type { Workshop } from './command.ts';
import { explain } from './explain.ts';

const stages = { speechEndAt: 2_000, endpointAt: 2_600, finalAt: 2_150, committedAt: 2_600, retrievalAt: 2_604, requestAt: 2_604 };
const answered = { ...stages, firstTokenAt: 5_900, firstClauseAt: 5_910, firstAudioAt: 6_100, firstPacketAt: 6_120 };
const facts: [number, CallFact][] = [
  [
    0,
    {
      type: 'call-received',
      startedAt: '2026-01-05T09:00:00.000Z',
      direction: 'inbound',
      gateway: 'sip',
      from: '+15550111',
      to: '+15550100',
    },
  ],
  [10, { type: 'call-answered', ringMs: 10 }],
  [2_600, { type: 'turn-committed', turn: 1, text: 'When do you open?', source: 'speech', stages, rule: 'silence' }],
  [7_000, { type: 'turn-completed', turn: 1, heard: 'At nine.', interrupted: false, stages: answered }],
];
const events = facts.map(([at, fact], seq): CallEvent => ({ businessId: 'business_1', callId: 'call_1', seq, at, ...fact }));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-explain-'));
  await writeFile(join(folder, 'slow.jsonl'), events.map((event) => JSON.stringify(event)).join('\n'));
  await writeFile(join(folder, 'short.jsonl'), JSON.stringify(events[0]));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(...args: string[]) {
  const [printed, told]: [string[], string[]] = [[], []];
  const workshop: Workshop = {
    kit: testKit(),
    folder,
    dataFolder: join(folder, 'data'),
    serverUrl: 'http://127.0.0.1:9',
    apiKey: () => Promise.resolve(undefined),
    models: () => Promise.reject(new TandemError('unavailable')),
    rooms: () => {
      throw new TandemError('unavailable');
    },
    print: (line) => void printed.push(line),
    tell: (line) => void told.push(line),
    signal: new AbortController().signal,
  };
  return { code: await explain.run(args, workshop), printed, told };
}

test('a bad turn in words, and the exit code says that there is one', async () => {
  const { code, printed } = await run('slow.jsonl');
  expect(code).toBe(1);
  expect(printed).toEqual([
    'call_1: 1 slow answer in 1 turn. The cause was the language model.',
    '',
    'Turn 1 at 0:02.0, slow: The caller waited 4.1 s for the first sound of the answer.',
    '  why    The language model needed 3.3 s for its first word. [model-late, 100 % sure]',
    '  do     Switch hedging on, name a faster fallback, or shorten the instructions.',
    '  events 2, 3',
  ]);
});

test('the answer of the API as JSON', async () => {
  const { code, printed } = await run('call_1', '--file', 'slow.jsonl', '--json');
  expect(code).toBe(1);
  const explanation = JSON.parse(printed.join('\n')) as CallExplanation;
  expect(explanation).toMatchObject({ callId: 'call_1', findings: [{ problem: 'slow', causes: [{ code: 'model-late' }] }] });
});

test('nothing bad is exit code 0; what cannot be understood is 2', async () => {
  expect(await run('--file', 'short.jsonl')).toMatchObject({ code: 0, told: [] });
  expect((await run()).code).toBe(2);
  expect((await run('slow.jsonl', '--loud')).code).toBe(2);
  await expect(run('call_2', '--file', 'slow.jsonl')).rejects.toThrow('call_2');
});
