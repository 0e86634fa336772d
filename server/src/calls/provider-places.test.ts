import { assistantInput, type Assistant } from '@tandem/contract';
import { expect, test } from 'vitest';
import { testKit } from '#kit/testing.ts';
import { ScriptedLanguageModel } from '#models/scripted/language-model.ts';
import { ScriptedSynthesizer } from '#models/scripted/synthesizer.ts';
import { ScriptedTranscriber } from '#models/scripted/transcriber.ts';
import { levelVoiceActivity } from '#models/scripted/voice-activity.ts';
import type { InstalledModels } from './installed-models.ts';
import { parsePlaces, ProviderPlaces } from './provider-places.ts';

const kit = testKit();
const named = <Part extends object>(part: Part, name: string): Part => Object.defineProperty(part, 'name', { value: name });
const models: InstalledModels = {
  voiceActivity: levelVoiceActivity(),
  transcribers: [named(new ScriptedTranscriber(), 'deepgram'), named(new ScriptedTranscriber(), 'soniox')],
  languageModels: [named(new ScriptedLanguageModel(kit), 'openai')],
  synthesizers: [named(new ScriptedSynthesizer(kit), 'cartesia'), named(new ScriptedSynthesizer(kit), 'deepgram')],
};
const assistant = (change: object = {}): Assistant => ({
  ...assistantInput.parse({ name: 'Ada', slug: 'ada', greeting: 'Hello.', ...change }),
  id: 'a',
  businessId: 'b',
  createdAt: '',
  updatedAt: '',
});
const names = (parts: readonly { name: string }[] | undefined) => parts?.map(({ name }) => name);

test('without a bound every model is there', () => {
  expect(new ProviderPlaces(new Map()).take(assistant(), models)).toEqual({ models, providers: [] });
});

test('a full provider is passed over for the next on the list, and its place comes back', () => {
  const places = new ProviderPlaces(new Map([['deepgram', 1]]));
  const first = places.take(assistant(), models);
  expect(first?.providers).toEqual(['deepgram', 'openai', 'cartesia']);
  expect(places.taken).toEqual({ deepgram: 1 });
  const second = places.take(assistant(), models);
  expect(names(second?.models.transcribers)).toEqual(['soniox']);
  expect(names(second?.models.synthesizers)).toEqual(['cartesia']);
  if (first) places.give(first);
  expect(places.taken).toEqual({ deepgram: 0 });
  expect(names(places.take(assistant(), models)?.models.transcribers)).toEqual(['deepgram', 'soniox']);
});

test('an assistant that names its provider is not given to another, unless it names that one too', () => {
  const places = new ProviderPlaces(new Map([['deepgram', 0]]));
  expect(places.take(assistant({ transcriber: 'deepgram' }), models)).toBeUndefined();
  expect(places.hasRoom(assistant({ transcriber: 'deepgram' }), models)).toBe(false);
  const other = assistant({ transcriber: 'deepgram', fallbacks: { transcribers: ['soniox'] } });
  expect(places.take(other, models)?.providers).toContain('soniox');
});

test('a call takes a place at the speech-to-speech model that it names, and where that is not installed at those it begins with', () => {
  const direct = { ...models, speechToSpeech: [{ name: 'gemini' } as NonNullable<InstalledModels['speechToSpeech']>[number]] };
  const places = new ProviderPlaces(new Map([['gemini', 1]]));
  const ordinary = places.take(assistant({ speechToSpeech: 'openai' }), direct);
  expect(ordinary?.providers).toEqual(['deepgram', 'openai', 'cartesia']);
  expect(places.take(assistant({ speechToSpeech: 'gemini' }), direct)?.providers).toEqual(['gemini']);
  expect(places.hasRoom(assistant({ speechToSpeech: 'gemini' }), direct)).toBe(false);
});

test('the setting is a list of providers and numbers', () => {
  expect(parsePlaces(' deepgram:50, cartesia : 20,')).toEqual(
    new Map([
      ['deepgram', 50],
      ['cartesia', 20],
    ]),
  );
  expect(parsePlaces('')).toEqual(new Map());
  for (const wrong of ['deepgram', 'deepgram:-1', 'deepgram:many', ':3']) expect(parsePlaces(wrong), wrong).toBeUndefined();
});
