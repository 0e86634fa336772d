/**
 * Level `sip`: a real caller over SIP and RTP against a running server, in real time. The same caller as at level `virtual`,
 * on sockets; what the server does with the call is its own business, models and documents. The caller speaks with a real
 * voice, because a real recogniser listens.
 */
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import { MediaPacer } from '#audio/pacer.ts';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { SeededRandom } from '#kit/random.ts';
import { DgramSockets } from '#rtp/dgram-sockets.ts';
import { openRtpPorts } from '#rtp/port-pair.ts';
import { PortPool } from '#rtp/ports.ts';
import { localAddressFor } from '#sip/local-address.ts';
import { UdpTransport } from '#sip/udp-transport.ts';
import { hashOf } from '../canonical.ts';
import { measure } from '../measures.ts';
import type { SimulatedCall, SpokenLine } from '../outcome.ts';
import { spokenLines } from '../outcome-lines.ts';
import { personaOf, playPersona } from '../persona.ts';
import { wavSound } from '../recorded-sound.ts';
import type { RunOptions } from '../run.ts';
import type { CallerStep, Scenario } from '../scenario.ts';
import { StepFault } from '../step-fault.ts';
import { SimulatedCaller } from '../virtual/caller.ts';
import { CallerPhone } from '../virtual/phone.ts';
import { Trail } from '../virtual/recogniser.ts';
import { SoundBank } from '../virtual/sound-bank.ts';
import { CallerVoice } from './caller-voice.ts';
import { EventFeed, LiveLog } from './live-log.ts';
import { SipEar } from './sip-ear.ts';
import { Tape, TapedMicrophone } from './tape.ts';
import type { SipTarget } from './target.ts';

export interface SipRunOptions extends Omit<RunOptions, 'level' | 'business' | 'languageModel'> {
  target: SipTarget;
}

const ANSWER_WITHIN_MS = 30_000;
const STEP_MS = 10;
/** Ports of callers; the range of a server on the same machine begins lower. */
const CALLER_PORTS = { low: 40_000, high: 49_998 };
const CALLER_DICE = 0x51ed270b;

/** Plays a scenario once against the server. What goes wrong with the call is its `fault`; rejects with the signal's reason only. */
export async function runOverSip(scenario: Scenario, options: SipRunOptions): Promise<SimulatedCall> {
  const { kit, target, signal } = options;
  const begun = kit.clock.now();
  const run = options.run ?? 0;
  const seed = (options.seed ?? scenario.seed) + run;
  const line = await openLine(scenario, options);
  const { log, ear, tape, phone } = line;
  const voice = new CallerVoice(kit, options.rooms);
  let fault: string | undefined;
  let caller: SimulatedCaller | undefined;
  try {
    for (const text of scenario.caller.flatMap(wordsOf)) await voice.speak(text);
    caller = new SimulatedCaller({
      clock: { advanceUntil: (done, withinMs) => untilSo(line, done, withinMs, signal) },
      random: new SeededRandom(seed ^ CALLER_DICE),
      log,
      phone,
      microphone: line.microphone,
      ear,
      bank: new SoundBank(options.rooms),
      type: () => {
        throw new StepFault('a telephone has no keyboard: `type` is for the other levels');
      },
      recorded: async (path) => wavSound(await readFile(resolve(options.folder ?? '.', path)), path),
      speak: (text) => voice.speak(text),
      scenario,
    });
    await answered(line, scenario, target);
    log.begin();
    const feed = new EventFeed(kit, target.api, log, { sipCallId: phone.callId, from: scenario.from });
    feed.start();
    try {
      if (scenario.persona) await playPersona(caller, personaOf(options, scenario.persona), log);
      else await caller.play(scenario.caller);
    } finally {
      await phone.hangUp();
      await feed.stop();
    }
  } catch (error) {
    signal?.throwIfAborted();
    fault = messageOf(error);
  } finally {
    await Promise.all([line.close(), voice.close()]);
  }
  const durationMs = Math.round(line.overAt());
  const lines = target.api ? spokenLines(caller?.lines ?? [], log.events) : linesByEar(caller?.lines ?? [], ear);
  return {
    scenario,
    ...(options.file === undefined ? {} : { file: options.file }),
    level: 'sip',
    seed,
    run,
    events: log.events,
    hash: hashOf(log.events),
    lines,
    measures: measure({ stretches: ear.stretches, lines, pauses: caller?.pauses ?? [], events: log.events, endedMs: durationMs }),
    ...(options.sound === false ? {} : { sound: tape.sound() }),
    durationMs,
    tookMs: kit.clock.now() - begun,
    ...(fault === undefined ? {} : { fault }),
  };
}

/** The caller's end of the line, on sockets of this machine. */
interface SipLine {
  kit: Kit;
  log: LiveLog;
  ear: SipEar;
  tape: Tape;
  microphone: TapedMicrophone;
  phone: CallerPhone;
  /** Milliseconds since the answer when the call was over, for us. */
  overAt(): number;
  close(): Promise<void>;
}

async function openLine(scenario: Scenario, { kit, target }: SipRunOptions): Promise<SipLine> {
  const host = localAddressFor(target.address, isIPv6(target.address) ? '::' : '0.0.0.0');
  const ear = new SipEar();
  const log = new LiveLog({ clock: kit.clock, ear, api: target.api });
  const tape = new Tape();
  const microphone = new TapedMicrophone((frame) => tape.sent(frame, log.at), new Trail(kit.clock), scenario.line);
  const sockets = new DgramSockets();
  const ports = await openRtpPorts(sockets, new PortPool(CALLER_PORTS.low, CALLER_PORTS.high, kit.clock, kit.random), host);
  const transport = new UdpTransport({ host, port: 0, portSetting: 'the port of the simulated caller' }, kit.log);
  const pacer = new MediaPacer(kit.clock, kit.log);
  const phone = new CallerPhone({
    kit,
    pacer,
    host,
    transport,
    ports,
    microphone,
    hears: (payload) => {
      ear.hears(payload, log.at);
      tape.arrived(payload, log.at);
    },
  });
  let overAt: number | undefined;
  return {
    kit,
    log,
    ear,
    tape,
    microphone,
    phone,
    overAt: () => overAt ?? log.at,
    close: async () => {
      overAt = log.at;
      await phone.hangUp();
      pacer.stop();
      ports.release();
      sockets.close();
      await transport.stop();
    },
  };
}

/** Rejects with {@link StepFault} when nobody answers, with `dial-failed` when the call is refused. */
async function answered({ kit, phone }: SipLine, { to, from }: Scenario, { address, port }: SipTarget): Promise<void> {
  const late = new AbortController();
  const nobody = kit.clock.sleep(ANSWER_WITHIN_MS, late.signal).then(
    () => Promise.reject(new StepFault('nobody answered')),
    () => {},
  );
  const call = phone.call(to, from, address, port);
  try {
    await Promise.race([call, nobody.then(() => call)]);
  } finally {
    late.abort();
  }
}

/** Real time passes until `done`, or for `withinMs`. Rejects with the signal's reason. */
async function untilSo(
  { kit, log, microphone }: SipLine,
  done: () => boolean,
  withinMs: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const until = kit.clock.now() + withinMs;
  for (;;) {
    log.listen(microphone.busy);
    if (done()) return true;
    if (kit.clock.now() >= until) return false;
    await kit.clock.sleep(Math.min(STEP_MS, Math.max(0, until - kit.clock.now())), signal);
  }
}

/** What is made to speech before the call: nobody on the line waits for a synthesizer. */
const wordsOf = (step: CallerStep): string[] => ('say' in step ? [step.say] : 'bargeIn' in step ? [step.bargeIn] : []);

/** Without the server's events: when the assistant spoke, not what it said. */
function linesByEar(caller: readonly SpokenLine[], ear: SipEar): SpokenLine[] {
  const heard = ear.stretches.map(({ fromMs, toMs }): SpokenLine => ({ who: 'assistant', text: '(speech)', fromMs, toMs }));
  return [...caller, ...heard].sort((a, b) => a.fromMs - b.fromMs);
}
