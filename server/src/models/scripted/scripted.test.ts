import { describe, expect, test } from 'vitest';
import { msOf } from '#audio/frame.ts';
import { VendorError } from '#kit/errors.ts';
import { SeededRandom } from '#kit/random.ts';
import { testKit } from '#kit/testing.ts';
import { describeEmbedder } from '../embedder.contract.ts';
import { describeLanguageModel, modelRequest, partsOf, textOf } from '../language-model.contract.ts';
import { describeSynthesizer } from '../synthesizer.contract.ts';
import { describeTranscriber, listen, pushSound } from '../transcriber.contract.ts';
import { describeVoiceActivity } from '../voice-activity.contract.ts';
import { HashEmbedder } from './embedder.ts';
import { ScriptedLanguageModel } from './language-model.ts';
import { speechLikeSound } from './speech-like.ts';
import { ScriptedSynthesizer } from './synthesizer.ts';
import { ScriptedTranscriber } from './transcriber.ts';
import { scripted } from './vendor.ts';
import { levelVoiceActivity } from './voice-activity.ts';
import { readWatermark, watermark } from './watermark.ts';

const kit = testKit();
const speech = (format: 'mulaw-8000' | 'linear-16000') => speechLikeSound(new SeededRandom(7), 3_000, format);
const settled = async (condition: () => boolean) => {
  await kit.clock.settle();
  if (!condition()) throw new Error('nothing happened');
};

describeSynthesizer('scripted', { make: async () => new ScriptedSynthesizer(kit), voice: 'any' });
describeLanguageModel('scripted', { make: async () => ({ model: new ScriptedLanguageModel(kit) }) });
describeVoiceActivity('scripted', { make: async () => levelVoiceActivity(), speech });
describeEmbedder('scripted', async () => new HashEmbedder());
describeTranscriber('scripted', {
  make: async () => new ScriptedTranscriber(),
  text: 'when are you open',
  speech,
  expectNext: (transcriber, text) => (transcriber as ScriptedTranscriber).hearNext(text),
  waitFor: settled,
});

const options = { format: 'mulaw-8000', language: 'en', phrases: [] } as const;

describe('transcriber', () => {
  const quiet = (ms: number) => new Uint8Array(ms * 8).fill(0xff);

  test('words become partials, and a final after the declared delay', () => {
    const heard = listen();
    const times: string[] = [];
    const transcriber = new ScriptedTranscriber({ partialDelayMs: 100, finalDelayMs: 300, endOfTurn: true });
    let at = 0;
    const stream = transcriber.open({
      ...options,
      listener: {
        partial: (transcript) => times.push(`${at} ${transcript.text}`),
        final: (transcript) => times.push(`${at} final ${transcript.text} ${transcript.fromAt}-${transcript.toAt}`),
        endOfTurn: () => times.push(`${at} end of turn`),
        failed: (error) => heard.failures.push(error),
      },
    });
    stream.says('I want to cancel', { at: 800, wordMs: 200 });
    while (at < 2_400) {
      at += 20;
      pushSound(stream, 'mulaw-8000', quiet(20), at - 20);
    }
    expect(times).toEqual([
      '1100 I',
      '1300 I want',
      '1500 I want to',
      '1700 I want to cancel',
      '1900 final I want to cancel 800-1600',
      '1900 end of turn',
    ]);
    stream.close();
    expect(transcriber.streams).toEqual([]);
  });

  test('under load: each utterance is the next line of the script, final at once', () => {
    const heard = listen();
    const stream = new ScriptedTranscriber({ lines: ['one', 'two words'] }).open({ ...options, listener: heard.listener });
    for (const at of [1_000, 2_000, 3_000]) {
      stream.speechStarted(at - 500);
      stream.speechEnded(at);
    }
    expect(heard.finals.map((final) => [final.text, final.fromAt, final.toAt])).toEqual([
      ['one', 500, 1_000],
      ['two words', 1_500, 2_000],
      ['one', 2_500, 3_000],
    ]);
    stream.close();
  });

  test('a stream that fails says so once and is dead', () => {
    const heard = listen();
    const stream = new ScriptedTranscriber().open({ ...options, listener: heard.listener });
    stream.fails();
    stream.fails();
    stream.says('nobody hears this', { at: 0, wordMs: 1 });
    pushSound(stream, 'mulaw-8000', quiet(100), 0);
    expect(heard.failures.map((error) => error.category)).toEqual(['retryable']);
    expect(heard.finals).toEqual([]);
  });
});

test('language model: rules, delays, tools and failures', async () => {
  const error = new VendorError('scripted', 'rate-limited', 'enough');
  const model = new ScriptedLanguageModel(kit, {
    rules: [
      { when: /price/, say: 'It is ten euros.', firstMs: 300, eachMs: 50 },
      { when: /bye/, say: 'Goodbye.', call: { name: 'end_call', arguments: {} } },
      { when: /break/, say: 'It breaks now', fail: error, failAfter: 2 },
    ],
  });
  const ask = (text: string) => partsOf(model, modelRequest({ messages: [{ role: 'user', text }] }));
  const started = kit.clock.now();
  const slow = ask('the price');
  await kit.clock.advance(1_000);
  expect(textOf(await slow)).toBe('It is ten euros.');
  expect(kit.clock.now() - started).toBe(1_000);
  expect((await ask('bye')).map((part) => part.type)).toEqual(['text', 'tool-call', 'usage']);
  await expect(ask('break')).rejects.toBe(error);
  expect(model.requests).toHaveLength(3);
  expect(kit.clock.pending).toBe(0);
});

describe('synthesizer', () => {
  test('declared lengths, delays and parts', async () => {
    const synthesizer = new ScriptedSynthesizer(kit, { msPerCharacter: 50, firstMs: 200, eachMs: 10, partMs: 100 });
    const parts: number[] = [];
    const work = (async () => {
      const signal = new AbortController().signal;
      for await (const part of synthesizer.speak({ text: 'ab cd', voice: '', language: 'en', format: 'mulaw-8000', signal })) {
        parts.push(msOf(part.sound, 'mulaw-8000'));
      }
    })();
    await kit.clock.advance(199);
    expect(parts).toEqual([]);
    await kit.clock.advance(1);
    expect(parts).toEqual([100]);
    await kit.clock.advance(10);
    await work;
    expect(parts).toEqual([100, 100]);
  });

  test('its watermark can be read back, from µ-law too, and nothing is read from speech or silence', () => {
    for (const format of ['mulaw-8000', 'linear-16000'] as const) {
      const perChunk = format === 'mulaw-8000' ? 800 : 1_600;
      for (let turn = 0; turn < 16; turn++) {
        const sound = watermark(turn, 1_600, format);
        for (let chunk = 0; chunk < 16; chunk++) {
          expect(readWatermark(sound, format, chunk * perChunk, (chunk + 1) * perChunk)).toEqual({ turn, chunk });
        }
      }
      expect(readWatermark(format === 'mulaw-8000' ? new Uint8Array(800).fill(0xff) : new Int16Array(1_600), format)).toBeUndefined();
    }
  });
});

test('the doubles are off unless asked for', async () => {
  expect(await scripted.languageModel(scripted.settings.parse({}), kit)).toBeUndefined();
  const on = scripted.settings.parse({ enabled: 'true', answer: 'Yes.' });
  const model = await scripted.languageModel(on, kit);
  expect(model && textOf(await partsOf(model, modelRequest()))).toBe('Yes.');
});
