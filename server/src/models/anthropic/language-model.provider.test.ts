/** The room against the local provider, which was written from the vendor's documentation alone. */
import { describeAtLocalProvider, localDeadlines as deadlines } from '../local-language-model.contract.ts';
import { liveKit } from '../testing.ts';
import { AnthropicLanguageModel } from './language-model.ts';

describeAtLocalProvider('anthropic', {
  provider: 'anthropic',
  badCalls: 'told',
  make: (providers, apiKey) =>
    new AnthropicLanguageModel(liveKit(), { apiKey, baseUrl: providers.urls.anthropic, model: 'claude-haiku-4-5', deadlines }),
});
