/**
 * One response of a Realtime session: its items in order, spoken or written, until it is done or cancelled.
 *
 *   response.created → output_item.added → conversation.item.added → content_part.added → transcript and sound … → their `done`s →
 *   output_item.done → conversation.item.done → response.done → rate_limits.updated
 */
import { produceAnswer } from './answer-stream.ts';
import type { Answer } from './answers.ts';
import { objectOf, textOf, type Json } from './json.ts';
import { openaiId } from './openai.ts';
import { audioOf, shapeOf } from './openai-realtime-config.ts';
import type { Outlet } from './outlet.ts';
import type { RouteContext } from './route.ts';
import { Speaker } from './speaker.ts';
import { countTokens } from './tokens.ts';
import { base64Of } from './voice.ts';

/** An item of the conversation, and what the model knows of it beside what clients are shown. */
export interface Item {
  shown: Json;
  /** What was said or written; empty after a truncation. */
  text: string;
  audioMs: number;
}

/** What a response needs of its session. */
export interface AnswerHost {
  readonly context: RouteContext;
  readonly session: Json;
  readonly conversationId: string;
  /** An event, unless the session has gone silent. */
  send(type: string, more: Json): void;
  event(type: string, more: Json): string;
  /** Adds to the conversation; the answer is the id of the item before it. */
  add(item: Item): string | null;
  /** After every result: whether the fault of this response took the whole connection. */
  checkOutlet(outlet: Outlet): void;
  /** Tokens of the conversation before this response, by kind. */
  inputTokens(): { text: number; audio: number; cached: number };
  ended(answer: RealtimeAnswer): void;
}

export type Cancellation = 'turn_detected' | 'client_cancelled';

export class RealtimeAnswer {
  readonly id = openaiId('resp');
  readonly #host: AnswerHost;
  readonly #outlet: Outlet;
  readonly #options: Json;
  readonly #inConversation: boolean;
  readonly #output: Item[] = [];
  #speaker: Speaker | undefined;
  #message: { item: Item; index: number; begun: boolean; isText: boolean } | undefined;
  #state: 'in_progress' | 'done' = 'in_progress';

  constructor(host: AnswerHost, outlet: Outlet, options: Json) {
    this.#host = host;
    this.#outlet = outlet;
    this.#options = options;
    this.#inConversation = options.conversation !== 'none';
  }

  get isOver(): boolean {
    return this.#state === 'done';
  }

  start(answer: Answer): void {
    this.#host.send('response.created', { response: this.#shown('in_progress', null, null) });
    const modalities = this.#options.output_modalities ?? this.#host.session.output_modalities;
    if (answer.say === '') void this.#act(answer);
    else if (JSON.stringify(modalities) === '["text"]') void this.#act(answer, this.#openMessage(true));
    else this.#speak(answer);
  }

  cancel(reason: Cancellation): void {
    if (this.#state === 'done') return;
    this.#speaker?.stop();
    this.#endMessage('incomplete');
    this.#finish('cancelled', { type: 'cancelled', reason });
  }

  /** The provider's own failure in the middle of an answer. */
  fail(): void {
    if (this.#state === 'done') return;
    this.#speaker?.stop();
    this.#endMessage('incomplete');
    const error = { type: 'server_error', code: 'server_error', message: 'The server had an error while processing your request.' };
    this.#finish('failed', { type: 'failed', error });
  }

  #openMessage(isText: boolean): boolean {
    const shown = { id: openaiId('item'), object: 'realtime.item', type: 'message', status: 'in_progress', role: 'assistant', content: [] };
    const item: Item = { shown, text: '', audioMs: 0 };
    this.#message = { item, index: this.#addItem(item), begun: false, isText };
    return true;
  }

  #addItem(item: Item): number {
    const index = this.#output.push(item) - 1;
    this.#host.send('response.output_item.added', { response_id: this.id, output_index: index, item: item.shown });
    if (!this.#inConversation) return index;
    this.#host.send('conversation.item.added', { previous_item_id: this.#host.add(item), item: item.shown });
    return index;
  }

  #endItem(item: Item, index: number): void {
    this.#host.send('response.output_item.done', { response_id: this.id, output_index: index, item: item.shown });
    if (this.#inConversation) this.#host.send('conversation.item.done', { item: item.shown });
  }

  #speak(answer: Answer): void {
    const { context, session } = this.#host;
    const shape = shapeOf(session, 'output');
    this.#openMessage(false);
    const speaker = new Speaker(context, this.#outlet, shape, {
      piece: ({ sound, text, durationMs }) => {
        const message = this.#message;
        if (!message || this.#state === 'done') return;
        this.#beginPart();
        message.item.text += text;
        message.item.audioMs += durationMs;
        if (text !== '') this.#host.send('response.output_audio_transcript.delta', { ...this.#part(), delta: text });
        this.#result('response.output_audio.delta', { ...this.#part(), delta: base64Of(sound) });
      },
      idle: () => {
        if (this.#state === 'done' || !this.#outlet.isOpen) return;
        this.#endMessage('completed');
        void this.#act({ say: '', calls: answer.calls });
      },
    });
    this.#speaker = speaker;
    speaker.say(answer.say);
  }

  /** Writes what is not spoken: text and calls. */
  async #act(answer: Answer, isWritten = false): Promise<void> {
    if (answer.say === '' && answer.calls.length === 0) return this.#finish('completed', null);
    let call: { item: Item; index: number } | undefined;
    const limit = Number(this.#options.max_output_tokens ?? this.#host.session.max_output_tokens);
    const produced = await produceAnswer(
      this.#host.context,
      this.#outlet,
      answer,
      {
        text: (token) => {
          if (this.#state === 'done' || !this.#message) return;
          this.#beginPart();
          this.#message.item.text += token;
          this.#result('response.output_text.delta', { ...this.#part(), delta: token });
        },
        callStarted: (name) => {
          if (this.#state === 'done') return;
          this.#endMessage('completed');
          const shown = { id: openaiId('item'), object: 'realtime.item', type: 'function_call', status: 'in_progress' };
          const item: Item = { shown: { ...shown, name, call_id: openaiId('call'), arguments: '' }, text: '', audioMs: 0 };
          call = { item, index: this.#addItem(item) };
        },
        callGrew: (delta) => {
          if (this.#state === 'done' || !call) return;
          this.#result('response.function_call_arguments.delta', { ...this.#callPart(call), delta });
        },
        callEnded: (name, text) => {
          if (this.#state === 'done' || !call) return;
          call.item.shown = { ...call.item.shown, status: 'completed', arguments: text };
          this.#host.send('response.function_call_arguments.done', { ...this.#callPart(call), name, arguments: text });
          this.#endItem(call.item, call.index);
        },
      },
      Number.isFinite(limit) ? limit : Infinity,
    );
    if (!produced || this.#state === 'done') return;
    const cut = produced.finish === 'length';
    if (isWritten) this.#endMessage(cut ? 'incomplete' : 'completed');
    this.#finish(cut ? 'incomplete' : 'completed', cut ? { type: 'incomplete', reason: 'max_output_tokens' } : null);
  }

  #callPart({ item, index }: { item: Item; index: number }): Json {
    return { response_id: this.id, item_id: item.shown.id, output_index: index, call_id: item.shown.call_id };
  }

  #part(): Json {
    return { response_id: this.id, item_id: this.#message?.item.shown.id, output_index: this.#message?.index, content_index: 0 };
  }

  #beginPart(): void {
    const message = this.#message;
    if (!message || message.begun) return;
    message.begun = true;
    const part = message.isText ? { type: 'text', text: '' } : { type: 'audio', transcript: '' };
    this.#host.send('response.content_part.added', { ...this.#part(), part });
  }

  #endMessage(status: 'completed' | 'incomplete'): void {
    const message = this.#message;
    if (!message) return;
    const { item, begun, isText } = message;
    const { text } = item;
    if (begun) {
      const part = isText ? { type: 'text', text } : { type: 'audio', transcript: text };
      if (isText) this.#host.send('response.output_text.done', { ...this.#part(), text });
      else {
        this.#host.send('response.output_audio.done', this.#part());
        this.#host.send('response.output_audio_transcript.done', { ...this.#part(), transcript: text });
      }
      this.#host.send('response.content_part.done', { ...this.#part(), part });
    }
    const content = begun ? [isText ? { type: 'output_text', text } : { type: 'output_audio', transcript: text }] : [];
    item.shown = { ...item.shown, status, content };
    this.#endItem(item, message.index);
    this.#message = undefined;
  }

  #finish(status: string, details: Json | null): void {
    if (this.#state === 'done') return;
    this.#state = 'done';
    this.#host.ended(this);
    this.#host.send('response.done', { response: this.#shown(status, details, this.#usage()) });
    const limits = [
      { name: 'requests', limit: 1000, remaining: 999, reset_seconds: 60 },
      { name: 'tokens', limit: 50_000, remaining: 49_950, reset_seconds: 60 },
    ];
    this.#host.send('rate_limits.updated', { rate_limits: limits });
  }

  /** 20 tokens are a second of the assistant's sound. */
  #usage(): Json {
    const input = this.#host.inputTokens();
    const audio = this.#output.reduce((sum, { audioMs }) => sum + Math.ceil(audioMs / 50), 0);
    const text = this.#output.reduce((sum, item) => sum + countTokens(item.text + textOf(item.shown.arguments)), 0);
    return {
      total_tokens: input.text + input.audio + audio + text,
      input_tokens: input.text + input.audio,
      output_tokens: audio + text,
      input_token_details: {
        text_tokens: input.text,
        audio_tokens: input.audio,
        image_tokens: 0,
        cached_tokens: input.cached,
        cached_tokens_details: { text_tokens: input.cached, audio_tokens: 0, image_tokens: 0 },
      },
      output_token_details: { text_tokens: text, audio_tokens: audio },
    };
  }

  #shown(status: string, details: Json | null, usage: Json | null): Json {
    const { session } = this.#host;
    const { format, voice } = audioOf(session, 'output');
    return {
      object: 'realtime.response',
      id: this.id,
      status,
      status_details: details,
      output: status === 'in_progress' ? [] : this.#output.map(({ shown }) => shown),
      conversation_id: this.#inConversation ? this.#host.conversationId : null,
      output_modalities: this.#options.output_modalities ?? session.output_modalities,
      max_output_tokens: this.#options.max_output_tokens ?? session.max_output_tokens,
      audio: { output: { format, voice: objectOf(objectOf(this.#options.audio).output).voice ?? voice } },
      usage,
      metadata: this.#options.metadata ?? null,
    };
  }

  #result(type: string, more: Json): void {
    this.#outlet.result(this.#host.event(type, more));
    this.#host.checkOutlet(this.#outlet);
  }
}
