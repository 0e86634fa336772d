import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { VendorError } from '#kit/errors.ts';
import { humming, liveKit, waitFor } from '../testing.ts';
import { describeTranscriber, listen, pushSound } from '../transcriber.contract.ts';
import { modelFilesIn } from './model-files.ts';
import { type SherpaOptions, startSherpa, wordsFrom } from './transcriber.ts';
import { sherpa } from './vendor.ts';

/**
 * Speaks the API of sherpa-onnx-node's streaming recogniser (scripts/node-addon-api/lib/streaming-asr.js): it hears where
 * sound is loud, and ends a segment by rule 2. A sample of exactly 0.5 makes it throw.
 */
const RUNTIME = `
const WORDS = [' I', ' NE', 'ED', ' HE', 'LP'];
class OnlineRecognizer {
  constructor(config) {
    if (!config.modelConfig.tokens || !config.modelConfig.transducer) throw new Error('no model');
    this.rule2 = config.rule2MinTrailingSilence;
  }
  createStream() {
    const stream = { at: 0, start: 0, from: undefined, to: undefined, pending: 0 };
    stream.acceptWaveform = ({ samples, sampleRate }) => {
      if (!(samples instanceof Float32Array)) throw new Error('not floats');
      for (const sample of samples) {
        stream.at += 1 / sampleRate;
        if (sample === 0.5) throw new Error('out of sorts');
        if (Math.abs(sample) > 0.05) { stream.from ??= stream.at; stream.to = stream.at; }
      }
      stream.pending++;
    };
    return stream;
  }
  isReady(stream) { return stream.pending > 0; }
  decode(stream) { stream.pending--; }
  isEndpoint(stream) { return stream.to !== undefined && stream.at - stream.to > this.rule2; }
  reset(stream) { stream.from = stream.to = undefined; stream.start = stream.at; }
  getResult(stream) {
    if (stream.from === undefined) return { text: '', tokens: [], timestamps: [], start_time: stream.start };
    const each = (stream.to - stream.from) / WORDS.length;
    return { text: WORDS.join(''), tokens: WORDS, timestamps: WORDS.map((_, i) => stream.from - stream.start + i * each), start_time: stream.start };
  }
}
module.exports = { OnlineRecognizer };
`;

let folder: string;
let options: SherpaOptions;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-sherpa-'));
  await mkdir(join(folder, 'model'));
  await mkdir(join(folder, 'runtime'));
  await writeFile(join(folder, 'runtime', 'index.js'), RUNTIME);
  for (const name of [
    'tokens.txt',
    'encoder-epoch-99.onnx',
    'encoder-epoch-99.int8.onnx',
    'decoder-epoch-99.onnx',
    'joiner-epoch-99.onnx',
  ]) {
    await writeFile(join(folder, 'model', name), '');
  }
  options = {
    runtime: join(folder, 'runtime'),
    files: await modelFilesIn(join(folder, 'model')),
    threads: 1,
    model: 'model',
    mostStreams: 4,
  };
});
afterAll(() => rm(folder, { recursive: true }));

for (const format of ['mulaw-8000', 'linear-16000'] as const) {
  describeTranscriber(`sherpa (${format})`, {
    make: () => startSherpa(liveKit(), options),
    format,
    text: 'i need help',
    speech: humming,
    waitFor,
  });
}

test('words have the times of their tokens', () => {
  expect(wordsFrom([' I', '▁NE', 'ED', ''], [0, 300, 400, 900])).toEqual([
    { text: 'i', fromMs: 0, toMs: 240, confidence: undefined },
    { text: 'need', fromMs: 300, toMs: 640, confidence: undefined },
  ]);
});

test('one stream too many is refused; a closed one makes room', async () => {
  const transcriber = await startSherpa(liveKit(), { ...options, mostStreams: 1 });
  const open = (failures: VendorError[]) =>
    transcriber.open({
      format: 'mulaw-8000',
      language: 'en',
      phrases: [],
      listener: { ...listen().listener, failed: (error) => failures.push(error) },
    });
  const [first, second, third]: VendorError[][] = [[], [], []];
  const stream = open(first);
  open(second);
  await waitFor(() => second.length > 0);
  expect(second[0].category).toBe('rate-limited');
  stream.close();
  open(third);
  await waitFor(() => true);
  expect([first, third]).toEqual([[], []]);
  await transcriber.close();
});

test('a stream that the recogniser cannot go on with fails alone; when the thread is gone, all do', async () => {
  const transcriber = await startSherpa(liveKit(), options);
  const [bad, good] = [listen(), listen()];
  const open = (heard: ReturnType<typeof listen>) =>
    transcriber.open({ format: 'linear-16000', language: 'en', phrases: [], listener: heard.listener });
  const broken = open(bad);
  const stream = open(good);
  pushSound(broken, 'linear-16000', new Int16Array(3_200).fill(16_384), 0);
  await waitFor(() => bad.failures.length > 0);
  expect(bad.failures[0]).toMatchObject({ category: 'retryable', message: 'sherpa: out of sorts' });
  pushSound(stream, 'linear-16000', humming('linear-16000'), 0);
  await waitFor(() => good.partials.length > 0);
  expect(good.failures).toEqual([]);
  await transcriber.close();
  const late = listen();
  transcriber.open({ format: 'linear-16000', language: 'en', phrases: [], listener: late.listener });
  await waitFor(() => late.failures.length > 0);
  expect(late.failures[0].category).toBe('permanent');
});

describe('what is not there', () => {
  const factory = (settings: object) => sherpa.transcriber(sherpa.settings.parse(settings), liveKit());
  test('no model named, no package, no model in the folder: no transcriber', async () => {
    expect(await factory({})).toBeUndefined();
    expect(await factory({ model: join(folder, 'model'), runtime: join(folder, 'nowhere') })).toBeUndefined();
    expect(await factory({ model: join(folder, 'runtime'), runtime: join(folder, 'runtime') })).toBeUndefined();
  });

  test('the kinds of model', async () => {
    expect((await modelFilesIn(join(folder, 'model'))).transducer?.encoder).toContain('int8');
    const other = join(folder, 'other');
    await mkdir(other);
    await writeFile(join(other, 'tokens.txt'), '');
    await expect(modelFilesIn(other)).rejects.toThrow('no streaming model');
    await writeFile(join(other, 'model.onnx'), '');
    expect(await modelFilesIn(other)).toMatchObject({ zipformer2Ctc: { model: join(other, 'model.onnx') } });
  });
});
