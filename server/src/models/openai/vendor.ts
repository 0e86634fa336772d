import { z } from 'zod';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { defineVendor } from '#kit/vendor.ts';
import { DEFAULT_MAX_SOCKETS } from '../provider-http.ts';
import { askSize, embedderDeadlines, nativeSize, OpenAiEmbedder } from './embedder.ts';
import { OpenAiLanguageModel } from './language-model.ts';
import { OpenAiRealtime, realtimeDeadlines } from './realtime.ts';
import { OpenAiSynthesizer, openAiSpeechDeadlines } from './synthesizer.ts';

const DEFAULT_BASE_URL = 'https://api.openai.com/v1';
const DEFAULT_SPEECH_MODEL = 'gpt-4o-mini-tts';
const DEFAULT_REALTIME_MODEL = 'gpt-realtime-2';
const DEFAULT_EMBEDDING_MODEL = 'text-embedding-3-small';

const settings = z.object({
  apiKey: z
    .string()
    .trim()
    .min(1)
    .optional()
    .meta({ env: 'OPENAI_API_KEY', secret: true, description: 'key of the OpenAI API or a compatible one' }),
  baseUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .meta({
      env: 'OPENAI_BASE_URL',
      description: `base URL with its version, such as http://127.0.0.1:11434/v1; ${DEFAULT_BASE_URL} when absent`,
    }),
  model: z.string().trim().min(1).default('gpt-4.1-mini').meta({ env: 'TANDEM_OPENAI_MODEL', description: 'chat model to ask' }),
  api: z.enum(['chat', 'responses']).default('chat').meta({
    env: 'TANDEM_OPENAI_API',
    description: 'protocol to ask it with: chat completions, which every compatible server has, or Responses',
  }),
  reasoningEffort: z.string().trim().min(1).optional().meta({
    env: 'TANDEM_OPENAI_REASONING',
    description: 'how much a thinking model may think (none, minimal, low, ...); not sent when absent',
  }),
  maxSockets: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(DEFAULT_MAX_SOCKETS)
    .meta({ env: 'TANDEM_OPENAI_MAX_SOCKETS', description: 'connections to its base URL at once' }),
  speechModel: z
    .string()
    .trim()
    .min(1)
    .optional()
    .meta({
      env: 'TANDEM_OPENAI_SPEECH_MODEL',
      description: `model that speaks; ${DEFAULT_SPEECH_MODEL} at OpenAI's own address, none elsewhere when absent`,
    }),
  voice: z
    .string()
    .trim()
    .min(1)
    .default('alloy')
    .meta({ env: 'TANDEM_OPENAI_VOICE', description: 'OpenAI voice for assistants that name none of its own' }),
  realtimeModel: z
    .string()
    .trim()
    .min(1)
    .optional()
    .meta({
      env: 'TANDEM_OPENAI_REALTIME_MODEL',
      description: `model that hears and speaks; ${DEFAULT_REALTIME_MODEL} at OpenAI's own address, none elsewhere when absent`,
    }),
  transcriptionModel: z
    .string()
    .trim()
    .min(1)
    .default('gpt-4o-mini-transcribe')
    .meta({ env: 'TANDEM_OPENAI_TRANSCRIPTION_MODEL', description: 'model that writes down what the caller says to the Realtime API' }),
  turnDetection: z.enum(['server_vad', 'semantic_vad']).default('server_vad').meta({
    env: 'TANDEM_OPENAI_TURN_DETECTION',
    description: "how the Realtime API decides that the caller has finished: by silence, or by the words' meaning too",
  }),
  embeddingModel: z
    .string()
    .trim()
    .min(1)
    .optional()
    .meta({
      env: 'TANDEM_OPENAI_EMBEDDING_MODEL',
      description: `model that makes vectors of texts; ${DEFAULT_EMBEDDING_MODEL} at OpenAI's own address, none elsewhere when absent`,
    }),
  embeddingDimensions: z.coerce.number().int().min(8).max(8_192).optional().meta({
    env: 'TANDEM_OPENAI_EMBEDDING_DIMENSIONS',
    description: "numbers of a vector: fewer than the model's own where it can; when absent its own, for a model not known asked at start",
  }),
});

const isOpenAi = (baseUrl: string | undefined): boolean => baseUrl === undefined || baseUrl.startsWith('https://api.openai.com/');

/** Usable with a key, or with a base URL of a server that wants none. */
export const openai = defineVendor({
  name: 'openai',
  settings,
  languageModel: async ({ apiKey, baseUrl, model, api, reasoningEffort, maxSockets }: z.infer<typeof settings>, kit: Kit) =>
    apiKey === undefined && baseUrl === undefined
      ? undefined
      : new OpenAiLanguageModel(kit, { apiKey, baseUrl: baseUrl ?? DEFAULT_BASE_URL, model, api, reasoningEffort, maxSockets }),
  // Most servers that speak the chat protocol have no voice: elsewhere it must be asked for by its model.
  synthesizer: async ({ apiKey, baseUrl, speechModel, voice }: z.infer<typeof settings>, kit: Kit) => {
    const model = speechModel ?? (isOpenAi(baseUrl) ? DEFAULT_SPEECH_MODEL : undefined);
    if (model === undefined || (apiKey === undefined && baseUrl === undefined)) return undefined;
    return new OpenAiSynthesizer(kit, { apiKey, baseUrl: baseUrl ?? DEFAULT_BASE_URL, model, voice, deadlines: openAiSpeechDeadlines });
  },
  speechToSpeech: async (
    { apiKey, baseUrl, realtimeModel, voice, transcriptionModel, turnDetection }: z.infer<typeof settings>,
    kit: Kit,
  ) => {
    const model = realtimeModel ?? (isOpenAi(baseUrl) ? DEFAULT_REALTIME_MODEL : undefined);
    if (model === undefined || (apiKey === undefined && baseUrl === undefined)) return undefined;
    const options = { apiKey, baseUrl: baseUrl ?? DEFAULT_BASE_URL, model, voice, transcriptionModel, turnDetection };
    return new OpenAiRealtime(kit, { ...options, deadlines: realtimeDeadlines });
  },
  embedder: async ({ apiKey, baseUrl = DEFAULT_BASE_URL, embeddingModel, embeddingDimensions }: z.infer<typeof settings>, kit: Kit) => {
    const model = embeddingModel ?? (isOpenAi(baseUrl) ? DEFAULT_EMBEDDING_MODEL : undefined);
    if (model === undefined || (apiKey === undefined && baseUrl === DEFAULT_BASE_URL)) return undefined;
    const options = { apiKey, baseUrl, model, deadlines: embedderDeadlines };
    try {
      // Every wait of the request has a deadline of its own.
      const dimensions = embeddingDimensions ?? nativeSize(model) ?? (await askSize(kit, options, new AbortController().signal));
      return new OpenAiEmbedder(kit, { ...options, dimensions });
    } catch (error) {
      const message =
        'the size of its vectors could not be asked (TANDEM_OPENAI_EMBEDDING_DIMENSIONS tells it): the next embedder is taken';
      kit.log.warn({ model, error: messageOf(error) }, message);
      return undefined;
    }
  },
});
