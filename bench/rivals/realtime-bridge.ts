/**
 * A carrier's media stream tied to a Realtime session, one WebSocket each a call, as examples of that bridge have it: µ-law is
 * passed on in base64 as it came; `speech_started` clears what the carrier has not played and truncates the answer to what it
 * has. Written from the documentation of both protocols.
 */
import { WebSocket } from 'ws';
import { type CarrierMessage, openFront, setting, socketUrlOf } from './front.ts';

const GREETING = 'Hello, how may I help you?';
/** As Tandem asks for it, so that turns end at the same moment. */
const SILENCE_MS = 500;
const url = `${socketUrlOf(setting('OPENAI_BASE_URL'))}/realtime?model=gpt-realtime`;
const headers = { authorization: `Bearer ${setting('OPENAI_API_KEY')}` };

interface RealtimeMessage {
  type: string;
  delta?: string;
  item_id?: string;
}

const sessionUpdate = {
  type: 'session.update',
  session: {
    type: 'realtime',
    output_modalities: ['audio'],
    instructions: 'You help callers to find their way.',
    audio: {
      input: { format: { type: 'audio/pcmu' }, turn_detection: { type: 'server_vad', silence_duration_ms: SILENCE_MS } },
      output: { format: { type: 'audio/pcmu' }, voice: 'alloy' },
    },
  },
};

function serve(carrier: WebSocket): void {
  let streamSid = '';
  let latestMs = 0;
  let answerItem: string | undefined;
  let answerFromMs: number | undefined;
  let marks: string[] = [];
  const model = new WebSocket(url, { headers, perMessageDeflate: false });
  const tellModel = (message: object) => {
    if (model.readyState === WebSocket.OPEN) model.send(JSON.stringify(message));
  };
  const tellCarrier = (message: object) => carrier.send(JSON.stringify(message));

  function bargeIn(): void {
    if (marks.length === 0 || answerFromMs === undefined || answerItem === undefined) return;
    tellModel({ type: 'conversation.item.truncate', item_id: answerItem, content_index: 0, audio_end_ms: latestMs - answerFromMs });
    tellCarrier({ event: 'clear', streamSid });
    marks = [];
    answerItem = undefined;
    answerFromMs = undefined;
  }

  model.on('open', () => {
    tellModel(sessionUpdate);
    tellModel({ type: 'response.create', response: { instructions: `Say exactly: "${GREETING}"` } });
  });
  model.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as RealtimeMessage;
    if (message.type === 'response.output_audio.delta') {
      if (message.item_id !== answerItem) {
        answerItem = message.item_id;
        answerFromMs = latestMs;
      }
      tellCarrier({ event: 'media', streamSid, media: { payload: message.delta } });
      tellCarrier({ event: 'mark', streamSid, mark: { name: 'part' } });
      marks.push('part');
    } else if (message.type === 'input_audio_buffer.speech_started') bargeIn();
  });
  model.on('error', (error) => console.error(error.message));
  model.on('close', () => carrier.close());

  carrier.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as CarrierMessage;
    if (message.event === 'start') streamSid = message.start?.streamSid ?? '';
    else if (message.event === 'media') {
      latestMs = Number(message.media?.timestamp);
      tellModel({ type: 'input_audio_buffer.append', audio: message.media?.payload });
    } else if (message.event === 'mark') marks.shift();
    else if (message.event === 'stop') carrier.close();
  });
  carrier.on('close', () => model.close());
}

openFront({ call: serve });
