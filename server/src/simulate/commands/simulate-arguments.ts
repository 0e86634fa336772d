/** The arguments of `npx tandem simulate`. */
import { parseArgs } from 'node:util';
import { messageOf, TandemError } from '#kit/errors.ts';
import type { Level } from '../scenario.ts';

export interface SimulateArguments {
  paths: string[];
  level: Level;
  repeat: number;
  /** Instead of each scenario's own. */
  seed: number | undefined;
  /** Tags or parts of names; empty: all. */
  only: string[];
  /** Calls side by side; undefined: as many as there are cores, and one at a time at level `sip`. */
  jobs: number | undefined;
  /** `host:port` of SIP, for level `sip`. */
  server: string;
  /** Call a server that is not on this machine. */
  anywhere: boolean;
  junit: string | undefined;
  json: string | undefined;
  html: string | undefined;
  htmlSound: boolean;
  wav: string | undefined;
  judge: boolean;
}

export const usage = `usage: npx tandem simulate FILES|FOLDERS [options]

Plays scenarios (YAML or JSON, see docs/simulation.md), checks what they expect, and says what was found instead.

  --level LEVEL      text: words only; virtual: the whole engine on a virtual clock (default);
                     sip: a real call over SIP and RTP to a running server
  --only TAG|NAME    only scenarios with this tag, or with this in their name; may be given several times
  --repeat N         play each N times, with seeds one after the other, and say how sure it is that k runs all pass
  --seed N           instead of the scenarios' own
  --jobs N           calls side by side
  --judge            let a configured language model decide \`judge\` expectations
  --server HOST:PORT where level sip calls (default 127.0.0.1:5060); --anywhere to call another machine
  --junit FILE       JUnit XML, for build servers
  --json FILE        everything, for programs
  --html FILE        a page with time lines, words and waits; with the sound of failed calls, or of all with --html-sound
  --wav FOLDER       the sound of each call: caller left, assistant right

Answers 0 when every check passed, 1 when one failed, 2 for wrong arguments or scenario files.`;

const MOST_REPEATS = 1_000;
const MOST_JOBS = 64;

/** Throws `bad-request` with a sentence for the person at the terminal. */
export function readArguments(args: readonly string[]): SimulateArguments {
  const { values, positionals } = parsed(args);
  const { level = 'virtual' } = values;
  if (level !== 'text' && level !== 'virtual' && level !== 'sip') throw fault(`--level is text, virtual or sip, not ${level}`);
  if (positionals.length === 0) throw fault('no scenario is named: npx tandem simulate scenarios/');
  const server = values.server ?? '127.0.0.1:5060';
  if (!/^(?:\[[0-9a-f:]+\]|[^\s:/]+):\d{1,5}$/i.test(server)) throw fault(`--server is HOST:PORT, not ${server}`);
  if (values.wav !== undefined && level === 'text') throw fault('--wav needs sound: there is none at level text');
  return {
    paths: positionals,
    level,
    repeat: numberOf('--repeat', values.repeat, 1, MOST_REPEATS) ?? 1,
    seed: numberOf('--seed', values.seed, 0, Number.MAX_SAFE_INTEGER),
    only: values.only ?? [],
    jobs: numberOf('--jobs', values.jobs, 1, MOST_JOBS),
    server,
    anywhere: values.anywhere ?? false,
    junit: values.junit,
    json: values.json,
    html: values.html,
    htmlSound: values['html-sound'] ?? false,
    wav: values.wav,
    judge: values.judge ?? false,
  };
}

const string = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        level: string,
        repeat: string,
        seed: string,
        only: { type: 'string', multiple: true },
        jobs: string,
        server: string,
        anywhere: flag,
        judge: flag,
        junit: string,
        json: string,
        html: string,
        'html-sound': flag,
        wav: string,
      },
    });
  } catch (error) {
    throw fault(messageOf(error).split('. ')[0]);
  }
}

function numberOf(name: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) throw fault(`${name} is a whole number from ${least} to ${most}, not ${text}`);
  return value;
}

const fault = (message: string): TandemError => new TandemError('bad-request', message);
