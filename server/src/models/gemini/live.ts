/**
 * Gemini Live: one model that hears and speaks, at rates of its own. It tells neither when the caller begins nor when a turn
 * ends: the first words of the caller stand for the one, the first sound of the answer for the other. It cannot be told
 * what was heard of an answer; when it is interrupted it forgets what it had not sent.
 *
 *   connecting ──setup──▶ ──setupComplete──▶ ready ──close()──▶ closed
 *        └────────────── failed ───────────────┴───────────────────▲
 */
import { type Frame, msOf } from '#audio/frame.ts';
import type { Timer } from '#kit/clock.ts';
import { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { ProviderSocket } from '../provider-socket.ts';
import { SessionSamples, SessionSound } from '../session-sound.ts';
import type { SpeechSession, SpeechSessionOptions, SpeechToSpeech } from '../speech-to-speech.ts';
import { socketUrl } from '../vendor-words.ts';
import { INPUT_RATE, type LiveMessage, OUTPUT_RATE, readLive, setup, soundInput, textInput, toolResponse, VENDOR } from './live-wire.ts';

export interface GeminiLiveOptions {
  apiKey: string;
  /** Without its version; `https:` or `http:`. */
  baseUrl: string;
  model: string;
  /** To a configured session; from being asked to the beginning of an answer. */
  deadlines: { readyMs: number; answerMs: number };
}

export const geminiLiveDeadlines = { readyMs: 6_000, answerMs: 10_000 };

const PATH = '/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent';
const PING_EVERY_MS = 15_000;
const IDLE_MS = 40_000;
const MOST_EARLY = 16;
const LONGEST_ANSWER_MS = 120_000;

export class GeminiLive implements SpeechToSpeech {
  readonly name = VENDOR;
  readonly model: string;
  readonly #kit: Kit;
  readonly #options: GeminiLiveOptions;
  readonly #sessions = new Set<LiveSession>();

  constructor(kit: Kit, options: GeminiLiveOptions) {
    this.#kit = kit;
    this.#options = options;
    this.model = options.model;
  }

  open(options: SpeechSessionOptions): SpeechSession {
    const session = new LiveSession(this.#kit, this.#options, options, () => this.#sessions.delete(session));
    this.#sessions.add(session);
    return session;
  }

  close(): Promise<void> {
    for (const session of this.#sessions) session.close();
    return Promise.resolve();
  }
}

interface Answer {
  item: string;
  samples: SessionSamples;
  soundMs: number;
  /** The rest is not wanted any more. */
  dropped: boolean;
}

class LiveSession implements SpeechSession {
  readonly #kit: Kit;
  readonly #model: GeminiLiveOptions;
  readonly #options: SpeechSessionOptions;
  readonly #ended: () => void;
  readonly #socket: ProviderSocket;
  readonly #input: SessionSound;
  /** What the caller said in this turn, the answer in the making, and the tools that were called. */
  readonly #turn = { said: '', answer: undefined as Answer | undefined, calls: new Map<string, string>() };
  #state: 'connecting' | 'ready' | 'closed' = 'connecting';
  #early: object[] = [];
  #newestAt = 0;
  #deadline: Timer | undefined;

  constructor(kit: Kit, model: GeminiLiveOptions, options: SpeechSessionOptions, ended: () => void) {
    this.#kit = kit;
    this.#model = model;
    this.#options = options;
    this.#ended = ended;
    const { readyMs } = model.deadlines;
    this.#input = new SessionSound(options.format, INPUT_RATE, (bytes) => this.#socket.send(JSON.stringify(soundInput(bytes))));
    this.#deadline = kit.clock.after(readyMs, () => this.#fail(this.#late('no session', readyMs)));
    this.#socket = new ProviderSocket(
      kit,
      {
        vendor: VENDOR,
        url: socketUrl(model.baseUrl, PATH, new URLSearchParams({ key: model.apiKey })),
        // The key counts in the address; as a header it is also masked in every error.
        headers: { 'x-goog-api-key': model.apiKey },
        connectMs: readyMs,
        pingEveryMs: PING_EVERY_MS,
        idleMs: IDLE_MS,
        // A wrong key is told inside the socket.
        categoryOf: (_code, reason) => (/API key/i.test(reason) ? 'auth' : undefined),
      },
      {
        opened: () => this.#write(setup(model.model, options)),
        message: (data) => this.#heard(readLive(data)),
        failed: (error) => this.#fail(error),
      },
    );
  }

  push(frame: Frame): void {
    if (this.#state === 'closed') return;
    this.#newestAt = frame.at;
    this.#input.push(frame);
  }

  say(text: string): void {
    this.#ask(textInput(`Say exactly the following words to the caller, all of them, and nothing else: ${JSON.stringify(text)}`));
  }

  typed(text: string): void {
    this.#ask(textInput(text));
  }

  truncate(item: string, _heardMs: number): void {
    const { answer } = this.#turn;
    if (answer?.item === item) answer.dropped = true;
  }

  /** The vendor knows no cancelling: the rest of its answer is thrown away here. */
  cancel(): void {
    if (this.#turn.answer) this.#turn.answer.dropped = true;
  }

  toolReturned(toolCallId: string, result: string): void {
    const name = this.#turn.calls.get(toolCallId);
    if (name === undefined) return;
    this.#turn.calls.delete(toolCallId);
    this.#ask(toolResponse(toolCallId, name, result));
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#end();
    this.#socket.close();
  }

  #heard(message: LiveMessage): void {
    const { listener } = this.#options;
    if (message.ready) this.#ready();
    if (message.callerText !== '') {
      // Transcriptions keep no order: what comes under an answer is the turn before it, an interruption says so itself.
      if (this.#turn.said === '' && !this.#turn.answer) listener.speechStarted(this.#newestAt);
      this.#turn.said += message.callerText;
      listener.callerSaid(this.#turn.said.trim(), false);
    }
    if (message.interrupted) this.#endAnswer('cancelled');
    for (const bytes of message.sounds) this.#sound(bytes);
    if (message.answerText !== '') {
      const answer = this.#answer();
      if (!answer.dropped) listener.words(answer.item, message.answerText);
    }
    for (const call of message.calls) {
      this.#deadline?.cancel();
      this.#commit();
      this.#turn.calls.set(call.id, call.name);
      listener.toolCalled(call);
    }
    if (message.turnComplete) {
      this.#endAnswer('complete');
      this.#lateWords();
    }
    if (message.usage) listener.used(message.usage);
    if (message.goingAway) this.#kit.log.warn({ vendor: VENDOR }, 'the session ends soon');
  }

  #ready(): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'ready';
    this.#deadline?.cancel();
    this.#input.ready();
    this.#options.listener.ready();
    for (const message of this.#early.splice(0)) this.#ask(message);
  }

  /** The caller's turn is over when the model begins to do something about it. */
  #commit(): void {
    const { said } = this.#turn;
    if (said === '') return;
    this.#turn.said = '';
    const { listener } = this.#options;
    listener.speechStopped(this.#newestAt);
    listener.turnCommitted();
    listener.callerSaid(said.trim(), true);
  }

  /** Words that came only under their answer belong to no other turn. */
  #lateWords(): void {
    const { said } = this.#turn;
    this.#turn.said = '';
    if (said !== '') this.#options.listener.callerSaid(said.trim(), true);
  }

  #answer(): Answer {
    if (this.#turn.answer) return this.#turn.answer;
    this.#deadline?.cancel();
    this.#commit();
    const item = this.#kit.ids.make('answer');
    const answer = { item, samples: new SessionSamples(this.#options.format, OUTPUT_RATE), soundMs: 0, dropped: false };
    this.#turn.answer = answer;
    this.#options.listener.answerStarted(item);
    return answer;
  }

  #sound(bytes: Uint8Array): void {
    const answer = this.#answer();
    const sound = answer.samples.read(bytes);
    answer.soundMs += msOf(sound, this.#options.format);
    if (answer.soundMs > LONGEST_ANSWER_MS) answer.dropped = true;
    if (!answer.dropped && sound.length > 0) this.#options.listener.sound(answer.item, sound);
  }

  #endAnswer(how: 'complete' | 'cancelled'): void {
    const { answer } = this.#turn;
    this.#turn.answer = undefined;
    if (answer) this.#options.listener.answerEnded(answer.item, answer.dropped ? 'cancelled' : how);
  }

  /** Something that an answer must follow. */
  #ask(message: object): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'connecting') {
      if (this.#early.length < MOST_EARLY) this.#early.push(message);
      return;
    }
    const { answerMs } = this.#model.deadlines;
    this.#deadline?.cancel();
    this.#deadline = this.#kit.clock.after(answerMs, () => this.#fail(this.#late('no answer', answerMs)));
    this.#write(message);
  }

  #write(message: object): void {
    if (!this.#socket.send(JSON.stringify(message))) this.#fail(new VendorError(VENDOR, 'retryable', 'the connection does not take more'));
  }

  #fail(error: VendorError): void {
    if (this.#state === 'closed') return;
    this.#end();
    this.#socket.close();
    this.#options.listener.failed(error);
  }

  #end(): void {
    this.#state = 'closed';
    this.#deadline?.cancel();
    this.#ended();
  }

  #late(what: string, ms: number): VendorError {
    return new VendorError(VENDOR, 'retryable', `${what} within ${ms} ms`);
  }
}
