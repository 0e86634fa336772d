/** Every protocol that is spoken, by provider. A new one is a line here. */
import { assemblyaiRoutes } from './assemblyai.ts';
import { cartesiaRoutes } from './cartesia.ts';
import { deepgramFluxRoutes } from './deepgram-flux.ts';
import { deepgramListenRoutes } from './deepgram-listen.ts';
import { deepgramSpeakRoutes } from './deepgram-speak.ts';
import { elevenlabsRoutes } from './elevenlabs.ts';
import { openaiSpeechRoutes } from './openai-speech.ts';
import type { Route } from './route.ts';
import type { ProviderName } from './scenario.ts';
import { sonioxRoutes } from './soniox.ts';

export const routes: Readonly<Record<ProviderName, readonly Route[]>> = {
  deepgram: [...deepgramListenRoutes, ...deepgramFluxRoutes, ...deepgramSpeakRoutes],
  assemblyai: [...assemblyaiRoutes],
  soniox: [...sonioxRoutes],
  openai: [...openaiSpeechRoutes],
  anthropic: [],
  gemini: [],
  cartesia: [...cartesiaRoutes],
  elevenlabs: [...elevenlabsRoutes],
};
