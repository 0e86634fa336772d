/**
 * The local providers in a process of their own. Every event is a line of JSON in the log file, its time on the clock
 * that all processes of a machine share. Prints the addresses and the key; SIGTERM ends it.
 *
 * argument: a file with {"log":"FILE","scenario":{...}}
 */
import { createWriteStream, readFileSync } from 'node:fs';
import { startProviders } from '../../providers/server.ts';
import type { Scenario } from '../../providers/scenario.ts';
import { onSharedClock } from './shared-clock.ts';

const { log, scenario } = JSON.parse(readFileSync(process.argv[2], 'utf8')) as { log: string; scenario: Partial<Scenario> };
const file = createWriteStream(log);
const providers = await startProviders({
  scenario,
  onEvent: (event) => void file.write(`${JSON.stringify({ ...event, atMs: onSharedClock(event.atMs - performance.timeOrigin) })}\n`),
});
process.stdout.write(`${JSON.stringify({ urls: providers.urls, key: providers.key })}\n`);
process.once('SIGTERM', () => void providers.close().then(() => file.end()));
