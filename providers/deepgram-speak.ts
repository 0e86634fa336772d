/**
 * Deepgram Aura: `wss://api.deepgram.com/v1/speak`. Text gathers until Flush (or Close); sound comes as binary frames, then
 * `Flushed`; Clear throws away what is not yet sent. At most 20 Flush in 60 seconds; more get a Warning and nothing else.
 */
import { randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import { parseJson } from './connection.ts';
import { admitsDeepgram, deepgramSound, refuseDeepgram } from './deepgram.ts';
import { nowMs } from './event-log.ts';
import { socketOutlet, type Outlet } from './outlet.ts';
import type { Failure, Route, RouteContext } from './route.ts';
import { Speaker } from './speaker.ts';

const FLUSHES = 20;
const FLUSH_WINDOW_MS = 60_000;
/** Characters that may wait for a Flush. */
const TEXT_LIMIT = 2000;

function failure(): Failure {
  const message = { type: 'Error', err_code: 'INTERNAL_SERVER_ERROR', err_msg: 'A scripted failure.', request_id: randomUUID() };
  return { message: JSON.stringify(message), code: 1011, reason: 'Internal server error' };
}

function check({ url }: RouteContext): string | undefined {
  const sound = deepgramSound(url);
  if (typeof sound === 'string') return sound;
  const rates = sound.encoding === 'pcm' ? [8000, 16_000, 24_000, 32_000, 48_000] : [8000, 16_000];
  return rates.includes(sound.rate) ? undefined : `sample_rate ${sound.rate} is not supported with this encoding`;
}

function speak(webSocket: WebSocket, context: RouteContext): void {
  const shape = deepgramSound(context.url);
  if (typeof shape === 'string') return;
  const requestId = randomUUID();
  const model = context.url.searchParams.get('model') ?? 'aura-asteria-en';
  const flushTimes: number[] = [];
  let text = '';
  let sequence = 0;
  let closing = false;
  /** Turns whose sound is being made, oldest first: their sound never mixes. */
  const turns: { speaker: Speaker; outlet: Outlet; text: string }[] = [];

  const send = (message: object): void => {
    if (webSocket.readyState === webSocket.OPEN) webSocket.send(JSON.stringify(message));
  };
  const flush = (): void => {
    const outlet = socketOutlet(webSocket, context);
    const speaker = new Speaker(context, outlet, shape, {
      piece: ({ sound }) => outlet.result(sound),
      idle: () => {
        turns.shift();
        outlet.note(JSON.stringify({ type: 'Flushed', sequence_id: sequence++ }));
        const next = turns[0];
        if (next) next.speaker.say(next.text);
        else if (closing && outlet.isOpen) webSocket.close(1000);
      },
    });
    turns.push({ speaker, outlet, text });
    if (turns.length === 1) speaker.say(text);
    text = '';
  };
  const warn = (code: string, description: string): void => send({ type: 'Warning', code, description });

  send({ type: 'Metadata', request_id: requestId, model_name: model, model_version: '2026-01-01.0', model_uuid: randomUUID() });

  webSocket.on('message', (data: Buffer) => {
    const message = parseJson(data.toString()) as { type?: string; text?: string } | undefined;
    switch (message?.type) {
      case 'Speak':
        if (typeof message.text !== 'string') return warn('DATA-0001', 'Speak needs a text.');
        if (text.length + message.text.length > TEXT_LIMIT) return warn('TEXT_BUFFER_EXCEEDED', `More than ${TEXT_LIMIT} characters.`);
        text += message.text;
        return;
      case 'Flush': {
        while (flushTimes[0] !== undefined && flushTimes[0] <= nowMs() - FLUSH_WINDOW_MS) flushTimes.shift();
        if (flushTimes.length >= FLUSHES) {
          return warn('EXCESSIVE_FLUSH', 'No more Flush messages can be processed until the 60 second window has passed.');
        }
        flushTimes.push(nowMs());
        return flush();
      }
      case 'Clear':
        text = '';
        for (const turn of turns.splice(0)) turn.speaker.stop();
        return send({ type: 'Cleared', sequence_id: sequence++ });
      case 'Close':
        closing = true;
        if (text !== '') flush();
        else if (turns.length === 0) webSocket.close(1000);
        return;
      default:
        return warn('UNKNOWN_MESSAGE', 'The message type is not known.');
    }
  });
}

export const deepgramSpeakRoutes: readonly Route[] = [
  {
    path: /^\/v1\/speak$/,
    stage: 'synthesizer',
    admits: admitsDeepgram,
    refuse: refuseDeepgram,
    failure,
    check,
    socket: (webSocket, _request, context) => speak(webSocket, context),
  },
];
