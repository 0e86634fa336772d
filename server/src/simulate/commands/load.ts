/** `npx tandem load`: puts calls on a server and says what its callers lived through. */
import { readFile, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { prettifyError } from 'zod';
import { messageOf, TandemError } from '#kit/errors.ts';
import { parseUri } from '#sip/uri.ts';
import { type LoadArguments, readArguments, USAGE } from '../load/arguments.ts';
import { BrowserWire } from '../load/browser-wire.ts';
import { LoadGenerator } from '../load/generator.ts';
import type { LoadPlan } from '../load/plan.ts';
import { overheadFigures, overheadOf, readProviderLog } from '../load/provider-log.ts';
import { scenarioTalk } from '../load/scenario-talk.ts';
import { SipWire } from '../load/sip-wire.ts';
import { type LoadReport, progressLine, reportOf, summaryLines } from '../load/summary.ts';
import { cycleTalk, mixedTalk, recordedTalk, type Talk } from '../load/talk.ts';
import { requireAllowed, requireLoopback } from '../load/target.ts';
import { requireCredentials, TwilioWire } from '../load/twilio-wire.ts';
import type { LoadWire } from '../load/wire.ts';
import { wavSound } from '../recorded-sound.ts';
import { scenario } from '../scenario.ts';
import type { Command, Workshop } from './command.ts';

interface Prepared {
  asked: LoadArguments;
  wire: LoadWire;
  plan: LoadPlan;
}

const DEFAULT_TARGET = 'sip:demo@127.0.0.1:5060';

async function secretIn(path: string | undefined, workshop: Workshop): Promise<string | undefined> {
  return path === undefined ? undefined : (await readFile(resolve(workshop.folder, path), 'utf8')).trim();
}

function talkOf(asked: LoadArguments, workshop: Workshop): Talk {
  const sound = (path: string) => wavSound(readFileSync(path), path);
  if (asked.scenario !== undefined) {
    const path = resolve(workshop.folder, asked.scenario);
    const read = scenario.safeParse(parseYaml(readFileSync(path, 'utf8')));
    if (!read.success) throw new TandemError('invalid-input', `${asked.scenario} is no scenario: ${prettifyError(read.error)}`);
    return scenarioTalk(read.data, (file) => sound(resolve(dirname(path), file)));
  }
  if (asked.wavs.length > 0) return recordedTalk(asked.wavs.map((path) => sound(resolve(workshop.folder, path))));
  return asked.kinds ? cycleTalk(asked.kinds) : mixedTalk(asked.shares);
}

/** Throws `forbidden` for a target that is not this machine, before anything is opened. */
async function wireOf(asked: LoadArguments, workshop: Workshop): Promise<LoadWire> {
  const { kit } = workshop;
  const { anywhere, target } = asked;
  if (asked.wire === 'sip') {
    const uri = parseUri(target ?? DEFAULT_TARGET);
    if (!uri || uri.scheme !== 'sip') throw new TandemError('invalid-input', `${target} is no sip: address`);
    requireLoopback(uri.host, anywhere);
    const password = await secretIn(asked.passwordFile, workshop);
    const credentials = asked.user === undefined || password === undefined ? undefined : { username: asked.user, password };
    return new SipWire({ kit, target: uri, udp: asked.udp, credentials });
  }
  const server = asked.server ?? workshop.serverUrl;
  requireAllowed(server, anywhere);
  if (asked.wire === 'browser') return new BrowserWire({ kit, url: server, assistant: target ?? 'demo', anywhere });
  if (target === undefined) throw new TandemError('invalid-input', 'which number is called? npx tandem load +15550100 --wire twilio …');
  const credentials = requireCredentials(asked.accountSid, await secretIn(asked.authTokenFile, workshop));
  const voiceUrl = `${server.replace(/\/$/, '')}/gateways/twilio/voice`;
  return new TwilioWire({ kit, voiceUrl, ...credentials, to: target, anywhere });
}

/** The log's times count from 1970, ours from the start of this process. */
function sinceStart(workshop: Workshop): number {
  const { clock } = workshop.kit;
  // Wall time comes in whole milliseconds: the largest difference is the one closest to the truth.
  let offset = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < 1_000; i++) offset = Math.max(offset, clock.wall() - clock.now());
  return offset;
}

async function addOverhead(report: LoadReport, path: string, asked: LoadArguments, offset: number): Promise<void> {
  const events = readProviderLog(await readFile(path, 'utf8')).map((event) => ({ ...event, atMs: event.atMs - offset }));
  report.overhead = overheadFigures(overheadOf(report.turns, events, asked.speculation), report.turns.length, events);
}

/** Undefined, and said, when it cannot be. */
async function prepare(args: readonly string[], workshop: Workshop): Promise<Prepared | undefined> {
  try {
    const asked = readArguments(args);
    const wire = await wireOf(asked, workshop);
    return { asked, wire, plan: { ...asked, talk: talkOf(asked, workshop) } };
  } catch (error) {
    workshop.tell(messageOf(error));
    return undefined;
  }
}

async function run(args: readonly string[], workshop: Workshop): Promise<number> {
  const { kit, print, tell, signal, folder } = workshop;
  const prepared = await prepare(args, workshop);
  if (!prepared) return 2;
  const { asked, wire, plan } = prepared;
  const offset = sinceStart(workshop);
  const generator = new LoadGenerator({ plan, wire, kit, signal, onSecond: (now) => tell(progressLine(now)) });
  await generator.run();
  const report = reportOf(plan, generator);
  if (asked.providerLog !== undefined) await addOverhead(report, resolve(folder, asked.providerLog), asked, offset);
  for (const line of summaryLines(report)) print(line);
  if (asked.json !== undefined) await writeFile(resolve(folder, asked.json), `${JSON.stringify(report)}\n`);
  if (signal.aborted) return 130;
  return report.totals.answered > 0 ? 0 : 1;
}

export const load: Command = {
  name: 'load',
  does: 'puts calls on this server and measures what callers live through',
  usage: USAGE,
  run,
};
