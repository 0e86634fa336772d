/** Every protocol that is spoken, by provider. A new one is a line here. */
import { anthropicRoutes } from './anthropic.ts';
import { assemblyaiRoutes } from './assemblyai.ts';
import { cartesiaRoutes } from './cartesia.ts';
import { deepgramFluxRoutes } from './deepgram-flux.ts';
import { deepgramListenRoutes } from './deepgram-listen.ts';
import { deepgramSpeakRoutes } from './deepgram-speak.ts';
import { elevenlabsRoutes } from './elevenlabs.ts';
import { geminiRoutes } from './gemini.ts';
import { geminiLiveRoutes } from './gemini-live.ts';
import { openaiChatRoutes } from './openai-chat.ts';
import { openaiEmbeddingsRoutes } from './openai-embeddings.ts';
import { openaiRealtimeRoutes } from './openai-realtime.ts';
import { openaiResponsesRoutes } from './openai-responses.ts';
import { openaiSpeechRoutes } from './openai-speech.ts';
import type { Route } from './route.ts';
import type { ProviderName } from './scenario.ts';
import { sonioxRoutes } from './soniox.ts';

export const routes: Readonly<Record<ProviderName, readonly Route[]>> = {
  deepgram: [...deepgramListenRoutes, ...deepgramFluxRoutes, ...deepgramSpeakRoutes],
  assemblyai: [...assemblyaiRoutes],
  soniox: [...sonioxRoutes],
  openai: [...openaiChatRoutes, ...openaiResponsesRoutes, ...openaiRealtimeRoutes, ...openaiSpeechRoutes, ...openaiEmbeddingsRoutes],
  anthropic: [...anthropicRoutes],
  gemini: [...geminiRoutes, ...geminiLiveRoutes],
  cartesia: [...cartesiaRoutes],
  elevenlabs: [...elevenlabsRoutes],
};
