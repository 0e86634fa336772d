import { afterEach, describe, expect, test } from 'vitest';
import { type Sound, type SoundFormat, silence } from '#audio/frame.ts';
import { MediaPacer } from '#audio/pacer.ts';
import { testKit } from '#kit/testing.ts';
import type { GatewayContext, IncomingCall } from '../gateway.ts';
import type { Leg, LegListener } from '../leg.ts';
import { describeLeg, sweep } from '../leg.contract.ts';
import { type LineOptions, LoopbackGateway } from './gateway.ts';
import type { LoopbackLeg } from './leg.ts';

function exchange() {
  const kit = testKit();
  const pacer = new MediaPacer(kit.clock, kit.log);
  const calls: IncomingCall[] = [];
  const context: GatewayContext = {
    kit,
    pacer,
    onCall: (call) => calls.push(call),
    whoAnswers: () => 'Ada',
    publicUrl: 'http://127.0.0.1:3000',
    mediaUrl: 'ws://127.0.0.1:3001',
  };
  return { kit, pacer, calls, gateway: new LoopbackGateway(context) };
}

async function connected(line: LineOptions = {}) {
  const { kit, pacer, calls, gateway } = exchange();
  const placed = gateway.place({ to: '+15550100', ...line });
  const near = await calls[0].answer();
  return { kit, pacer, gateway, near, far: await placed.answered };
}

/** Collects what a leg hears. */
function collect(leg: Leg, on: Partial<LegListener> = {}): { samples: number[]; ended: string[]; digits: string } {
  const heard = { samples: [] as number[], ended: [] as string[], digits: '' };
  leg.attach({
    frame: (frame) => heard.samples.push(...frame.sound),
    digit: (digit) => (heard.digits += digit),
    typed: () => {},
    recognised: () => {},
    ended: (cause) => heard.ended.push(cause),
    ...on,
  });
  return heard;
}

async function* whole(sound: Sound): AsyncGenerator<Sound, void, undefined> {
  yield sound;
}

for (const format of ['mulaw-8000', 'linear-16000'] satisfies SoundFormat[]) {
  describeLeg({
    name: `loopback (${format})`,
    sendsDigits: true,
    async make() {
      const { kit, pacer, near, far } = await connected({ format });
      const heard = collect(far);
      return {
        leg: near,
        far: {
          say: (sound) => void far.play(whole(sound)),
          heard: () => (format === 'mulaw-8000' ? Uint8Array.from(heard.samples) : Int16Array.from(heard.samples)),
          press: (digits) => void far.sendDigits(digits).catch(() => {}),
          hangUp: () => void far.hangUp(),
          gone: () => heard.ended.length === 1,
        },
        pass: (ms) => kit.clock.advance(ms),
        async close() {
          await near.hangUp();
          expect(pacer.size).toBe(0);
          await kit.clock.advance(40);
          expect(kit.clock.pending).toBe(0);
        },
      };
    },
  });
}

describe('the loopback gateway', () => {
  let opened: { far: LoopbackLeg } | undefined;
  afterEach(async () => {
    await opened?.far.hangUp();
    opened = undefined;
  });

  test('a caller who gives up aborts the call, and the answer comes too late', async () => {
    const { calls, gateway } = exchange();
    const placed = gateway.place({ to: '+15550100', from: '+15550199' });
    expect(calls[0]).toMatchObject({ gateway: 'loopback', from: '+15550199', to: '+15550100' });
    calls[0].ring();
    expect(placed.ringing).toBe(true);
    placed.giveUp();
    expect(calls[0].signal.aborted).toBe(true);
    await expect(calls[0].answer()).rejects.toMatchObject({ why: 'caller-gave-up' });
    await expect(placed.answered).rejects.toMatchObject({ why: 'caller-gave-up' });
  });

  test('a refusal reaches the caller as its code', async () => {
    const { calls, gateway } = exchange();
    const placed = gateway.place({ to: '+15550100' });
    calls[0].refuse('number-unknown');
    await expect(placed.answered).rejects.toMatchObject({ code: 'number-unknown' });
    await expect(calls[0].answer()).rejects.toMatchObject({ code: 'call-ended' });
  });

  test('calls out to whoever picks up', async () => {
    const { gateway } = exchange();
    const signal = new AbortController().signal;
    const request = { businessId: 'b', to: '+15550111', from: '+15550100', signal };
    await expect(gateway.dial(request)).rejects.toMatchObject({ code: 'outbound-not-configured' });
    let rang = false;
    gateway.whenDialled((call) => {
      call.ring();
      opened = { far: call.pickUp({ format: 'linear-16000' }) };
    });
    const leg = await gateway.dial({ ...request, onRinging: () => (rang = true) });
    expect(rang).toBe(true);
    expect(leg.format).toBe('linear-16000');
    gateway.whenDialled((call) => call.refuse());
    await expect(gateway.dial(request)).rejects.toMatchObject({ code: 'dial-failed' });
    await gateway.stop();
  });

  test('delay, loss and echo are as asked', async () => {
    const { kit, near, far } = await connected({ impairments: { delayMs: 100, loss: 0.2, echo: { belowDb: 20, delayMs: 40 } } });
    opened = { far };
    let concealed = 0;
    const heard = collect(near, { frame: (frame) => (concealed += frame.concealed ? 1 : 0) });
    const farHeard = collect(far);
    await kit.clock.advance(200);
    const speech = sweep(near, 200);
    near.play(whole(speech));
    const before = farHeard.samples.length;
    await kit.clock.advance(2_000);
    expect(heard.ended).toEqual([]);
    const onset = farHeard.samples.slice(before).findIndex((sample) => sample !== 0xff && sample !== 0x7f);
    expect(onset / 8).toBeGreaterThanOrEqual(80);
    expect(onset / 8).toBeLessThanOrEqual(140);
    expect(concealed).toBeGreaterThan(10);
    expect(concealed).toBeLessThan(40);
  });

  test('echo brings our own sound back, quieter', async () => {
    const { kit, near, far } = await connected({ format: 'linear-16000', impairments: { echo: { belowDb: 20, delayMs: 40 } } });
    opened = { far };
    const heard = collect(near);
    const loud = new Int16Array(16_000 / 5).fill(10_000);
    near.play(whole(loud));
    collect(far);
    await kit.clock.advance(600);
    expect(Math.max(...heard.samples)).toBe(1_000);
    expect(heard.samples.filter((sample) => sample === 1_000).length).toBe(loud.length);
    expect(silence('linear-16000').length).toBe(320);
  });

  test('words typed, recognised and shown cross the line', async () => {
    const { near, far } = await connected({ recognises: true });
    opened = { far };
    expect(near.recognises).toBe(true);
    const words: unknown[] = [];
    collect(near, { typed: (text) => words.push(text), recognised: (...all) => words.push(all) });
    far.type('opening hours?');
    far.recognise('hello', true, 0.9);
    far.onCaption((caption) => words.push(caption.text));
    near.caption({ party: 'assistant', turn: 0, text: 'Good day', final: true });
    expect(words).toEqual(['opening hours?', ['hello', true, 0.9], 'Good day']);
    far.breakWire();
    far.type('more');
    expect(words.length).toBe(3);
  });
});
