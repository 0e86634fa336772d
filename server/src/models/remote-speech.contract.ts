/** What every speech-to-speech room of a vendor does at the local provider, which was written from the vendors' documentation alone. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FRAME_MS, type Frame, msOf, samplesPerFrame, silence, type SoundFormat } from '#audio/frame.ts';
import type { Kit } from '#kit/kit.ts';
import type { Providers } from '../../../providers/providers.ts';
import { defaultScenario, type Fault, type ProviderName } from '../../../providers/scenario.ts';
import { startProviders } from '../../../providers/server.ts';
import { keepingListener } from './speech-to-speech.contract.ts';
import type { SpeechSession, SpeechToSpeech } from './speech-to-speech.ts';
import { liveKit } from './testing.ts';
import { MS_PER_CHARACTER, soundOfText } from './voice-peer.testing.ts';

export interface RemoteSpeechContract {
  vendor: ProviderName;
  make: (kit: Kit, providers: Providers, key: string) => SpeechToSpeech;
  /** More failures that end the session. */
  faults?: readonly Omit<Fault, 'stage'>[];
}

const ASKED = 'When are you open?';
const ANSWER = 'We are open from nine to five.';
const FAULTS: readonly Omit<Fault, 'stage'>[] = [
  { kind: 'reset', at: 'connect' },
  { kind: 'status', at: 'connect', status: 503 },
  { kind: 'close', at: 'start', code: 1011 },
  { kind: 'close', at: 'middle', code: 1006 },
  { kind: 'truncated-json', at: 'middle' },
];

export function describeRemoteSpeech(name: string, { vendor, make, faults = [] }: RemoteSpeechContract): void {
  describe(`${name} at the local provider`, () => {
    let providers: Providers;
    const open: { close(): unknown }[] = [];
    beforeAll(async () => {
      providers = await startProviders();
    });
    beforeEach(() =>
      providers.tell({
        ...defaultScenario,
        heard: [{ text: ASKED }],
        answers: [
          { when: 'bakery', say: 'Welcome to the bakery.' },
          // oxlint-disable-next-line unicorn/no-thenable -- a field of the scenario
          { when: 'order', call: [{ name: 'look_up', arguments: { id: 'A7' } }], then: 'It is {{result}}.' },
          { say: ANSWER },
        ],
      }),
    );
    afterEach(async () => {
      for (const part of open.splice(0).toReversed()) await part.close();
    });
    afterAll(() => providers.close());

    const start = (format: SoundFormat = 'mulaw-8000', key = providers.key) => {
      const kit = liveKit();
      const model = make(kit, providers, key);
      const heard = keepingListener();
      const session = model.open({
        format,
        instructions: 'Answer briefly.',
        language: 'en-US',
        voice: 'slt',
        tools: [{ name: 'look_up', description: 'Looks it up.', parameters: { type: 'object', properties: { id: { type: 'string' } } } }],
        eagerness: 'high',
        listener: heard.listener,
      });
      open.push(model);
      let at = 0;
      const push = (kind: 'voice' | 'silence', ms: number) => {
        const sound =
          kind === 'voice'
            ? soundOfText('a'.repeat(ms / MS_PER_CHARACTER), format)
            : silence(format, samplesPerFrame(format) * (ms / FRAME_MS));
        at = pushSound(session, format, sound, at);
      };
      const speaks = () => {
        push('silence', 200);
        push('voice', 1_020);
        push('silence', 1_200);
      };
      return { heard, session, push, speaks };
    };

    test.each(['mulaw-8000', 'linear-16000'] as SoundFormat[])('%s: a turn, from the voice to the end of the answer', async (format) => {
      const { heard, speaks } = start(format);
      await heard.until('ready');
      speaks();
      await heard.until('complete');
      await heard.until('said');
      expect(heard.said).toEqual([ASKED]);
      expect(heard.words.replace(/\s+/g, ' ').trim()).toBe(ANSWER);
      const order = ['speech-started', 'turn-committed', 'answer-started', 'sound', 'complete'].map((event) => heard.events.indexOf(event));
      expect(order).toEqual(order.toSorted((a, b) => a - b));
      expect(order[0]).toBeGreaterThanOrEqual(0);
      const totalMs = heard.sounds.reduce((sum, { sound }) => sum + msOf(sound, format), 0);
      expect(Math.abs(totalMs - ANSWER.length * defaultScenario.msPerCharacter)).toBeLessThan(60);
      await heard.until('used');
      expect(heard.usage[0].outputTokens).toBeGreaterThan(0);
      expect(heard.failed).toBeUndefined();
    });

    test('says a line as it stands, before it is ready too, and answers typed words', async () => {
      const { heard, session } = start();
      session.say('Welcome to the bakery.');
      await heard.until('complete');
      expect(heard.words.trim()).toBe('Welcome to the bakery.');
      session.typed(ASKED);
      await heard.until(() => heard.events.filter((event) => event === 'complete').length === 2);
      expect(heard.words).toContain(ANSWER);
    });

    test('a tool, its result, and the answer that goes on', async () => {
      const { heard, session } = start();
      await heard.until('ready');
      session.typed('Where is my order?');
      await heard.until('tool-called');
      expect(heard.calls).toMatchObject([{ name: 'look_up', arguments: { id: 'A7' } }]);
      session.toolReturned(heard.calls[0].id, '{"state":"sent"}');
      await heard.until('complete');
      expect(heard.words.replace(/\s+/g, ' ')).toContain('sent');
    });

    test('interrupted by voice: told so, truncated, and the next turn is answered', async () => {
      providers.tell({ delays: { speech: 150 } });
      const { heard, session, push, speaks } = start();
      await heard.until('ready');
      speaks();
      await heard.until('sound');
      push('voice', 600);
      await heard.until('cancelled');
      const [{ item }] = heard.sounds;
      session.truncate(item, 60);
      const before = heard.events.length;
      push('silence', 1_200);
      await heard.until(() => heard.events.lastIndexOf('complete') > before);
      expect(heard.events.lastIndexOf('speech-started')).toBeLessThan(heard.events.lastIndexOf('turn-committed'));
      expect(heard.failed).toBeUndefined();
    });

    test('a wrong key is an auth failure', async () => {
      const { heard } = start('mulaw-8000', 'wrong');
      await heard.until('failed');
      expect(heard.failed).toMatchObject({ vendor, category: 'auth' });
    });

    test.each([...FAULTS, ...faults].map((fault) => [`${fault.kind} at ${fault.at}`, fault] as const))(
      '%s: the session fails, retryable',
      async (_name, fault) => {
        providers.tell({ faults: { [vendor]: [{ ...fault, stage: 'speech-to-speech' }] } });
        const { heard, speaks } = start();
        speaks();
        await heard.until('failed');
        expect(heard.failed).toMatchObject({ vendor, category: 'retryable' });
        expect(heard.events.filter((event) => event === 'failed')).toHaveLength(1);
      },
    );
  });
}

function pushSound(session: SpeechSession, format: SoundFormat, sound: Frame['sound'], from: number): number {
  const size = samplesPerFrame(format);
  let at = from;
  for (let i = 0; i + size <= sound.length; i += size, at += FRAME_MS) {
    session.push({ at, format, sound: sound.subarray(i, i + size), concealed: false });
  }
  return at;
}
