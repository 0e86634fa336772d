/**
 * PocketSphinx as a transcriber: understands the given phrases, polite words around them and small talk, says so when
 * it heard something else, and needs no key. No partials: an utterance is decoded when voice activity says that it ended.
 */
import type { Frame } from '#audio/frame.ts';
import { messageOf, VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Transcriber, TranscriberOptions, Transcript, TranscriptionStream } from '../transcriber.ts';
import { writtenText } from './grammar.ts';
import { type PhraseSet, PhraseSets } from './phrase-sets.ts';
import { type Answer, Recogniser, type RecogniserOptions } from './recogniser.ts';
import { decoderSamples, Utterance } from './utterance.ts';

export interface PocketSphinxOptions extends RecogniserOptions {
  cmuDictionary: string;
  /** From the end of speech to the final; later it is final that nothing was understood. */
  deadlineMs: number;
}

const FRAME_OF_DECODER_MS = 10;

export class PocketSphinxTranscriber implements Transcriber {
  readonly name = 'pocketsphinx';
  readonly closedGrammar = true;
  readonly speechOnly = true;
  readonly recogniser: Recogniser;
  readonly #kit: Kit;
  readonly #sets: PhraseSets;
  readonly #streams = new Set<PocketSphinxStream>();
  readonly #deadlineMs: number;

  constructor(kit: Kit, options: PocketSphinxOptions) {
    this.#kit = kit;
    this.#deadlineMs = options.deadlineMs;
    this.#sets = new PhraseSets(options.cmuDictionary, kit.log);
    this.recogniser = new Recogniser(kit, this.#sets, options);
  }

  open(options: TranscriberOptions): TranscriptionStream {
    const set = this.#sets.for(options.phrases);
    const stream: PocketSphinxStream = new PocketSphinxStream(options, set, this.recogniser, this.#deadlineMs, () =>
      this.#streams.delete(stream),
    );
    this.#streams.add(stream);
    set.then(
      ({ grammar }) => this.#kit.log.debug({ phrases: grammar.written.size }, 'pocketsphinx listens'),
      (error: unknown) => stream.fail(error),
    );
    return stream;
  }

  /** Writes the grammar of `phrases` and loads a lane with it. */
  async warm(phrases: readonly string[]): Promise<void> {
    await this.recogniser.prepare(await this.#sets.for(phrases));
  }

  async close(): Promise<void> {
    for (const stream of this.#streams) stream.close();
    await this.recogniser.close();
    await this.#sets.close();
  }
}

class PocketSphinxStream implements TranscriptionStream {
  readonly #options: TranscriberOptions;
  readonly #set: Promise<PhraseSet>;
  readonly #recogniser: Recogniser;
  readonly #deadlineMs: number;
  readonly #utterance: Utterance;
  readonly #closed: () => void;
  /** Finals leave in the order in which they were said. */
  #before: Promise<void> = Promise.resolve();
  #speechAt: number | undefined;
  #open = true;

  constructor(options: TranscriberOptions, set: Promise<PhraseSet>, recogniser: Recogniser, deadlineMs: number, closed: () => void) {
    this.#options = options;
    this.#set = set;
    this.#recogniser = recogniser;
    this.#deadlineMs = deadlineMs;
    this.#utterance = new Utterance(options.format);
    this.#closed = closed;
  }

  push(frame: Frame): void {
    if (this.#open && this.#speechAt !== undefined) this.#utterance.push(frame);
  }

  speechStarted(at: number): void {
    if (!this.#open) return;
    this.#speechAt = at;
    this.#utterance.begin();
    this.#set.then((set) => (this.#open ? this.#recogniser.prepare(set) : undefined)).catch(() => {}); // told by open
  }

  speechEnded(at: number): void {
    const fromAt = this.#speechAt;
    if (!this.#open || fromAt === undefined) return;
    this.#speechAt = undefined;
    const { startAt, tooLong, empty } = this.#utterance;
    const answer = tooLong || empty ? Promise.resolve(undefined) : this.#recognise();
    const before = this.#before;
    this.#before = answer.then(
      async (verdict) => {
        await before;
        if (this.#open) this.#options.listener.final(await this.#transcript(verdict, startAt, fromAt, at));
      },
      (error: unknown) => this.fail(error),
    );
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#closed();
  }

  fail(error: unknown): void {
    if (!this.#open) return;
    this.close();
    const failure = error instanceof VendorError ? error : new VendorError('pocketsphinx', 'retryable', messageOf(error), { cause: error });
    this.#options.listener.failed(failure);
  }

  async #recognise(): Promise<Answer> {
    const sound = this.#utterance.take();
    const samples = await decoderSamples(sound, this.#options.format);
    const set = await this.#set;
    return this.#open ? this.#recogniser.recognise(set, samples, this.#deadlineMs) : undefined;
  }

  async #transcript(verdict: Answer, startAt: number, fromAt: number, toAt: number): Promise<Transcript> {
    if (!verdict?.accepted) return { text: '', fromAt, toAt: Math.max(fromAt, toAt), confidence: verdict?.confidence, words: [] };
    const { grammar } = await this.#set;
    const [head] = verdict.words;
    const ms = (frame: number) => frame * FRAME_OF_DECODER_MS;
    return {
      text: writtenText(
        verdict.words.map(({ text }) => text),
        grammar.written,
      ),
      fromAt: startAt + ms(head.first),
      toAt: startAt + ms((verdict.words.at(-1) ?? head).last + 1),
      confidence: verdict.confidence,
      words: verdict.words.map(({ text, first, last }) => ({
        text,
        fromMs: ms(first - head.first),
        toMs: ms(last + 1 - head.first),
      })),
    };
  }
}
