/** What the mock business does besides talking: its tools, what callers left, what was measured and spent. */
import {
  type Callback,
  type InstalledModels,
  type LatencyReport,
  type Message,
  type ToolDefinition,
  type UsageReport,
  waterfallStages,
} from '@tandem/contract';

const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
const dated = { businessId: 'harbour', createdAt: ago(60 * 24 * 9), updatedAt: ago(60 * 30) };
const manners = { say: '', assistantIds: [] as string[], enabled: true };

export const tools: ToolDefinition[] = [
  {
    ...dated,
    ...manners,
    kind: 'http',
    id: 'tool_find',
    name: 'find_slot',
    description: 'Finds free appointments on a day. Use it before you offer a time.',
    parameters: {
      type: 'object',
      properties: {
        day: { type: 'string', format: 'date', description: 'Which day the caller wants' },
        treatment: { type: 'string', enum: ['check-up', 'cleaning', 'emergency'] },
      },
      required: ['day'],
    },
    method: 'GET',
    url: 'https://calendar.example.com/slots?day={{day}}',
    headers: { authorization: 'Bearer {{secret:CALENDAR}}' },
    body: '',
    reconcileUrl: '',
    sideEffect: false,
    interruptible: true,
    timeoutMs: 4_000,
    say: 'Let me look at the calendar.',
    secretNames: ['CALENDAR'],
  },
  {
    ...dated,
    ...manners,
    kind: 'mcp',
    id: 'tool_crm',
    name: 'crm',
    description: 'Patients and their appointments',
    url: 'https://crm.example.com/mcp',
    headers: {},
    allow: ['find_patient'],
    assistantIds: ['ava'],
    sideEffect: true,
    interruptible: false,
    timeoutMs: 8_000,
    secretNames: [],
  },
];

const left = (n: number) => ({ businessId: 'harbour', callId: `call-${n}` });

export const messages: Message[] = [
  {
    ...left(0),
    id: 'message_1',
    name: 'Dana Whitfield',
    number: '+15550142',
    text: 'Would like a check-up tomorrow at nine.',
    urgent: false,
    takenAt: ago(12),
    doneAt: null,
  },
  {
    ...left(3),
    id: 'message_2',
    name: 'Luis Ortega',
    number: '+15550188',
    text: 'A filling came out and it hurts. Please call as soon as somebody is there.',
    urgent: true,
    takenAt: ago(150),
    doneAt: null,
  },
  {
    ...left(7),
    id: 'message_3',
    name: '',
    number: '+15550107',
    text: 'Thanks for the quick help.',
    urgent: false,
    takenAt: ago(1_700),
    doneAt: ago(1_500),
  },
];

export const callbacks: Callback[] = [
  {
    ...left(1),
    id: 'callback_1',
    name: 'Priya Raman',
    number: '+15550163',
    when: 'tomorrow after four',
    reason: 'Braces for her son',
    scheduledAt: ago(75),
    doneAt: null,
  },
];

export const installed: InstalledModels = {
  transcribers: ['deepgram', 'pocketsphinx'],
  languageModels: ['openai', 'anthropic', 'extractive'],
  synthesizers: ['cartesia', 'flite'],
  speechToSpeech: ['openai-realtime'],
};

type Row = Record<string, unknown>;

/** A tool as the API keeps it: of secrets only the names. */
export function toolOf(row: Row, { secrets = {}, ...change }: Row): Row {
  const names = new Set((row['secretNames'] as string[] | undefined) ?? []);
  for (const [name, value] of Object.entries(secrets as Record<string, string | null>)) {
    if (value === null) names.delete(name);
    else names.add(name);
  }
  return { ...row, ...change, secretNames: [...names] };
}

/** What an edit makes of a row: null clears, a tick becomes a time. */
export function changeOf(list: string, row: Row, body: Row): Row {
  if (list === 'tools') return toolOf(row, body);
  if (list === 'messages' || list === 'callbacks') return { doneAt: body['done'] === true ? new Date().toISOString() : null };
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, value === null && !name.endsWith('Ceiling') ? undefined : value]),
  );
}

const p50 = [6, 210, 24, 9, 3, 1, 148, 31, 72, 12];

/** Latencies of one group, `factor` times the usual. */
function group(key: string, label: string, turns: number, factor: number): LatencyReport['groups'][number] {
  const stages = waterfallStages.slice(0, p50.length).map((stage, n) => {
    const ms = (p50[n] ?? 0) * factor;
    return { stage, n: turns, p50Ms: ms, p95Ms: ms * 2.1, p99Ms: ms * 3.4 };
  });
  const total = { stage: 'total', n: turns, p50Ms: 512 * factor, p95Ms: 890 * factor, p99Ms: 1_420 * factor };
  return { key, label, turns, stages: [...stages, total] };
}

export function latency(by: string): LatencyReport {
  if (by === 'assistant') return { groups: [group('ava', 'Ava', 1_204, 0.9), group('noor', 'Noor, after hours', 310, 1.5)] };
  if (by === 'provider')
    return { groups: [group('language-model/openai', 'openai', 1_380, 1), group('language-model/anthropic', 'anthropic', 134, 1.2)] };
  return { groups: [group('harbour', 'Harbour Dental', 1_514, 1)] };
}

export function usage(range: URLSearchParams): UsageReport {
  const days: UsageReport['days'] = [];
  const to = Date.parse(range.get('to') ?? new Date().toISOString());
  for (let at = Date.parse(range.get('from') ?? ago(60 * 24 * 7)), n = 0; at < to; at += 86_400_000, n++) {
    const calls = n % 7 === 5 ? 0 : 14 + ((n * 11) % 23);
    days.push({ day: new Date(at).toISOString().slice(0, 10), calls, costMicros: calls * (21_000 + ((n * 3_700) % 9_000)) });
  }
  const totalCostMicros = days.reduce((sum, day) => sum + day.costMicros, 0);
  const share = (part: number) => Math.round(totalCostMicros * part);
  return {
    totalCostMicros,
    calls: days.reduce((sum, day) => sum + day.calls, 0),
    days,
    lines: [
      { stage: 'synthesizer', provider: 'cartesia', model: 'sonic-3', unit: 'characters', quantity: 81_200, costMicros: share(0.52) },
      { stage: 'transcriber', provider: 'deepgram', model: 'flux-general-en', unit: 'seconds', quantity: 15_480, costMicros: share(0.31) },
      {
        stage: 'language-model',
        provider: 'openai',
        model: 'gpt-4.1-mini',
        unit: 'input-tokens',
        quantity: 1_802_000,
        costMicros: share(0.12),
      },
      {
        stage: 'language-model',
        provider: 'openai',
        model: 'gpt-4.1-mini',
        unit: 'output-tokens',
        quantity: 41_700,
        costMicros: share(0.05),
      },
      { stage: 'synthesizer', provider: 'flite', model: 'slt', unit: 'characters', quantity: 2_310, costMicros: 0 },
    ],
  };
}
