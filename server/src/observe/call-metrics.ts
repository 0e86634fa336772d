/** What CallEvents say in numbers: calls, endings, turn latency and its stages, the line. A guest: nothing in a call knows of it. */
import type { CallEvent, TurnStages } from '@tandem/contract';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

const LATENCY_BUCKETS = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2, 3, 5, 10];

/** Stages of a turn as pairs of marks, in the order they happen. */
const STAGES: [name: string, from: keyof TurnStages, to: keyof TurnStages][] = [
  ['endpoint', 'speechEndAt', 'endpointAt'],
  ['transcript', 'speechEndAt', 'finalAt'],
  ['commit', 'speechEndAt', 'committedAt'],
  ['retrieval', 'committedAt', 'retrievalAt'],
  ['first-token', 'requestAt', 'firstTokenAt'],
  ['first-clause', 'firstTokenAt', 'firstClauseAt'],
  ['first-audio', 'firstClauseAt', 'firstAudioAt'],
  ['first-packet', 'firstAudioAt', 'firstPacketAt'],
];

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
      help: 'Each stage of a turn',
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

  #observeStages(business: string, stages: TurnStages): void {
    for (const [stage, from, to] of STAGES) {
      const [start, end] = [stages[from], stages[to]];
      if (start !== undefined && end !== undefined && end >= start) this.#stage.observe({ business, stage }, (end - start) / 1000);
    }
  }
}
