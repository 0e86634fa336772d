/** What CallEvents say in numbers: calls, endings, turn latency and its stages, providers, costs, the line. A guest: nothing in a call knows of it. */
import { type CallEvent, type TurnStages, type UsageLine, waterfallOf } from '@tandem/contract';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

const LATENCY_BUCKETS = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2, 3, 5, 10];

export class CallMetrics {
  #received: Counter;
  #live: Gauge;
  #endings: Counter;
  #turn: Histogram;
  #stage: Histogram;
  #duration: Histogram;
  #interruptions: Counter;
  #framesLate: Counter;
  #framesSent: Counter;
  #packetsLost: Counter;
  #failures: Counter;
  #used: Counter;
  #cost: Counter;
  #speculations: Counter;
  #speculationsDropped: Counter;
  #tools: Counter;
  #open = new Map<string, string>();

  constructor(registry: Registry) {
    const registers = [registry];
    this.#received = new Counter({
      name: 'tandem_calls_received_total',
      help: 'Calls that arrived or were placed',
      labelNames: ['business', 'gateway', 'direction'],
      registers,
    });
    this.#live = new Gauge({ name: 'tandem_calls_live', help: 'Calls between received and ended', labelNames: ['business'], registers });
    this.#endings = new Counter({
      name: 'tandem_calls_ended_total',
      help: 'Endings by who and why',
      labelNames: ['business', 'by', 'reason'],
      registers,
    });
    this.#turn = new Histogram({
      name: 'tandem_turn_seconds',
      help: "Caller's last speech to the first audible frame of the reply",
      labelNames: ['business'],
      buckets: LATENCY_BUCKETS,
      registers,
    });
    this.#stage = new Histogram({
      name: 'tandem_turn_stage_seconds',
      help: 'What each part of the wait took; the parts of a turn add up to it',
      labelNames: ['business', 'stage'],
      buckets: LATENCY_BUCKETS,
      registers,
    });
    this.#duration = new Histogram({
      name: 'tandem_call_duration_seconds',
      help: 'Received to ended',
      labelNames: ['business'],
      buckets: [5, 15, 30, 60, 120, 300, 600, 1800],
      registers,
    });
    this.#interruptions = new Counter({
      name: 'tandem_replies_interrupted_total',
      help: 'Replies cut off by the caller',
      labelNames: ['business', 'cause'],
      registers,
    });
    this.#framesLate = new Counter({
      name: 'tandem_frames_late_total',
      help: 'Frames sent more than 5 ms after their deadline',
      labelNames: ['business'],
      registers,
    });
    this.#framesSent = new Counter({ name: 'tandem_frames_sent_total', help: 'Frames sent', labelNames: ['business'], registers });
    this.#packetsLost = new Counter({
      name: 'tandem_packets_lost_total',
      help: 'Packets that never arrived',
      labelNames: ['business'],
      registers,
    });
    this.#failures = new Counter({
      name: 'tandem_provider_failures_total',
      help: 'Failures of a provider that a call noticed',
      labelNames: ['business', 'stage', 'provider', 'category'],
      registers,
    });
    this.#used = new Counter({
      name: 'tandem_usage_total',
      help: 'What was used of a provider, in its unit',
      labelNames: ['business', 'stage', 'provider', 'unit'],
      registers,
    });
    this.#cost = new Counter({
      name: 'tandem_cost_usd_total',
      help: 'What that cost by the price table, US dollars',
      labelNames: ['business', 'provider'],
      registers,
    });
    this.#speculations = new Counter({
      name: 'tandem_turns_committed_total',
      help: 'Committed turns by what became of the answer begun in secret',
      labelNames: ['business', 'speculation'],
      registers,
    });
    this.#speculationsDropped = new Counter({
      name: 'tandem_speculations_dropped_total',
      help: 'Answers begun in secret and thrown away',
      labelNames: ['business', 'cause'],
      registers,
    });
    this.#tools = new Counter({
      name: 'tandem_tool_calls_total',
      help: 'Tool calls by how they ended',
      labelNames: ['business', 'outcome'],
      registers,
    });
  }

  /** Counts one event. Never throws. */
  take(event: CallEvent): void {
    const business = event.businessId;
    switch (event.type) {
      case 'call-received':
        this.#received.inc({ business, gateway: event.gateway, direction: event.direction });
        this.#open.set(event.callId, business);
        this.#live.inc({ business });
        break;
      case 'turn-completed':
        if (event.voiceToVoiceMs !== undefined) this.#turn.observe({ business }, event.voiceToVoiceMs / 1000);
        this.#observeStages(business, event.stages);
        break;
      case 'reply-interrupted':
        this.#interruptions.inc({ business, cause: event.cause });
        break;
      case 'turn-committed':
        this.#speculations.inc({ business, speculation: event.speculation ?? 'none' });
        break;
      case 'speculation-dropped':
        this.#speculationsDropped.inc({ business, cause: event.cause });
        break;
      case 'provider-failed':
        this.#failures.inc({ business, stage: event.stage, provider: event.provider, category: event.category });
        break;
      case 'usage-counted':
        for (const line of event.lines) this.#count(business, line);
        break;
      case 'tool-returned':
        this.#tools.inc({ business, outcome: event.outcome });
        break;
      case 'line-measured':
        this.#framesLate.inc({ business }, event.framesLate);
        this.#framesSent.inc({ business }, event.framesSent);
        this.#packetsLost.inc({ business }, event.packetsLost);
        break;
      case 'call-ended':
        this.#endings.inc({ business, by: event.by, reason: event.reason });
        this.#duration.observe({ business }, event.durationMs / 1000);
        // A call that a crash cut off ends here without having begun here.
        if (this.#open.delete(event.callId)) this.#live.dec({ business });
        break;
      default:
    }
  }

  #count(business: string, { stage, provider, unit, quantity, costMicros }: UsageLine): void {
    this.#used.inc({ business, stage, provider, unit }, quantity);
    this.#cost.inc({ business, provider }, costMicros / 1_000_000);
  }

  /** Only of turns that were spoken and answered: of the others nobody knows how long the caller waited. */
  #observeStages(business: string, stages: TurnStages): void {
    if (stages.speechEndAt === undefined || (stages.firstPacketAt ?? stages.fillerAt) === undefined) return;
    for (const { stage, fromMs, toMs } of waterfallOf(stages)) this.#stage.observe({ business, stage }, (toMs - fromMs) / 1000);
  }
}
