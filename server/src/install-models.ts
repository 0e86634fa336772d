/** Opens the rooms of all model vendors that the settings allow: for the call thread, and for commands that need a model. */
import type { InstalledModels } from '#calls/installed-models.ts';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { modelVendors } from './catalog.ts';

/** `settings`: by vendor name, as `config.ts` read them. A vendor without what it needs (a key, a path) is left out. */
export async function installModels(settings: Record<string, Record<string, unknown>>, kit: Kit): Promise<InstalledModels> {
  const models: InstalledModels = {
    voiceActivity: () => {
      throw new TandemError('unavailable', 'No voice activity detector is installed');
    },
    transcribers: [],
    languageModels: [],
    synthesizers: [],
    speechToSpeech: [],
  };
  // From the last vendor to the first, so that the catalogue's first voice activity detector wins.
  for (const vendor of modelVendors.toReversed()) {
    const own = settings[vendor.name];
    const voiceActivity = await vendor.voiceActivity?.(own, kit);
    if (voiceActivity) models.voiceActivity = voiceActivity;
    const transcriber = await vendor.transcriber?.(own, kit);
    if (transcriber) models.transcribers.unshift(transcriber);
    const languageModel = await vendor.languageModel?.(own, kit);
    if (languageModel) models.languageModels.unshift(languageModel);
    const synthesizer = await vendor.synthesizer?.(own, kit);
    if (synthesizer) models.synthesizers.unshift(synthesizer);
    const speechToSpeech = await vendor.speechToSpeech?.(own, kit);
    if (speechToSpeech) models.speechToSpeech?.unshift(speechToSpeech);
    models.endOfTurn = (await vendor.endOfTurn?.(own, kit)) ?? models.endOfTurn;
  }
  return models;
}

/** Their connections, workers and children end. */
export async function closeModels(models: InstalledModels): Promise<void> {
  const parts = [...models.transcribers, ...models.languageModels, ...models.synthesizers, ...(models.speechToSpeech ?? [])];
  await Promise.all(parts.map(async (part) => part.close?.()));
}
