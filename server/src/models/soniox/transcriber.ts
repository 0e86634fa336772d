/** Soniox's ear. Its model ends turns by what was said; our voice activity asks for the words a little sooner. */
import { rateOf } from '#audio/frame.ts';
import type { Kit } from '#kit/kit.ts';
import { SocketPool } from '../socket-pool.ts';
import { SocketTranscription } from '../socket-transcription.ts';
import type { Transcriber, TranscriberOptions, TranscriptionStream } from '../transcriber.ts';
import { boundTerms, socketUrl } from '../vendor-words.ts';
import { TokensWire } from './tokens.ts';

export interface SonioxTranscriberOptions {
  apiKey: string;
  baseUrl: string;
  model: string;
  /** How many times real time a replay is sent at; 3 unless said otherwise. */
  fastest?: number;
}

const CHUNK_MS = 60;
/** While nobody speaks. */
const REST_MS = 240;
/** The quiet behind the voice leaves frame by frame: it ends the turn. */
const QUICK_MS = 600;
/** Documented: "real-time or near real-time"; long bursts may end the connection. */
const FASTEST = 3;
/** A spare has not said what it wants yet, and counts as one of the streams that a key may have. */
const SPARES = { size: 1, maxAgeMs: 8_000, keepMs: 60_000 };
const TERMS = { terms: 100, charactersEach: 100, characters: 4_000 };

export class SonioxTranscriber implements Transcriber {
  readonly name = 'soniox';
  readonly closedGrammar = false;
  readonly endsTurns = true;
  readonly model: string;
  readonly #kit: Kit;
  readonly #pool: SocketPool;
  readonly #url: string;
  readonly #fastest: number;
  readonly #streams = new Set<SocketTranscription>();

  constructor(kit: Kit, { apiKey, baseUrl, model, fastest = FASTEST }: SonioxTranscriberOptions) {
    this.#fastest = fastest;
    this.#kit = kit;
    this.model = model;
    this.#url = socketUrl(baseUrl, '/transcribe-websocket');
    this.#pool = new SocketPool(kit, { vendor: 'soniox', headers: { authorization: `Bearer ${apiKey}` }, ...SPARES });
  }

  open(options: TranscriberOptions): TranscriptionStream {
    const terms = boundTerms(options.phrases, TERMS);
    const stream = new SocketTranscription(options, {
      kit: this.#kit,
      pool: this.#pool,
      url: this.#url,
      wire: new TokensWire(this.#kit.clock, {
        model: this.model,
        audio_format: options.format === 'mulaw-8000' ? 'mulaw' : 'pcm_s16le',
        sample_rate: rateOf(options.format),
        num_channels: 1,
        enable_endpoint_detection: true,
        language_hints: [...new Set([options.language, ...(options.otherLanguages ?? [])].map((one) => one.split('-')[0].toLowerCase()))],
        ...(terms.length > 0 ? { context: { terms } } : {}),
      }),
      chunkMs: CHUNK_MS,
      quickMs: QUICK_MS,
      restMs: REST_MS,
      streams: () => this.#streams.size,
      fastest: this.#fastest,
      closed: (closed) => this.#streams.delete(closed),
    });
    this.#streams.add(stream);
    return stream;
  }

  warm(): Promise<void> {
    return this.#pool.warm(this.#url);
  }

  close(): Promise<void> {
    for (const stream of this.#streams) stream.close();
    this.#pool.close();
    return Promise.resolve();
  }
}
