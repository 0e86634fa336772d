/** The arguments of `npx tandem load`, checked: what cannot be is refused with `invalid-input` in words, before anything is dialled. */
import { parseArgs } from 'node:util';
import { messageOf, TandemError } from '#kit/errors.ts';
import type { CallLength } from './plan.ts';
import type { Speculation } from './provider-log.ts';
import { utteranceKinds, type UtteranceKind } from './talk.ts';
import { type WireName, wireNames } from './wire.ts';

export const USAGE = `usage: npx tandem load [TARGET] [options]

TARGET is whom to call: sip:demo@127.0.0.1:5060 (default); with --wire twilio a number such as +15550100; with
--wire browser the assistant's name in its address (/talk/NAME), demo by default.

  --wire NAME            sip (default), twilio or browser
  --calls N              callers at once (10)
  --per-second N         calls placed per second (20); or --ramp SECONDS until all are up
  --seconds N            how long, from when all are up (60); or --minutes N
  --warm-up SECONDS      at the beginning of that, while nothing counts (5)
  --length S or S-S      seconds a call lasts, the next one follows; without it calls last as long as the run
  --barge-ins PCT        turns that interrupt the answer before (10)
  --backchannels PCT     turns that are an "uh-huh" over it (5)
  --pauses PCT           turns with a pause inside (10)
  --talk KIND,KIND,...   instead: these in turn (${utteranceKinds.join(', ')})
  --wav FILE             instead: what callers say, one file after the other; may be repeated
  --scenario FILE        instead: the caller of a scenario (docs/simulation.md)
  --answer-ms MS         length of a whole answer that is talked over, where known: what is missing was cut
  --server URL           HTTP address of the server, for twilio and browser
  --account-sid SID --auth-token-file FILE   of the Twilio account that the server knows
  --user NAME --password-file FILE           where the SIP server challenges
  --udp KIND             auto (default), native or dgram
  --provider-log FILE    log of the local providers: gives the platform's share of the wait
  --speculation KIND     off, words or speech (default): what the assistant begins early, for that share
  --seed N               of what is drawn (1)
  --json FILE            everything that was measured, call by call
  --anywhere             call other machines than this one. Only those that you may put load on`;

export interface LoadArguments {
  target: string | undefined;
  wire: WireName;
  calls: number;
  perSecond: number;
  durationMs: number;
  warmUpMs: number;
  length: CallLength | undefined;
  shares: { bargeIns: number; backchannels: number; pauses: number };
  kinds: UtteranceKind[] | undefined;
  wavs: string[];
  scenario: string | undefined;
  answerMs: number | undefined;
  server: string | undefined;
  accountSid: string | undefined;
  authTokenFile: string | undefined;
  user: string | undefined;
  passwordFile: string | undefined;
  udp: 'auto' | 'native' | 'dgram';
  providerLog: string | undefined;
  speculation: Speculation;
  seed: number;
  json: string | undefined;
  anywhere: boolean;
}

const fault = (words: string): TandemError => new TandemError('invalid-input', words);

function oneOf<T extends string>(name: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found === undefined) throw fault(`--${name} is one of ${known.join(', ')}`);
  return found;
}

function number(
  name: string,
  text: string,
  { from, to = Infinity, whole = false }: { from: number; to?: number; whole?: boolean },
): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= from && value <= to) || (whole && !Number.isInteger(value))) {
    throw fault(
      `--${name} is ${whole ? 'a whole number' : 'a number'} of at least ${from}${to === Infinity ? '' : `, at most ${to}`} (it is ${text})`,
    );
  }
  return value;
}

function lengthOf(text: string): CallLength {
  const [, from = '', to = from] = /^(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?$/.exec(text.trim()) ?? [];
  const length = { fromMs: Number(from || Number.NaN) * 1000, toMs: Number(to || Number.NaN) * 1000 };
  if (!(length.fromMs > 0) || length.toMs < length.fromMs) throw fault(`--length is seconds such as 30 or 20-120 (it is ${text})`);
  return length;
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        wire: { ...text, default: 'sip' },
        calls: { ...text, default: '10' },
        'per-second': text,
        ramp: text,
        seconds: text,
        minutes: text,
        'warm-up': { ...text, default: '5' },
        length: text,
        'barge-ins': { ...text, default: '10' },
        backchannels: { ...text, default: '5' },
        pauses: { ...text, default: '10' },
        talk: text,
        wav: { ...text, multiple: true, default: [] },
        scenario: text,
        'answer-ms': text,
        server: text,
        'account-sid': text,
        'auth-token-file': text,
        user: text,
        'password-file': text,
        udp: { ...text, default: 'auto' },
        'provider-log': text,
        speculation: { ...text, default: 'speech' },
        seed: { ...text, default: '1' },
        json: text,
        anywhere: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw fault(messageOf(error));
  }
}

export function readArguments(args: readonly string[]): LoadArguments {
  const { values, positionals } = parse(args);
  if (positionals.length > 1) throw fault(`one target, not ${positionals.length}`);
  const optional = <T>(name: keyof typeof values, read: (value: string) => T): T | undefined => {
    const value = values[name];
    return typeof value === 'string' ? read(value) : undefined;
  };
  const calls = number('calls', values.calls, { from: 1, to: 20_000, whole: true });
  const ramp = optional('ramp', (value) => number('ramp', value, { from: 0.1 }));
  const perSecond = optional('per-second', (value) => number('per-second', value, { from: 0.01, to: 10_000 }));
  if (ramp !== undefined && perSecond !== undefined) throw fault('--ramp and --per-second say the same: one of them');
  const minutes = optional('minutes', (value) => number('minutes', value, { from: 0.01 }));
  const seconds = optional('seconds', (value) => number('seconds', value, { from: 1 }));
  if (minutes !== undefined && seconds !== undefined) throw fault('--minutes and --seconds say the same: one of them');
  const durationMs = minutes === undefined ? (seconds ?? 60) * 1_000 : minutes * 60_000;
  const warmUpMs = number('warm-up', values['warm-up'], { from: 0 }) * 1_000;
  if (warmUpMs >= durationMs) throw fault('--warm-up is shorter than the run');
  const share = (name: 'barge-ins' | 'backchannels' | 'pauses') => number(name, values[name], { from: 0, to: 100 }) / 100;
  const shares = { bargeIns: share('barge-ins'), backchannels: share('backchannels'), pauses: share('pauses') };
  if (shares.bargeIns + shares.backchannels + shares.pauses > 1)
    throw fault('--barge-ins, --backchannels and --pauses are 100 together at most');
  const kinds = optional('talk', (value) => value.split(',').map((kind) => oneOf('talk', kind.trim(), utteranceKinds)));
  if ([kinds, values.scenario, values.wav.length > 0 || undefined].filter((one) => one !== undefined).length > 1)
    throw fault('--talk, --wav and --scenario say what is said: one of them');
  return {
    target: positionals[0],
    wire: oneOf('wire', values.wire, wireNames),
    calls,
    perSecond: ramp === undefined ? (perSecond ?? 20) : calls / ramp,
    durationMs,
    warmUpMs,
    length: optional('length', lengthOf),
    shares,
    kinds,
    wavs: values.wav,
    scenario: values.scenario,
    answerMs: optional('answer-ms', (value) => number('answer-ms', value, { from: 1 })),
    server: values.server,
    accountSid: values['account-sid'],
    authTokenFile: values['auth-token-file'],
    user: values.user,
    passwordFile: values['password-file'],
    udp: oneOf('udp', values.udp, ['auto', 'native', 'dgram']),
    providerLog: values['provider-log'],
    speculation: oneOf('speculation', values.speculation, ['off', 'words', 'speech']),
    seed: number('seed', values.seed, { from: 0, to: 2 ** 31, whole: true }),
    json: values.json,
    anywhere: values.anywhere,
  };
}
