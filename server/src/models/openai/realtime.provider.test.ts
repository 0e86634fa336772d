import { describe, expect, test } from 'vitest';
import { startProviders } from '../../../../providers/server.ts';
import { describeRemoteSpeech } from '../remote-speech.contract.ts';
import { keepingListener } from '../speech-to-speech.contract.ts';
import { liveKit } from '../testing.ts';
import { OpenAiRealtime, realtimeDeadlines } from './realtime.ts';

const settings = { model: 'gpt-realtime-2', voice: 'alloy', transcriptionModel: 'gpt-4o-mini-transcribe', deadlines: realtimeDeadlines };

for (const turnDetection of ['server_vad', 'semantic_vad'] as const) {
  describeRemoteSpeech(`openai realtime (${turnDetection})`, {
    vendor: 'openai',
    make: (kit, { urls }, apiKey) => new OpenAiRealtime(kit, { ...settings, apiKey, baseUrl: `${urls.openai}/v1`, turnDetection }),
  });
}

describe('an answer that fails', () => {
  test('is told so, and leaves the session open for the next one', async () => {
    const providers = await startProviders({ scenario: { answers: [{ say: 'Good morning to you.' }] } });
    const model = new OpenAiRealtime(liveKit(), {
      ...settings,
      apiKey: providers.key,
      baseUrl: `${providers.urls.openai}/v1`,
      turnDetection: 'server_vad',
    });
    try {
      providers.tell({ faults: { openai: [{ kind: 'error-message', at: 'middle', stage: 'speech-to-speech', times: 1 }] } });
      const heard = keepingListener();
      const session = model.open({
        format: 'mulaw-8000',
        instructions: '',
        language: 'en',
        voice: '',
        tools: [],
        eagerness: 'medium',
        listener: heard.listener,
      });
      session.typed('Hello');
      await heard.until('failed');
      session.typed('Hello again');
      await heard.until('complete');
      expect(heard.failed).toBeUndefined();
    } finally {
      await model.close();
      await providers.close();
    }
  });
});
