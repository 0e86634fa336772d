/** What the process and the call thread say about themselves: loop delay of both loops, gateways, database, HTTP. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { collectDefaultMetrics, Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Vitals } from '#calls/office-link.ts';

export class ProcessMetrics {
  readonly #registry: Registry;
  #vitals: Vitals | undefined;
  #query: Histogram;
  #queryFailures: Counter;
  #request: Histogram;
  #loop = monitorEventLoopDelay({ resolution: 10 });

  constructor(registry: Registry) {
    const registers = [registry];
    this.#registry = registry;
    collectDefaultMetrics({ register: registry, prefix: 'tandem_' });
    this.#loop.enable();
    this.#query = new Histogram({
      name: 'tandem_database_query_seconds',
      help: 'Database queries',
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2],
      registers,
    });
    this.#queryFailures = new Counter({ name: 'tandem_database_query_failures_total', help: 'Database queries that failed', registers });
    this.#request = new Histogram({
      name: 'tandem_http_request_seconds',
      help: 'HTTP requests by route',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    });
    const vitalsGauge = (name: string, help: string, read: (vitals: Vitals) => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect: this.#collector(read),
      });
    vitalsGauge(
      'tandem_call_thread_loop_delay_p50_seconds',
      'Event-loop delay of the call thread, last second',
      (v) => v.loopDelayP50Ms / 1000,
    );
    vitalsGauge(
      'tandem_call_thread_loop_delay_p99_seconds',
      'Event-loop delay of the call thread, last second',
      (v) => v.loopDelayP99Ms / 1000,
    );
    vitalsGauge(
      'tandem_call_thread_loop_delay_max_seconds',
      'Event-loop delay of the call thread, last second',
      (v) => v.loopDelayMaxMs / 1000,
    );
    vitalsGauge('tandem_call_thread_busy_ratio', 'Part of its time that the call thread was at work, last second', (v) => v.threadBusy);
    vitalsGauge(
      'tandem_call_thread_waiting_ratio',
      'Part of its time that the call thread had work and no core, last second',
      (v) => v.threadWaiting ?? 0,
    );
    vitalsGauge('tandem_machine_busy_ratio', 'Part of all cores in use, by whomever, last second', (v) => v.machineBusy);
    vitalsGauge('tandem_descriptors_free', 'File descriptors that the process may still open', (v) => v.descriptorsFree ?? 0);
    vitalsGauge('tandem_disk_free_bytes', 'What may still be written to the data folder', (v) => v.diskFreeBytes ?? 0);
    vitalsGauge('tandem_call_thread_heap_bytes', 'Heap of the call thread', (v) => v.heapUsedBytes);
    vitalsGauge('tandem_journal_lost_events', 'Events that a failing disk made us drop', (v) => v.journalLost);
    vitalsGauge('tandem_call_thread_faults', 'Exceptions in the call thread that nobody caught; each ended its call', (v) => v.faults);
    vitalsGauge('tandem_journal_degraded', '1 while the journal cannot be written', (v) => Number(v.journalDegraded));
    const loop = this.#loop;
    this.#registry.registerMetric(
      new Gauge({
        name: 'tandem_office_loop_delay_p99_seconds',
        help: 'Event-loop delay of the office since the last scrape',
        registers: [],
        collect() {
          this.set(loop.count > 0 ? Math.max(0, loop.percentile(99) / 1e9 - 0.01) : 0);
          loop.reset();
        },
      }),
    );
    this.#gatewayGauges();
  }

  /** A gauge read at each scrape from a part that this file knows nothing of. */
  watch(name: string, help: string, read: () => number): void {
    this.#registry.registerMetric(
      new Gauge({
        name,
        help,
        registers: [],
        collect() {
          this.set(read());
        },
      }),
    );
  }

  vitals(vitals: Vitals): void {
    this.#vitals = vitals;
  }

  query(seconds: number, failed: boolean): void {
    this.#query.observe(seconds);
    if (failed) this.#queryFailures.inc();
  }

  request(method: string, route: string, status: number, seconds: number): void {
    this.#request.observe({ method, route, status }, seconds);
  }

  close(): void {
    this.#loop.disable();
  }

  #collector(read: (vitals: Vitals) => number): (this: Gauge) => void {
    const current = () => this.#vitals;
    return function collect() {
      const vitals = current();
      if (vitals) this.set(read(vitals));
    };
  }

  #gatewayGauges(): void {
    const current = () => this.#vitals;
    this.#registry.registerMetric(
      new Gauge({
        name: 'tandem_gateway_count',
        help: 'Counters of each gateway since start (packets, strangers dropped, refusals by reason, …)',
        labelNames: ['gateway', 'what'],
        registers: [],
        collect() {
          for (const [gateway, counters] of Object.entries(current()?.gateways ?? {})) {
            for (const [what, value] of Object.entries(counters)) this.set({ gateway, what }, value);
          }
        },
      }),
    );
    this.#registry.registerMetric(
      new Gauge({
        name: 'tandem_provider_calls',
        help: 'Calls at each provider whose plan has a bound (TANDEM_PROVIDER_CALLS)',
        labelNames: ['provider'],
        registers: [],
        collect() {
          for (const [provider, value] of Object.entries(current()?.providerPlaces ?? {})) this.set({ provider }, value);
        },
      }),
    );
    this.#registry.registerMetric(
      new Gauge({
        name: 'tandem_pacer_count',
        help: 'Counters of the paced loop since start (ticks, late, skipped)',
        labelNames: ['what'],
        registers: [],
        collect() {
          for (const [what, value] of Object.entries(current()?.pacer ?? {})) this.set({ what }, value);
        },
      }),
    );
  }
}
