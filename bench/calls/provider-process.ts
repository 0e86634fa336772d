/**
 * The local providers in a process of their own, for many calls: it logs what a join with the callers' report needs and
 * nothing else, its times on the clock that all processes of a machine share. Prints the addresses and the key; SIGTERM ends it.
 *
 * argument: a file with {"log":"FILE","scenario":{...}}
 */
import { readFileSync } from 'node:fs';
import { LogFile } from '../../providers/log-file.ts';
import type { ProviderEvent, Scenario } from '../../providers/scenario.ts';
import { startProviders } from '../../providers/server.ts';
import { comeFirst } from '../../server/test/priority.ts';
import { onSharedClock } from '../turns/shared-clock.ts';

// What the world outside does late would be measured as the server's lateness.
comeFirst();
const { log, scenario } = JSON.parse(readFileSync(process.argv[2], 'utf8')) as { log: string; scenario: Partial<Scenario> };
const file = new LogFile(log);
const KEPT = new Set<ProviderEvent['event']>(['voice-ended', 'eager', 'end-of-turn', 'request', 'first-token', 'first-speech', 'fault']);

interface Message {
  role?: string;
  content?: unknown;
}

/** Of a whole prompt, what was said last by either side. */
function lastSaid(body: unknown): { asked: string; said: string } | undefined {
  const { messages } = (body ?? {}) as { messages?: Message[] };
  if (!messages) return undefined;
  const last = (role: string): string => {
    const content = messages.findLast((message) => message.role === role)?.content;
    return typeof content === 'string' ? content : '';
  };
  return { asked: last('user'), said: last('assistant') };
}

function keep({ atMs, stage, connection, event, detail, declaredMs, body }: ProviderEvent): void {
  if (!KEPT.has(event)) return;
  const at = onSharedClock(atMs - performance.timeOrigin);
  const said = event === 'request' ? lastSaid(body) : undefined;
  file.add({ atMs: at, stage, connection, event, detail, declaredMs, ...said });
}

const providers = await startProviders({ scenario, onEvent: keep, keepEvents: 0 });
process.stdout.write(`${JSON.stringify({ urls: providers.urls, key: providers.key })}\n`);
process.once('SIGTERM', () => void providers.close().then(() => file.end()));
