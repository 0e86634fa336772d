/**
 * A whole server with the speech and language providers it has rooms for, which here are the local ones, and a caller on
 * SIP who asks and measures.
 */
import type { Assistant, AssistantInput, Call, CallEvent, CallEventType, Page } from '@tandem/contract';
import { speech } from '../../bench/load/voice.ts';
import type { Providers } from '../../providers/providers.ts';
import { defaultScenario } from '../../providers/scenario.ts';
import { startProviders } from '../../providers/server.ts';
import { SipCaller } from './sip-caller.ts';
import { startTandem, type TandemServer } from './tandem-server.ts';

type EventOf<T extends CallEventType> = Extract<CallEvent, { type: T }>;

export const QUESTION = 'When are you open?';
export const ANSWER = 'We are open from nine to five today. On Sunday we are closed all day.';
export const GREETING = 'Good morning, this is the front desk.';

const scenario = {
  heard: [{ text: QUESTION }],
  answers: [{ say: ANSWER }],
  delays: { transcript: 60, 'first-token': 60, 'first-speech': 60 },
  // Twice as fast as people: nobody listens.
  msPerCharacter: 30,
} as const;

/** The environment that points a server at the local providers. */
export function envOf({ urls, key }: Providers, keyGiven = key): Record<string, string> {
  return Object.fromEntries(
    Object.entries(urls).flatMap(([name, url]) => [
      [`${name.toUpperCase()}_API_KEY`, keyGiven],
      [`${name.toUpperCase()}_BASE_URL`, name === 'openai' ? `${url}/v1` : url],
    ]),
  );
}

/** One server starts at a time: side by side none of them would be ready in time on a small machine. */
let starting: Promise<unknown> = Promise.resolve();

/** Local providers, servers that use them, and callers; all of it ends with `close`. */
export class ProviderCalls {
  readonly providers: Providers;
  readonly #servers: TandemServer[] = [];
  readonly #callers: SipCaller[] = [];

  private constructor(providers: Providers) {
    this.providers = providers;
  }

  static async open(): Promise<ProviderCalls> {
    return new ProviderCalls(await startProviders({ scenario }));
  }

  /** Providers of their own, for a test that ends them. */
  static startOthers(): Promise<Providers> {
    return startProviders({ scenario });
  }

  /** Between two tests. */
  reset(): void {
    for (const caller of this.#callers.splice(0)) caller.close();
    this.providers.tell({ ...defaultScenario, ...scenario, faults: {} });
  }

  async close(): Promise<void> {
    this.reset();
    await Promise.all(this.#servers.map((server) => server.stop()));
    await this.providers.close();
  }

  async server(env: Record<string, string>): Promise<TandemServer> {
    const started = starting.then(() => startTandem({ env: { TANDEM_SEED: 'none', ...env } }));
    starting = started.catch(() => {});
    const server = await started;
    this.#servers.push(server);
    await server.api('/api/v1/businesses', { method: 'POST', body: { name: 'Interop', language: 'en', timeZone: 'UTC' } });
    await server.api('/api/v1/trunks', { method: 'POST', body: { name: 'neighbours', sources: ['127.0.0.0/8'] } });
    return server;
  }

  /** Rings until the number is known: what is edited is in use a moment later. */
  async ring(server: TandemServer, number: string): Promise<SipCaller> {
    const user = `caller-${number}`;
    for (let attempt = 0; ; attempt++) {
      try {
        const caller = await SipCaller.call({ server: `127.0.0.1:${server.sipPort}`, number, user });
        this.#callers.push(caller);
        return caller;
      } catch (error) {
        if (attempt >= 40) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
}

export async function assistantAt(server: TandemServer, number: string, change: Partial<AssistantInput>): Promise<Assistant> {
  const slug = number.replace(/\W/g, '');
  // What its providers are scripted to answer is what it was told.
  const body = { name: number, slug, greeting: GREETING, instructions: ANSWER, idleMs: 30_000, recording: false, ...change };
  const assistant = await server.api<Assistant>('/api/v1/assistants', { method: 'POST', body });
  await server.api('/api/v1/numbers', { method: 'POST', body: { address: number, assistantId: assistant.id } });
  return assistant;
}

export const callOf = (server: TandemServer, party: string) =>
  server.until<Page<Call>, Call>(`/api/v1/calls?limit=1&search=${encodeURIComponent(party)}`, ({ items }) => items[0], 10_000);

export async function eventsOf(server: TandemServer, number: string): Promise<CallEvent[]> {
  const call = await callOf(server, number);
  return server.until<{ items: CallEvent[] }, CallEvent[]>(
    `/api/v1/calls/${call.id}/events`,
    ({ items }) => (items.some(({ type }) => type === 'call-ended') ? items : undefined),
    15_000,
  );
}

export const only = <T extends CallEventType>(events: readonly CallEvent[], type: T) =>
  events.filter((event): event is EventOf<T> => event.type === type);
export const playedIn = (events: readonly CallEvent[], turn: number) =>
  only(events, 'speech-played')
    .filter((played) => played.turn === turn && !played.filler)
    .map(({ text }) => text)
    .join(' ');

/** Greeting, a question, its answer; resolves with the gap that the caller measured. */
export async function ask(caller: SipCaller, ms = 1_000): Promise<{ gapMs: number; stallMs: number }> {
  await caller.says(speech(ms, 150));
  const soundAt = await caller.soundAfter(caller.voiceSentAt);
  if (soundAt === undefined) return { gapMs: Number.NaN, stallMs: 0 };
  const { voiceSentAt } = caller;
  await caller.untilQuiet(700, 20_000);
  return { gapMs: soundAt - voiceSentAt, stallMs: caller.stallAt(soundAt) };
}

/** Some write as people do, some do not. */
export const wordsOf = (text: string) => text.toLowerCase().replace(/[^a-z ]/g, '');
export const failuresIn = (events: readonly CallEvent[]) =>
  only(events, 'provider-failed').map(({ stage, provider, category }) => ({ stage, provider, category }));
