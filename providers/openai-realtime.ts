/**
 * OpenAI Realtime (GA): `wss://api.openai.com/v1/realtime?model=…`. One model that hears and speaks: turns are detected in the sound
 * that comes, or committed by the client. Events and their order as in the types of openai-node 7b7d6ca.
 */
import type { WebSocket } from 'ws';
import { answerTo, askedOf, type Said } from './answers.ts';
import { parseJson } from './connection.ts';
import { wordsText, type FinalWords, type Hearing } from './hearing.ts';
import { isObject, listOf, objectOf, textOf, type Json } from './json.ts';
import { badValue, missing, openaiAdmits, openaiId, refuseOpenai, type Wrong } from './openai.ts';
import { RealtimeAnswer, type AnswerHost, type Cancellation, type Item } from './openai-realtime-answer.ts';
import { audioOf, defaultSession, shapeOf, updated, wrongUpdate } from './openai-realtime-config.ts';
import { socketOutlet, type Outlet } from './outlet.ts';
import type { Failure, Route, RouteContext } from './route.ts';
import { sessionHearing } from './session-hearing.ts';
import { countTokens } from './tokens.ts';

const LONGEST_SESSION_MS = 3_600_000;
const FEWEST_COMMITTED_MS = 100;
/** How long `semantic_vad` waits for a caller who seems to go on. */
const longestPauseMs: Readonly<Record<string, number>> = { low: 8000, medium: 4000, auto: 4000, high: 2000 };
/** Silence after which `semantic_vad` looks whether the caller has finished. */
const SEMANTIC_GAP_MS = 200;

/** A turn of the caller: one item, one stretch of voice or several. */
interface Turn {
  itemId: string;
  words: string[];
  stretches: number;
  finals: number;
  committed: boolean;
}

class RealtimeSession implements AnswerHost {
  readonly context: RouteContext;
  readonly conversationId = openaiId('conv');
  session: Json;
  readonly #webSocket: WebSocket;
  readonly #items: Item[] = [];
  readonly #turnOf = new WeakMap<FinalWords, Turn>();
  #hearing: Hearing;
  #turn: Turn | undefined;
  #stopWaiting = (): void => {};
  #answer: RealtimeAnswer | undefined;
  #failing = false;
  #silent = false;
  #committedMs = 0;
  #startedMs = 0;
  #lastInput = 0;

  constructor(webSocket: WebSocket, context: RouteContext) {
    this.#webSocket = webSocket;
    this.context = context;
    this.session = defaultSession(context.url.searchParams.get('model') ?? '');
    this.#hearing = this.#makeHearing();
    webSocket.on('message', (data: Buffer) => this.#receive(parseJson(data.toString())));
    context.after(LONGEST_SESSION_MS, () => {
      this.#refuse({ message: 'Your session hit the maximum duration of 60 minutes.', code: 'session_expired' }, undefined);
      webSocket.close(1001, 'session expired');
    });
    this.send('session.created', { session: this.session });
  }

  send(type: string, more: Json): void {
    if (!this.#silent && this.#webSocket.readyState === this.#webSocket.OPEN) this.#webSocket.send(this.event(type, more));
  }

  event(type: string, more: Json): string {
    return JSON.stringify({ type, event_id: openaiId('event'), ...more });
  }

  checkOutlet(outlet: Outlet): void {
    if (outlet.isOpen) return;
    if (this.#failing) this.#answer?.fail();
    else this.#silent = true;
  }

  add(item: Item): string | null {
    const previous = this.#items.at(-1)?.shown.id;
    this.#items.push(item);
    return typeof previous === 'string' ? previous : null;
  }

  ended(answer: RealtimeAnswer): void {
    if (this.#answer === answer) this.#answer = undefined;
  }

  /** 10 tokens are a second of the caller's sound, 20 one of the assistant's. */
  inputTokens(): { text: number; audio: number; cached: number } {
    let text = countTokens(JSON.stringify([this.session.instructions, this.session.tools]));
    let audio = 0;
    for (const item of this.#items) {
      if (item.audioMs > 0) audio += Math.ceil(item.audioMs / (item.shown.role === 'user' ? 100 : 50));
      else text += countTokens(JSON.stringify(item.shown));
    }
    const cached = this.#lastInput >= 1024 ? this.#lastInput - (this.#lastInput % 64) : 0;
    this.#lastInput = text + audio;
    return { text, audio, cached: Math.min(cached, text) };
  }

  #refuse(wrong: Wrong, eventId: unknown): void {
    const type = wrong.code === 'server_error' ? 'server_error' : 'invalid_request_error';
    const error = { type, code: wrong.code ?? null, message: wrong.message, param: wrong.param ?? null };
    this.send('error', { error: { ...error, event_id: eventId ?? null } });
  }

  #receive(message: unknown): void {
    if (!isObject(message)) return this.#refuse({ message: 'The event is no JSON object.', code: 'invalid_json' }, undefined);
    const wrong = this.#obey(message);
    if (wrong) this.#refuse(wrong, message.event_id);
  }

  #obey(message: Json): Wrong | undefined {
    switch (message.type) {
      case 'session.update':
        return this.#update(message);
      case 'input_audio_buffer.append':
        return this.#append(message.audio);
      case 'input_audio_buffer.commit':
        return this.#commitByClient();
      case 'input_audio_buffer.clear':
        this.#turn = undefined;
        this.#committedMs = this.#hearing.receivedMs;
        this.send('input_audio_buffer.cleared', {});
        return undefined;
      case 'conversation.item.create':
        return this.#create(message);
      case 'conversation.item.truncate':
        return this.#truncate(message);
      case 'conversation.item.delete':
      case 'conversation.item.retrieve':
        return this.#find(message);
      case 'response.create':
        return this.#respond(objectOf(message.response));
      case 'response.cancel':
        if (!this.#answer) return { message: 'Cancellation failed: no active response found', code: 'response_cancel_not_active' };
        this.#cancel('client_cancelled');
        return undefined;
      default:
        return badValue('type', message.type, [
          'session.update',
          'input_audio_buffer.append',
          'conversation.item.create',
          'response.create',
        ]);
    }
  }

  #update({ session: change }: Json): Wrong | undefined {
    const wrong = wrongUpdate(change);
    if (wrong) return wrong;
    const voice = objectOf(objectOf(objectOf(change).audio).output).voice;
    const hasSpoken = this.#items.some(({ shown, audioMs }) => shown.role === 'assistant' && audioMs > 0);
    if (hasSpoken && voice !== undefined && voice !== audioOf(this.session, 'output').voice) {
      return { message: 'Cannot update a conversation’s voice if assistant audio is present.', code: 'cannot_update_voice' };
    }
    const before = JSON.stringify(shapeOf(this.session, 'input'));
    this.session = updated(this.session, objectOf(change));
    if (JSON.stringify(shapeOf(this.session, 'input')) !== before) {
      this.#hearing = this.#makeHearing();
      this.#committedMs = 0;
    }
    this.context.log('request', { detail: 'session.update', body: change });
    this.send('session.updated', { session: this.session });
    return undefined;
  }

  get #detection(): Json | undefined {
    const given = audioOf(this.session, 'input').turn_detection;
    return isObject(given) ? given : undefined;
  }

  #makeHearing(): Hearing {
    return sessionHearing(
      this.context,
      shapeOf(this.session, 'input'),
      {
        voiceStarted: (atMs) => this.#voiceStarted(atMs),
        tick: () => {},
        ended: (heard) => this.#heard(heard),
        final: (heard) => this.#final(heard),
      },
      () => {
        const detection = this.#detection;
        if (!detection) return Infinity;
        return detection.type === 'semantic_vad' ? SEMANTIC_GAP_MS : Number(detection.silence_duration_ms ?? 500);
      },
    );
  }

  #append(audio: unknown): Wrong | undefined {
    if (typeof audio !== 'string') return missing('audio');
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(audio)) {
      return {
        message: "Invalid 'audio'. Expected base64-encoded audio bytes, but got an invalid value.",
        param: 'audio',
        code: 'invalid_value',
      };
    }
    this.#hearing.push(Buffer.from(audio, 'base64'));
    return undefined;
  }

  #voiceStarted(atMs: number): void {
    this.#stopWaiting();
    const detection = this.#detection;
    if (this.#turn) return;
    this.#turn = { itemId: openaiId('item'), words: [], stretches: 0, finals: 0, committed: false };
    this.#startedMs = Math.max(0, atMs - Number(detection?.prefix_padding_ms ?? 0));
    if (!detection) return;
    this.send('input_audio_buffer.speech_started', { audio_start_ms: this.#startedMs, item_id: this.#turn.itemId });
    if (detection.interrupt_response !== false) this.#cancel('turn_detected');
  }

  #heard(heard: FinalWords): void {
    const turn = this.#turn;
    if (!turn) return;
    this.#turnOf.set(heard, turn);
    turn.words.push(wordsText(heard.words));
    turn.stretches++;
    const detection = this.#detection;
    if (!detection) return;
    if (detection.type === 'semantic_vad' && !heard.endsTurn) {
      this.#stopWaiting = this.context.after(longestPauseMs[textOf(detection.eagerness)] ?? 4000, () => this.#endTurn());
      return;
    }
    this.#endTurn();
  }

  #endTurn(): void {
    const turn = this.#turn;
    const detection = this.#detection;
    if (!turn || !detection) return;
    this.send('input_audio_buffer.speech_stopped', { audio_end_ms: this.#hearing.receivedMs, item_id: turn.itemId });
    this.context.log('end-of-turn', { detail: turn.words.join(' ') });
    this.#commit(turn);
    if (detection.create_response !== false && !this.#answer) this.#respond({});
  }

  #commitByClient(): Wrong | undefined {
    const ms = this.#hearing.receivedMs - this.#committedMs;
    if (ms < FEWEST_COMMITTED_MS) {
      const message = `Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only has ${ms.toFixed(2)}ms of audio.`;
      return { message, code: 'input_audio_buffer_commit_empty' };
    }
    this.#turn ??= { itemId: openaiId('item'), words: [], stretches: 0, finals: 0, committed: false };
    const turn = this.#turn;
    this.#hearing.flush();
    if (this.#turn === turn) this.#commit(turn);
    return undefined;
  }

  #commit(turn: Turn): void {
    const audioMs = this.#hearing.receivedMs - Math.max(this.#committedMs, this.#startedMs);
    this.#committedMs = this.#hearing.receivedMs;
    this.#turn = undefined;
    turn.committed = true;
    const content = [{ type: 'input_audio', transcript: null }];
    const shown = { id: turn.itemId, object: 'realtime.item', type: 'message', status: 'completed', role: 'user', content };
    const item: Item = { shown, text: turn.words.join(' '), audioMs };
    const previous = this.add(item);
    this.send('input_audio_buffer.committed', { previous_item_id: previous, item_id: turn.itemId });
    this.send('conversation.item.added', { previous_item_id: previous, item: shown });
    this.send('conversation.item.done', { previous_item_id: previous, item: shown });
    if (turn.finals === turn.stretches) this.#transcribed(turn);
  }

  /** Words of one stretch; they may come after the answer has begun. */
  #final(heard: FinalWords): void {
    const turn = this.#turnOf.get(heard);
    if (!turn) return;
    turn.finals++;
    if (!isObject(audioOf(this.session, 'input').transcription)) return;
    const delta = `${turn.finals > 1 ? ' ' : ''}${wordsText(heard.words)}`;
    this.send('conversation.item.input_audio_transcription.delta', { item_id: turn.itemId, content_index: 0, delta });
    if (turn.committed && turn.finals === turn.stretches) this.#transcribed(turn);
  }

  #transcribed({ itemId, words }: Turn): void {
    if (!isObject(audioOf(this.session, 'input').transcription)) return;
    const item = this.#items.find(({ shown }) => shown.id === itemId);
    const usage = { type: 'duration', seconds: Math.ceil((item?.audioMs ?? 0) / 1000) };
    const transcript = words.join(' ');
    this.send('conversation.item.input_audio_transcription.completed', { item_id: itemId, content_index: 0, transcript, usage });
  }

  #create({ item: given, previous_item_id: after }: Json): Wrong | undefined {
    if (!isObject(given)) return missing('item');
    const { type, role } = given;
    if (type === 'function_call_output') {
      if (typeof given.call_id !== 'string') return missing('item.call_id');
      if (typeof given.output !== 'string') return missing('item.output');
      if (!this.#items.some(({ shown }) => shown.type === 'function_call' && shown.call_id === given.call_id)) {
        return {
          message: `Tool call ID '${given.call_id}' not found in conversation.`,
          param: 'item.call_id',
          code: 'invalid_tool_call_id',
        };
      }
    } else if (type === 'message') {
      if (!['user', 'assistant', 'system'].includes(textOf(role))) return badValue('item.role', role, ['system', 'user', 'assistant']);
      const allowed =
        role === 'assistant' ? ['output_text', 'output_audio'] : ['input_text', ...(role === 'user' ? ['input_audio', 'input_image'] : [])];
      for (const [index, part] of listOf(given.content).entries()) {
        if (!allowed.includes(textOf(objectOf(part).type))) return badValue(`item.content[${index}].type`, objectOf(part).type, allowed);
      }
    } else if (type !== 'function_call') return badValue('item.type', type, ['message', 'function_call', 'function_call_output']);
    if (typeof after === 'string' && after !== 'root' && !this.#items.some(({ shown }) => shown.id === after)) {
      return { message: `Item with ID '${after}' not found.`, param: 'previous_item_id', code: 'item_not_found' };
    }
    const text =
      type === 'message'
        ? listOf(given.content)
            .map((part) => textOf(objectOf(part).text))
            .join('')
        : textOf(given.output);
    const item: Item = { shown: { id: openaiId('item'), object: 'realtime.item', status: 'completed', ...given }, text, audioMs: 0 };
    const previous = this.add(item);
    this.context.log('request', { detail: 'conversation.item.create', body: given });
    this.send('conversation.item.added', { previous_item_id: previous, item: item.shown });
    this.send('conversation.item.done', { previous_item_id: previous, item: item.shown });
    return undefined;
  }

  #truncate({ item_id: id, content_index: index, audio_end_ms: endMs }: Json): Wrong | undefined {
    if (typeof id !== 'string') return missing('item_id');
    if (index !== 0) return badValue('content_index', index, ['0']);
    if (!Number.isInteger(endMs) || Number(endMs) < 0)
      return { message: "Invalid 'audio_end_ms': expected a non-negative integer.", param: 'audio_end_ms', code: 'invalid_value' };
    const item = this.#items.find(({ shown }) => shown.id === id);
    if (!item) return { message: `Item with item_id not found: ${id}`, param: 'item_id', code: 'item_not_found' };
    if (item.shown.role !== 'assistant' || item.shown.type !== 'message') {
      return { message: 'Only model output audio messages can be truncated', param: 'item_id', code: 'invalid_value' };
    }
    if (Number(endMs) > item.audioMs) {
      return { message: `Audio content of ${item.audioMs}ms is already shorter than ${String(endMs)}ms`, code: 'invalid_value' };
    }
    item.audioMs = Number(endMs);
    // The words are gone too: which of them were heard is not known.
    item.text = '';
    this.context.log('request', { detail: 'conversation.item.truncate', body: { item_id: id, audio_end_ms: endMs } });
    this.send('conversation.item.truncated', { item_id: id, content_index: 0, audio_end_ms: endMs });
    return undefined;
  }

  #find({ type, item_id: id }: Json): Wrong | undefined {
    const at = this.#items.findIndex(({ shown }) => shown.id === id);
    if (at < 0) return { message: `Item with item_id not found: ${String(id)}`, param: 'item_id', code: 'item_not_found' };
    if (type === 'conversation.item.retrieve') this.send('conversation.item.retrieved', { item: this.#items[at].shown });
    else {
      this.#items.splice(at, 1);
      this.send('conversation.item.deleted', { item_id: id });
    }
    return undefined;
  }

  #respond(options: Json): Wrong | undefined {
    if (this.#answer) {
      const message = `Conversation already has an active response in progress: ${this.#answer.id}. Wait until the response is finished before creating a new one.`;
      return { message, code: 'conversation_already_has_active_response' };
    }
    this.context.log('request', { detail: 'response.create', body: options });
    this.#failing = false;
    const outlet = socketOutlet(this.#webSocket, this.context, () => {
      this.#failing = true;
      return failure();
    });
    this.#answer = new RealtimeAnswer(this, outlet, options);
    this.#answer.start(this.#answerTo(options));
    return undefined;
  }

  /** Words in quotes among the instructions of one response are said as they stand. */
  #answerTo(options: Json): { say: string; calls: readonly { name: string; arguments: unknown }[] } {
    const told = textOf(options.instructions);
    const [quoted] = /"(?:[^"\\]|\\.)+"/.exec(told) ?? [];
    const exact = quoted === undefined ? undefined : parseJson(quoted);
    if (typeof exact === 'string') return { say: exact, calls: [] };
    const said = this.#items.flatMap(({ shown, text }): Said[] => {
      if (shown.type === 'function_call_output') return [{ by: 'tool', text }];
      if (shown.type !== 'message' || shown.role === 'system') return [];
      return [{ by: shown.role === 'user' ? 'caller' : 'assistant', text }];
    });
    const asked = askedOf(said, (options.tool_choice ?? this.session.tool_choice) !== 'none');
    // What was said aloud already is not gone on with here: every response is an answer of its own.
    return answerTo(this.context.scenario, { ...asked, words: told === '' ? asked.words : told, said: '' });
  }

  #cancel(reason: Cancellation): void {
    this.#answer?.cancel(reason);
  }
}

/** The session stays open after an error. */
function failure(): Failure {
  const error = {
    type: 'server_error',
    code: 'server_error',
    message: 'The server had an error while processing your request.',
    param: null,
  };
  return { message: JSON.stringify({ type: 'error', event_id: openaiId('event'), error: { ...error, event_id: null } }) };
}

export const openaiRealtimeRoutes: readonly Route[] = [
  {
    path: /^\/v1\/realtime$/,
    stage: 'speech-to-speech',
    admits: openaiAdmits,
    refuse: refuseOpenai,
    failure,
    check: ({ url }) => (url.searchParams.get('model') ? undefined : "Missing required parameter: 'model'."),
    socket: (webSocket, _request, context) => void new RealtimeSession(webSocket, context),
  },
];
