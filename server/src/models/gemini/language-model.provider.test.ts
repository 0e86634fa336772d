/** The room against the local provider, which was written from the vendor's documentation alone. */
import { describeAtLocalProvider, localDeadlines as deadlines } from '../local-language-model.contract.ts';
import { liveKit } from '../testing.ts';
import { GeminiLanguageModel } from './language-model.ts';

describeAtLocalProvider('gemini', {
  provider: 'gemini',
  badCalls: 'refused',
  make: (providers, apiKey) =>
    new GeminiLanguageModel(liveKit(), { apiKey, baseUrl: providers.urls.gemini, model: 'gemini-2.5-flash', deadlines }),
});
