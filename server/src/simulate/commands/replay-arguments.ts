/** The arguments of `npx tandem replay`. */
import { parseArgs } from 'node:util';
import type { PolicySettings } from '#conversation/plan.ts';
import { conversationPolicy } from '#conversation/plan.ts';
import { messageOf, TandemError } from '#kit/errors.ts';

export interface ReplayArguments {
  call: string;
  url: string | undefined;
  business: string | undefined;
  save: string | undefined;
  redact: boolean;
  json: boolean;
  html: string | undefined;
  /** The first turn that is answered anew. */
  fork: number | undefined;
  prompt: string | undefined;
  model: string | undefined;
  assistant: string | undefined;
  policy: PolicySettings;
  scenario: string | undefined;
  sound: string | undefined;
}

export const usage = `usage: npx tandem replay CALL|FILE|latest [options]

Takes the decisions of a recorded call again with the rules of this version, and says where they differ. The call is read
from a file, from this machine's journal, or from a running server.

  --url URL            ask this server; with --business ID where the key may ask for several
  --save FILE          write the call's events to a file, which replays anywhere
  --redact             without names, numbers, addresses, ids, dates and sound (with --save, or printed)
  --policy KEY=VALUE,… what another policy would have done: minDelayMs=350, eagerness=high, speculation=off, rules.sentence=false
  --fork TURN          hold the call again from this turn on (the whole engine on a virtual clock), with
      --prompt FILE|TEXT    another prompt
      --model NAME          a configured language model; without it answers are taken from the passages
      --assistant FILE|ID   another assistant: a JSON or YAML file, or one of the server's as it is now
      --policy …            another policy
  --html FILE          the fork beside the recorded call, as a page
  --scenario FILE      write the call as a scenario for npx tandem simulate
  --sound FOLDER       with the caller's recorded lines as sound files
  --json               everything, for programs

Answers 0 when nothing differs, 1 when something does, 2 when the call cannot be read or replayed.`;

/** Throws `bad-request` with a sentence for the person at the terminal. */
export function readArguments(args: readonly string[]): ReplayArguments {
  const { values, positionals } = parsed(args);
  const [call, ...more] = positionals;
  if (call === undefined) throw fault('which call? npx tandem replay latest');
  if (more.length > 0) throw fault(`one call at a time, not also ${more.join(' ')}`);
  const fork = values.fork === undefined ? undefined : Number(values.fork);
  if (fork !== undefined && !(Number.isInteger(fork) && fork >= 1)) throw fault(`--fork is the number of a turn, not ${values.fork}`);
  for (const name of ['prompt', 'model', 'assistant'] as const) {
    if (values[name] !== undefined && fork === undefined) throw fault(`--${name} needs --fork TURN: from which turn on?`);
  }
  if (values.sound !== undefined && values.scenario === undefined) throw fault('--sound needs --scenario FILE');
  if (values.sound !== undefined && values.redact) throw fault('a redacted call has no sound');
  return {
    call,
    url: values.url,
    business: values.business,
    save: values.save,
    redact: values.redact ?? false,
    json: values.json ?? false,
    html: values.html,
    fork,
    prompt: values.prompt,
    model: values.model,
    assistant: values.assistant,
    policy: policyOf(values.policy ?? []),
    scenario: values.scenario,
    sound: values.sound,
  };
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        url: text,
        business: text,
        save: text,
        redact: flag,
        json: flag,
        html: text,
        fork: text,
        prompt: text,
        model: text,
        assistant: text,
        policy: { type: 'string', multiple: true },
        scenario: text,
        sound: text,
      },
    });
  } catch (error) {
    throw fault(messageOf(error));
  }
}

/** `minDelayMs=350,rules.sentence=false` as settings of the right types; unknown names are refused. */
export function policyOf(texts: readonly string[]): PolicySettings {
  const known: Record<string, unknown> = { ...conversationPolicy(), eagerness: 'medium' };
  const rules: Record<string, boolean | number> = {};
  const policy: Record<string, unknown> = {};
  for (const pair of texts.flatMap((text) => text.split(',')).filter((one) => one.trim() !== '')) {
    const [, key = '', text = ''] = /^\s*([\w.-]+)\s*=\s*(\S+)\s*$/.exec(pair) ?? [];
    if (key.startsWith('rules.')) rules[key.slice('rules.'.length)] = ruleSetting(pair, text);
    else if (key in known) policy[key] = settingLike(known[key], text, pair);
    else throw fault(`--policy ${pair.trim()}: there is no such setting; KEY=VALUE with ${Object.keys(known).join(', ')} or rules.NAME`);
  }
  return { ...policy, ...(Object.keys(rules).length > 0 ? { rules } : {}) };
}

function ruleSetting(pair: string, text: string): boolean | number {
  if (text === 'true' || text === 'false') return text === 'true';
  return settingLike(0, text, pair) as number;
}

function settingLike(like: unknown, text: string, pair: string): unknown {
  if (typeof like === 'boolean') {
    if (text === 'true' || text === 'false') return text === 'true';
    throw fault(`--policy ${pair.trim()}: true or false`);
  }
  if (typeof like !== 'number') return text;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw fault(`--policy ${pair.trim()}: a number that is not negative`);
  return value;
}

const fault = (message: string): TandemError => new TandemError('bad-request', message);
