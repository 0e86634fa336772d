import type { CallEvent, CallFact } from '@tandem/contract';
import { Registry } from 'prom-client';
import { afterEach, expect, test } from 'vitest';
import type { Vitals } from '#calls/office-link.ts';
import { KeptSpeech } from '#conversation/kept-speech.ts';
import { CallMetrics } from './call-metrics.ts';
import { ProcessMetrics } from './process-metrics.ts';
import { judgeReadiness, type ReadinessFacts } from './readiness.ts';

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

function processMetrics(registry: Registry): ProcessMetrics {
  const metrics = new ProcessMetrics(registry);
  closing.push(() => metrics.close());
  return metrics;
}

/** Samples by name and labels, of the Prometheus text format 0.0.4 (its numbers are Go's, in any case); throws at the first other line. */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const head = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line);
    if (head?.[1] === 'TYPE') {
      if (types.has(head[2])) throw new Error(`${head[2]} is declared twice`);
      types.set(head[2], head[3]);
    }
    if (head) continue;
    const sample = /^([a-zA-Z_:][\w:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*\})? (Nan|[+-]Inf|-?[\d.]+(?:e[+-]?\d+)?)$/.exec(
      line,
    );
    if (!sample) throw new Error(`not a sample: ${line}`);
    const family = sample[1].replace(/_(bucket|sum|count)$/, '');
    if (!types.has(sample[1]) && !types.has(family)) throw new Error(`${sample[1]} has no type`);
    const key = `${sample[1]}${sample[2] ?? ''}`;
    if (samples.has(key)) throw new Error(`${key} comes twice`);
    samples.set(key, Number(sample[3].replace('Inf', 'Infinity')));
  }
  return samples;
}

const event = (callId: string, at: number, fact: CallFact): CallEvent => ({ businessId: 'business_1', callId, seq: 0, at, ...fact });
const received = { type: 'call-received', startedAt: '', direction: 'inbound', gateway: 'sip', from: 'a', to: 'b' } as unknown as CallFact;

test('what calls say becomes numbers with their business and stages', async () => {
  const registry = new Registry();
  const metrics = new CallMetrics(registry);
  const stages = {
    speechEndAt: 1_000,
    endpointAt: 1_200,
    finalAt: 1_250,
    committedAt: 1_300,
    retrievalAt: 1_310,
    requestAt: 1_320,
    firstTokenAt: 1_400,
    firstClauseAt: 1_450,
    firstAudioAt: 1_600,
    firstPacketAt: 1_640,
  };
  for (const one of [
    event('call_1', 0, received),
    event('call_2', 0, received),
    event('call_1', 2_000, { type: 'turn-completed', turn: 1, heard: 'x', interrupted: false, stages, voiceToVoiceMs: 640 }),
    // Typed: nobody knows when the caller's wait began.
    event('call_1', 2_000, {
      type: 'turn-completed',
      turn: 2,
      heard: 'x',
      interrupted: false,
      stages: { committedAt: 1, firstPacketAt: 9 },
    }),
    event('call_1', 1_300, { type: 'turn-committed', turn: 1, text: 'x', source: 'speech', stages: {}, speculation: 'adopted' }),
    event('call_1', 1_300, { type: 'turn-committed', turn: 2, text: 'x', source: 'typed', stages: {} }),
    event('call_1', 1_200, { type: 'speculation-dropped', turn: 1, cause: 'words-changed' }),
    event('call_1', 1_500, {
      type: 'provider-failed',
      turn: 1,
      stage: 'synthesizer',
      provider: 'acme',
      category: 'rate-limited',
      message: 'x',
    }),
    event('call_1', 1_500, { type: 'tool-returned', turn: 1, toolCallId: 't', name: 'look_up', outcome: 'ok', tookMs: 5, result: 1 }),
    event('call_1', 1_600, {
      type: 'usage-counted',
      turn: 1,
      lines: [
        { stage: 'synthesizer', provider: 'acme', model: 'a', unit: 'characters', quantity: 40, costMicros: 2_000 },
        { stage: 'language-model', provider: 'acme', model: 'b', unit: 'output-tokens', quantity: 20, costMicros: 500 },
      ],
      callCostMicros: 2_500,
    }),
    event('call_1', 2_100, { type: 'reply-interrupted', turn: 1, cause: 'barge-in', heard: 'x' }),
    event('call_1', 2_200, {
      type: 'line-measured',
      legId: 'l',
      packetsReceived: 10,
      packetsLost: 2,
      packetsConcealed: 2,
      jitterMs: 1,
      framesSent: 50,
      framesLate: 3,
    }),
    event('call_1', 9_000, { type: 'call-ended', by: 'caller', reason: 'hung-up', durationMs: 9_000 }),
    event('call_dead', 9_000, { type: 'call-ended', by: 'system', reason: 'process-died', durationMs: 1 }),
  ])
    metrics.take(one);
  const samples = parse(await registry.metrics());
  const business = 'business="business_1"';
  expect(samples.get(`tandem_calls_received_total{${business},gateway="sip",direction="inbound"}`)).toBe(2);
  expect(samples.get(`tandem_calls_live{${business}}`)).toBe(1);
  expect(samples.get(`tandem_calls_ended_total{${business},by="caller",reason="hung-up"}`)).toBe(1);
  expect(samples.get(`tandem_turn_seconds_sum{${business}}`)).toBeCloseTo(0.64);
  expect(samples.get(`tandem_replies_interrupted_total{${business},cause="barge-in"}`)).toBe(1);
  expect(samples.get(`tandem_frames_late_total{${business}}`)).toBe(3);
  expect(samples.get(`tandem_frames_sent_total{${business}}`)).toBe(50);
  expect(samples.get(`tandem_packets_lost_total{${business}}`)).toBe(2);
  expect(samples.get(`tandem_call_duration_seconds_count{${business}}`)).toBe(2);
  const spent = {
    endpoint: 0.2,
    transcript: 0.05,
    commit: 0.05,
    retrieval: 0.01,
    request: 0.01,
    'first-token': 0.08,
    'first-clause': 0.05,
    'first-audio': 0.15,
    'first-packet': 0.04,
  };
  for (const [stage, seconds] of Object.entries(spent)) {
    expect(samples.get(`tandem_turn_stage_seconds_sum{${business},stage="${stage}"}`), stage).toBeCloseTo(seconds);
  }
  expect(Object.values(spent).reduce((sum, seconds) => sum + seconds)).toBeCloseTo(0.64);
  expect(Object.fromEntries(samples)).toMatchObject({
    [`tandem_turn_stage_seconds_count{${business},stage="first-packet"}`]: 1,
    [`tandem_turns_committed_total{${business},speculation="adopted"}`]: 1,
    [`tandem_turns_committed_total{${business},speculation="none"}`]: 1,
    [`tandem_speculations_dropped_total{${business},cause="words-changed"}`]: 1,
    [`tandem_provider_failures_total{${business},stage="synthesizer",provider="acme",category="rate-limited"}`]: 1,
    [`tandem_tool_calls_total{${business},outcome="ok"}`]: 1,
    [`tandem_usage_total{${business},stage="synthesizer",provider="acme",unit="characters"}`]: 40,
    [`tandem_cost_usd_total{${business},provider="acme"}`]: 0.0025,
  });
});

const vitals: Vitals = {
  liveCalls: 3,
  gateways: { sip: { packets: 12, dropped: 1 }, media: { connections: 2 } },
  pacer: { frames: 100, late: 4 },
  journalDegraded: true,
  journalLost: 5,
  faults: 2,
  loopDelayP50Ms: 1,
  loopDelayP99Ms: 20,
  loopDelayMaxMs: 30,
  heapUsedBytes: 1_000,
  threadBusy: 0.4,
  threadWaiting: 0.02,
  machineBusy: 0.6,
  descriptorsFree: 500,
  diskFreeBytes: 4_000,
  providerPlaces: { deepgram: 2 },
  keptSpeech: new KeptSpeech().counters(),
  models: { transcribers: ['x'], languageModels: [], synthesizers: [] },
};

test('queries, requests, the call thread and what is watched are exported', async () => {
  const registry = new Registry();
  const metrics = processMetrics(registry);
  metrics.query(0.01, false);
  metrics.query(0.01, true);
  metrics.request('GET', '/api/v1/calls/:id', 200, 0.02);
  metrics.vitals(vitals);
  metrics.watch('tandem_live_sockets', 'Sockets', () => 7);
  const samples = parse(await registry.metrics());
  expect(Object.fromEntries(samples)).toMatchObject({
    tandem_database_query_seconds_count: 2,
    tandem_database_query_failures_total: 1,
    'tandem_http_request_seconds_count{method="GET",route="/api/v1/calls/:id",status="200"}': 1,
    tandem_call_thread_loop_delay_p50_seconds: 0.001,
    tandem_call_thread_loop_delay_p99_seconds: 0.02,
    tandem_call_thread_loop_delay_max_seconds: 0.03,
    tandem_call_thread_heap_bytes: 1_000,
    tandem_journal_lost_events: 5,
    tandem_call_thread_faults: 2,
    tandem_journal_degraded: 1,
    'tandem_gateway_count{gateway="sip",what="packets"}': 12,
    'tandem_gateway_count{gateway="media",what="connections"}': 2,
    'tandem_pacer_count{what="late"}': 4,
    'tandem_provider_calls{provider="deepgram"}': 2,
    tandem_live_sockets: 7,
  });
  expect(samples.has('tandem_office_loop_delay_p99_seconds')).toBe(true);
  expect(samples.has('tandem_process_cpu_seconds_total')).toBe(true);
});

test('readiness gives every reason at once', () => {
  const well: ReadinessFacts = {
    started: true,
    draining: false,
    databaseAnswers: true,
    writerLagMs: 0,
    vitals: { ...vitals, journalDegraded: false },
    vitalsAgeMs: 100,
    maxCalls: 4,
  };
  expect(judgeReadiness(well)).toEqual({ ready: true, reasons: [], degraded: [] });
  expect(judgeReadiness({ ...well, started: false, vitals: undefined, vitalsAgeMs: 9_000 }).reasons).toEqual(['starting']);
  for (const [refusing, reason] of [
    ['cpu', 'overloaded'],
    ['loop', 'overloaded'],
    ['lines', 'no-lines'],
    ['descriptors', 'no-descriptors'],
    ['disk', 'disk-full'],
  ] as const) {
    expect(judgeReadiness({ ...well, vitals: { ...vitals, journalDegraded: false, refusing } }).reasons).toEqual([reason]);
  }
  const noEars = { ...vitals, models: { ...vitals.models, transcribers: [] } };
  const ill = { ...well, draining: true, databaseAnswers: false, writerLagMs: 20_000, vitals: noEars, vitalsAgeMs: 6_000, maxCalls: 3 };
  expect(judgeReadiness(ill)).toEqual({
    ready: false,
    reasons: ['draining', 'call-thread-silent', 'journal-failing', 'capacity-reached'],
    degraded: ['database-unavailable', 'database-behind', 'no-transcriber'],
  });
});
