import { expect, test } from 'vitest';
import { VendorError } from '#kit/errors.ts';
import { testKit } from '#kit/testing.ts';
import { describeSpeechToSpeech, keepingListener, pushSpeech, type SpeechPeer } from '../speech-to-speech.contract.ts';
import { liveKit } from '../testing.ts';
import { type ScriptedSession, ScriptedSpeech } from './speech-to-speech.ts';

/** The room is its own vendor: what the contract tells the vendor, it tells the model. */
function scriptedPeer({ refuse }: { refuse?: number } = {}) {
  const model = new ScriptedSpeech(liveKit(), { rules: [{ say: 'Very well.' }], readyMs: 20, silenceMs: 100_000, startsAfterMs: 100_000 });
  let session: ScriptedSession | undefined;
  const peer: SpeechPeer & { model: ScriptedSpeech } = {
    model,
    url: '',
    turn: ({ said, answer }) => session?.turn(said, { say: answer }),
    begin: (answer) => session?.begins(answer),
    call: ({ id, name, arguments: given }) => session?.calls(id, name, JSON.parse(given), 'It is sent.'),
    heardMs: () => session?.heardMs ?? 0,
    asked: () =>
      (session?.asked ?? []).map((one) => {
        if ('tool' in one) return { tool: one.result };
        if ('truncatedMs' in one) return { truncatedMs: one.truncatedMs };
        return one;
      }),
    until: (happened) => expect.poll(happened, { interval: 2, timeout: 5_000 }).toBe(true),
    drop: () => session?.fails(),
    close: () => model.close(),
  };
  const open = model.open.bind(model);
  model.open = (options) => {
    session = open(options);
    if (refuse !== undefined) session.fails(new VendorError('scripted', 'auth', 'refused'));
    return session;
  };
  return Promise.resolve(peer);
}

describeSpeechToSpeech('scripted', { peer: scriptedPeer, make: (peer) => (peer as Awaited<ReturnType<typeof scriptedPeer>>).model });

test('takes turns by the level of the sound, line after line', async () => {
  const kit = testKit();
  const model = new ScriptedSpeech(kit, { heard: ['One.', 'Two.'], rules: [{ when: /two/i, say: 'Second.' }, { say: 'First.' }] });
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
  await kit.clock.advance(10);
  for (const at of [0, 3_000]) {
    pushSpeech(session, 'mulaw-8000', 20, at);
    const quiet = new Uint8Array(160).fill(0xff);
    for (let i = 0; i < 30; i++) session.push({ at: at + 400 + i * 20, format: 'mulaw-8000', sound: quiet, concealed: false });
    await kit.clock.advance(2_000);
  }
  expect(heard.said).toEqual(['One.', 'Two.']);
  expect(heard.words).toBe('First.Second.');
  await model.close();
  expect(kit.clock.pending).toBe(0);
});
