/**
 * A thousand short calls of people who do anything: on the virtual clock, from one seed. Afterwards nothing is left of
 * any of them, in time or in memory, and each has its one ending.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { CallEvent } from '@tandem/contract';
import type { Sound } from '#audio/frame.ts';
import { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { type Random, SeededRandom } from '#kit/random.ts';
import { ExtractiveLanguageModel } from '#models/extractive/language-model.ts';
import type { LanguageModel, ModelPart, ModelRequest } from '#models/language-model.ts';
import { speechLikeSound } from '#models/scripted/speech-like.ts';
import { ScriptedSynthesizer } from '#models/scripted/synthesizer.ts';
import type { ScriptedStream } from '#models/scripted/transcriber.ts';
import type { SpeechPart, SpeechRequest, Synthesizer } from '#models/synthesizer.ts';
import type { LoopbackLeg } from '#telephony/loopback/leg.ts';
import { CallCentre } from '../calls/telephone.ts';

const SEED = 20_26;
/** Before memory is measured: caches are full and code is compiled. */
const WARM_UP_CALLS = 300;
const CALLS = 1_000;
const MOST_AT_ONCE = 30;
const MAX_BYTES_PER_CALL = 2_048;

const PHRASES = [
  'how much is whitening',
  'when are you open',
  'do you repair bicycles',
  'wait',
  'mhm',
  'no no stop',
  'thank you goodbye',
  'my number is one two three',
];

/** Answers, or fails in one of the ways that models fail; counts the streams that are open. */
class FlakyLanguageModel implements LanguageModel {
  readonly name = 'flaky';
  open = 0;
  readonly #inner: ExtractiveLanguageModel;
  readonly #kit: Kit;
  readonly #random: Random;

  constructor(kit: Kit, random: Random) {
    this.#kit = kit;
    this.#random = random;
    this.#inner = new ExtractiveLanguageModel(kit);
  }

  async *generate(request: ModelRequest): AsyncGenerator<ModelPart, void, undefined> {
    this.open++;
    try {
      await this.#kit.clock.sleep(this.#random.below(600), request.signal);
      const fate = this.#random.below(20);
      if (fate === 0) throw new VendorError(this.name, 'retryable', 'try again');
      if (fate === 1) throw new VendorError(this.name, 'permanent', 'never again');
      if (fate === 2) await this.#kit.clock.sleep(600_000, request.signal);
      if (fate === 3) throw new TypeError('a bug in a vendor');
      if (fate === 4) yield { type: 'text', text: 'Well, ' };
      if (fate === 4) throw new VendorError(this.name, 'retryable', 'in the middle');
      yield* this.#inner.generate(request);
    } finally {
      this.open--;
    }
  }
}

class FlakySynthesizer implements Synthesizer {
  readonly name = 'flaky';
  open = 0;
  readonly #inner: ScriptedSynthesizer;
  readonly #kit: Kit;
  readonly #random: Random;

  constructor(kit: Kit, random: Random) {
    this.#kit = kit;
    this.#random = random;
    this.#inner = new ScriptedSynthesizer(kit, { firstMs: 40, partMs: 200 });
  }

  async *speak(request: SpeechRequest): AsyncGenerator<SpeechPart, void, undefined> {
    this.open++;
    try {
      const fate = this.#random.below(40);
      if (fate === 0) throw new VendorError(this.name, 'rate-limited', 'too many', { retryAfterMs: 1_000 });
      if (fate === 1) await this.#kit.clock.sleep(600_000, request.signal);
      yield* this.#inner.speak(request);
    } finally {
      this.open--;
    }
  }

  warm(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

async function* once(sound: Sound): AsyncGenerator<Sound> {
  yield sound;
}

/** One caller's plan, made when the phone is answered; every step checks that the line is still there. */
function behave(centre: CallCentre, leg: LoopbackLeg, stream: ScriptedStream | undefined, sounds: readonly Sound[], random: Random): void {
  const { clock } = centre.kit;
  let over = false;
  const ended = () => {
    over = true;
  };
  leg.attach({ frame: () => {}, digit: () => {}, typed: () => {}, recognised: () => {}, ended });
  const at = (ms: number, act: () => void) => void clock.after(ms, () => !over && act());
  for (let i = random.below(5); i > 0; i--) {
    at(random.below(12_000), () => {
      leg.play(once(sounds[random.below(sounds.length)]));
      if (random.below(4) > 0) stream?.says(PHRASES[random.below(PHRASES.length)]);
    });
  }
  for (let i = random.below(3); i > 0; i--) at(random.below(12_000), () => void leg.sendDigits(String(random.below(10))).catch(() => {}));
  if (random.below(20) === 0) at(random.below(8_000), () => stream?.fails());
  if (random.below(20) === 0) at(random.below(8_000), () => stream?.fails(new VendorError('scripted', 'auth', 'wrong key')));
  if (random.below(5) > 0) at(random.below(15_000), () => void leg.hangUp());
}

/** Checks events as they come and forgets them: seq without a gap, one ending, nothing after it. */
class Ledger {
  readonly endings = new Map<string, number>();
  readonly faults: string[] = [];
  readonly #next = new Map<string, number>();
  readonly #ended = new Set<string>();

  take(events: CallEvent[]): void {
    for (const { callId, seq, ...event } of events.splice(0)) {
      if (this.#ended.has(callId)) this.faults.push(`${callId}: ${event.type} after the ending`);
      if (seq !== (this.#next.get(callId) ?? 0)) this.faults.push(`${callId}: seq ${seq} instead of ${this.#next.get(callId) ?? 0}`);
      this.#next.set(callId, seq + 1);
      if (event.type !== 'call-ended') continue;
      this.#next.delete(callId);
      this.#ended.add(callId);
      const cause = `${event.by} ${event.reason}`;
      this.endings.set(cause, (this.endings.get(cause) ?? 0) + 1);
    }
  }

  get ended(): number {
    return this.#ended.size;
  }

  get open(): number {
    return this.#next.size;
  }
}

function collector(): () => number {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  return () => {
    for (let i = 0; i < 4; i++) gc();
    return process.memoryUsage().heapUsed;
  };
}

test('a thousand calls of any kind leave nothing behind', { timeout: 120_000 }, async () => {
  const random = new SeededRandom(SEED);
  let languageModel: FlakyLanguageModel | undefined;
  let synthesizer: FlakySynthesizer | undefined;
  const centre = await CallCentre.open({
    seed: SEED,
    maxCalls: MOST_AT_ONCE + 10,
    assistant: { idleMs: 3_000, maxDurationMs: 30_000 },
    models: (kit) => {
      languageModel = new FlakyLanguageModel(kit, random);
      synthesizer = new FlakySynthesizer(kit, random);
      return { languageModel, synthesizer };
    },
  });
  const { clock } = centre.kit;
  const ledger = new Ledger();
  const sounds = [150, 400, 900, 1_800].map((ms) => speechLikeSound(random, ms, 'mulaw-8000', -18));

  const place = async (): Promise<void> => {
    const placed = centre.gateway.place({ to: '+15550100', from: '+15550199' });
    await clock.settle();
    const leg = await placed.answered.catch(() => undefined);
    if (leg) behave(centre, leg, centre.transcriber.streams.at(-1), sounds, random);
  };
  /** Places calls as lines become free, then waits until the last one is over and nobody plans anything more. */
  const run = async (calls: number): Promise<void> => {
    for (let placed = 0; placed < calls; ) {
      if (centre.switchboard.live < MOST_AT_ONCE) {
        await place();
        placed++;
      } else await clock.advance(100);
      if (random.below(3) === 0) await clock.advance(random.below(200));
      ledger.take(centre.journal.events);
    }
    await clock.advance(60_000);
    ledger.take(centre.journal.events);
  };

  const heapNow = collector();
  await run(WARM_UP_CALLS);
  const before = heapNow();
  await run(CALLS);
  const perCall = (heapNow() - before) / CALLS;

  expect(ledger.faults).toEqual([]);
  expect(ledger.ended).toBe(WARM_UP_CALLS + CALLS);
  expect(ledger.open).toBe(0);
  expect(centre.switchboard.live).toBe(0);
  expect(centre.pacer.size).toBe(0);
  expect(centre.transcriber.streams).toEqual([]);
  expect([languageModel?.open, synthesizer?.open]).toEqual([0, 0]);
  expect(await centre.close()).toBe(0);
  // The seed reaches every kind of ending that a caller and failing models can bring about.
  for (const cause of ['caller hung-up', 'assistant idle', 'assistant goodbye', 'assistant model-failed', 'system max-duration']) {
    expect(ledger.endings.get(cause), cause).toBeGreaterThan(0);
  }
  expect(perCall).toBeLessThan(MAX_BYTES_PER_CALL);
});
