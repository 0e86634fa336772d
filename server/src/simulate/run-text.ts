/**
 * Level `text`: words only. The same engine (instructions, retrieval, tools, grounding, floor) on a line without sound, whose
 * caller's words arrive at once: milliseconds of work per call. Barge-ins are said when the answer is over; backchannels
 * and sounds are nothing.
 */
import { MediaPacer } from '#audio/pacer.ts';
import { Switchboard } from '#calls/switchboard.ts';
import { messageOf, TandemError } from '#kit/errors.ts';
import type { SpeechPart, SpeechRequest, Synthesizer } from '#models/synthesizer.ts';
import { indexOf } from './business.ts';
import { CallLog } from './call-log.ts';
import { MemoryShelf } from './call-sound.ts';
import { hashOf } from './canonical.ts';
import type { SimulatedCall } from './outcome.ts';
import { spokenLines } from './outcome-lines.ts';
import { personaOf, playPersona } from './persona.ts';
import type { PreparedRun } from './prepared-run.ts';
import { modelOf } from './run-virtual.ts';
import { scriptedShop } from './scripted-tools.ts';
import { TextCaller } from './text/caller.ts';
import { TextLine } from './text/line.ts';
import { virtualKit } from './virtual/centre.ts';

/** Each word is a frame of sound that nobody hears: as little as there can be. */
const FRAME = 160;
const LOUD = 0x00;

const wordless: Synthesizer = {
  name: 'simulated',
  async *speak({ text, signal }: SpeechRequest): AsyncGenerator<SpeechPart> {
    signal.throwIfAborted();
    const words = text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
    if (words.length === 0) return;
    // Two words a frame.
    yield {
      sound: new Uint8Array(Math.ceil(words.length / 2) * FRAME).fill(LOUD),
      words: words.map((word, index) => ({ text: word, fromMs: index * 10, toMs: (index + 1) * 10 })),
    };
  },
  warm: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

export async function runText(run: PreparedRun): Promise<SimulatedCall> {
  const { scenario, seed, rooms, business, kit: system } = run;
  const begun = system.clock.now();
  const kit = virtualKit(seed, system.log);
  const log = new CallLog(kit.clock);
  const pacer = new MediaPacer(kit.clock, kit.log);
  const switchboard = new Switchboard({
    kit,
    journal: log,
    recordings: new MemoryShelf(false),
    maxCalls: 2,
    models: {
      voiceActivity: await rooms.voiceActivity(),
      transcribers: [],
      languageModels: [run.languageModel?.(kit) ?? modelOf(run, kit, 0)],
      synthesizers: [wordless],
    },
    shop: scriptedShop(kit, scenario.business?.tools ?? []),
  });
  switchboard.directory.publish(business, indexOf(business));
  void switchboard.publish([business]);
  const line = new TextLine(kit, pacer);
  const caller = new TextCaller({ clock: kit.clock, log, line, scenario });
  let fault: string | undefined;
  try {
    switchboard.receive({
      gateway: line.gateway,
      from: scenario.from,
      to: scenario.to,
      businessId: business.id,
      providerCallId: kit.ids.make('text'),
      signal: new AbortController().signal,
      ring: () => {},
      answer: () => Promise.resolve(line),
      refuse: (why) => {
        throw new TandemError('dial-failed', `The call was refused: ${why}`);
      },
    });
    if (scenario.persona) await playPersona(caller, personaOf(run, scenario.persona), log);
    else await caller.play(scenario.caller);
  } catch (error) {
    run.signal?.throwIfAborted();
    fault = messageOf(error);
  } finally {
    pacer.stop();
  }
  const { events } = log;
  const ended = events.find((event) => event.type === 'call-ended');
  return {
    scenario,
    ...(run.file === undefined ? {} : { file: run.file }),
    level: 'text',
    seed,
    run: run.run,
    events,
    hash: hashOf(events),
    lines: spokenLines(caller.lines, events),
    measures: { voiceToVoiceMs: [], cutOffs: 0, falseInterruptions: 0, longestDeadAirMs: 0 },
    durationMs: ended?.durationMs ?? 0,
    tookMs: system.clock.now() - begun,
    ...(fault === undefined ? (ended ? {} : { fault: 'the call did not end' }) : { fault }),
  };
}
