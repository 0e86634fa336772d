/** The provider's log, by what a measurement asks of it. Times in milliseconds on the shared clock. */
import type { ProviderEvent } from '../../providers/scenario.ts';
import { numberOf } from './observation.ts';

/** One stream of a caller's sound. */
export interface Hearing {
  voiceEnds: number[];
  eager: { at: number; text: string }[];
  /** A final: of Flux the end of the turn, of others the words behind which the turn may end. */
  finals: { at: number; text: string }[];
}

/** One request to the language model. */
export interface Asked {
  at: number;
  /** The caller's last words. */
  text: string;
  /** What the assistant is told that it has said last. */
  saidBefore: string;
  firstTokenAt: number | undefined;
  firstTokenMs: number;
  cancelledAt: number | undefined;
}

/** One text that the voice was given. */
export interface Spoken {
  at: number;
  text: string;
  mark: number;
  firstSpeechAt: number | undefined;
  firstSpeechMs: number;
}

interface Message {
  role?: string;
  content?: unknown;
}

const contentOf = (message: Message | undefined): string => (typeof message?.content === 'string' ? message.content : '');

export class ProviderLog {
  readonly hearings: Hearing[] = [];
  readonly spoken: Spoken[] = [];
  readonly #asked = new Map<string, Asked[]>();

  constructor(events: readonly ProviderEvent[]) {
    const hearings = new Map<number, Hearing>();
    const requests = new Map<number, Asked>();
    const waiting = new Map<number, Spoken[]>();
    for (const event of events) {
      if (event.stage === 'transcriber') this.#hear(event, hearings);
      else if (event.stage === 'language-model') this.#ask(event, requests);
      else if (event.stage === 'synthesizer') this.#speak(event, waiting);
    }
    this.hearings.push(...hearings.values());
  }

  /** Of one caller, oldest first. */
  askedBy(line: number): readonly Asked[] {
    return this.#asked.get(numberOf(line)) ?? [];
  }

  get requests(): readonly Asked[] {
    return [...this.#asked.values()].flat();
  }

  #hear(event: ProviderEvent, hearings: Map<number, Hearing>): void {
    let hearing = hearings.get(event.connection);
    if (!hearing) hearings.set(event.connection, (hearing = { voiceEnds: [], eager: [], finals: [] }));
    const { atMs: at, detail: text = '' } = event;
    if (event.event === 'voice-ended') hearing.voiceEnds.push(at);
    else if (event.event === 'eager') hearing.eager.push({ at, text });
    else if (event.event === 'end-of-turn') hearing.finals.push({ at, text });
  }

  #ask(event: ProviderEvent, requests: Map<number, Asked>): void {
    const { atMs: at, connection } = event;
    if (event.event === 'request') {
      const { messages = [] } = (event.body ?? {}) as { messages?: Message[] };
      const line = /The line of this call is (line-\d+)/.exec(contentOf(messages[0]))?.[1];
      if (line === undefined) return;
      const asked: Asked = {
        at,
        text: contentOf(messages.findLast(({ role }) => role === 'user')),
        saidBefore: contentOf(messages.findLast(({ role }) => role === 'assistant')),
        firstTokenAt: undefined,
        firstTokenMs: 0,
        cancelledAt: undefined,
      };
      requests.set(connection, asked);
      const all = this.#asked.get(line);
      if (all) all.push(asked);
      else this.#asked.set(line, [asked]);
      return;
    }
    const asked = requests.get(connection);
    if (!asked) return;
    if (event.event === 'first-token') {
      asked.firstTokenAt = at;
      asked.firstTokenMs = event.declaredMs ?? 0;
    } else if (event.event === 'cancelled') asked.cancelledAt = at;
  }

  #speak(event: ProviderEvent, waiting: Map<number, Spoken[]>): void {
    const { mark = -1, atMs: at, detail: text = '' } = event;
    if (event.event === 'text') {
      const spoken: Spoken = { at, text: text.trim(), mark, firstSpeechAt: undefined, firstSpeechMs: 0 };
      this.spoken.push(spoken);
      const queue = waiting.get(mark);
      if (queue) queue.push(spoken);
      else waiting.set(mark, [spoken]);
    } else if (event.event === 'first-speech') {
      const spoken = waiting.get(mark)?.findLast((one) => one.firstSpeechAt === undefined && one.text === text.trim());
      if (!spoken) return;
      spoken.firstSpeechAt = at;
      spoken.firstSpeechMs = event.declaredMs ?? 0;
      // Marks are used again: what waited with this one before it will not come any more.
      waiting.set(mark, []);
    }
  }
}
