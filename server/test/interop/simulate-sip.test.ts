/** Scenarios over real SIP and RTP against a whole server, with its events and by ear alone. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '#kit/log.ts';
import { systemKit } from '#kit/kit.ts';
import { checkCall } from '#simulate/expectations/check.ts';
import type { CheckedCall } from '#simulate/outcome.ts';
import { type ScenarioInput, scenario } from '#simulate/scenario.ts';
import { runOverSip } from '#simulate/sip-level/run.ts';
import { type ServerApi, sipTarget } from '#simulate/sip-level/target.ts';
import { simulationRooms } from '../../src/simulation.ts';
import { assistantAt, envOf, GREETING, ProviderCalls } from '../provider-calls.ts';
import { ADMIN_KEY, type TandemServer } from '../tandem-server.ts';

const kit = { ...systemKit('error'), log: silentLog };
const rooms = simulationRooms();
let calls: ProviderCalls;
let server: TandemServer;

beforeAll(async () => {
  calls = await ProviderCalls.open();
  server = await calls.server(envOf(calls.providers));
  await assistantAt(server, 'desk', { transcriber: 'deepgram', languageModel: 'openai', synthesizer: 'cartesia', recording: true });
});
afterAll(() => calls.close());

async function play(input: Omit<ScenarioInput, 'to'>, api: ServerApi | undefined, to = 'desk'): Promise<CheckedCall> {
  const target = { address: '127.0.0.1', port: server.sipPort, api };
  return checkCall(await runOverSip(scenario.parse({ to, ...input }), { kit, rooms, target }));
}
const api = (): ServerApi => ({ url: server.url, key: ADMIN_KEY });
const failures = ({ checks, fault }: CheckedCall) => ({ fault, failed: checks.filter(({ passed }) => !passed) });

test('a call with a question and its answer, checked by what the server wrote down', async () => {
  const call = await play(
    {
      name: 'hours',
      from: '+15550171',
      caller: [{ hear: 'greeting' }, { say: 'When are you open?' }, { hear: 'answer' }],
      expect: [
        { says: GREETING, turn: 0 },
        { says: 'nine to five', turn: 1 },
        { ends: { by: 'caller', reason: 'hung-up' } },
        { recording: { minMs: 3_000, channels: 2 } },
        { voiceToVoiceMs: { max: 10_000 } },
        { turns: { min: 1, max: 1 } },
      ],
    },
    api(),
  );
  expect(failures(call)).toEqual({ fault: undefined, failed: [] });
  expect(call.measures.voiceToVoiceMs).toHaveLength(1);
  expect(call.measures.voiceToVoiceMs[0]).toBeGreaterThan(0);
  expect(call.events[0]).toMatchObject({ type: 'call-received', from: expect.stringContaining('5550171') as string, seq: 0 });
  expect(call.events.at(-1)?.type).toBe('call-ended');
  const sound = call.sound;
  expect(sound?.caller.some((byte) => (~byte & 0x7f) > 0x30)).toBe(true);
  expect(sound?.assistant.some((byte) => (~byte & 0x7f) > 0x30)).toBe(true);
});

test('an interruption and keys, at their moments', async () => {
  const call = await play(
    {
      name: 'keys',
      from: '+15550172',
      caller: [
        { hear: 'greeting' },
        { say: 'When are you open?' },
        { bargeIn: 'Stop, wait a moment please', atMs: 900 },
        { hear: 'answer' },
        { press: '42' },
      ],
      expect: [{ event: 'reply-interrupted' }, { event: 'digit-received', times: 2 }, { ends: { by: 'caller' } }],
    },
    api(),
  );
  expect(failures(call)).toEqual({ fault: undefined, failed: [] });
});

test('without a key waits and silences are known, and nothing else is claimed', async () => {
  const call = await play(
    {
      name: 'by ear',
      from: '+15550173',
      caller: [{ hear: 'greeting' }, { say: 'When are you open?' }, { hear: 'answer' }],
      expect: [{ says: 'something else' }, { voiceToVoiceMs: { max: 10_000 } }, { deadAirMs: { max: 10_000 } }],
    },
    undefined,
  );
  expect(failures(call)).toEqual({ fault: undefined, failed: [] });
  expect(call.checks[0].skipped).toContain('API key');
  expect(call.measures.voiceToVoiceMs).toHaveLength(1);
  expect(call.lines.filter(({ who }) => who === 'assistant').length).toBeGreaterThanOrEqual(2);
});

test('a number that nobody answers is a fault of the run, and so is typing on a telephone', async () => {
  expect((await play({ name: 'nobody', from: '+15550174' }, api(), 'nobody')).fault).toContain('refused');
  const typed = await play({ name: 'typed', from: '+15550175', caller: [{ hear: 'greeting' }, { type: 'hello' }] }, api());
  expect(typed.fault).toContain('no keyboard');
  expect(typed.passed).toBe(false);
});

test('another machine is called only when that was said', async () => {
  const told: string[] = [];
  const holder = { serverUrl: server.url, apiKey: () => Promise.resolve('wrong'), tell: (line: string) => void told.push(line) };
  await expect(sipTarget({ server: '192.0.2.1:5060', anywhere: false }, holder)).rejects.toMatchObject({ code: 'forbidden' });
  expect(await sipTarget({ server: '192.0.2.1:5060', anywhere: true }, holder)).toEqual({
    address: '192.0.2.1',
    port: 5060,
    api: undefined,
  });
  expect(told.join()).toContain('401');
  expect(await sipTarget({ server: 'localhost:5070', anywhere: false }, { ...holder, apiKey: () => Promise.resolve(ADMIN_KEY) })).toEqual({
    address: '127.0.0.1',
    port: 5070,
    api: { url: server.url, key: ADMIN_KEY },
  });
});
