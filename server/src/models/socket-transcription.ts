/**
 * A transcription stream over a vendor's WebSocket. What differs between vendors is a {@link Wire}: how a message is read,
 * and what is sent on the hints of voice activity. This keeps the promises of the door: times on the leg's clock, the order
 * of eager, resumed and ended turns, nothing after close, and a failure when a vendor no longer answers.
 */
import type { Timer } from '#kit/clock.ts';
import { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { type ProviderSocket, readMessage } from './provider-socket.ts';
import type { SocketPool } from './socket-pool.ts';
import { SoundOutlet } from './sound-outlet.ts';
import type { TranscriberOptions, TranscriptionStream } from './transcriber.ts';
import { type HeardWord, transcriptOf } from './vendor-words.ts';
import type { Frame } from '#audio/frame.ts';

/** What a wire says it heard. Times of words in ms of the vendor's stream. */
export interface Report {
  /** Words of the turn that may still change; the same again is not passed on. */
  partial(text: string, words: readonly HeardWord[]): void;
  /** Empty text is not passed on. */
  final(text: string, words: readonly HeardWord[]): void;
  /** Only after a final; otherwise not passed on. */
  endOfTurn(): void;
  eagerEndOfTurn(): void;
  turnResumed(): void;
  /** A control message to the vendor. */
  send(message: string): void;
}

/** One stream's protocol. What it throws (a VendorError) is the stream's failure. */
export interface Wire {
  /** Sent first. */
  readonly greeting?: string;
  /** Sent before closing. */
  readonly goodbye?: string;
  read(message: Record<string, unknown>, report: Report): void;
  /** Sent when our voice activity heard speech end, and everything before has been sent. */
  speechEnded?(): string | undefined;
}

export interface SocketTranscriptionOptions {
  kit: Kit;
  pool: SocketPool;
  url: string;
  wire: Wire;
  /** See {@link SoundOutlet}. */
  chunkMs: number;
  /** See `SoundOutletOptions`. */
  quickMs?: number;
  restMs?: number;
  fastest?: number;
  streams?: () => number;
  closed: (stream: SocketTranscription) => void;
}

/** A vendor that was sent this much speech and then says nothing at all for so long is no longer there. */
const UNANSWERED_SPEECH_MS = 1_500;
const ANSWER_MS = 6_000;

export class SocketTranscription implements TranscriptionStream {
  readonly #options: SocketTranscriptionOptions;
  readonly #asked: TranscriberOptions;
  readonly #outlet: SoundOutlet;
  readonly #socket: ProviderSocket;
  readonly #report: Report;
  /** The turn so far, as it was told. */
  #turn = { partial: '', eager: false, finals: 0 };
  #answer = { speechFrom: undefined as number | undefined, unansweredMs: 0, timer: undefined as Timer | undefined };
  #open = true;
  /** The vendor was greeted. */
  #begun = false;

  constructor(asked: TranscriberOptions, options: SocketTranscriptionOptions) {
    this.#asked = asked;
    this.#options = options;
    const { kit, pool, url, wire, chunkMs, quickMs, restMs, fastest, streams } = options;
    this.#outlet = new SoundOutlet({
      clock: kit.clock,
      format: asked.format,
      chunkMs,
      quickMs,
      restMs,
      send: (bytes) => this.#socket.sendSound(bytes),
      ...(fastest === undefined ? {} : { fastest }),
      ...(streams === undefined ? {} : { streams }),
    });
    this.#report = this.#reporter();
    this.#socket = pool.take(url, {
      opened: () => {
        if (!this.#open) return;
        this.#begun = true;
        if (wire.greeting !== undefined) this.#socket.send(wire.greeting);
        this.#outlet.open();
      },
      message: (data) => this.#heard(data),
      failed: (error) => this.#failed(error),
    });
  }

  push(frame: Frame): void {
    if (this.#open) this.#outlet.push(frame);
  }

  speechStarted(at: number): void {
    this.#answer.speechFrom = at;
  }

  speechEnded(at: number): void {
    if (!this.#open) return;
    const answer = this.#answer;
    if (answer.speechFrom !== undefined) answer.unansweredMs += Math.max(0, at - answer.speechFrom);
    answer.speechFrom = undefined;
    if (answer.unansweredMs >= UNANSWERED_SPEECH_MS) {
      answer.timer ??= this.#options.kit.clock.after(ANSWER_MS, () =>
        this.#failed(new VendorError(this.#socket.vendor, 'retryable', `no answer to speech within ${ANSWER_MS} ms`)),
      );
    }
    // While sound still waits (a replay) the end that the hint means has not been sent: the vendor finds it itself.
    const { wire } = this.#options;
    if (!wire.speechEnded || !this.#outlet.flush() || this.#socket.state !== 'open') return;
    const message = wire.speechEnded();
    if (message !== undefined) this.#socket.send(message);
  }

  close(): void {
    if (!this.#open) return;
    this.#end();
    this.#socket.close(this.#begun ? this.#options.wire.goodbye : undefined);
  }

  #end(): void {
    this.#open = false;
    this.#answer.timer?.cancel();
    this.#outlet.close();
    this.#options.closed(this);
  }

  #failed(error: VendorError): void {
    if (!this.#open) return;
    this.#end();
    this.#socket.close();
    this.#asked.listener.failed(error);
  }

  #heard(data: string | Uint8Array): void {
    if (!this.#open) return;
    this.#answer.unansweredMs = 0;
    this.#answer.timer?.cancel();
    this.#answer.timer = undefined;
    this.#options.wire.read(readMessage(this.#socket.vendor, data), this.#report);
  }

  #reporter(): Report {
    const { listener } = this.#asked;
    const transcript = (text: string, words: readonly HeardWord[]) => transcriptOf(text, words, (ms) => this.#outlet.legAt(ms));
    const partial: Report['partial'] = (text, words) => {
      if (!this.#open || text === '' || text === this.#turn.partial) return;
      this.#turn.partial = text;
      listener.partial(transcript(text, words));
    };
    return {
      partial,
      final: (text, words) => {
        if (!this.#open || text === '') return;
        this.#turn.partial = '';
        this.#turn.finals++;
        listener.final(transcript(text, words));
      },
      endOfTurn: () => {
        if (!this.#open || this.#turn.finals === 0) return;
        this.#turn = { partial: '', eager: false, finals: 0 };
        listener.endOfTurn?.();
      },
      eagerEndOfTurn: () => {
        if (!this.#open || this.#turn.eager || (this.#turn.partial === '' && this.#turn.finals === 0)) return;
        this.#turn.eager = true;
        listener.eagerEndOfTurn?.();
      },
      turnResumed: () => {
        if (!this.#open || !this.#turn.eager) return;
        this.#turn.eager = false;
        listener.turnResumed?.();
      },
      send: (message) => {
        if (this.#open) this.#socket.send(message);
      },
    };
  }
}
