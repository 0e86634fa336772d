/**
 * Gemini Live: `…/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent`. `setup` first, then sound at 16 kHz in
 * and at 24 kHz out; turns are detected in the sound, or marked by the client. Messages come as binary frames of JSON.
 */
import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';
import { produceAnswer } from './answer-stream.ts';
import { answerTo, askedOf, type Said } from './answers.ts';
import { parseJson } from './connection.ts';
import { geminiAdmits, refuseGemini } from './gemini.ts';
import { contentConversation, field, resultText, wrongTools } from './gemini-request.ts';
import { wordsText, type Hearing } from './hearing.ts';
import { isObject, listOf, objectOf, textOf, type Json } from './json.ts';
import { Outlet, socketTarget, type Target } from './outlet.ts';
import type { Failure, Refusal, Route, RouteContext } from './route.ts';
import { sessionHearing } from './session-hearing.ts';
import { Speaker } from './speaker.ts';
import { countTokens } from './tokens.ts';
import { base64Of } from './voice.ts';

const SILENCE_MS = 500;
/** A connection lasts about ten minutes; its end is announced. */
const LONGEST_MS = 600_000;
const NOTICE_MS = 10_000;
const messageKinds = ['setup', 'clientContent', 'realtimeInput', 'toolResponse'];

class LiveSession {
  readonly #context: RouteContext;
  readonly #webSocket: WebSocket;
  readonly #target: Target;
  readonly #said: Said[] = [];
  readonly #openCalls = new Set<string>();
  #setup: Json | undefined;
  #hearing: Hearing | undefined;
  #speaker: Speaker | undefined;
  /** Counts answers: what belongs to an older one is dropped. */
  #epoch = 0;
  #answering = false;
  #silent = false;

  constructor(webSocket: WebSocket, context: RouteContext) {
    this.#context = context;
    this.#webSocket = webSocket;
    const target = socketTarget(webSocket);
    this.#target = { ...target, send: (message) => target.send(Buffer.from(message)) };
    webSocket.on('message', (data: Buffer) => this.#receive(parseJson(data.toString())));
    context.after(LONGEST_MS - NOTICE_MS, () => this.#send({ goAway: { timeLeft: `${NOTICE_MS / 1000}s` } }));
    context.after(LONGEST_MS, () => webSocket.close(1011, 'The connection was aborted: its time is over.'));
  }

  #send(message: Json): void {
    if (!this.#silent) this.#target.send(JSON.stringify(message));
  }

  #receive(message: unknown): void {
    const kind = isObject(message) ? messageKinds.find((name) => field(message, name) !== undefined) : undefined;
    if (!isObject(message) || kind === undefined) return this.#close('Invalid JSON payload received. Unknown name.');
    const body = objectOf(field(message, kind));
    if (kind === 'setup') return this.#begin(body);
    if (!this.#setup) return this.#close('setup must be the first message and only the first');
    if (kind === 'realtimeInput') this.#hear(body);
    else if (kind === 'clientContent') this.#read(body);
    else this.#takeResults(body);
  }

  #close(why: string): void {
    this.#webSocket.close(1007, why.slice(0, 120));
  }

  #begin(setup: Json): void {
    if (this.#setup) return this.#close('setup must be the first message and only the first');
    if (textOf(setup.model) === '') return this.#close('model is not specified');
    const wrong = wrongTools(setup.tools);
    if (wrong !== undefined) return this.#close(wrong.trim());
    this.#setup = setup;
    this.#context.log('request', { detail: 'setup', body: setup });
    const detection = objectOf(field(objectOf(field(setup, 'realtimeInputConfig')), 'automaticActivityDetection'));
    const gapMs = Number(field(detection, 'silenceDurationMs') ?? SILENCE_MS);
    const isAutomatic = detection.disabled !== true;
    this.#hearing = sessionHearing(
      this.#context,
      { encoding: 'pcm', rate: 16_000 },
      {
        voiceStarted: () => isAutomatic && this.#interrupt(),
        tick: () => {},
        ended: (heard) => {
          this.#said.push({ by: 'caller', text: wordsText(heard.words) });
          // Behind the words of the caller, unless these are late.
          if (isAutomatic) this.#context.after(0, () => this.#answer());
        },
        final: (heard) => {
          if (field(setup, 'inputAudioTranscription')) this.#content({ inputTranscription: { text: wordsText(heard.words) } });
        },
      },
      () => (isAutomatic ? gapMs : Infinity),
    );
    this.#send({ setupComplete: {} });
    if (field(setup, 'sessionResumption')) {
      this.#send({ sessionResumptionUpdate: { newHandle: randomBytes(12).toString('hex'), resumable: true } });
    }
  }

  #content(serverContent: Json): void {
    this.#send({ serverContent });
  }

  #hear(input: Json): void {
    const chunks = [field(input, 'audio'), ...listOf(field(input, 'mediaChunks'))].filter(isObject);
    for (const chunk of chunks) {
      const type = textOf(field(chunk, 'mimeType'));
      if (!/^audio\/pcm(?:;\s*rate=16000)?$/.test(type)) return this.#close(`Unsupported mimeType here: ${type}`);
      this.#hearing?.push(Buffer.from(textOf(chunk.data), 'base64'));
    }
    if (input.text !== undefined) {
      this.#interrupt();
      this.#said.push({ by: 'caller', text: textOf(input.text) });
      this.#answer();
    }
    if (field(input, 'activityStart')) this.#interrupt();
    if (field(input, 'activityEnd') || field(input, 'audioStreamEnd')) {
      const isManual = field(input, 'activityEnd') !== undefined;
      if (this.#hearing?.flush() && isManual) this.#answer();
    }
  }

  #read(content: Json): void {
    this.#interrupt();
    this.#said.push(...contentConversation(content.turns));
    if (field(content, 'turnComplete') === true) this.#answer();
  }

  #takeResults(given: Json): void {
    for (const result of listOf(field(given, 'functionResponses')).map(objectOf)) {
      if (!this.#openCalls.delete(textOf(result.id))) continue;
      this.#said.push({ by: 'tool', text: resultText(objectOf(result.response)) });
      if (this.#openCalls.size === 0) this.#answer();
    }
  }

  #interrupt(): void {
    if (this.#openCalls.size > 0) {
      this.#send({ toolCallCancellation: { ids: [...this.#openCalls] } });
      this.#openCalls.clear();
    }
    if (!this.#answering) return;
    this.#epoch++;
    this.#answering = false;
    this.#speaker?.stop();
    this.#content({ interrupted: true });
    this.#finish('');
  }

  #answer(): void {
    const epoch = ++this.#epoch;
    this.#answering = true;
    const outlet = new Outlet(this.#target, this.#context, failure);
    // Every turn is an answer of its own.
    const answer = answerTo(this.#context.scenario, { ...askedOf(this.#said, true), said: '' });
    const isCurrent = (): boolean => {
      if (!outlet.isOpen) this.#silent = true;
      return epoch === this.#epoch && outlet.isOpen;
    };
    if (answer.say === '') return void this.#call(outlet, answer.calls, isCurrent, '');
    const modalities = listOf(field(objectOf(field(this.#setup ?? {}, 'generationConfig')), 'responseModalities'));
    if (modalities.includes('TEXT')) {
      void this.#write(outlet, answer.say, isCurrent).then((said) => {
        if (said !== undefined) void this.#call(outlet, answer.calls, isCurrent, said);
      });
      return;
    }
    const isTranscribed = field(this.#setup ?? {}, 'outputAudioTranscription') !== undefined;
    let said = '';
    this.#speaker = new Speaker(
      this.#context,
      outlet,
      { encoding: 'pcm', rate: 24_000 },
      {
        piece: ({ sound, text }) => {
          if (!isCurrent()) return;
          said += text;
          const inlineData = { mimeType: 'audio/pcm;rate=24000', data: base64Of(sound) };
          outlet.result(JSON.stringify({ serverContent: { modelTurn: { role: 'model', parts: [{ inlineData }] } } }));
          if (isCurrent() && isTranscribed && text !== '') this.#content({ outputTranscription: { text } });
        },
        idle: () => {
          if (isCurrent()) void this.#call(outlet, answer.calls, isCurrent, said);
        },
      },
    );
    this.#speaker.say(answer.say);
  }

  async #write(outlet: Outlet, say: string, isCurrent: () => boolean): Promise<string | undefined> {
    const produced = await produceAnswer(
      this.#context,
      outlet,
      { say, calls: [] },
      {
        text: (text) => {
          if (isCurrent()) outlet.result(JSON.stringify({ serverContent: { modelTurn: { role: 'model', parts: [{ text }] } } }));
        },
        callEnded: () => {},
      },
    );
    return produced && isCurrent() ? produced.text : undefined;
  }

  async #call(
    outlet: Outlet,
    calls: readonly { name: string; arguments: unknown }[],
    isCurrent: () => boolean,
    said: string,
  ): Promise<void> {
    if (said !== '') this.#said.push({ by: 'assistant', text: said });
    if (calls.length > 0) {
      const functionCalls: Json[] = [];
      const callEnded = (name: string, text: string): void => {
        functionCalls.push({ id: `function-call-${randomBytes(8).toString('hex')}`, name, args: objectOf(parseJson(text)) });
      };
      const produced = await produceAnswer(this.#context, outlet, { say: '', calls }, { text: () => {}, callEnded });
      if (!produced || !isCurrent()) return;
      for (const { id } of functionCalls) this.#openCalls.add(textOf(id));
      this.#answering = false;
      outlet.result(JSON.stringify({ toolCall: { functionCalls } }));
      isCurrent();
      return;
    }
    this.#answering = false;
    this.#content({ generationComplete: true });
    this.#finish(said);
  }

  #finish(said: string): void {
    const prompt = countTokens(JSON.stringify([this.#setup, this.#said]));
    const answer = countTokens(said);
    const usageMetadata = { promptTokenCount: prompt, responseTokenCount: answer, totalTokenCount: prompt + answer };
    this.#send({ serverContent: { turnComplete: true }, usageMetadata });
  }
}

/** A wrong key is told inside the socket. */
function refuse(status: number, why: string): Refusal {
  const refusal = refuseGemini(status, why);
  return status === 401 ? { ...refusal, socket: { code: 1007, reason: 'API key not valid. Please pass a valid API key.' } } : refusal;
}

/** Errors of the model end the connection. */
function failure(): Failure {
  const { body } = refuseGemini(500, 'Internal error encountered.');
  return { message: JSON.stringify(body), code: 1011, reason: 'Internal error encountered.' };
}

export const geminiLiveRoutes: readonly Route[] = [
  {
    path: /^\/ws\/google\.ai\.generativelanguage\.v1(?:alpha|beta)\.GenerativeService\.BidiGenerateContent$/,
    stage: 'speech-to-speech',
    admits: geminiAdmits,
    refuse,
    failure,
    socket: (webSocket, _request, context) => void new LiveSession(webSocket, context),
  },
];
