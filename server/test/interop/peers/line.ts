/** A whole Tandem with a number to call, and how its calls are looked at afterwards: through the API and the kernel. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Assistant, AssistantInput, Call, CallEvent, CallEventType, Page, PhoneNumber, Trunk } from '@tandem/contract';
import { decodeWav, parseWav } from '#audio/wav.ts';
import { ADMIN_KEY, startTandem, type TandemServer } from '../../tandem-server.ts';

export const GREETING = 'Hello, this is the test line of Tandem, and somebody is listening.';
export const GOODBYE = 'Goodbye.';

export interface LineOptions {
  /** Sources that are let in without a password. */
  sources?: string[];
  env?: Record<string, string>;
  /** The seeded demo business answers, instead of one made here. */
  demo?: boolean;
}

export type EventOf<T extends CallEventType> = Extract<CallEvent, { type: T }>;

export class TestLine {
  readonly number = 'line';
  readonly tandem: TandemServer;
  readonly assistantId: string;

  private constructor(tandem: TandemServer, assistantId: string) {
    this.tandem = tandem;
    this.assistantId = assistantId;
  }

  static async open({ sources = ['127.0.0.0/8'], env = {}, demo = false }: LineOptions = {}): Promise<TestLine> {
    // Scripted ears and mind keep 50 calls cheap and the same every time; the voice is the real one.
    const models: Record<string, string> = demo
      ? {}
      : { TANDEM_SEED: 'none', TANDEM_SCRIPTED: 'true', TANDEM_SCRIPTED_LINES: 'Tell me more.' };
    const tandem = await startTandem({ env: { ...models, TANDEM_SCRIPTED_ANSWER: 'There is no more to tell.', ...env } });
    try {
      if (demo) {
        const { items } = await tandem.api<Page<Assistant>>('/api/v1/assistants');
        return new TestLine(tandem, items[0].id);
      }
      await tandem.api('/api/v1/businesses', { method: 'POST', body: { name: 'Interop', language: 'en', timeZone: 'UTC' } });
      const line = new TestLine(tandem, (await addAssistant(tandem, {})).id);
      await line.addNumber(line.number, line.assistantId);
      if (sources.length > 0) await line.addTrunk({ name: 'neighbours', sources });
      return line;
    } catch (error) {
      await tandem.stop('SIGKILL');
      throw error;
    }
  }

  /** Where SIP peers send to. */
  get target(): string {
    return `127.0.0.1:${this.tandem.sipPort}`;
  }

  addAssistant(change: Partial<AssistantInput>): Promise<Assistant> {
    return addAssistant(this.tandem, change);
  }

  addNumber(address: string, assistantId: string): Promise<PhoneNumber> {
    return this.tandem.api('/api/v1/numbers', { method: 'POST', body: { address, assistantId } });
  }

  addTrunk(trunk: Record<string, unknown>): Promise<Trunk> {
    return this.tandem.api('/api/v1/trunks', { method: 'POST', body: trunk });
  }

  /** The calls that `party` (caller or called, whole or part) has had so far, newest first. */
  async callsOf(party: string): Promise<Call[]> {
    return (await this.tandem.api<Page<Call>>(`/api/v1/calls?limit=200&search=${encodeURIComponent(party)}`)).items;
  }

  /** The newest call of `party`, when it has ended. */
  ended(party: string, withinMs = 15_000): Promise<Call> {
    const path = `/api/v1/calls?limit=1&search=${encodeURIComponent(party)}`;
    return this.tandem.until<Page<Call>, Call>(path, ({ items }) => (items[0]?.ending ? items[0] : undefined), withinMs);
  }

  /** The newest call of `party`, when it is being talked on. */
  answered(party: string, withinMs = 15_000): Promise<Call> {
    const path = `/api/v1/calls?limit=1&state=live&search=${encodeURIComponent(party)}`;
    return this.tandem.until<Page<Call>, Call>(path, ({ items }) => (items[0]?.answeredAt ? items[0] : undefined), withinMs);
  }

  async events<T extends CallEventType>(call: Call, type: T): Promise<EventOf<T>[]> {
    const { items } = await this.tandem.api<{ items: CallEvent[] }>(`/api/v1/calls/${call.id}/events`);
    return items.filter((event): event is EventOf<T> => event.type === type);
  }

  /** What was said and done in the newest call of `party`, a line each: for the message of a test that fails. */
  async story(party: string): Promise<string> {
    const [call] = await this.callsOf(party);
    if (!call) return `no call of ${party}`;
    const { items } = await this.tandem.api<{ items: CallEvent[] }>(`/api/v1/calls/${call.id}/events`);
    return items
      .map((event) => `${event.at} ${event.type} ${'text' in event ? event.text : ''}${'kind' in event ? event.kind : ''}`)
      .join('\n');
  }

  /** Waits for events of a call that is going on. */
  untilEvents<T extends CallEventType>(
    call: Call,
    type: T,
    accept: (events: EventOf<T>[]) => boolean,
    withinMs = 15_000,
  ): Promise<EventOf<T>[]> {
    return this.tandem.until<{ items: CallEvent[] }, EventOf<T>[]>(
      `/api/v1/calls/${call.id}/events`,
      ({ items }) => {
        const found = items.filter((event): event is EventOf<T> => event.type === type);
        return accept(found) ? found : undefined;
      },
      withinMs,
    );
  }

  /** Both channels of a recording, 8 kHz. */
  async recording(call: Call): Promise<{ caller: Int16Array; assistant: Int16Array }> {
    const response = await fetch(`${this.tandem.url}/api/v1/calls/${call.id}/recording`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    if (!response.ok) throw new Error(`the recording of ${call.id}: ${response.status} ${await response.text()}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const file = parseWav(bytes);
    if (file?.channels !== 2 || file.rate !== 8000) throw new Error(`the recording of ${call.id} is not stereo at 8 kHz`);
    const [caller, assistant] = decodeWav(bytes, file);
    return { caller, assistant };
  }

  hangUp(call: Call): Promise<void> {
    return this.tandem.api(`/api/v1/calls/${call.id}/hang-up`, { method: 'POST' });
  }

  /** Metrics by name and labels as they are written: `tandem_calls_live{business="…"}`. */
  async metrics(): Promise<Map<string, number>> {
    const text = await (await fetch(`${this.tandem.url}/metrics`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } })).text();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
  }

  /** Counters of the SIP gateway; brought up to date every second. */
  async counters(): Promise<Record<string, number>> {
    const found = [...(await this.metrics())].flatMap(([name, value]) => {
      const what = name.startsWith('tandem_gateway_count') && name.includes('gateway="sip"') ? /what="([^"]+)"/.exec(name)?.[1] : undefined;
      return what === undefined ? [] : [[what, value] as const];
    });
    return Object.fromEntries(found);
  }

  /** Waits until the counter has reached `least`. */
  async counted(what: string, least: number, withinMs = 5_000): Promise<number> {
    return poll(
      async () => {
        const value = (await this.counters())[what] ?? 0;
        return value >= least ? value : undefined;
      },
      `${what} to reach ${least}`,
      withinMs,
    );
  }

  /** UDP ports that the server has open beside SIP's own: those of calls. From the kernel, not from the server. */
  openMediaPorts(): number[] {
    const { pid } = this.tandem.child;
    const inodes = new Set(
      readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
        try {
          return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
        } catch {
          return []; // closed between the listing and the look
        }
      }),
    );
    const rows = readFileSync(`/proc/${pid}/net/udp`, 'utf8').trim().split('\n').slice(1);
    return rows.flatMap((row) => {
      const columns = row.trim().split(/\s+/);
      const port = Number.parseInt(columns[1].split(':')[1], 16);
      return inodes.has(columns[9]) && port !== this.tandem.sipPort ? [port] : [];
    });
  }

  /** Every call has ended and let go of what it held. Rejects when that is not so in time. */
  async quiet(withinMs = 10_000): Promise<void> {
    await poll(
      async () => {
        const live = [...(await this.metrics())]
          .filter(([name]) => name.startsWith('tandem_calls_live'))
          .reduce((sum, [, value]) => sum + value, 0);
        return live === 0 && (await this.counters())['calls_open'] === 0 && this.openMediaPorts().length === 0;
      },
      'no live call, no open leg and no RTP port',
      withinMs,
    );
  }

  close(): Promise<number | null> {
    return this.tandem.stop();
  }
}

/** Asks until the answer is truthy. Rejects with `what` after `withinMs`. */
export async function poll<T>(
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  what: string,
  withinMs = 10_000,
): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`waited ${withinMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function addAssistant(tandem: TandemServer, change: Partial<AssistantInput>): Promise<Assistant> {
  const body = {
    name: 'Test line',
    slug: `line-${Math.random().toString(36).slice(2, 8)}`,
    greeting: GREETING,
    goodbye: GOODBYE,
    idleMs: 20_000,
    transcriber: 'scripted',
    languageModel: 'scripted',
    synthesizer: 'flite',
    ...change,
  };
  return tandem.api('/api/v1/assistants', { method: 'POST', body });
}
