/**
 * OpenAI's voices over HTTP: 24 kHz linear sound, streamed, converted to the line's format on the way. No word times: words
 * share the sound by their length. One request per clause on kept connections.
 */
import { SoundConverter } from '#audio/convert.ts';
import { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { ClauseStream } from '../clause-stream.ts';
import { PaceWatch } from '../pace-watch.ts';
import { type HttpDeadlines, ProviderHttp } from '../provider-http.ts';
import { textWithoutMarkup } from '../spoken-text.ts';
import type { SpeechPart, SpeechRequest, Synthesizer } from '../synthesizer.ts';

const VENDOR = 'openai';
const RATE = 24_000;
/** 60 s and a little. */
const MOST_BYTES = 61 * RATE * 2;
const LONGEST_TEXT = 4_000;

/** The voices of the speech API by name; a custom voice has an id. */
const VOICES = /^(?:alloy|ash|ballad|cedar|coral|echo|fable|marin|nova|onyx|sage|shimmer|verse|voice_\w+)$/;

export interface OpenAiSpeechOptions {
  apiKey: string | undefined;
  /** With its version. */
  baseUrl: string;
  model: string;
  /** For a voice that is none of OpenAI's. */
  voice: string;
  deadlines: HttpDeadlines;
}

export const openAiSpeechDeadlines: HttpDeadlines = { connectMs: 3_000, firstMs: 6_000, betweenMs: 3_000 };

export class OpenAiSynthesizer implements Synthesizer {
  readonly name = VENDOR;
  readonly model: string;
  readonly #kit: Kit;
  readonly #options: OpenAiSpeechOptions;
  readonly #http: ProviderHttp;
  readonly #pace: PaceWatch;

  constructor(kit: Kit, options: OpenAiSpeechOptions) {
    this.#kit = kit;
    this.#options = options;
    this.model = options.model;
    this.#pace = new PaceWatch(kit.log, VENDOR);
    this.#http = new ProviderHttp(kit, {
      vendor: VENDOR,
      baseUrl: options.baseUrl,
      headers: options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` },
      key: options.apiKey,
      deadlines: options.deadlines,
    });
  }

  async *speak(request: SpeechRequest): AsyncIterable<SpeechPart> {
    const { signal, format } = request;
    signal.throwIfAborted();
    const text = textWithoutMarkup(request.text);
    if (text === '') return;
    if (text.length > LONGEST_TEXT) throw new VendorError(VENDOR, 'bad-input', `text is longer than ${LONGEST_TEXT} characters`);
    const stopped = new AbortController();
    const { connectMs, firstMs, betweenMs } = this.#options.deadlines;
    const stream = new ClauseStream(this.#kit, {
      vendor: VENDOR,
      text,
      format,
      signal,
      deadlines: { firstMs: connectMs + firstMs, nextMs: betweenMs },
      pace: this.#pace,
      onStop: () => stopped.abort(),
    });
    const body = {
      model: this.#options.model,
      voice: VOICES.test(request.voice) ? request.voice : this.#options.voice,
      input: text,
      response_format: 'pcm',
    };
    void this.#read(body, stopped.signal, stream, new SoundConverter(RATE, format));
    yield* stream;
  }

  warm(): Promise<void> {
    return this.#http.warm();
  }

  close(): Promise<void> {
    this.#http.close();
    return Promise.resolve();
  }

  /** Reads ahead of the listener, so that the vendor's connection is soon free again. Never rejects. */
  async #read(body: object, signal: AbortSignal, stream: ClauseStream, converter: SoundConverter): Promise<void> {
    // Servers of the same API label plain samples in many ways; a page, JSON or a file with a header is not sound.
    const answer = { accept: /^(?:audio\/(?!mpeg|mp3|wav|x-wav|ogg|flac|aac)|application\/octet-stream|binary\/)/i, maxBytes: MOST_BYTES };
    try {
      let odd: Uint8Array = new Uint8Array(0);
      for await (const bytes of this.#http.postForBytes({ path: '/audio/speech', body, signal }, answer)) {
        const whole = joined(odd, bytes);
        odd = whole.slice(whole.length & ~1);
        stream.sound(converter.convert(new Int16Array(whole.buffer, 0, whole.length >> 1)));
      }
      if (stream.rawMs > 0) stream.sound(converter.flush());
      stream.end();
    } catch (error) {
      stream.fail(error);
    }
  }
}

/** New memory, so that it is aligned for samples. */
function joined(before: Uint8Array, after: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(before.length + after.length);
  all.set(before);
  all.set(after, before.length);
  return all;
}
