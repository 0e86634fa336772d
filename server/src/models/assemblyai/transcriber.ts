/** AssemblyAI's ear: universal streaming, which ends turns by what was said and by silence. */
import { rateOf } from '#audio/frame.ts';
import type { Kit } from '#kit/kit.ts';
import { SocketPool } from '../socket-pool.ts';
import { SocketTranscription } from '../socket-transcription.ts';
import type { Transcriber, TranscriberOptions, TranscriptionStream } from '../transcriber.ts';
import { boundTerms, socketUrl } from '../vendor-words.ts';
import { categoryOfSession, TurnsWire } from './turns.ts';

export interface AssemblyAiTranscriberOptions {
  apiKey: string;
  baseUrl: string;
  /** For English; another language takes the multilingual model of the same family. */
  model: string;
  /** Phrases are sent as key terms, which costs extra. */
  keyTerms: boolean;
  /** Our voice activity ends the turn. Its own detection waits longer, but not through a pause in a sentence. */
  forceEndpoint: boolean;
  /** How many times real time a replay is sent at; 4 unless said otherwise. */
  fastest?: number;
}

/** Chunks have 50…1000 ms. */
const CHUNK_MS = 60;
/** While nobody speaks. */
const REST_MS = 240;
/** Sound faster than real time is refused beyond a limit that is not documented. */
const FASTEST = 4;
/** A session is billed from its opening: a spare lives only while the phone may ring. */
const SPARES = { size: 1, maxAgeMs: 20_000, keepMs: 20_000 };
const TERMS = { terms: 100, charactersEach: 50, characters: 2_000 };
const ENGLISH = 'universal-streaming-english';
const OTHER_LANGUAGES = 'universal-streaming-multilingual';

export class AssemblyAiTranscriber implements Transcriber {
  readonly name = 'assemblyai';
  readonly closedGrammar = false;
  readonly endsTurns = true;
  readonly model: string;
  readonly #kit: Kit;
  readonly #options: AssemblyAiTranscriberOptions;
  readonly #pool: SocketPool;
  readonly #streams = new Set<SocketTranscription>();
  #last: Pick<TranscriberOptions, 'format' | 'language'> = { format: 'mulaw-8000', language: 'en' };

  constructor(kit: Kit, options: AssemblyAiTranscriberOptions) {
    this.#kit = kit;
    this.#options = options;
    this.model = options.model;
    this.#pool = new SocketPool(kit, {
      vendor: 'assemblyai',
      headers: { authorization: options.apiKey },
      categoryOf: categoryOfSession,
      ...SPARES,
    });
  }

  open(options: TranscriberOptions): TranscriptionStream {
    const { format, otherLanguages = [] } = options;
    // One language that is not English asks for the model that knows several.
    const language = otherLanguages.find((one) => !/^en\b/i.test(one)) ?? options.language;
    this.#last = { format, language };
    const stream = new SocketTranscription(options, {
      kit: this.#kit,
      pool: this.#pool,
      url: this.#url(this.#last, options.phrases),
      wire: new TurnsWire(this.#options),
      chunkMs: CHUNK_MS,
      restMs: REST_MS,
      fastest: this.#options.fastest ?? FASTEST,
      closed: (closed) => this.#streams.delete(closed),
    });
    this.#streams.add(stream);
    return stream;
  }

  warm(phrases: readonly string[]): Promise<void> {
    return this.#pool.warm(this.#url(this.#last, phrases));
  }

  close(): Promise<void> {
    for (const stream of this.#streams) stream.close();
    this.#pool.close();
    return Promise.resolve();
  }

  #url({ format, language }: Pick<TranscriberOptions, 'format' | 'language'>, phrases: readonly string[]): string {
    const { baseUrl, keyTerms, model } = this.#options;
    const query = new URLSearchParams({
      sample_rate: String(rateOf(format)),
      encoding: format === 'mulaw-8000' ? 'pcm_mulaw' : 'pcm_s16le',
      speech_model: model === ENGLISH && !/^en\b/i.test(language) ? OTHER_LANGUAGES : model,
      format_turns: 'false',
    });
    const terms = keyTerms ? boundTerms(phrases, TERMS) : [];
    if (terms.length > 0) query.set('keyterms_prompt', JSON.stringify(terms));
    return socketUrl(baseUrl, '/v3/ws', query);
  }
}
