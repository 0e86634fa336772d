/** Deepgram's ear. Frames go out as they came from the line; Flux for its languages, nova for the others. */
import { rateOf, type SoundFormat } from '#audio/frame.ts';
import type { FailureCategory } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { SocketPool } from '../socket-pool.ts';
import { SocketTranscription } from '../socket-transcription.ts';
import type { Transcriber, TranscriberOptions, TranscriptionStream } from '../transcriber.ts';
import { boundTerms, socketUrl } from '../vendor-words.ts';
import { FluxWire } from './flux.ts';
import { NovaWire } from './nova.ts';

export interface DeepgramTranscriberOptions {
  apiKey: string;
  baseUrl: string;
  /** `flux-general-en`, `flux-general-multi`, or a nova model. */
  model: string;
  /** Flux: how sure of the end of a turn it is (0.5…0.9), how sure for the secret answer (0.3…0.9; 0: none). */
  endOfTurn: number;
  eager: number;
}

/** Flux recommends about 80 ms, nova takes what comes. The quiet behind the voice leaves at once: it ends the turn. */
const CHUNK_MS = 80;
const QUICK_MS = 600;
/** While nobody speaks. Up to 250 ms are taken. */
const REST_MS = 240;
/** The longest it waits for a turn to end, whatever its model thinks. */
const TURN_TIMEOUT_MS = 5_000;
/** Flux reports four times a second while it gets sound. */
const FLUX_IDLE_MS = 10_000;
/** It closes after 10 s without sound; nova not while it is kept alive. */
const SPARES = { size: 1, maxAgeMs: 8_000, keepMs: 60_000 };
const KEEP_ALIVE = { everyMs: 4_000, message: '{"type":"KeepAlive"}' };
/** Documented: 500 tokens in all. Three characters to a token leaves room for names. */
const TERMS = { terms: 50, charactersEach: 100, characters: 1_200 };
/** For languages that the chosen model does not know. */
const OTHER_LANGUAGES = 'nova-3';

/** 1008 says that the sound or a message cannot be read (`DATA-0000`, `UNPARSABLE_…`), not that the key is wrong: that is HTTP 401. */
const categoryOfSession = (code: number): FailureCategory | undefined => (code === 1008 ? 'bad-input' : undefined);

const isFlux = (model: string): boolean => model.startsWith('flux');

export class DeepgramTranscriber implements Transcriber {
  readonly name = 'deepgram';
  readonly closedGrammar = false;
  readonly model: string;
  readonly endsTurns: boolean;
  readonly #kit: Kit;
  readonly #options: DeepgramTranscriberOptions;
  readonly #pools: { flux: SocketPool; nova: SocketPool };
  readonly #streams = new Set<SocketTranscription>();
  /** What the last call was: the next is probably like it. */
  #last: { format: SoundFormat; languages: readonly string[] } = { format: 'mulaw-8000', languages: ['en'] };

  constructor(kit: Kit, options: DeepgramTranscriberOptions) {
    this.#kit = kit;
    this.#options = options;
    this.model = options.model;
    this.endsTurns = isFlux(options.model);
    const shared = { vendor: 'deepgram', headers: { authorization: `Token ${options.apiKey}` }, categoryOf: categoryOfSession, ...SPARES };
    this.#pools = {
      flux: new SocketPool(kit, { ...shared, idleMs: FLUX_IDLE_MS }),
      nova: new SocketPool(kit, { ...shared, keepAlive: KEEP_ALIVE }),
    };
  }

  open(options: TranscriberOptions): TranscriptionStream {
    const { format, language, otherLanguages = [] } = options;
    const languages = [language, ...otherLanguages];
    this.#last = { format, languages };
    const model = this.#modelFor(languages);
    const flux = isFlux(model);
    const stream = new SocketTranscription(options, {
      kit: this.#kit,
      pool: flux ? this.#pools.flux : this.#pools.nova,
      url: this.#url(model, format, languages, options.phrases),
      wire: flux ? new FluxWire() : new NovaWire({ endsTurns: this.endsTurns }),
      chunkMs: CHUNK_MS,
      quickMs: QUICK_MS,
      restMs: REST_MS,
      streams: () => this.#streams.size,
      closed: (closed) => this.#streams.delete(closed),
    });
    this.#streams.add(stream);
    return stream;
  }

  warm(phrases: readonly string[]): Promise<void> {
    const { format, languages } = this.#last;
    const model = this.#modelFor(languages);
    return (isFlux(model) ? this.#pools.flux : this.#pools.nova).warm(this.#url(model, format, languages, phrases));
  }

  close(): Promise<void> {
    for (const stream of this.#streams) stream.close();
    this.#pools.flux.close();
    this.#pools.nova.close();
    return Promise.resolve();
  }

  #modelFor(languages: readonly string[]): string {
    const { model } = this.#options;
    return model === 'flux-general-en' && languages.some((language) => !/^en\b/i.test(language)) ? OTHER_LANGUAGES : model;
  }

  #url(model: string, format: SoundFormat, languages: readonly string[], phrases: readonly string[]): string {
    const { baseUrl, endOfTurn, eager } = this.#options;
    const query = new URLSearchParams({
      model,
      encoding: format === 'mulaw-8000' ? 'mulaw' : 'linear16',
      sample_rate: String(rateOf(format)),
    });
    if (isFlux(model)) {
      query.set('eot_threshold', String(endOfTurn));
      if (eager > 0) query.set('eager_eot_threshold', String(Math.min(eager, endOfTurn)));
      query.set('eot_timeout_ms', String(TURN_TIMEOUT_MS));
      if (model.endsWith('-multi')) for (const language of languages) query.append('language_hint', language);
    } else {
      query.set('channels', '1');
      // `multi` is nova-3's word for callers who may change between languages.
      query.set('language', languages.length > 1 && model.startsWith('nova-3') ? 'multi' : languages[0]);
      query.set('interim_results', 'true');
      query.set('endpointing', '300');
      query.set('utterance_end_ms', '1000');
      query.set('vad_events', 'true');
      query.set('smart_format', 'true');
    }
    // nova-2 and older know no keyterms.
    if (isFlux(model) || model.startsWith('nova-3')) for (const term of boundTerms(phrases, TERMS)) query.append('keyterm', term);
    return socketUrl(baseUrl, isFlux(model) ? '/v2/listen' : '/v1/listen', query);
  }
}
