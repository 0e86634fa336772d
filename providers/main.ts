/** `npm run providers`: the local provider as a program. Prints the environment that points a client at it. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { publishedDelays } from './delay.ts';
import { LogFile } from './log-file.ts';
import { startProviders } from './server.ts';
import type { Scenario } from './scenario.ts';

const usage = `Usage: npm run providers -- [--port N] [--host ADDRESS] [--key KEY] [--scenario FILE.json] [--log FILE]
  --port      a free one unless said
  --scenario  see providers/README.md; without one, delays are the published ones of each provider
  --log       every event as a line of JSON`;

function readArguments() {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { port: text, host: text, key: text, scenario: text, log: text, help: { type: 'boolean' } },
  });
  return values;
}

async function main(): Promise<void> {
  const asked = readArguments();
  if (asked.help) return void process.stdout.write(`${usage}\n`);
  const port = Number(asked.port ?? '0');
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`--port ${asked.port} is no port`);
  const told = asked.scenario === undefined ? {} : (JSON.parse(readFileSync(asked.scenario, 'utf8')) as Partial<Scenario>);
  const file = asked.log === undefined ? undefined : new LogFile(asked.log, 'a');
  const providers = await startProviders({
    port,
    host: asked.host,
    key: asked.key,
    scenario: { delaysOf: publishedDelays, ...told },
    onEvent: file && ((event) => file.add(event)),
  });
  const { urls, key } = providers;
  const lines = [`# Local providers at ${new URL(urls.deepgram).origin}. Point Tandem at them with:`];
  for (const [name, url] of Object.entries(urls)) {
    const variable = name.toUpperCase();
    lines.push(`${variable}_API_KEY=${key}`, `${variable}_BASE_URL=${name === 'openai' ? `${url}/v1` : url}`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
  const stop = (): void => {
    void providers.close().then(() => file?.end());
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
  process.exitCode = 1;
}
