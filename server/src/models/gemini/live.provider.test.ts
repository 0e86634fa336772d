import { describeRemoteSpeech } from '../remote-speech.contract.ts';
import { GeminiLive, geminiLiveDeadlines } from './live.ts';

describeRemoteSpeech('gemini live', {
  vendor: 'gemini',
  faults: [{ kind: 'error-message', at: 'start' }],
  make: (kit, { urls }, apiKey) =>
    new GeminiLive(kit, { apiKey, baseUrl: urls.gemini, model: 'gemini-live-2.5-flash-preview', deadlines: geminiLiveDeadlines }),
});
