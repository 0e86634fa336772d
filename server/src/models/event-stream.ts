/** Server-sent events (WHATWG HTML §9.2) out of bytes cut anywhere, handed to whoever knows what the vendor means by them. */
import { StringDecoder } from 'node:string_decoder';
import { createParser } from 'eventsource-parser';
import { VendorError } from '#kit/errors.ts';
import type { AnswerSink } from './provider-exchange.ts';

const LONGEST_EVENT = 1 << 20;

/** Reads a vendor's events into parts. */
export interface EventReader<Part> {
  /** Parts that are whole and were not taken yet, in order. */
  readonly parts: Part[];
  /** True after the vendor's own last event. */
  readonly complete: boolean;
  /** Pieces of the answer so far, tool arguments in the making among them; pings and thoughts are none. */
  readonly pieces: number;
  /** One event: its data and, where the vendor names them, its name. Throws `VendorError`. */
  read(data: string, event: string | undefined): void;
  /** After the last event: held parts become `parts`. Throws `VendorError` when the answer was cut off. */
  end(): void;
}

/** The sink of an event stream: comments and unnamed noise are dropped, an event has a greatest length. */
export class EventSink<Part> implements AnswerSink<Part> {
  #vendor: string;
  #reader: EventReader<Part>;
  #decoder = new StringDecoder('utf8');
  #fault: unknown;
  #parser = createParser({
    maxBufferSize: LONGEST_EVENT,
    onEvent: ({ data, event }) => this.#read(data, event),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded')
        this.#fault ??= new VendorError(this.#vendor, 'retryable', `an event longer than ${LONGEST_EVENT} characters`);
    },
  });

  constructor(vendor: string, reader: EventReader<Part>) {
    this.#vendor = vendor;
    this.#reader = reader;
  }

  get complete(): boolean {
    return this.#reader.complete;
  }

  get pieces(): number {
    return this.#reader.pieces;
  }

  *take(bytes: Buffer): Iterable<Part> {
    this.#parser.feed(this.#decoder.write(bytes));
    yield* this.#handOver();
  }

  *end(): Iterable<Part> {
    // An event without its empty line behind it is one still, when the connection ends there.
    this.#parser.feed(`${this.#decoder.end()}\n\n`);
    yield* this.#handOver();
    this.#reader.end();
    yield* this.#handOver();
  }

  /** What came before a fault is handed over before it is thrown. */
  *#handOver(): Iterable<Part> {
    yield* this.#reader.parts.splice(0);
    if (this.#fault) throw this.#fault;
  }

  #read(data: string, event: string | undefined): void {
    if (this.#fault !== undefined || this.#reader.complete) return;
    try {
      this.#reader.read(data, event);
    } catch (thrown) {
      this.#fault = thrown;
    }
  }
}

/** Parsed JSON, or undefined. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
