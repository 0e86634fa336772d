/** With models that take no time and an end of turn that comes from outside, what is left is our own. */
import { expect, test } from 'vitest';
import { ScriptedLanguageModel } from '#models/scripted/language-model.ts';
import { ScriptedSynthesizer } from '#models/scripted/synthesizer.ts';
import { ScriptedTranscriber } from '#models/scripted/transcriber.ts';
import { levelVoiceActivity } from '#models/scripted/voice-activity.ts';
import { Stage } from './testing.ts';

test('from end of turn to the first packet is at most one frame', async () => {
  let model: ScriptedLanguageModel | undefined;
  const stage = await Stage.set({
    models: (kit) => {
      model = new ScriptedLanguageModel(kit, { rules: [{ say: 'We are open from nine to five.' }] });
      return {
        voiceActivity: levelVoiceActivity()('mulaw-8000'),
        transcribers: [new ScriptedTranscriber({ lines: ['When are you open?', 'Thank you.'], endOfTurn: true })],
        languageModels: [model],
        synthesizers: [new ScriptedSynthesizer(kit)],
      };
    },
  });
  for (const at of [4_000, 9_000, 14_000]) await stage.noise(at, 900);
  await stage.until(18_000);
  const answers = stage.of('turn-completed').filter(({ turn }) => turn > 0);
  expect(answers.map(({ heard }) => heard)).toEqual(Array.from({ length: 3 }, () => 'We are open from nine to five.'));
  for (const { stages } of answers) expect((stages.firstPacketAt ?? 0) - (stages.committedAt ?? 0)).toBeLessThanOrEqual(20);
  expect(stage.of('turn-committed').map(({ text }) => text)).toEqual(['When are you open?', 'Thank you.', 'When are you open?']);
  expect(model?.requests.at(-1)?.messages).toHaveLength(6);
  expect(await stage.strike()).toBe(0);
});
