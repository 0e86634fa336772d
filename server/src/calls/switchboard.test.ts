import { afterEach, describe, expect, test } from 'vitest';
import { assistantInput } from '@tandem/contract';
import { MediaPacer } from '#audio/pacer.ts';
import { testKit } from '#kit/testing.ts';
import { ScriptedLanguageModel } from '#models/scripted/language-model.ts';
import { ScriptedSynthesizer } from '#models/scripted/synthesizer.ts';
import { ScriptedTranscriber } from '#models/scripted/transcriber.ts';
import { levelVoiceActivity } from '#models/scripted/voice-activity.ts';
import { LoopbackGateway } from '#telephony/loopback/gateway.ts';
import type { LoopbackLeg } from '#telephony/loopback/leg.ts';
import type { InstalledModels } from './installed-models.ts';
import { MemoryJournal } from './journal.ts';
import type { Shelf } from './recording.ts';
import { Switchboard } from './switchboard.ts';

const assistant = {
  ...assistantInput.parse({ name: 'Ada', slug: 'demo', greeting: 'Hello, this is a long greeting that takes a while.' }),
  id: 'assistant_1',
  businessId: 'business_1',
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
};
const fail = (what: string) => (): never => {
  throw new Error(what);
};

/** A switchboard with one assistant; `change` breaks a part of it. */
function open(change: { models?: Partial<InstalledModels>; recordings?: Shelf; leg?: (leg: LoopbackLeg) => void } = {}) {
  const kit = testKit();
  const pacer = new MediaPacer(kit.clock, kit.log);
  const journal = new MemoryJournal();
  let closed = 0;
  const recordings: Shelf = change.recordings ?? { open: () => ({ write: () => {}, close: async () => void closed++ }) };
  const models: InstalledModels = {
    voiceActivity: levelVoiceActivity(),
    transcribers: [new ScriptedTranscriber()],
    languageModels: [new ScriptedLanguageModel(kit)],
    synthesizers: [new ScriptedSynthesizer(kit)],
    ...change.models,
  };
  const switchboard = new Switchboard({ kit, models, journal, recordings, maxCalls: 10 });
  const gateway = new LoopbackGateway({
    kit,
    pacer,
    onCall: (call) => {
      const answer = async () => {
        const leg = await call.answer();
        change.leg?.(leg as LoopbackLeg);
        return leg;
      };
      switchboard.receive({ ...call, answer });
    },
    whoAnswers: (to, businessId) => switchboard.whoAnswers(to, businessId),
    publicUrl: 'http://127.0.0.1:3000',
    mediaUrl: 'ws://127.0.0.1:3001',
  });
  switchboard.connect([gateway]);
  const knowledge = { version: '1', documents: [], questions: [] };
  const numbers = [{ address: '+15550100', assistantId: assistant.id }];
  void switchboard.publish([{ id: 'business_1', name: 'Harbour Dental', assistants: [assistant], numbers, trunks: [], knowledge }]);
  const call = async (): Promise<LoopbackLeg & { over?: string }> => {
    const leg: LoopbackLeg & { over?: string } = await gateway.place({ to: '+15550100' }).answered;
    const ended = (cause: string) => {
      leg.over = cause;
    };
    leg.attach({ frame: () => {}, digit: () => {}, typed: () => {}, recognised: () => {}, ended });
    await kit.clock.advance(200);
    return leg;
  };
  const endings = () => journal.events.filter(({ type }) => type === 'call-ended').map((event) => ({ ...event }));
  return { kit, pacer, gateway, switchboard, call, endings, journal, recordingsClosed: () => closed };
}

describe('a call that fails', () => {
  let house: ReturnType<typeof open>;
  /** Whatever happened: one ending, nothing live, no timer. */
  afterEach(async () => {
    await house.switchboard.endAll({ by: 'system', reason: 'shutdown' });
    await house.kit.clock.advance(5_000);
    expect(house.switchboard.live).toBe(0);
    house.pacer.stop();
    expect(house.kit.clock.pending).toBe(0);
  });
  const endsWithError = async () => {
    const leg = await house.call();
    await house.kit.clock.advance(5_000);
    expect(leg.over).toBeDefined();
    expect(house.endings()).toMatchObject([{ by: 'system', reason: 'error' }]);
    expect(house.journal.events.map(({ seq }) => seq)).toEqual(house.journal.events.map((_, seq) => seq));
  };

  test('for want of a model or a detector is hung up, with its cause', async () => {
    house = open({ models: { languageModels: [] } });
    await endsWithError();
    expect(house.recordingsClosed()).toBe(1);
  });

  test('because its detector cannot be made is hung up, with its cause', async () => {
    house = open({ models: { voiceActivity: fail('no detector') } });
    await endsWithError();
  });

  test('because its recording cannot be opened is hung up, with its cause', async () => {
    house = open({ recordings: { open: fail('no disk') } });
    await endsWithError();
  });

  test('because its recording throws in the middle is hung up, with its cause', async () => {
    let frames = 0;
    const write = () => {
      if (++frames === 20) throw new Error('a bug');
    };
    house = open({ recordings: { open: () => ({ write, close: async () => {} }) } });
    await endsWithError();
  });

  test('because its leg cannot go on is hung up, with its cause', async () => {
    house = open({ leg: (leg) => Object.assign(leg, { tick: fail('no codec') }) });
    await endsWithError();
  });

  test('is not one whose transcriber cannot be opened: the assistant is deaf and says so', async () => {
    const transcriber = new ScriptedTranscriber();
    transcriber.open = fail('no ears');
    house = open({ models: { transcribers: [transcriber] } });
    const leg = await house.call();
    expect(leg.over).toBeUndefined();
    expect(house.endings()).toEqual([]);
    await leg.hangUp();
  });

  test('by a fault that nobody caught ends alone', async () => {
    house = open();
    const [one, other] = [await house.call(), await house.call()];
    const [first] = house.journal.events;
    expect(house.switchboard.blame(first.callId, new Error('in a timer'))).toBe(true);
    await house.kit.clock.advance(1_000);
    expect(house.switchboard.blame(first.callId, new Error('again'))).toBe(false);
    expect([one.over, other.over]).toEqual(['hung-up', undefined]);
    expect(house.endings()).toMatchObject([{ callId: first.callId, by: 'system', reason: 'error', detail: 'in a timer' }]);
    await other.hangUp();
  });
});

describe('a call out', () => {
  test('is refused while no way out is configured, and placed when there is one', async () => {
    const house = open();
    const order = { businessId: 'business_1', assistantId: assistant.id, to: '+15550177', gateway: undefined };
    expect(() => house.switchboard.place(order)).toThrow(expect.objectContaining({ code: 'outbound-not-configured' }));
    expect(house.journal.events).toEqual([]);
    const dialled: string[] = [];
    house.gateway.whenDialled((callee) => {
      dialled.push(callee.to);
      callee.refuse();
    });
    expect(() => house.switchboard.place({ ...order, gateway: 'another' })).toThrow(
      expect.objectContaining({ code: 'outbound-not-configured' }),
    );
    house.switchboard.place(order);
    await house.kit.clock.advance(1_000);
    expect(dialled).toEqual(['+15550177']);
    expect(house.endings()).toMatchObject([{ by: 'system', reason: 'rejected' }]);
  });
});

describe('no room', () => {
  const refusalOf = (placed: Promise<unknown>) =>
    placed.then(
      () => 'answered',
      (error: { detail: { refusal: string } }) => error.detail.refusal,
    );

  test('a business that has all the calls it wants is busy, sends the next one on, and takes one again when one has ended', async () => {
    const house = open();
    const overflows: (string | undefined)[] = [];
    const [business] = house.switchboard.directory.businesses;
    await house.switchboard.publish([{ ...business, capacity: { maxCalls: 1, overflowNumber: '+15550123' } }]);
    const onCall = house.switchboard.receive.bind(house.switchboard);
    house.switchboard.receive = (call) => onCall({ ...call, refuse: (why, overflow) => (overflows.push(overflow), call.refuse(why)) });
    const leg = await house.call();
    expect(house.switchboard.wouldRefuse('+15550100', undefined)).toEqual({ why: 'busy', overflow: '+15550123' });
    expect(await refusalOf(house.gateway.place({ to: '+15550100' }).answered)).toBe('busy');
    expect(overflows).toEqual(['+15550123']);
    expect(() =>
      house.switchboard.place({ businessId: 'business_1', assistantId: 'assistant_1', to: '+15550190', gateway: undefined }),
    ).toThrow(expect.objectContaining({ code: 'outbound-not-configured' }));
    await leg.hangUp();
    await house.kit.clock.advance(5_000);
    expect(house.switchboard.wouldRefuse('+15550100', undefined)).toBeUndefined();
    const again = await house.call();
    expect(house.switchboard.live).toBe(1);
    await again.hangUp();
    await house.kit.clock.advance(5_000);
    house.pacer.stop();
    expect(house.kit.clock.pending).toBe(0);
    expect(house.switchboard.refused).toEqual({ 'business-full': 2 });
  });
});
