/**
 * One call of a pipeline written by hand, as people begin: energy of each frame as voice activity, every 20 ms a message to
 * Deepgram, chat completions read with `fetch`, a sentence at a time to Cartesia, sound cut into frames by a timer of the call
 * (or sent as it comes). The answer begins when the turn is over, never before.
 */
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { type CarrierMessage, setting, socketUrlOf } from './front.ts';

/** `tick`: 20 ms every 20 ms. `burst`: sound goes to the carrier as it comes, which buffers it. */
export type Pace = 'tick' | 'burst';

const GREETING = 'Hello, how may I help you?';
const FRAME = 160;
const FRAME_MS = 20;
/** Root mean square of a voiced frame, 16-bit scale. */
const VOICED_RMS = 330;
/** 200 ms of voice are an interruption. */
const VOICED_FRAMES = 10;
/** Silence that ends a turn: what the transcriber of the compared Tandem waits for, too. Examples have 300 ms and more. */
const ENDPOINTING_MS = 200;

interface Message {
  role: 'system' | 'user' | 'assistant';
  content: string;
}
interface Results {
  type: string;
  is_final?: boolean;
  speech_final?: boolean;
  channel?: { alternatives: { transcript: string }[] };
}
interface Speech {
  type: string;
  context_id?: string;
  data?: string;
}

const mulaw = Int16Array.from({ length: 256 }, (_, code) => {
  const inverted = ~code & 0xff;
  const magnitude = ((((inverted & 0x0f) << 3) + 0x84) << ((inverted & 0x70) >> 4)) - 0x84;
  return inverted & 0x80 ? -magnitude : magnitude;
});

function isVoiced(sound: Buffer): boolean {
  let energy = 0;
  for (const code of sound) energy += mulaw[code] ** 2;
  return Math.sqrt(energy / sound.length) > VOICED_RMS;
}

function openTranscriber(): WebSocket {
  const query = new URLSearchParams({
    model: 'nova-3',
    encoding: 'mulaw',
    sample_rate: '8000',
    interim_results: 'true',
    smart_format: 'true',
    endpointing: String(ENDPOINTING_MS),
  });
  return new WebSocket(`${socketUrlOf(setting('DEEPGRAM_BASE_URL'))}/v1/listen?${query.toString()}`, {
    headers: { authorization: `Token ${setting('DEEPGRAM_API_KEY')}` },
    perMessageDeflate: false,
  });
}

function openSynthesizer(): WebSocket {
  return new WebSocket(`${socketUrlOf(setting('CARTESIA_BASE_URL'))}/tts/websocket`, {
    headers: { 'x-api-key': setting('CARTESIA_API_KEY'), 'cartesia-version': '2025-04-16' },
    perMessageDeflate: false,
  });
}

/** Words of a streamed chat completion as they come. */
async function* wordsOf(messages: readonly Message[], signal: AbortSignal): AsyncGenerator<string> {
  const response = await fetch(`${setting('OPENAI_BASE_URL')}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${setting('OPENAI_API_KEY')}` },
    body: JSON.stringify({ model: 'gpt-4.1-mini', stream: true, messages }),
    signal,
  });
  if (!response.ok || !response.body) throw new Error(`chat completions answered ${response.status}`);
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of response.body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('data: ') || line === 'data: [DONE]') continue;
      const { choices } = JSON.parse(line.slice(6)) as { choices: { delta?: { content?: string } }[] };
      const content = choices[0]?.delta?.content;
      if (content) yield content;
    }
  }
}

export function servePipelineCall(carrier: WebSocket, pace: Pace, over?: () => void): void {
  const history: Message[] = [{ role: 'system', content: 'You help callers to find their way.' }];
  const transcriber = openTranscriber();
  const synthesizer = openSynthesizer();
  let streamSid = '';
  let heard: string[] = [];
  let voicedFrames = 0;
  let sound: Buffer = Buffer.alloc(0);
  let context: string | undefined;
  let generation = new AbortController();
  let marks = 0;

  const tellCarrier = (message: object) => {
    if (carrier.readyState === WebSocket.OPEN) carrier.send(JSON.stringify(message));
  };
  const sendSound = (bytes: Buffer) => tellCarrier({ event: 'media', streamSid, media: { payload: bytes.toString('base64') } });
  const isSpeaking = () => context !== undefined || sound.length > 0 || marks > 0;

  function say(transcript: string, goesOn: boolean): void {
    if (synthesizer.readyState !== WebSocket.OPEN) return;
    synthesizer.send(
      JSON.stringify({
        model_id: 'sonic-3',
        transcript,
        voice: { mode: 'id', id: '00000000-0000-4000-8000-000000000000' },
        language: 'en',
        context_id: context,
        continue: goesOn,
        output_format: { container: 'raw', encoding: 'pcm_mulaw', sample_rate: 8000 },
      }),
    );
  }

  function bargeIn(): void {
    generation.abort();
    if (context !== undefined && synthesizer.readyState === WebSocket.OPEN)
      synthesizer.send(JSON.stringify({ context_id: context, cancel: true }));
    context = undefined;
    sound = Buffer.alloc(0);
    tellCarrier({ event: 'clear', streamSid });
  }

  async function answer(words: string): Promise<void> {
    if (isSpeaking()) bargeIn();
    history.push({ role: 'user', content: words });
    const { signal } = (generation = new AbortController());
    context = randomUUID();
    let said = '';
    let clause = '';
    for await (const word of wordsOf(history, signal)) {
      clause += word;
      const [sentence] = /^.*[.!?]\s/s.exec(clause) ?? [];
      if (sentence === undefined) continue;
      say(sentence, true);
      said += sentence;
      clause = clause.slice(sentence.length);
    }
    if (signal.aborted) return;
    say(clause, false);
    history.push({ role: 'assistant', content: said + clause });
  }

  transcriber.on('message', (data: Buffer) => {
    const { type, is_final: isFinal, speech_final: speechFinal, channel } = JSON.parse(data.toString()) as Results;
    if (type !== 'Results' || !isFinal) return;
    const transcript = channel?.alternatives[0].transcript ?? '';
    if (transcript !== '') heard.push(transcript);
    if (!speechFinal || heard.length === 0) return;
    const words = heard.join(' ');
    heard = [];
    answer(words).catch((error: unknown) => {
      if (!(error instanceof Error && error.name === 'AbortError')) console.error(error);
    });
  });
  synthesizer.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as Speech;
    if (message.context_id !== context) return;
    if (message.type === 'chunk' && message.data) {
      const bytes = Buffer.from(message.data, 'base64');
      if (pace === 'tick') sound = Buffer.concat([sound, bytes]);
      else sendSound(bytes);
    } else if (message.type === 'done') {
      context = undefined;
      if (pace === 'tick') return;
      marks++;
      tellCarrier({ event: 'mark', streamSid, mark: { name: 'end' } });
    }
  });
  synthesizer.on('open', () => {
    context = randomUUID();
    say(GREETING, false);
  });

  const timer = setInterval(() => {
    if (sound.length === 0) return;
    sendSound(sound.subarray(0, FRAME));
    sound = sound.subarray(FRAME);
  }, FRAME_MS);
  if (pace === 'burst') clearInterval(timer);

  carrier.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as CarrierMessage;
    if (message.event === 'start') streamSid = message.start?.streamSid ?? '';
    else if (message.event === 'media' && message.media) {
      const bytes = Buffer.from(message.media.payload, 'base64');
      if (transcriber.readyState === WebSocket.OPEN) transcriber.send(bytes);
      voicedFrames = isVoiced(bytes) ? voicedFrames + 1 : 0;
      if (voicedFrames === VOICED_FRAMES && isSpeaking()) bargeIn();
    } else if (message.event === 'mark') marks = Math.max(0, marks - 1);
    else if (message.event === 'stop') carrier.close();
  });
  for (const socket of [transcriber, synthesizer]) {
    socket.on('error', (error) => console.error(error.message));
    socket.on('close', () => carrier.close());
  }
  carrier.on('close', () => {
    clearInterval(timer);
    generation.abort();
    transcriber.close();
    synthesizer.close();
    over?.();
  });
}
