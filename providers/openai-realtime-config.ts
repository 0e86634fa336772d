/** The configuration of a Realtime session: its defaults, and what `session.update` may change. */
import { isObject, listOf, objectOf, textOf, typeName, type Json } from './json.ts';
import { badType, badValue, belowMinimum, missing, openaiId, wrongFunction, type Wrong } from './openai.ts';
import type { SoundShape } from './voice.ts';

const formats: Readonly<Record<string, SoundShape>> = {
  'audio/pcm': { encoding: 'pcm', rate: 24_000 },
  'audio/pcmu': { encoding: 'mulaw', rate: 8000 },
  'audio/pcma': { encoding: 'alaw', rate: 8000 },
};
const fields = `type output_modalities instructions max_output_tokens reasoning audio tools tool_choice truncation tracing include prompt
  model parallel_tool_calls`.split(/\s+/);
const inputFields = ['format', 'noise_reduction', 'transcription', 'turn_detection'];
const outputFields = ['format', 'voice', 'speed'];

export const serverVad = {
  type: 'server_vad',
  threshold: 0.5,
  prefix_padding_ms: 300,
  silence_duration_ms: 500,
  create_response: true,
  interrupt_response: true,
  idle_timeout_ms: null,
};

export function defaultSession(model: string): Json {
  return {
    type: 'realtime',
    object: 'realtime.session',
    id: openaiId('sess'),
    model,
    output_modalities: ['audio'],
    instructions: '',
    tools: [],
    tool_choice: 'auto',
    max_output_tokens: 'inf',
    tracing: null,
    truncation: 'auto',
    prompt: null,
    expires_at: Math.floor(Date.now() / 1000) + 3600,
    audio: {
      input: { format: { type: 'audio/pcm', rate: 24_000 }, transcription: null, noise_reduction: null, turn_detection: serverVad },
      output: { format: { type: 'audio/pcm', rate: 24_000 }, voice: 'alloy', speed: 1 },
    },
    include: null,
  };
}

export function audioOf(session: Json, side: 'input' | 'output'): Json {
  return objectOf(objectOf(session.audio)[side]);
}

export function shapeOf(session: Json, side: 'input' | 'output'): SoundShape {
  return formats[textOf(objectOf(audioOf(session, side).format).type)] ?? formats['audio/pcm'];
}

function unknown(given: Json, known: readonly string[], path: string): Wrong | undefined {
  const name = Object.keys(given).find((one) => !known.includes(one));
  return name === undefined
    ? undefined
    : { message: `Unknown parameter: '${path}.${name}'.`, param: `${path}.${name}`, code: 'unknown_parameter' };
}

/** Undefined when the change is a good one. */
export function wrongUpdate(change: unknown): Wrong | undefined {
  if (!isObject(change)) return missing('session');
  if (change.type === undefined) return missing('session.type');
  if (change.type !== 'realtime') return badValue('session.type', change.type, ['realtime', 'transcription']);
  const audio = objectOf(change.audio);
  const input = objectOf(audio.input);
  const output = objectOf(audio.output);
  const strange =
    unknown(change, fields, 'session') ??
    unknown(audio, ['input', 'output'], 'session.audio') ??
    unknown(input, inputFields, 'session.audio.input') ??
    unknown(output, outputFields, 'session.audio.output');
  if (strange) return strange;
  const modalities = change.output_modalities;
  if (modalities !== undefined && !['["audio"]', '["text"]'].includes(JSON.stringify(modalities))) {
    const message = `Invalid modalities: ${JSON.stringify(modalities)}. Supported combinations are: ['text'] and ['audio'].`;
    return { message, param: 'session.output_modalities', code: 'invalid_value' };
  }
  for (const [side, given] of Object.entries({ input, output })) {
    if (given.format === undefined) continue;
    const path = `session.audio.${side}.format`;
    const { type, rate } = objectOf(given.format);
    if (!(textOf(type) in formats)) return badValue(`${path}.type`, type, Object.keys(formats));
    if (type === 'audio/pcm' && Number(rate ?? 24_000) < 24_000) return belowMinimum(`${path}.rate`, 24_000, rate);
  }
  const speed = output.speed;
  if (speed !== undefined && !(Number(speed) >= 0.25 && Number(speed) <= 1.5))
    return badType('session.audio.output.speed', 'a number between 0.25 and 1.5', typeName(speed));
  return wrongDetection(input.turn_detection) ?? wrongTools(change.tools);
}

function wrongDetection(given: unknown): Wrong | undefined {
  if (given === undefined || given === null) return undefined;
  const path = 'session.audio.input.turn_detection';
  const { type, eagerness } = objectOf(given);
  if (type !== 'server_vad' && type !== 'semantic_vad') return badValue(`${path}.type`, type, ['server_vad', 'semantic_vad']);
  const known = ['type', 'create_response', 'interrupt_response'];
  if (type === 'server_vad')
    return unknown(objectOf(given), [...known, 'threshold', 'prefix_padding_ms', 'silence_duration_ms', 'idle_timeout_ms'], path);
  const levels = ['low', 'medium', 'high', 'auto'];
  if (eagerness !== undefined && !levels.includes(textOf(eagerness))) return badValue(`${path}.eagerness`, eagerness, levels);
  return unknown(objectOf(given), [...known, 'eagerness'], path);
}

function wrongTools(tools: unknown): Wrong | undefined {
  for (const [index, tool] of listOf(tools).entries()) {
    const { type } = objectOf(tool);
    if (type !== 'function' && type !== 'mcp') return badValue(`session.tools[${index}].type`, type, ['function', 'mcp']);
    const wrong = wrongFunction(objectOf(tool), `session.tools[${index}]`);
    if (wrong) return wrong;
  }
  return undefined;
}

/** What the client left out stays as it was. */
export function updated(session: Json, change: Json): Json {
  const audio = objectOf(change.audio);
  const side = (name: 'input' | 'output'): Json => {
    const given = objectOf(audio[name]);
    const detection = given.turn_detection;
    const whole = objectOf(detection).type === 'server_vad' ? { turn_detection: { ...serverVad, ...objectOf(detection) } } : {};
    const semantic =
      objectOf(detection).type === 'semantic_vad'
        ? { turn_detection: { eagerness: 'auto', create_response: true, interrupt_response: true, ...objectOf(detection) } }
        : {};
    return { ...audioOf(session, name), ...given, ...whole, ...semantic };
  };
  return { ...session, ...change, audio: { input: side('input'), output: side('output') } };
}
