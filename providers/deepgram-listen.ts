/**
 * Deepgram speech to text, v1 (nova-3): `wss://api.deepgram.com/v1/listen`. Interim results replace each other; final ones are
 * concatenated until `speech_final` or `UtteranceEnd`. Ten seconds without sound or KeepAlive close the socket (NET-0001).
 */
import { randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import { parseJson } from './connection.ts';
import { admitsDeepgram, deepgramSound, refuseDeepgram } from './deepgram.ts';
import { Hearing, plainWord, seconds, type HeardWords } from './hearing.ts';
import { watchIdle } from './idle.ts';
import { socketOutlet } from './outlet.ts';
import type { Failure, Route, RouteContext } from './route.ts';

const IDLE_MS = 10_000;
const NET_0001 = 'NET-0001: The service has not received a Text or Binary frame from the client within the timeout window.';
/** Endpointing when the query does not say, as documented. */
const DEFAULT_ENDPOINTING_MS = 10;

function failure(): Failure {
  const message = { type: 'Error', variant: 'INTERNAL_SERVER_ERROR', description: 'A scripted failure.', message: 'INTERNAL_SERVER_ERROR' };
  return { message: JSON.stringify(message), code: 1011, reason: 'NET-0000: The service has not transmitted a Text frame to the client.' };
}

function check({ url }: RouteContext): string | undefined {
  const sound = deepgramSound(url);
  if (typeof sound === 'string') return sound;
  const query = url.searchParams;
  if (query.has('utterance_end_ms') && query.get('interim_results') !== 'true') return 'utterance_end_ms requires interim_results=true';
  if (Number(query.get('utterance_end_ms') ?? '1000') < 1000) return 'utterance_end_ms must be at least 1000';
  return undefined;
}

function serve(webSocket: WebSocket, context: RouteContext): void {
  const query = context.url.searchParams;
  const shape = deepgramSound(context.url);
  if (typeof shape === 'string') return;
  const asked = (name: string): boolean => query.get(name) === 'true';
  const endpointing = query.get('endpointing');
  const endpointingMs = endpointing === null ? DEFAULT_ENDPOINTING_MS : Number(endpointing);
  const utteranceEndMs = Number(query.get('utterance_end_ms') ?? 'NaN');
  const formatted = asked('smart_format') || asked('punctuate');
  const requestId = randomUUID();
  const model = query.get('model') ?? 'base';
  const modelId = randomUUID();
  const outlet = socketOutlet(webSocket, context);
  const created = new Date().toISOString();
  let lastWordEndMs = -1;
  let endReported = true;
  let closing = false;

  const results = (heard: HeardWords, flags: { is_final: boolean; speech_final: boolean; from_finalize: boolean }): string =>
    JSON.stringify({
      type: 'Results',
      channel_index: [0, 1],
      duration: seconds(heard.endMs - heard.startMs),
      start: seconds(heard.startMs),
      ...flags,
      channel: {
        alternatives: [
          {
            transcript: heard.words.map((word) => (formatted ? word.text : plainWord(word.text))).join(' '),
            confidence: heard.words.length > 0 ? 0.99 : 0,
            words: heard.words.map((word) => ({
              word: plainWord(word.text),
              start: seconds(word.startMs),
              end: seconds(word.endMs),
              confidence: 0.99,
              ...(formatted ? { punctuated_word: word.text } : {}),
            })),
          },
        ],
      },
      metadata: { request_id: requestId, model_info: { name: model, version: '2026-01-01.0', arch: model }, model_uuid: modelId },
    });

  const hearing = new Hearing(
    context,
    outlet,
    shape,
    {
      voiceStarted: (atMs) => {
        if (asked('vad_events')) outlet.note(JSON.stringify({ type: 'SpeechStarted', channel: [0, 1], timestamp: seconds(atMs) }));
      },
      tick: (heard) => {
        if (!heard || !asked('interim_results')) return;
        context.log('partial');
        outlet.result(results(heard, { is_final: false, speech_final: false, from_finalize: false }));
      },
      final: (heard) => {
        const speechFinal = heard.endsTurn && (heard.asked || endpointing !== 'false');
        lastWordEndMs = heard.words.at(-1)?.endMs ?? lastWordEndMs;
        endReported = heard.words.length === 0;
        outlet.result(results(heard, { is_final: true, speech_final: speechFinal, from_finalize: heard.asked }));
        if (speechFinal) context.log('end-of-turn');
        if (closing && !hearing.isBusy) finish();
      },
      passed: (atMs) => {
        if (endReported || hearing.isBusy || !(atMs - lastWordEndMs >= utteranceEndMs)) return;
        endReported = true;
        outlet.note(JSON.stringify({ type: 'UtteranceEnd', channel: [0, 1], last_word_end: seconds(lastWordEndMs) }));
      },
    },
    () => (Number.isFinite(endpointingMs) ? endpointingMs : context.scenario.endOfTurnMs),
  );

  const finish = (): void => {
    outlet.note(
      JSON.stringify({
        type: 'Metadata',
        transaction_key: 'deprecated',
        request_id: requestId,
        sha256: '0'.repeat(64),
        created,
        duration: seconds(hearing.receivedMs),
        channels: 1,
      }),
    );
    if (outlet.isOpen) webSocket.close(1000);
  };
  const closeStream = (): void => {
    closing = true;
    if (!hearing.flush()) finish();
  };
  const touch = watchIdle(context, IDLE_MS, () => webSocket.close(1011, NET_0001));

  webSocket.on('message', (data: Buffer, isBinary) => {
    touch();
    if (isBinary) {
      if (data.length === 0) closeStream();
      else if (!closing) hearing.push(data);
      return;
    }
    const message = parseJson(data.toString()) as { type?: string } | undefined;
    if (message?.type === 'KeepAlive') return;
    if (message?.type === 'CloseStream') closeStream();
    else if (message?.type === 'Finalize') {
      const empty = { words: [], startMs: hearing.receivedMs, endMs: hearing.receivedMs };
      if (!hearing.flush()) outlet.note(results(empty, { is_final: true, speech_final: true, from_finalize: true }));
    } else {
      const description = 'Could not deserialize last text message: unknown type';
      outlet.note(JSON.stringify({ type: 'Error', variant: 'DATA_ERROR', description, message: description }));
      webSocket.close(1008, 'DATA-0000: The payload cannot be decoded.');
    }
  });
}

export const deepgramListenRoutes: readonly Route[] = [
  {
    path: /^\/v1\/listen$/,
    stage: 'transcriber',
    admits: admitsDeepgram,
    refuse: refuseDeepgram,
    failure,
    check,
    socket: (webSocket, _request, context) => serve(webSocket, context),
  },
];
