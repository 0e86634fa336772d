import { type Assistant, assistantInput, type CallFact, toolInput } from '@tandem/contract';
import { afterEach, describe, expect, test } from 'vitest';
import type { Log } from '#kit/log.ts';
import { testKit } from '#kit/testing.ts';
import type { Tool } from '#models/tool.ts';
import type { Leg } from '#telephony/leg.ts';
import type { StoredTool } from '../directory.ts';
import { CollectedValues } from './collected-values.ts';
import { toolContext, WebService } from './testing.ts';
import { toolBox, ToolShop } from './tool-box.ts';

const SECRET = 'top-secret-0815';
let service: WebService | undefined;
let shop: ToolShop | undefined;
afterEach(async () => {
  await shop?.close();
  await service?.close();
  shop = service = undefined;
});

const assistantOf = (input: Record<string, unknown>): Assistant => ({
  ...assistantInput.parse({ name: 'Ada', slug: 'ada', greeting: 'Hello.', ...input }),
  id: 'assistant_1',
  businessId: 'business_1',
  createdAt: '',
  updatedAt: '',
});
const stored = (input: Record<string, unknown>): StoredTool => ({
  id: `tool_${String(input.name)}`,
  ...toolInput.parse({ kind: 'http', description: 'A tool', url: 'https://a.example/', ...input }),
});

function open(assistant: Record<string, unknown> = {}, tools: StoredTool[] = [], allow = '') {
  const kit = testKit();
  const said: string[] = [];
  const keep = (...all: unknown[]) =>
    void said.push(JSON.stringify(all, (_key, value: unknown) => (value instanceof Error ? `${value.message} ${value.stack}` : value)));
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep, with: () => log };
  const facts: CallFact[] = [];
  const digits: string[] = [];
  const connected: string[] = [];
  shop = new ToolShop({ ...kit, log }, allow);
  shop.publish('business_1', tools);
  const box = toolBox({
    kit: { ...kit, log },
    shop,
    business: { id: 'business_1', tools, timeZone: 'Europe/Lisbon' },
    assistant: assistantOf(assistant),
    leg: { sendDigits: async (keys: string) => void digits.push(keys) } as unknown as Leg,
    callerNumber: '+15550199',
    collected: new CollectedValues(),
    record: (fact) => void facts.push(fact),
    transfer: async (target) => void connected.push(target.to),
  });
  const tool = (name: string): Tool => {
    const found = box.find((one) => one.name === name);
    if (!found) throw new Error(`no tool ${name}`);
    return found;
  };
  const run = (name: string, input: unknown) => tool(name).run(tool(name).schema.parse(input), toolContext());
  return { kit, box, tool, run, facts, digits, connected, said };
}

describe('the tools of a call', () => {
  test('are those of the assistant and those of the business that it may use, with names of their own', () => {
    const { box } = open({ builtInTools: ['end_call', 'take_message', 'collect'] }, [
      stored({ name: 'look_up' }),
      stored({ name: 'take_message' }),
      stored({ name: 'end_call' }),
      stored({ name: 'other', assistantIds: ['assistant_2'] }),
      stored({ name: 'off', enabled: false }),
      stored({ name: 'broken', url: 'https://a.example/{{nothing}}' }),
    ]);
    expect(box.map(({ name }) => name)).toEqual(['take_message', 'look_up']);
  });

  test('a message and a call back are facts; the number is the one they call from unless they say another', async () => {
    const { run, facts } = open({ builtInTools: ['take_message', 'schedule_callback'] });
    await run('take_message', { name: 'Grace', text: 'The boiler leaks.', urgent: true });
    await run('schedule_callback', { when: 'tomorrow at 3 pm', reason: 'a quote', number: '+15550123' });
    await run('schedule_callback', { when: 'some time next week' });
    expect(facts).toEqual([
      { type: 'message-taken', messageId: expect.any(String), name: 'Grace', number: '+15550199', text: 'The boiler leaks.', urgent: true },
      {
        type: 'callback-scheduled',
        callbackId: expect.any(String),
        name: '',
        number: '+15550123',
        when: '2026-01-06T15:00:00.000Z',
        reason: 'a quote',
      },
      {
        type: 'callback-scheduled',
        callbackId: expect.any(String),
        name: '',
        number: '+15550199',
        when: 'some time next week',
        reason: '',
      },
    ]);
  });

  test('only configured targets can be reached: 0 of anything a caller or a model makes up', async () => {
    const { tool, run, connected } = open({
      builtInTools: ['transfer_call'],
      transferTargets: [{ name: 'Front desk', to: '+15550111', description: 'people' }],
    });
    expect(tool('transfer_call').description).toContain('Front desk (people)');
    for (const target of [
      '+19005550100',
      'sip:evil@example.com',
      '+15550111',
      'front desk',
      'Front desk;ext=1',
      '',
      'tel:+15550111',
      '٩٠٠',
      null,
      7,
    ])
      expect(tool('transfer_call').schema.safeParse({ target }).success).toBe(false);
    await run('transfer_call', { target: 'Front desk' });
    expect(connected).toEqual(['+15550111']);
  });

  test('keys are sent as they are and nothing else', async () => {
    const { tool, run, digits } = open({ builtInTools: ['send_digits'] });
    await run('send_digits', { digits: '12#' });
    expect(digits).toEqual(['12#']);
    for (const keys of ['', '1 2', 'abc', '1'.repeat(33)])
      expect(tool('send_digits').schema.safeParse({ digits: keys }).success).toBe(false);
  });

  test('a secret is in nothing that leaves: prompt, schema, log, result or error', async () => {
    service = await WebService.open(({ url }, response) => {
      if (url.startsWith('/dead')) response.destroy();
      else response.writeHead(url.startsWith('/bad') ? 500 : 200).end(`you sent ${SECRET} to ${url}`);
    });
    const definition = {
      secrets: { KEY: SECRET },
      headers: { authorization: '{{secret:KEY}}' },
      parameters: { type: 'object', properties: {} },
    };
    const names = ['good', 'bad', 'dead', 'refused'];
    const tools = names.map((name) =>
      stored({
        ...definition,
        name,
        url: name === 'refused' ? 'http://10.0.0.1/{{secret:KEY}}' : `${service?.url}/${name}?key={{secret:KEY}}`,
      }),
    );
    tools.push(stored({ ...definition, name: 'broken', url: 'https://a.example/{{nothing}}/{{secret:KEY}}' }));
    tools.push({
      id: 'tool_mcp',
      ...toolInput.parse({ kind: 'mcp', name: 'mcp', url: `${service.url}/bad/{{secret:KEY}}`, secrets: { KEY: SECRET } }),
    });
    const { box, run, said } = open({}, tools, `127.0.0.1:${service.port}`);
    const told = await Promise.all(
      names.map((name) => run(name, {}).catch((error: Error) => `${error.message} ${error.stack} ${String(error.cause)}`)),
    );
    await expect.poll(() => said.some((line) => line.includes('could not be asked for its tools'))).toBe(true);
    expect(service.seen.length).toBeGreaterThan(2);
    expect(service.seen.every(({ url, headers }) => `${url} ${headers.authorization}`.includes(SECRET))).toBe(true);
    const shown = JSON.stringify([
      box.map(({ name, description, parameters, schema, say }) => [name, description, parameters, schema.toJSONSchema(), say]),
      told,
      said,
    ]);
    expect(shown).toContain('***');
    expect(shown).not.toContain(SECRET);
    expect(shown).not.toContain('0815');
  });
});
