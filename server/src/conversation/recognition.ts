/**
 * The transcribers of a call as one, in order of preference. A stream that dies is followed by one of the next, which is
 * given again what no final has covered (at most the last 10 s); when all have failed they are tried again twice.
 */
import { FRAME_MS, type Frame, type SoundFormat } from '#audio/frame.ts';
import type { Timer } from '#kit/clock.ts';
import { messageOf, VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Transcriber, Transcript, TranscriptionStream } from '#models/transcriber.ts';
import { FrameRing } from './frame-ring.ts';
import { isRetryable, type ProviderHealth } from './provider-health.ts';
import type { UsageMeter } from './usage.ts';

/** Sound before the detected start of speech that a transcriber is given too. */
const PRE_ROLL_MS = 300;
/** When everybody has failed they are asked again after these waits; then the ear is deaf. */
const REOPEN_AFTER_MS = [500, 2_000];
const STAGE = 'transcriber';

/** Synchronous. Times on the leg's clock. */
export interface RecognitionListener {
  heard(transcript: Transcript, final: boolean): void;
  endOfTurn(): void;
  eagerEndOfTurn(): void;
  turnResumed(): void;
  failed(transcriber: Transcriber, error: VendorError, next: Transcriber | undefined): void;
  /** Nobody is left. */
  deaf(error: VendorError): void;
}

export interface RecognitionOptions {
  kit: Kit;
  format: SoundFormat;
  transcribers: readonly [Transcriber, ...Transcriber[]];
  health: ProviderHealth;
  usage: UsageMeter;
  language: string;
  otherLanguages?: readonly string[];
  phrases: readonly string[];
  listener: RecognitionListener;
}

export class Recognition {
  readonly #options: RecognitionOptions;
  readonly #ring: FrameRing;
  #stream: { by: Transcriber; to: TranscriptionStream; speechOnly: boolean; frames: number } | undefined;
  /** Who has failed since somebody was last understood. */
  readonly #failed = new Set<Transcriber>();
  readonly #reopen: { timer: Timer | undefined; times: number } = { timer: undefined, times: 0 };
  /** The newest stretch of speech, and up to where finals reach. */
  readonly #speech = { on: false, from: 0, to: -1, finalTo: -1 };
  /** The newest final. */
  #final: Pick<Transcript, 'text' | 'fromAt' | 'toAt'> | undefined;
  /** When the newest frame was heard. */
  #newest = 0;
  #closed = false;

  constructor(options: RecognitionOptions) {
    this.#options = options;
    this.#ring = new FrameRing(options.format);
  }

  /** Who is heard by now; the one to be opened before. */
  get transcriber(): Transcriber {
    return this.#stream?.by ?? this.#candidate() ?? this.#options.transcribers[0];
  }

  open(): void {
    if (this.#closed || this.#stream) return;
    const by = this.#candidate() ?? this.#options.transcribers[0];
    const { format, language, otherLanguages, phrases, listener, health } = this.#options;
    const stream: { to: TranscriptionStream | undefined; dead: boolean } = { to: undefined, dead: false };
    const current = () => !this.#closed && !stream.dead && (stream.to === undefined || stream.to === this.#stream?.to);
    const failed = (error: VendorError) => {
      if (!current()) return;
      stream.dead = true;
      this.#streamFailed(by, error);
    };
    health.breaker(STAGE, by.name).admit();
    try {
      stream.to = by.open({
        format,
        language,
        otherLanguages,
        phrases,
        listener: {
          partial: (transcript) => current() && this.#heard(transcript, false),
          final: (transcript) => current() && this.#heard(transcript, true),
          endOfTurn: () => current() && listener.endOfTurn(),
          eagerEndOfTurn: () => current() && listener.eagerEndOfTurn(),
          turnResumed: () => current() && listener.turnResumed(),
          failed,
        },
      });
    } catch (error) {
      // Also from a timer: a transcriber that cannot even be opened leaves the ear deaf, never the call broken.
      return failed(error instanceof VendorError ? error : new VendorError(by.name, 'permanent', messageOf(error), { cause: error }));
    }
    if (stream.dead) return stream.to.close();
    this.#stream = { by, to: stream.to, speechOnly: by.speechOnly ?? false, frames: 0 };
    this.#replay();
  }

  /** Every frame, in order; `started` and `ended` with the one that shows it. */
  push(frame: Frame, edge: 'started' | 'ended' | undefined, from: number, to: number): void {
    this.#ring.keep(frame);
    this.#newest = frame.at;
    const stream = this.#stream;
    if (edge === 'started') {
      this.#speech.on = true;
      this.#speech.from = from;
      stream?.to.speechStarted(from);
      if (stream?.speechOnly) return this.#pushSince(frame.at - PRE_ROLL_MS);
    }
    if (stream && (!stream.speechOnly || this.#speech.on)) {
      stream.frames++;
      stream.to.push(frame);
    }
    if (edge === 'ended') {
      this.#speech.on = false;
      this.#speech.to = to;
    }
  }

  /** After the frame, because a transcriber may answer with the final at once. */
  speechEnded(to: number): void {
    this.#stream?.to.speechEnded(to);
  }

  /** Adds what was listened to since the last time to the usage. */
  account(): void {
    const stream = this.#stream;
    if (!stream || stream.frames === 0) return;
    this.#options.usage.add(STAGE, stream.by, 'seconds', (stream.frames * FRAME_MS) / 1000);
    stream.frames = 0;
  }

  close(): void {
    if (this.#closed) return;
    this.account();
    this.#closed = true;
    this.#reopen.timer?.cancel();
    this.#stream?.to.close();
    this.#stream = undefined;
  }

  #heard(transcript: Transcript, final: boolean): void {
    if (final && this.#repeats(transcript)) return;
    const by = this.#stream?.by;
    if (by) this.#options.health.breaker(STAGE, by.name).succeeded();
    this.#failed.clear();
    this.#reopen.times = 0;
    if (final) this.#speech.finalTo = transcript.toAt > 0 ? transcript.toAt : this.#coveredTo();
    this.#options.listener.heard(transcript, final);
  }

  /** The same words of the same moment, said to be final a second time: some vendors do that, callers cannot. */
  #repeats({ text, fromAt, toAt }: Transcript): boolean {
    const before = this.#final;
    this.#final = { text, fromAt, toAt };
    return toAt > 0 && before?.text === text && before.fromAt === fromAt && before.toAt === toAt;
  }

  /** Of a final that tells no times: in the middle of speech it is about what was said just before. */
  #coveredTo(): number {
    const { on, to, finalTo } = this.#speech;
    return Math.max(finalTo, on ? this.#newest - PRE_ROLL_MS : to);
  }

  #streamFailed(by: Transcriber, error: VendorError): void {
    const { kit, health, listener } = this.#options;
    this.account();
    this.#stream?.to.close();
    this.#stream = undefined;
    health.failed(STAGE, by.name, error);
    this.#failed.add(by);
    const next = this.#candidate();
    if (next) {
      listener.failed(by, error, next);
      return this.open();
    }
    const waitMs = isRetryable(error) ? REOPEN_AFTER_MS[this.#reopen.times] : undefined;
    kit.log.warn({ error, again: waitMs !== undefined }, 'the transcriber failed');
    if (waitMs === undefined) {
      listener.failed(by, error, undefined);
      return listener.deaf(error);
    }
    this.#reopen.times++;
    this.#failed.clear();
    listener.failed(by, error, this.#candidate());
    this.#reopen.timer = kit.clock.after(waitMs, () => this.open());
  }

  #candidate(): Transcriber | undefined {
    const { health, transcribers } = this.#options;
    return health.ready(STAGE, transcribers).find((one) => !this.#failed.has(one)) ?? transcribers.find((one) => !this.#failed.has(one));
  }

  /** What was said and is in no final is said again to a new stream. */
  #replay(): void {
    const stream = this.#stream;
    const { on, from, to, finalTo } = this.#speech;
    if (!stream || (!on && to <= finalTo)) return;
    const begin = Math.max(finalTo, from - PRE_ROLL_MS);
    stream.to.speechStarted(Math.max(from, finalTo));
    this.#pushSince(begin);
    if (!on) stream.to.speechEnded(to);
  }

  #pushSince(fromAt: number): void {
    const stream = this.#stream;
    if (stream) stream.frames += this.#ring.since(fromAt, (frame) => stream.to.push(frame));
  }
}
