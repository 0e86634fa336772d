/** The journal of a call on a running server, as far as it is known: by its API, or by ear. Times count from our own answer. */
import type { Call, CallEvent, Page } from '@tandem/contract';
import type { Clock } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { CallLog } from '../call-log.ts';
import type { CallerEar } from '../virtual/ear.ts';
import { askApi, type ServerApi } from './target.ts';

/** How often the API is asked what is new. */
const POLL_MS = 150;
/** What the ear takes for the end of an answer; voices pause between sentences for less. */
const ANSWER_OVER_MS = 900;
/** After the call, for its last events. */
const LAST_EVENTS_MS = 8_000;
/** Calls looked at to find ours: the newest. */
const CANDIDATES = 20;

interface LiveLogOptions {
  clock: Clock;
  ear: CallerEar;
  /** Undefined: by ear. */
  api: ServerApi | undefined;
}

export class LiveLog extends CallLog {
  readonly #options: LiveLogOptions;
  /** What the ear knows; not used where the API tells. */
  readonly #heard = { greeted: false, answers: 0, countedTo: -1, callerSpokeAt: -1 };
  #answeredAt = Number.NaN;

  constructor(options: LiveLogOptions) {
    super(options.clock);
    this.#options = options;
  }

  /** The call is answered now. */
  begin(): void {
    this.#answeredAt = this.#options.clock.now();
  }

  override get at(): number {
    return Number.isNaN(this.#answeredAt) ? 0 : this.#options.clock.now() - this.#answeredAt;
  }

  override get greeted(): boolean {
    return this.#options.api ? super.greeted : this.#heard.greeted;
  }

  override get answers(): number {
    return this.#options.api ? super.answers : this.#heard.answers;
  }

  /** Every few milliseconds: has an answer come to its end? One that began before the caller's last word was cut, and is none. */
  listen(callerSpeaks: boolean): void {
    const { ear } = this.#options;
    const heard = this.#heard;
    if (callerSpeaks) heard.callerSpokeAt = this.at;
    const newest = ear.stretches.at(-1);
    if (!newest || newest.fromMs <= heard.countedTo || ear.quietMs(this.at) < ANSWER_OVER_MS) return;
    heard.countedTo = newest.fromMs;
    if (newest.fromMs < heard.callerSpokeAt) return;
    if (heard.callerSpokeAt < 0) heard.greeted = true;
    else heard.answers++;
  }
}

/** Brings the events of one call from the API into its log while it goes on. Without an API it does nothing. */
export class EventFeed {
  readonly #kit: Kit;
  readonly #api: ServerApi | undefined;
  readonly #log: LiveLog;
  readonly #sipCallId: string | undefined;
  readonly #from: string;
  #callId: string | undefined;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  /** `sipCallId`: SIP's Call-ID, which the server notes; `from` narrows down where to look for it. */
  constructor(kit: Kit, api: ServerApi | undefined, log: LiveLog, call: { sipCallId: string | undefined; from: string }) {
    this.#kit = kit;
    this.#api = api;
    this.#log = log;
    this.#sipCallId = call.sipCallId;
    this.#from = call.from;
  }

  start(): void {
    if (this.#api) this.#running = this.#follow(this.#api);
  }

  /** Resolves when the last event is there, or has not come within 8 s. */
  async stop(): Promise<void> {
    const { clock } = this.#kit;
    const until = clock.now() + LAST_EVENTS_MS;
    while (this.#api && !this.#log.ended && clock.now() < until) await clock.sleep(POLL_MS);
    this.#stopped = true;
    await this.#running;
  }

  async #follow(api: ServerApi): Promise<void> {
    while (!this.#stopped && !this.#log.ended) {
      try {
        this.#callId ??= await this.#find(api);
        if (this.#callId !== undefined) await this.#read(api, this.#callId);
      } catch (error) {
        this.#kit.log.warn({ error }, 'events of the call could not be read; they are asked for again');
      }
      await this.#kit.clock.sleep(POLL_MS);
    }
  }

  async #find(api: ServerApi): Promise<string | undefined> {
    const { items } = await askApi<Page<Call>>(api, `/api/v1/calls?limit=${CANDIDATES}&search=${encodeURIComponent(this.#from)}`);
    for (const { id } of items) {
      const { items: first } = await askApi<{ items: CallEvent[] }>(api, `/api/v1/calls/${id}/events?limit=1`);
      if (first[0]?.type === 'call-received' && first[0].providerCallId === this.#sipCallId) return id;
    }
    return undefined;
  }

  async #read(api: ServerApi, callId: string): Promise<void> {
    const after = this.#log.events.at(-1)?.seq ?? -1;
    const { items } = await askApi<{ items: CallEvent[] }>(api, `/api/v1/calls/${callId}/events?after=${after}`);
    for (const event of items) this.#log.append(event);
  }
}
