/**
 * ElevenLabs: sockets per voice and format, on each up to five contexts, one per clause. The vendor does not say when a
 * flushed text is over, only when a context is; a context is therefore closed as soon as its sound has reached the last
 * character, which ends the clause with `isFinal`, or a moment later without it.
 */
import type { Timer } from '#kit/clock.ts';
import { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { ClauseStream } from '../clause-stream.ts';
import { type ContextListener, type ContextSocket, ContextSockets } from '../context-sockets.ts';
import { PaceWatch } from '../pace-watch.ts';
import { spokenText, textWithoutMarkup } from '../spoken-text.ts';
import type { SpeechPart, SpeechRequest, Synthesizer } from '../synthesizer.ts';
import {
  CharacterWords,
  categoryOfWords,
  clauseInputs,
  closeInput,
  type ElevenLabsMessage,
  isElevenLabsVoice,
  readElevenLabs,
  socketUrl,
  VENDOR,
} from './wire.ts';

export interface ElevenLabsOptions {
  apiKey: string;
  /** `https:` or `http:`; the WebSockets live below it. */
  baseUrl: string;
  model: string;
  /** For a voice that is none of ElevenLabs'. */
  voice: string;
  deadlines: { connectMs: number; firstMs: number; nextMs: number };
}

export const elevenLabsDeadlines = { connectMs: 3_000, firstMs: 5_000, nextMs: 3_000 };

/** Five are allowed; one is left for a context that the vendor has not forgotten yet. */
const CONTEXTS_PER_SOCKET = 4;
const MOST_SOCKETS = 256;
/** The vendor closes a socket after 180 s of silence. */
const SOCKET_AGE_MS = 150_000;
const KEEP_SPARE_MS = 10 * 60_000;
const LONGEST_TEXT = 4_000;
/** From the last character to the end, for a vendor that says no `isFinal`: the voice fades out in it. */
const FADE_MS = 200;

export class ElevenLabsSynthesizer implements Synthesizer {
  readonly name = VENDOR;
  readonly model: string;
  readonly #kit: Kit;
  readonly #options: ElevenLabsOptions;
  readonly #sockets: ContextSockets<ElevenLabsMessage>;
  readonly #pace: PaceWatch;

  constructor(kit: Kit, options: ElevenLabsOptions) {
    this.#kit = kit;
    this.#options = options;
    this.model = options.model;
    this.#pace = new PaceWatch(kit.log, VENDOR);
    this.#sockets = new ContextSockets(kit, {
      vendor: VENDOR,
      headers: { 'xi-api-key': options.apiKey },
      connectMs: options.deadlines.connectMs,
      categoryOf: (_code, reason) => categoryOfWords(reason),
      maxAgeMs: SOCKET_AGE_MS,
      keepMs: KEEP_SPARE_MS,
      perSocket: CONTEXTS_PER_SOCKET,
      mostSockets: MOST_SOCKETS,
      read: readElevenLabs,
    });
  }

  /** Connections in use. */
  get sockets(): number {
    return this.#sockets.size;
  }

  speak(request: SpeechRequest): AsyncIterable<SpeechPart> {
    const text = textWithoutMarkup(request.text);
    // The fast models read "$45" letter by letter: they are given the words.
    const spoken = this.model.endsWith('_v2_5') ? spokenText(text, request.language) : text;
    const url = this.#urlOf(request);
    const clause = new Clause(this.#kit, request, { text, spoken, deadlines: this.#options.deadlines, pace: this.#pace });
    const { stream } = clause;
    if (text === '') stream.end();
    else if (text.length > LONGEST_TEXT)
      stream.fail(new VendorError(VENDOR, 'bad-input', `text is longer than ${LONGEST_TEXT} characters`));
    else clause.start(() => this.#sockets.take(url));
    return stream;
  }

  /** Of the default voice, as a telephone hears it. */
  async warm(): Promise<void> {
    await this.#sockets.warm(this.#urlOf({ voice: this.#options.voice, language: 'en', format: 'mulaw-8000' }));
  }

  close(): Promise<void> {
    this.#sockets.close();
    return Promise.resolve();
  }

  #urlOf({ voice, language, format }: Pick<SpeechRequest, 'voice' | 'language' | 'format'>): string {
    const { baseUrl, model, voice: own } = this.#options;
    return socketUrl({ baseUrl, model, voice: isElevenLabsVoice(voice) ? voice : own, language, format });
  }
}

interface ClauseParts {
  /** As it is written, and as it is sent. */
  text: string;
  spoken: string;
  deadlines: ElevenLabsOptions['deadlines'];
  pace: PaceWatch;
}

/** One clause in a context of its own. */
class Clause implements ContextListener<ElevenLabsMessage> {
  readonly stream: ClauseStream;
  readonly #kit: Kit;
  readonly #spoken: string;
  readonly #characters: number;
  readonly #words = new CharacterWords();
  #take: () => ContextSocket<ElevenLabsMessage> = () => {
    throw new Error('not started');
  };
  #at: { id: string; socket: ContextSocket<ElevenLabsMessage> } | undefined;
  #fade: Timer | undefined;
  #retried = false;

  constructor(kit: Kit, request: SpeechRequest, { text, spoken, deadlines, pace }: ClauseParts) {
    this.#kit = kit;
    this.#spoken = spoken;
    this.#characters = spoken.replace(/\s/g, '').length;
    this.stream = new ClauseStream(kit, {
      vendor: VENDOR,
      text,
      format: request.format,
      signal: request.signal,
      deadlines,
      pace,
      onStop: () => this.#leave(false),
      // Without character times nothing but silence tells that all has come.
      mayEnd: () => {
        const over = this.#words.count === 0;
        if (over) this.#leave(false);
        return over;
      },
    });
  }

  start(take: () => ContextSocket<ElevenLabsMessage>): void {
    this.#take = take;
    this.#begin();
  }

  message({ sound, characters, final, error }: ElevenLabsMessage): void {
    if (error) {
      this.#leave(true);
      this.stream.fail(error);
      return;
    }
    const beforeMs = this.stream.rawMs;
    if (sound) this.stream.bytes(sound);
    if (characters) this.stream.timed(this.#words.push(characters, beforeMs));
    if (final) this.#end(true);
    else if (characters && this.#words.count >= this.#characters) this.#closeContext();
  }

  failed(error: VendorError): void {
    // A kept socket may have died unnoticed: once more on another, if nothing was heard.
    if (this.stream.rawMs === 0 && error.category === 'retryable' && !this.#retried && this.stream.open) {
      this.#retried = true;
      this.#leave(true);
      this.#begin();
      return;
    }
    this.#leave(true);
    this.stream.fail(error);
  }

  #begin(): void {
    if (!this.stream.open) return;
    try {
      const at = { id: this.#kit.ids.make('speech'), socket: this.#take() };
      this.#at = at;
      at.socket.enter(at.id, this);
      for (const input of clauseInputs(at.id, this.#spoken)) at.socket.send(input);
    } catch (error) {
      this.#leave(true);
      this.stream.fail(error);
    }
  }

  /** The last character is being spoken. */
  #closeContext(): void {
    if (this.#fade || !this.#at) return;
    this.#fade = this.#kit.clock.after(FADE_MS, () => this.#end(false));
    this.#tell(this.#at);
  }

  #end(final: boolean): void {
    this.stream.timed(this.#words.end());
    this.#leave(final);
    this.stream.end();
  }

  /** `final`: the vendor has ended the context; otherwise it is told to. */
  #leave(final: boolean): void {
    const at = this.#at;
    if (!at) return;
    this.#at = undefined;
    at.socket.leave(at.id, final);
    if (!final && !this.#fade) this.#tell(at);
    this.#fade?.cancel();
  }

  #tell({ id, socket }: { id: string; socket: ContextSocket<ElevenLabsMessage> }): void {
    if (!socket.alive) return;
    try {
      socket.send(closeInput(id));
    } catch {
      // The vendor reads nothing any more: there is nothing to save either.
    }
  }
}
