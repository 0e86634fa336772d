/**
 * Cartesia: few sockets, many contexts. Clauses of one reply share a context, so that the voice keeps its melody; each
 * clause is closed by a flush, whose answer (`flush_done`) is the clause's own end. A context dies 1 s after its last sound
 * and must not be used then: a clause that comes later begins a new one. A clause without a reply has a context of its own.
 */
import type { WordTime } from '@tandem/contract';
import { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { ClauseStream } from '../clause-stream.ts';
import { type ContextListener, type ContextSocket, ContextSockets } from '../context-sockets.ts';
import { PaceWatch } from '../pace-watch.ts';
import { textWithoutMarkup } from '../spoken-text.ts';
import type { SpeechPart, SpeechRequest, Synthesizer } from '../synthesizer.ts';
import {
  CARTESIA_VERSION,
  type CartesiaMessage,
  type CartesiaVoice,
  cancelInput,
  flushInput,
  isCartesiaVoice,
  readCartesia,
  textInput,
  VENDOR,
} from './wire.ts';

export interface CartesiaOptions {
  apiKey: string;
  /** `https:` or `http:`; the WebSocket lives below it. */
  baseUrl: string;
  model: string;
  /** For a voice that is none of Cartesia's. */
  voice: string;
  deadlines: { connectMs: number; firstMs: number; nextMs: number };
}

export const cartesiaDeadlines = { connectMs: 3_000, firstMs: 5_000, nextMs: 3_000 };

/** "Dozens of concurrent generations" on a socket, says Cartesia. */
const CONTEXTS_PER_SOCKET = 24;
const MOST_SOCKETS = 64;
const SOCKET_AGE_MS = 5 * 60_000;
const KEEP_SPARE_MS = 10 * 60_000;
const LONGEST_TEXT = 4_000;
/** A context may be used again this long after its last sound: 1 s less the way there and back. */
const REUSE_MS = 600;
const MOST_REPLIES = 4_096;

/** The context of a reply, between its clauses and during them. */
interface ReplyContext {
  id: string;
  socket: ContextSocket<CartesiaMessage>;
  voice: string;
  busy: boolean;
  /** Sound of the clauses so far. */
  soundMs: number;
  lastAtMs: number;
}

export class CartesiaSynthesizer implements Synthesizer {
  readonly name = VENDOR;
  readonly model: string;
  readonly #kit: Kit;
  readonly #options: CartesiaOptions;
  readonly #url: string;
  readonly #sockets: ContextSockets<CartesiaMessage>;
  readonly #pace: PaceWatch;
  /** Oldest first. */
  readonly #replies = new Map<string, ReplyContext>();

  constructor(kit: Kit, options: CartesiaOptions) {
    this.#kit = kit;
    this.#options = options;
    this.model = options.model;
    this.#url = `${options.baseUrl.replace(/\/+$/, '').replace(/^http/, 'ws')}/tts/websocket`;
    this.#pace = new PaceWatch(kit.log, VENDOR);
    this.#sockets = new ContextSockets(kit, {
      vendor: VENDOR,
      headers: { 'X-API-Key': options.apiKey, 'Cartesia-Version': CARTESIA_VERSION },
      connectMs: options.deadlines.connectMs,
      maxAgeMs: SOCKET_AGE_MS,
      keepMs: KEEP_SPARE_MS,
      perSocket: CONTEXTS_PER_SOCKET,
      mostSockets: MOST_SOCKETS,
      read: readCartesia,
    });
  }

  /** Connections in use. */
  get sockets(): number {
    return this.#sockets.size;
  }

  speak(request: SpeechRequest): AsyncIterable<SpeechPart> {
    const text = textWithoutMarkup(request.text);
    const voice: CartesiaVoice = {
      model: this.model,
      voice: isCartesiaVoice(request.voice) ? request.voice : this.#options.voice,
      language: request.language,
      format: request.format,
    };
    const clause = new Clause(this.#kit, { request, text, voice, deadlines: this.#options.deadlines, pace: this.#pace });
    const { stream } = clause;
    const replies = request.reply === undefined ? undefined : this.#repliesOf(request.reply);
    if (text === '') stream.end();
    else if (text.length > LONGEST_TEXT)
      stream.fail(new VendorError(VENDOR, 'bad-input', `text is longer than ${LONGEST_TEXT} characters`));
    else clause.start(() => this.#sockets.take(this.#url), replies);
    return stream;
  }

  async warm(): Promise<void> {
    await this.#sockets.warm(this.#url);
  }

  close(): Promise<void> {
    this.#replies.clear();
    this.#sockets.close();
    return Promise.resolve();
  }

  /** Where a clause finds and leaves the context of its reply. */
  #repliesOf(reply: string): ContextShelf {
    return {
      find: (voice) => {
        const context = this.#replies.get(reply);
        if (!context || context.busy || context.voice !== JSON.stringify(voice) || !context.socket.alive) return undefined;
        return this.#kit.clock.now() - context.lastAtMs <= REUSE_MS ? context : undefined;
      },
      keep: (context) => {
        const other = this.#replies.get(reply);
        if (other?.busy && other !== context) return;
        this.#replies.delete(reply);
        this.#replies.set(reply, context);
        this.#sweep();
      },
      drop: (context) => {
        if (this.#replies.get(reply) === context) this.#replies.delete(reply);
      },
    };
  }

  #sweep(): void {
    const now = this.#kit.clock.now();
    for (const [reply, context] of this.#replies) {
      const stale = !context.busy && now - context.lastAtMs > REUSE_MS;
      if (!stale && this.#replies.size <= MOST_REPLIES) return;
      this.#replies.delete(reply);
    }
  }
}

interface ContextShelf {
  find(voice: CartesiaVoice): ReplyContext | undefined;
  keep(context: ReplyContext): void;
  drop(context: ReplyContext): void;
}

interface ClauseParts {
  request: SpeechRequest;
  text: string;
  voice: CartesiaVoice;
  deadlines: CartesiaOptions['deadlines'];
  pace: PaceWatch;
}

/** One clause on its way through a context. */
class Clause implements ContextListener<CartesiaMessage> {
  readonly stream: ClauseStream;
  readonly #kit: Kit;
  readonly #parts: ClauseParts;
  #take: () => ContextSocket<CartesiaMessage> = () => {
    throw new Error('not started');
  };
  #shelf: ContextShelf | undefined;
  #context: ReplyContext | undefined;
  #retried = false;
  /** Where this clause begins on the scale of the vendor's word times; known with the first of them. */
  #wordsFromMs: number | undefined;

  constructor(kit: Kit, parts: ClauseParts) {
    this.#kit = kit;
    this.#parts = parts;
    this.stream = new ClauseStream(kit, {
      vendor: VENDOR,
      text: parts.text,
      format: parts.request.format,
      signal: parts.request.signal,
      deadlines: parts.deadlines,
      pace: parts.pace,
      onStop: () => this.#cancel(),
      // A `flush_done` that never comes costs a pause, not the reply.
      mayEnd: () => {
        const over = this.#shelf !== undefined && this.stream.wordsComplete;
        if (over) this.#leave(false, false);
        return over;
      },
    });
  }

  start(take: () => ContextSocket<CartesiaMessage>, shelf: ContextShelf | undefined): void {
    this.#take = take;
    this.#shelf = shelf;
    this.#begin(shelf?.find(this.#parts.voice));
  }

  message(message: CartesiaMessage): void {
    const context = this.#context;
    if (!context) return;
    switch (message.type) {
      case 'sound':
        this.stream.bytes(message.bytes);
        break;
      case 'words':
        this.stream.timed(this.#fromHere(message.words, context.soundMs));
        break;
      case 'flushed':
        this.#leave(false, true);
        this.stream.end();
        break;
      case 'done':
        // The context had expired just before this clause came.
        if (this.stream.rawMs === 0 && context.soundMs > 0 && this.#again()) return;
        this.#leave(true, false);
        this.stream.end();
        break;
      case 'error':
        if (context.soundMs > 0 && this.stream.rawMs === 0 && message.error.category === 'bad-input' && this.#again()) return;
        this.#leave(true, false);
        this.stream.fail(message.error);
        break;
    }
  }

  failed(error: VendorError): void {
    // A kept socket may have died unnoticed: once more on another, if nothing was heard.
    if (this.stream.rawMs === 0 && error.category === 'retryable' && this.#again()) return;
    this.#leave(true, false);
    this.stream.fail(error);
  }

  #begin(known: ReplyContext | undefined): void {
    if (!this.stream.open) return;
    const { text, voice } = this.#parts;
    try {
      const context = known ?? {
        id: this.#kit.ids.make('speech'),
        socket: this.#take(),
        voice: JSON.stringify(voice),
        busy: true,
        soundMs: 0,
        lastAtMs: 0,
      };
      context.busy = true;
      this.#context = context;
      this.#wordsFromMs = context.soundMs === 0 ? 0 : undefined;
      context.socket.enter(context.id, this);
      this.#shelf?.keep(context);
      context.socket.send(textInput(context.id, `${text} `, voice, this.#shelf !== undefined));
      if (this.#shelf) context.socket.send(flushInput(context.id, voice));
    } catch (error) {
      this.#leave(true, false);
      this.stream.fail(error);
    }
  }

  #again(): boolean {
    if (this.#retried || !this.stream.open) return false;
    this.#retried = true;
    this.#leave(true, false);
    this.#begin(undefined);
    return true;
  }

  #cancel(): void {
    const context = this.#context;
    if (!context) return;
    this.#leave(false, false);
    if (!context.socket.alive) return;
    try {
      context.socket.send(cancelInput(context.id));
    } catch {
      // The vendor reads nothing any more: there is nothing to save either.
    }
  }

  /** `ended`: the vendor is done with the context; `reuse`: the reply's next clause may go on in it. */
  #leave(ended: boolean, reuse: boolean): void {
    const context = this.#context;
    if (!context) return;
    this.#context = undefined;
    context.busy = false;
    context.soundMs += this.stream.rawMs;
    context.lastAtMs = this.#kit.clock.now();
    context.socket.leave(context.id, ended || reuse);
    if (!reuse) this.#shelf?.drop(context);
  }

  /** Word times count from the start of the context, or of the clause, as the server has it: whichever is nearer. */
  #fromHere(words: WordTime[], beforeMs: number): WordTime[] {
    if (words.length === 0) return words;
    this.#wordsFromMs ??= words[0].fromMs > beforeMs / 2 ? beforeMs : 0;
    const fromMs = this.#wordsFromMs;
    return fromMs === 0 ? words : words.map((word) => ({ text: word.text, fromMs: word.fromMs - fromMs, toMs: word.toMs - fromMs }));
  }
}
