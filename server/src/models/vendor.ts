/** What a vendor's room may build for the models' seams. Settings are checked by the vendor's own schema before. */
import type { Kit } from '#kit/kit.ts';
import type { Vendor } from '#kit/vendor.ts';
import type { Embedder } from './embedder.ts';
import type { EndOfTurnDetectorFactory } from './end-of-turn.ts';
import type { LanguageModel } from './language-model.ts';
import type { SpeechToSpeech } from './speech-to-speech.ts';
import type { Synthesizer } from './synthesizer.ts';
import type { Transcriber } from './transcriber.ts';
import type { VoiceActivityDetectorFactory } from './voice-activity.ts';

/** A factory answers undefined when its vendor is not usable as configured (no key, program not installed). */
// oxlint-disable-next-line typescript/no-explicit-any -- each vendor types its own settings through defineVendor
type Factory<Part> = (settings: any, kit: Kit) => Promise<Part | undefined>;

export interface ModelVendor extends Vendor {
  voiceActivity?: Factory<VoiceActivityDetectorFactory>;
  transcriber?: Factory<Transcriber>;
  languageModel?: Factory<LanguageModel>;
  synthesizer?: Factory<Synthesizer>;
  embedder?: Factory<Embedder>;
  speechToSpeech?: Factory<SpeechToSpeech>;
  endOfTurn?: Factory<EndOfTurnDetectorFactory>;
}
