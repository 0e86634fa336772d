/**
 * Deepgram Flux: `wss://api.deepgram.com/v2/listen`. The state machine of the documentation:
 *
 *     (ready) ──StartOfTurn──▶ (ongoing) ──EagerEndOfTurn──▶ (awaiting) ──EndOfTurn──▶ (ready)
 *                                  ▲────────TurnResumed──────────┘
 *
 * An Update comes every quarter of a second of sound unless something else did; the transcript of EndOfTurn is the one of the
 * EagerEndOfTurn right before it; `turn_index` counts up after EndOfTurn; `eot_threshold=1.0` leaves the end to ForceEndTurn.
 */
import { randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import { parseJson } from './connection.ts';
import { admitsDeepgram, deepgramSound, refuseDeepgram } from './deepgram.ts';
import { Hearing, seconds, wordsText, type FinalWords, type TimedWord } from './hearing.ts';
import { socketOutlet } from './outlet.ts';
import type { Failure, Route, RouteContext } from './route.ts';

interface Thresholds {
  eot_threshold: number;
  eager_eot_threshold: number | undefined;
  eot_timeout_ms: number;
}

type TurnEvent = 'Update' | 'StartOfTurn' | 'EagerEndOfTurn' | 'TurnResumed' | 'EndOfTurn';

function failure(): Failure {
  const message = { type: 'Error', sequence_id: 0, code: 'INTERNAL_SERVER_ERROR', description: 'A scripted failure.' };
  return { message: JSON.stringify(message), code: 1011, reason: 'Internal server error' };
}

/** The documented ranges; a sentence says what is wrong. */
function wrongThresholds(thresholds: Thresholds): string | undefined {
  const { eot_threshold: eot, eager_eot_threshold: eager, eot_timeout_ms: timeout } = thresholds;
  if (!(eot >= 0.5 && eot <= 1)) return 'eot_threshold must be between 0.5 and 1.0';
  if (eager !== undefined && !(eager >= 0.3 && eager <= 0.9)) return 'eager_eot_threshold must be between 0.3 and 0.9';
  if (eager !== undefined && eager > eot) return 'eager_eot_threshold must not exceed eot_threshold';
  if (!(timeout >= 500 && timeout <= 60_000)) return 'eot_timeout_ms must be between 500 and 60000';
  return undefined;
}

function thresholdsOf(url: URL): Thresholds {
  const query = url.searchParams;
  const eager = query.get('eager_eot_threshold');
  return {
    eot_threshold: Number(query.get('eot_threshold') ?? '0.7'),
    eager_eot_threshold: eager === null ? undefined : Number(eager),
    eot_timeout_ms: Number(query.get('eot_timeout_ms') ?? '5000'),
  };
}

function check({ url }: RouteContext): string | undefined {
  const model = url.searchParams.get('model') ?? '';
  if (!model.startsWith('flux-')) return `Unknown model for /v2/listen: '${model}'`;
  const sound = deepgramSound(url);
  return typeof sound === 'string' ? sound : wrongThresholds(thresholdsOf(url));
}

/** Words are told again with each update of their turn. */
const told = new WeakMap<TimedWord, string>();

function wordJson(word: TimedWord): string {
  let text = told.get(word);
  if (text === undefined) {
    const { text: written, startMs, endMs } = word;
    text = JSON.stringify({ word: written, confidence: 0.99, start: seconds(startMs), end: seconds(endMs) });
    told.set(word, text);
  }
  return text;
}

interface Turn {
  index: number;
  words: TimedWord[];
  startMs: number;
  /** StartOfTurn was sent. */
  begun: boolean;
  /** EagerEndOfTurn was sent, and neither TurnResumed nor EndOfTurn after it. */
  eager: boolean;
  /** Its end is decided and on its way. */
  due: boolean;
  /** What was said meanwhile. */
  next: TimedWord[];
  nextDue: boolean;
}

/** One stream: the turn in progress and what was said of it. */
class FluxStream {
  readonly #webSocket: WebSocket;
  readonly #context: RouteContext;
  readonly #outlet: ReturnType<typeof socketOutlet>;
  readonly #hearing: Hearing;
  readonly #requestId = randomUUID();
  readonly #turn: Turn = { index: 0, words: [], startMs: 0, begun: false, eager: false, due: false, next: [], nextDue: false };
  #lastEnd: string | undefined;
  #thresholds: Thresholds;
  #sequence = 0;
  #closing = false;
  /** When the last message of the turn went, in ms of sound: Updates keep their distance from it. */
  #messageMs = 0;

  constructor(webSocket: WebSocket, context: RouteContext) {
    const shape = deepgramSound(context.url);
    if (typeof shape === 'string') throw new Error(shape);
    this.#webSocket = webSocket;
    this.#context = context;
    this.#thresholds = thresholdsOf(context.url);
    this.#outlet = socketOutlet(webSocket, context);
    this.#hearing = new Hearing(context, this.#outlet, shape, {
      tick: (heard) => this.#tick(heard?.words ?? []),
      eager: (heard) => this.#eager(heard.words),
      resumed: (heard) => this.#resume(heard.words),
      voiceStarted: () => this.#resume([]),
      ended: (heard) => this.#close(heard),
      final: (heard) => {
        this.#settle(heard);
        if (this.#closing && !this.#hearing.isBusy) this.#webSocket.close(1000);
      },
      passed: (_atMs, silentMs) => {
        if (silentMs >= this.#thresholds.eot_timeout_ms && this.#turn.begun && !this.#hearing.isBusy) this.#end('model');
      },
    });
    this.#outlet.note(JSON.stringify({ type: 'Connected', request_id: this.#requestId, sequence_id: this.#sequence++ }));
    webSocket.on('message', (data: Buffer, isBinary) => this.#receive(data, isBinary));
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (isBinary) {
      if (!this.#closing) this.#hearing.push(data);
      return;
    }
    const message = parseJson(data.toString()) as { type?: string; thresholds?: Partial<Thresholds>; keyterms?: string[] } | undefined;
    if (message?.type === 'Configure') this.#configure(message.thresholds ?? {}, message.keyterms);
    else if (message?.type === 'ForceEndTurn') {
      if (!this.#hearing.flush() && this.#turn.begun) this.#end('manual');
    } else if (message?.type === 'CloseStream') {
      this.#closing = true;
      if (!this.#hearing.flush()) this.#webSocket.close(1000);
    } else {
      const description = 'Could not parse the message: unknown type';
      this.#outlet.note(JSON.stringify({ type: 'Error', sequence_id: this.#sequence++, code: 'UNPARSABLE_CLIENT_MESSAGE', description }));
      this.#webSocket.close(1008, 'UNPARSABLE_CLIENT_MESSAGE');
    }
  }

  #configure(change: Partial<Thresholds>, keyterms: string[] | undefined): void {
    const thresholds = { ...this.#thresholds, ...change };
    const wrong = wrongThresholds(thresholds);
    const head = { request_id: this.#requestId, sequence_id: this.#sequence++ };
    if (wrong !== undefined) {
      this.#outlet.note(JSON.stringify({ type: 'ConfigureFailure', ...head, error_code: 'INVALID_THRESHOLDS', description: wrong }));
      return;
    }
    this.#thresholds = thresholds;
    this.#outlet.note(JSON.stringify({ type: 'ConfigureSuccess', ...head, thresholds, keyterms: keyterms ?? [] }));
  }

  #tick(words: TimedWord[]): void {
    // The end of a turn that is late holds back the next one: the protocol has one turn at a time.
    if (words.length > 0 && !this.#turn.due) {
      this.#begin(words);
      if (!this.#turn.eager) this.#send('Update', words);
      this.#context.log('partial');
    } else if (this.#hearing.receivedMs - this.#messageMs >= this.#context.scenario.partialEveryMs) this.#send('Update', []);
  }

  #begin(words: TimedWord[]): void {
    const first = this.#turn.words[0] ?? words[0];
    if (this.#turn.begun || !first) return;
    this.#turn.begun = true;
    this.#turn.startMs = first.startMs;
    this.#send('StartOfTurn', words);
  }

  #eager(words: TimedWord[]): void {
    if (this.#thresholds.eager_eot_threshold === undefined || words.length === 0 || this.#turn.eager || this.#turn.due) return;
    this.#begin(words);
    this.#turn.eager = true;
    this.#context.log('eager', { detail: wordsText([...this.#turn.words, ...words]) });
    this.#send('EagerEndOfTurn', words);
  }

  /** The caller goes on inside the turn. */
  #resume(heard: TimedWord[]): void {
    if (!this.#turn.eager || this.#turn.due) return;
    this.#turn.eager = false;
    this.#send('TurnResumed', heard);
  }

  /** The voice has ended and its words are known: they belong to this turn, or to the next one while this one's end is on its way. */
  #close(heard: FinalWords): void {
    const turn = this.#turn;
    const ends = heard.asked || (heard.endsTurn && this.#thresholds.eot_threshold < 1);
    (turn.due ? turn.next : turn.words).push(...heard.words);
    if (turn.due) turn.nextDue ||= ends;
    else turn.due = ends;
  }

  #settle(heard: FinalWords): void {
    if (heard.again) {
      if (this.#lastEnd !== undefined) this.#outlet.result(this.#lastEnd);
      return;
    }
    if (heard.words.length === 0) this.#turn.words = [];
    this.#begin([]);
    if (this.#turn.due || heard.asked) this.#end(heard.asked ? 'manual' : 'model');
  }

  #end(trigger: 'model' | 'manual'): void {
    const turn = this.#turn;
    this.#context.log('end-of-turn', { detail: wordsText(turn.words) });
    this.#lastEnd = this.#turnInfo('EndOfTurn', [], { trigger });
    this.#outlet.result(this.#lastEnd);
    turn.index++;
    turn.words = turn.next;
    turn.due = turn.nextDue;
    turn.next = [];
    turn.nextDue = false;
    turn.begun = false;
    turn.eager = false;
    turn.startMs = this.#hearing.receivedMs;
  }

  #send(event: TurnEvent, words: TimedWord[]): void {
    const message = this.#turnInfo(event, words);
    if (this.#turn.words.length + words.length > 0) this.#outlet.result(message);
    else this.#outlet.note(message);
  }

  #turnInfo(event: TurnEvent, words: TimedWord[], more: object = {}): string {
    this.#messageMs = this.#hearing.receivedMs;
    const all = [...this.#turn.words, ...words];
    const { eot_threshold: eot, eager_eot_threshold: eager } = this.#thresholds;
    const text = JSON.stringify({
      type: 'TurnInfo',
      request_id: this.#requestId,
      sequence_id: this.#sequence++,
      event,
      turn_index: this.#turn.index,
      audio_window_start: seconds(this.#turn.startMs),
      audio_window_end: seconds(this.#hearing.receivedMs),
      transcript: wordsText(all),
      words: [],
      end_of_turn_confidence: event === 'EndOfTurn' ? Math.min(0.99, eot + 0.1) : event === 'EagerEndOfTurn' ? (eager ?? 0) + 0.05 : 0.05,
      ...more,
    });
    return all.length === 0 ? text : text.replace('"words":[]', () => `"words":[${all.map(wordJson).join(',')}]`);
  }
}

export const deepgramFluxRoutes: readonly Route[] = [
  {
    path: /^\/v2\/listen$/,
    stage: 'transcriber',
    admits: admitsDeepgram,
    refuse: refuseDeepgram,
    failure,
    check,
    socket: (webSocket, _request, context) => void new FluxStream(webSocket, context),
  },
];
