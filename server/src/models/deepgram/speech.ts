/**
 * Deepgram's Aura voices. A socket speaks one clause at a time; clauses that must be made at once take several. Aura gives no
 * word times: words share the sound by their length.
 */
import { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { ClauseStream } from '../clause-stream.ts';
import { PaceWatch } from '../pace-watch.ts';
import { textWithoutMarkup } from '../spoken-text.ts';
import type { SpeechPart, SpeechRequest, Synthesizer } from '../synthesizer.ts';
import { type SpeechLine, SpeechLines } from './speech-lines.ts';
import { isAuraVoice, speakUrl } from './speech-wire.ts';

const VENDOR = 'deepgram';

export interface DeepgramSpeechOptions {
  apiKey: string;
  /** `https:` or `http:`; the WebSockets live below it. */
  baseUrl: string;
  /** For a voice that is none of Deepgram's. */
  voice: string;
  deadlines: { connectMs: number; firstMs: number; nextMs: number };
}

export const deepgramSpeechDeadlines = { connectMs: 3_000, firstMs: 5_000, nextMs: 3_000 };

const SOCKET_AGE_MS = 5 * 60_000;
const KEEP_SPARE_MS = 10 * 60_000;
/** Of one message, says Deepgram. */
const LONGEST_TEXT = 2_000;

export class DeepgramSynthesizer implements Synthesizer {
  readonly name = VENDOR;
  readonly model: string;
  readonly #kit: Kit;
  readonly #options: DeepgramSpeechOptions;
  readonly #lines: SpeechLines;
  readonly #pace: PaceWatch;

  constructor(kit: Kit, options: DeepgramSpeechOptions) {
    this.#kit = kit;
    this.#options = options;
    // `aura-2-thalia-en` is a voice of `aura-2`.
    this.model = /^aura-\d+/.exec(options.voice)?.[0] ?? 'aura';
    this.#pace = new PaceWatch(kit.log, VENDOR);
    this.#lines = new SpeechLines(kit, {
      vendor: VENDOR,
      headers: { authorization: `Token ${options.apiKey}` },
      connectMs: options.deadlines.connectMs,
      size: 1,
      maxAgeMs: SOCKET_AGE_MS,
      keepMs: KEEP_SPARE_MS,
    });
  }

  /** Connections, speaking or kept. */
  get sockets(): number {
    return this.#lines.size;
  }

  async *speak(request: SpeechRequest): AsyncIterable<SpeechPart> {
    const { signal, format } = request;
    signal.throwIfAborted();
    const text = textWithoutMarkup(request.text);
    if (text === '') return;
    if (text.length > LONGEST_TEXT) throw new VendorError(VENDOR, 'bad-input', `text is longer than ${LONGEST_TEXT} characters`);
    const url = this.#urlOf(request);
    let line: SpeechLine | undefined;
    const stream = new ClauseStream(this.#kit, {
      vendor: VENDOR,
      text,
      format,
      signal,
      deadlines: this.#options.deadlines,
      pace: this.#pace,
      onStop: () => line?.stop(),
    });
    const begin = (retried: boolean) => {
      try {
        line = this.#lines.take(url);
        line.speak(text, {
          sound: (bytes) => stream.bytes(bytes),
          flushed: () => stream.end(),
          failed: (error) => {
            line = undefined;
            // A kept socket may have died unnoticed: once more on another, if nothing was heard.
            if (retried || error.category !== 'retryable' || stream.rawMs > 0 || !stream.open) stream.fail(error);
            else begin(true);
          },
        });
      } catch (error) {
        line = undefined;
        stream.fail(error);
      }
    };
    begin(false);
    yield* stream;
  }

  /** Of the default voice, as a telephone hears it. */
  async warm(): Promise<void> {
    await this.#lines.warm(this.#urlOf({ voice: this.#options.voice, format: 'mulaw-8000' }));
  }

  close(): Promise<void> {
    this.#lines.close();
    return Promise.resolve();
  }

  #urlOf({ voice, format }: Pick<SpeechRequest, 'voice' | 'format'>): string {
    return speakUrl(this.#options.baseUrl, isAuraVoice(voice) ? voice : this.#options.voice, format);
  }
}
