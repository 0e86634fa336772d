/**
 * OpenAI's Realtime API: one model that hears and speaks. µ-law goes both ways untouched. The model detects turns and answers
 * by itself; an answer that Tandem asks for waits until none is being made.
 *
 *   connecting ──session.created──▶ configuring ──session.updated──▶ ready ──close()──▶ closed
 *        └─────────────── failed ──────────┴───────────────────────────┴──────────────────▲
 *
 * A session lasts 60 minutes at most; its end is a retryable failure.
 */
import { type Frame, msOf } from '#audio/frame.ts';
import type { Timer } from '#kit/clock.ts';
import { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { ProviderSocket } from '../provider-socket.ts';
import { SessionSamples, SessionSound } from '../session-sound.ts';
import type { SpeechSession, SpeechSessionOptions, SpeechToSpeech } from '../speech-to-speech.ts';
import { readArguments } from '../tool-calls.ts';
import { socketUrl } from '../vendor-words.ts';
import {
  answering,
  append,
  callerText,
  cancelling,
  type RealtimeEvent,
  type RealtimeSettings,
  readRealtime,
  saying,
  sessionUpdate,
  toolOutput,
  truncation,
  VENDOR,
} from './realtime-wire.ts';

export interface RealtimeOptions extends RealtimeSettings {
  apiKey: string | undefined;
  /** With its version; `https:` or `http:`. */
  baseUrl: string;
  /** To a configured session; from a turn's end, or from being asked, to the beginning of an answer. */
  deadlines: { readyMs: number; answerMs: number };
}

export const realtimeDeadlines = { readyMs: 6_000, answerMs: 10_000 };

/** Linear sound has one rate only; µ-law needs none. */
const RATES = { 'mulaw-8000': undefined, 'linear-16000': 24_000 } as const;
const PING_EVERY_MS = 15_000;
const IDLE_MS = 40_000;
/** Answers asked for while another is being made. */
const MOST_WAITING = 8;
/** Answers remembered for a late `truncate`. */
const MOST_ITEMS = 64;
/** What an answer may hold. */
const LONGEST_ANSWER_MS = 120_000;

export class OpenAiRealtime implements SpeechToSpeech {
  readonly name = VENDOR;
  readonly model: string;
  readonly #kit: Kit;
  readonly #options: RealtimeOptions;
  readonly #sessions = new Set<RealtimeSession>();

  constructor(kit: Kit, options: RealtimeOptions) {
    this.#kit = kit;
    this.#options = options;
    this.model = options.model;
  }

  open(options: SpeechSessionOptions): SpeechSession {
    const session = new RealtimeSession(this.#kit, this.#options, options, () => this.#sessions.delete(session));
    this.#sessions.add(session);
    return session;
  }

  close(): Promise<void> {
    for (const session of this.#sessions) session.close();
    return Promise.resolve();
  }
}

/** One answer: how much of it came, and whether the rest is still wanted. */
interface Answer {
  receivedMs: number;
  dropped: boolean;
  ended: boolean;
  converter: SessionSamples;
}

class RealtimeSession implements SpeechSession {
  readonly #kit: Kit;
  readonly #model: RealtimeOptions;
  readonly #options: SpeechSessionOptions;
  readonly #ended: () => void;
  readonly #socket: ProviderSocket;
  readonly #input: SessionSound;
  readonly #answers = new Map<string, Answer>();
  /**
   * `making`: the server is at an answer. `asked`: it was told to make one. `wanted`: to be asked for when it is free. `calls`:
   * tools whose results are not told yet; then an answer is `owed`.
   */
  readonly #turn = {
    making: false,
    asked: undefined as object | undefined,
    wanted: [] as object[],
    calls: new Set<string>(),
    owed: false,
    said: { item: '', text: '' },
  };
  /** Items given before the session was ready. */
  #early: object[] = [];
  #state: 'connecting' | 'ready' | 'closed' = 'connecting';
  #deadline: Timer | undefined;

  constructor(kit: Kit, model: RealtimeOptions, options: SpeechSessionOptions, ended: () => void) {
    this.#kit = kit;
    this.#model = model;
    this.#options = options;
    this.#ended = ended;
    this.#input = new SessionSound(options.format, RATES[options.format], (bytes) => this.#socket.send(JSON.stringify(append(bytes))));
    this.#deadline = kit.clock.after(model.deadlines.readyMs, () => this.#fail(this.#late('no session', model.deadlines.readyMs)));
    this.#socket = new ProviderSocket(
      kit,
      {
        vendor: VENDOR,
        url: socketUrl(model.baseUrl, '/realtime', new URLSearchParams({ model: model.model })),
        headers: model.apiKey === undefined ? {} : { authorization: `Bearer ${model.apiKey}` },
        connectMs: model.deadlines.readyMs,
        pingEveryMs: PING_EVERY_MS,
        idleMs: IDLE_MS,
      },
      {
        message: (data) => {
          const event = readRealtime(data);
          if (event) this.#heard(event);
        },
        failed: (error) => this.#fail(error),
      },
    );
  }

  push(frame: Frame): void {
    if (this.#state !== 'closed') this.#input.push(frame);
  }

  say(text: string): void {
    this.#ask(saying(text));
  }

  typed(text: string): void {
    this.#send(callerText(text));
    this.#ask(answering);
  }

  truncate(item: string, heardMs: number): void {
    const answer = this.#answers.get(item);
    if (!answer || answer.receivedMs === 0) return;
    answer.dropped = true;
    // More than there is would be refused.
    this.#send(truncation(item, Math.max(0, Math.floor(Math.min(heardMs, answer.receivedMs)))));
  }

  cancel(): void {
    this.#turn.wanted = [];
    this.#turn.owed = false;
    if (!this.#turn.making) return;
    this.#dropAnswers();
    this.#send(cancelling);
  }

  toolReturned(toolCallId: string, result: string): void {
    if (!this.#turn.calls.delete(toolCallId)) return;
    this.#send(toolOutput(toolCallId, result));
    this.#turn.owed = true;
    this.#settleCalls();
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#end();
    this.#socket.close();
  }

  #heard(event: RealtimeEvent): void {
    const { listener } = this.#options;
    switch (event.type) {
      case 'session-created':
        this.#send(sessionUpdate(this.#model, this.#options), true);
        break;
      case 'session-updated':
        this.#ready();
        break;
      case 'speech-started':
        // The server gives up its answer by itself.
        this.#dropAnswers();
        listener.speechStarted(this.#input.legAt(event.streamMs));
        break;
      case 'speech-stopped':
        listener.speechStopped(this.#input.legAt(event.streamMs));
        break;
      case 'committed':
        if (!this.#turn.making) this.#expectAnswer();
        listener.turnCommitted();
        break;
      case 'caller-said':
        this.#said(event);
        break;
      case 'response-created':
        this.#deadline?.cancel();
        this.#turn.making = true;
        this.#turn.asked = undefined;
        break;
      case 'item-added':
        this.#begin(event.item);
        listener.answerStarted(event.item);
        break;
      case 'sound':
        this.#sound(event.item, event.bytes);
        break;
      case 'words':
        if (!this.#answers.get(event.item)?.dropped) listener.words(event.item, event.text);
        break;
      case 'tool-call':
        this.#turn.calls.add(event.id);
        listener.toolCalled({ id: event.id, name: event.name, ...readArguments(event.text) });
        break;
      case 'response-done':
        this.#done(event);
        break;
      case 'error':
        this.#error(event);
        break;
    }
  }

  #ready(): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'ready';
    this.#deadline?.cancel();
    this.#input.ready();
    this.#options.listener.ready();
    for (const message of this.#early.splice(0)) this.#send(message);
    this.#next();
  }

  /** Deltas add up, per item; the final text replaces them. */
  #said({ item, text, final }: Extract<RealtimeEvent, { type: 'caller-said' }>): void {
    const before = this.#turn.said.item === item ? this.#turn.said.text : '';
    this.#turn.said = { item, text: final ? text : before + text };
    this.#options.listener.callerSaid(this.#turn.said.text, final);
  }

  #dropAnswers(): void {
    for (const answer of this.#answers.values()) if (!answer.ended) answer.dropped = true;
  }

  /** The results of all calls are told, and no more calls can come: the model goes on. */
  #settleCalls(): void {
    if (!this.#turn.owed || this.#turn.making || this.#turn.calls.size > 0) return;
    this.#turn.owed = false;
    this.#ask(answering);
  }

  #begin(item: string): void {
    const [oldest] = this.#answers.keys();
    if (this.#answers.size >= MOST_ITEMS && oldest !== undefined) this.#answers.delete(oldest);
    this.#answers.set(item, {
      receivedMs: 0,
      dropped: false,
      ended: false,
      converter: new SessionSamples(this.#options.format, RATES[this.#options.format]),
    });
  }

  #sound(item: string, bytes: Uint8Array): void {
    const answer = this.#answers.get(item);
    if (!answer || answer.ended) return;
    const sound = answer.converter.read(bytes);
    answer.receivedMs += msOf(sound, this.#options.format);
    if (answer.dropped || sound.length === 0) return;
    if (answer.receivedMs <= LONGEST_ANSWER_MS) this.#options.listener.sound(item, sound);
    else this.cancel();
  }

  #done({ how, usage, error }: Extract<RealtimeEvent, { type: 'response-done' }>): void {
    const { listener } = this.#options;
    this.#turn.making = false;
    this.#deadline?.cancel();
    if (how === 'failed') this.#kit.log.warn({ vendor: VENDOR, error }, 'an answer failed');
    let told = false;
    for (const [item, answer] of this.#answers) {
      if (answer.ended) continue;
      answer.ended = true;
      told = true;
      listener.answerEnded(item, how);
    }
    if (usage) listener.used(usage);
    // Nobody would ever know that no answer comes.
    if (how === 'failed' && !told) this.#fail(error);
    this.#settleCalls();
    this.#next();
  }

  /** An error leaves the session open, unless it never came to be or is over. */
  #error({ code, error }: Extract<RealtimeEvent, { type: 'error' }>): void {
    if (this.#state === 'connecting' || code === 'session_expired' || error.category === 'auth') {
      this.#fail(error);
      return;
    }
    const { asked } = this.#turn;
    if (code === 'conversation_already_has_active_response' && asked) {
      // The model began to answer by itself in the same moment: ours comes behind it.
      this.#turn.asked = undefined;
      this.#turn.making = true;
      this.#turn.wanted.unshift(asked);
      return;
    }
    this.#kit.log.warn({ vendor: VENDOR, error }, 'the session reports an error');
  }

  /** Asks for an answer as soon as none is being made. */
  #ask(message: object): void {
    if (this.#state === 'closed' || this.#turn.wanted.length >= MOST_WAITING) return;
    this.#turn.wanted.push(message);
    this.#next();
  }

  #next(): void {
    const { making, asked, wanted } = this.#turn;
    if (this.#state !== 'ready' || making || asked) return;
    const message = wanted.shift();
    if (!message) return;
    this.#turn.asked = message;
    this.#expectAnswer();
    this.#send(message);
  }

  #expectAnswer(): void {
    const { answerMs } = this.#model.deadlines;
    this.#deadline?.cancel();
    this.#deadline = this.#kit.clock.after(answerMs, () => this.#fail(this.#late('no answer', answerMs)));
  }

  #send(message: object, configuring = false): void {
    if (this.#state === 'closed') return;
    if (!configuring && this.#state === 'connecting') {
      if (this.#early.length < MOST_WAITING) this.#early.push(message);
      return;
    }
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
