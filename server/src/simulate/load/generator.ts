/**
 * The load generator: keeps N callers talking over one wire, and answers what they measured.
 *
 * ```
 *  dialling ─all up─▶ warming up ─▶ measuring ─time is over, or aborted─▶ hanging up ─▶ done
 * ```
 */
import type { Clock } from '#kit/clock.ts';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { SeededRandom } from '#kit/random.ts';
import { Caller } from './caller.ts';
import { LoadLoop, type Ticked } from './loop.ts';
import type { LoadPlan } from './plan.ts';
import { Tally } from './tally.ts';
import { type LineCounts, type LineListener, type LoadLine, type LoadWire, Refused } from './wire.ts';

/** A caller that was refused, or whose call is over, rests so long before the next one. */
const REST_MS = 500;
/** A call that should end waits at most so long for a good moment. */
const OVERTIME_MS = 15_000;
const GOODBYE_MS = 1_000;
const NONE: LineCounts = { frames: 0, lost: 0, judged: 0, late: 0 };

export type LoadPhase = 'dialling' | 'warming-up' | 'measuring' | 'hanging-up' | 'done';

/** One of the N: it has one call after the other, or one for the whole run. */
class Slot implements Ticked {
  readonly line: number;
  caller: Caller | undefined;
  wire: LoadLine | undefined;
  /** Of the call in progress. */
  readonly times = { call: 0, invitedAt: 0, answeredAt: 0, endsAt: Number.POSITIVE_INFINITY };
  counted: LineCounts = NONE;
  readonly #over: (slot: Slot, why: string | undefined) => void;

  constructor(line: number, over: (slot: Slot, why: string | undefined) => void) {
    this.line = line;
    this.#over = over;
  }

  tick(now: number): void {
    const { caller, wire } = this;
    if (!caller || !wire) return;
    caller.tick(now, wire);
    const { endsAt } = this.times;
    if (caller.done || (now >= endsAt && (caller.idle || now >= endsAt + OVERTIME_MS))) this.#over(this, undefined);
  }
}

export interface LoadOptions {
  plan: LoadPlan;
  wire: LoadWire;
  kit: Kit;
  /** Ends the run early; what was measured until then counts. */
  signal: AbortSignal;
  onPhase?: (phase: LoadPhase) => void;
  /** Once a second. */
  onSecond?: (generator: LoadGenerator) => void;
}

export class LoadGenerator {
  readonly tally = new Tally();
  readonly #options: LoadOptions;
  readonly #loop: LoadLoop;
  readonly #slots: Slot[];
  readonly #phase = { name: 'dialling' as LoadPhase, startedAt: 0, measuredFrom: 0, measuredMs: 0, cpuFrom: 0, cpuMs: 0, nextSecondAt: 0 };
  readonly #dialling = { waiting: [] as { slot: Slot; notBefore: number }[], nextAt: 0, firstOnes: 0, calls: 0 };
  readonly #finished = Promise.withResolvers<void>();

  constructor(options: LoadOptions) {
    this.#options = options;
    const { wire } = options;
    this.#loop = new LoadLoop(options.kit.clock, {
      before: (now) => {
        wire.arrive?.();
        this.#step(now);
      },
      after: () => wire.depart?.(),
    });
    this.#slots = Array.from({ length: options.plan.calls }, (_, line) => new Slot(line, (slot, why) => this.#end(slot, why)));
  }

  get phase(): LoadPhase {
    return this.#phase.name;
  }

  /** Since the run began. */
  get elapsedMs(): number {
    return this.#clock.now() - this.#phase.startedAt;
  }

  get measuredMs(): number {
    return this.#phase.measuredMs > 0 ? this.#phase.measuredMs : this.tally.measuring ? this.#clock.now() - this.#phase.measuredFrom : 0;
  }

  /** Our own cost while measuring, and how late our own loop was. */
  own(): { cpuPct: number; lagMs: { p50: number; p99: number; max: number }; stepsSkipped: number } {
    const ms = this.measuredMs;
    const cpuMs = this.#phase.measuredMs > 0 ? this.#phase.cpuMs : cpuNow() - this.#phase.cpuFrom;
    const { p50, p99, max } = this.#loop.lagMs();
    return { cpuPct: ms > 0 ? (100 * cpuMs) / ms : 0, lagMs: { p50, p99, max }, stepsSkipped: this.#loop.skipped };
  }

  /** Runs the plan to its end; rejects only when the wire cannot be opened. */
  async run(): Promise<Tally> {
    const { wire, signal } = this.#options;
    await wire.start();
    const { startedAt } = Object.assign(this.#phase, { startedAt: this.#clock.now(), nextSecondAt: this.#clock.now() + 1_000 });
    for (const slot of this.#slots) this.#dialling.waiting.push({ slot, notBefore: startedAt });
    this.#dialling.nextAt = startedAt;
    this.#enter('dialling');
    const onAbort = () => this.#finished.resolve();
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#loop.start();
    await this.#finished.promise;
    signal.removeEventListener('abort', onAbort);
    this.#stopMeasuring();
    this.#enter('hanging-up');
    this.#loop.stop();
    for (const slot of this.#slots) this.#end(slot, undefined);
    await this.#clock.sleep(GOODBYE_MS);
    await wire.stop();
    this.#enter('done');
    return this.tally;
  }

  get #clock(): Clock {
    return this.#options.kit.clock;
  }

  #enter(phase: LoadPhase): void {
    this.#phase.name = phase;
    this.#options.onPhase?.(phase);
  }

  #step(now: number): void {
    const { plan, onSecond } = this.#options;
    this.#dialDue(now);
    if (now >= this.#phase.nextSecondAt) {
      this.#phase.nextSecondAt += 1_000;
      onSecond?.(this);
    }
    if (this.phase === 'dialling' && this.#dialling.firstOnes === plan.calls) {
      this.#phase.measuredFrom = now + plan.warmUpMs;
      this.#enter('warming-up');
    }
    if (this.phase === 'warming-up' && now >= this.#phase.measuredFrom) this.#startMeasuring(now);
    if (this.phase === 'measuring' && now >= this.#phase.measuredFrom + plan.durationMs - plan.warmUpMs) this.#finished.resolve();
  }

  #startMeasuring(now: number): void {
    Object.assign(this.#phase, { measuredFrom: now, cpuFrom: cpuNow() });
    for (const slot of this.#slots) slot.counted = slot.wire?.counts() ?? NONE;
    this.tally.measuring = true;
    this.#enter('measuring');
  }

  #stopMeasuring(): void {
    if (!this.tally.measuring) return;
    this.#phase.measuredMs = this.#clock.now() - this.#phase.measuredFrom;
    this.#phase.cpuMs = cpuNow() - this.#phase.cpuFrom;
    for (const slot of this.#slots) this.#countLine(slot);
    this.tally.measuring = false;
  }

  #countLine(slot: Slot): void {
    if (!slot.wire || !this.tally.measuring) return;
    const counts = slot.wire.counts();
    this.tally.line(counts, slot.counted);
    slot.counted = counts;
  }

  #dialDue(now: number): void {
    const dialling = this.#dialling;
    const between = 1_000 / this.#options.plan.perSecond;
    // After a pause of ours the calls that were missed do not come at once.
    dialling.nextAt = Math.max(dialling.nextAt, now - between);
    while (dialling.nextAt <= now && dialling.waiting.length > 0 && dialling.waiting[0].notBefore <= now) {
      dialling.nextAt += between;
      const next = dialling.waiting.shift();
      if (next) void this.#dial(next.slot, now);
    }
  }

  /** Never rejects. */
  async #dial(slot: Slot, now: number): Promise<void> {
    const { wire, plan } = this.#options;
    const call = this.#dialling.calls++;
    this.tally.totals.offered++;
    Object.assign(slot.times, { call, invitedAt: now });
    let why: string | undefined;
    const listener: LineListener = {
      heard: (power, at) => slot.caller?.heard(power, at),
      ended: (reason) => {
        why = reason;
        if (slot.caller && slot.times.call === call) this.#end(slot, reason);
      },
    };
    try {
      const line = await wire.dial({ call, from: numberOf(slot.line), listener, own: this.#loop.own });
      // Later answers belong to nobody any more.
      if (this.phase === 'hanging-up' || this.phase === 'done') line.hangUp();
      else this.#answered(slot, line, why);
    } catch (error) {
      const tookMs = this.#clock.now() - now;
      if (error instanceof Refused) this.tally.refused(error.status, tookMs);
      else this.tally.failed(messageOf(error));
      this.#rest(slot);
    }
    if (call < plan.calls) this.#dialling.firstOnes++;
  }

  #answered(slot: Slot, line: LoadLine, why: string | undefined): void {
    const { plan } = this.#options;
    const now = this.#clock.now();
    const { call, invitedAt } = slot.times;
    this.tally.answered(now - invitedAt);
    const random = new SeededRandom(plan.seed * 1_000_003 + call);
    const { length, talk, answerMs } = plan;
    slot.times.answeredAt = now;
    slot.times.endsAt = length ? now + length.fromMs + (length.toMs - length.fromMs) * random.next() : Number.POSITIVE_INFINITY;
    slot.wire = line;
    slot.counted = NONE;
    slot.caller = new Caller({ call, line: slot.line, talk, random, tally: this.tally, own: this.#loop.own, answerMs }, now);
    if (why !== undefined) this.#end(slot, why);
    else this.#loop.add(slot);
  }

  /** `why`: it ended before the caller wanted to. */
  #end(slot: Slot, why: string | undefined): void {
    const { caller, wire } = slot;
    if (!caller || !wire) return;
    this.#loop.remove(slot);
    this.#countLine(slot);
    const { call, invitedAt, answeredAt } = slot.times;
    const { v2vMs, missed, greetingMs, turns } = caller;
    this.tally.ended({
      call,
      setupMs: answeredAt - invitedAt,
      ...(greetingMs !== undefined && { greetingMs }),
      talkedMs: this.#clock.now() - answeredAt,
      turns,
      ...(v2vMs.length > 0 && { v2vMs: { mean: v2vMs.reduce((sum, ms) => sum + ms, 0) / v2vMs.length, max: Math.max(...v2vMs) } }),
      missed,
      frames: wire.counts(),
      ...(why !== undefined && { failed: why }),
    });
    wire.hangUp();
    slot.caller = undefined;
    slot.wire = undefined;
    this.#rest(slot);
  }

  /** With calls of a length the next one follows; otherwise a call that is gone stays gone. */
  #rest(slot: Slot): void {
    if (!this.#options.plan.length || this.phase === 'hanging-up' || this.phase === 'done') return;
    this.#dialling.waiting.push({ slot, notBefore: this.#clock.now() + REST_MS });
  }
}

/** Milliseconds of CPU of this process, all threads. */
function cpuNow(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Numbers for use in fiction and tests (+1 555 01xx), one per line as far as they reach. */
function numberOf(line: number): string {
  return `+1555010${String(line % 10_000).padStart(4, '0')}`;
}
