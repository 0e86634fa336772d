/** The room against the local provider, which was written from the vendor's documentation alone. */
import { describeAtLocalProvider, localDeadlines as deadlines } from '../local-language-model.contract.ts';
import { liveKit } from '../testing.ts';
import { OpenAiLanguageModel } from './language-model.ts';

describeAtLocalProvider('openai responses', {
  provider: 'openai',
  badCalls: 'told',
  make: (providers, apiKey) =>
    new OpenAiLanguageModel(liveKit(), {
      apiKey,
      baseUrl: `${providers.urls.openai}/v1`,
      model: 'gpt-5.4-mini',
      api: 'responses',
      deadlines,
    }),
});
