/** The server that level `sip` calls, and its API where there is a key for it. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { messageOf, TandemError } from '#kit/errors.ts';
import { isLoopback } from '../load/target.ts';

/** Where events come from. */
export interface ServerApi {
  url: string;
  key: string;
}

export interface SipTarget {
  /** Numeric. */
  address: string;
  port: number;
  /** Undefined: only what the ear hears is known. */
  api: ServerApi | undefined;
}

export interface TargetQuestion {
  /** `host:port`. */
  server: string;
  anywhere: boolean;
}

/** What the target needs of the command's workshop. */
export interface KeyHolder {
  serverUrl: string;
  apiKey: () => Promise<string | undefined>;
  tell: (line: string) => void;
}

const ASK_MS = 5_000;

/**
 * Throws `forbidden` for another machine unless `anywhere`, `bad-request` for a name that nobody knows. An API that cannot
 * be asked is told about and left out: what is said can be checked with it only.
 */
export async function sipTarget({ server, anywhere }: TargetQuestion, { serverUrl, apiKey, tell }: KeyHolder): Promise<SipTarget> {
  const colon = server.lastIndexOf(':');
  const host = server.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = Number(server.slice(colon + 1));
  if (!anywhere && !isLoopback(host)) {
    throw new TandemError('forbidden', `${host} is not this machine: say --anywhere to call it`);
  }
  const address = await numeric(host);
  const key = await apiKey();
  const fault = key === undefined ? 'there is no API key (TANDEM_ADMIN_KEY)' : await faultOf({ url: serverUrl, key });
  if (fault !== undefined) tell(`The words and events of calls are not known, because ${fault}: only waits and silences are checked.`);
  return { address, port, api: fault === undefined && key !== undefined ? { url: serverUrl, key } : undefined };
}

async function numeric(host: string): Promise<string> {
  if (isIP(host)) return host;
  if (host === 'localhost') return '127.0.0.1';
  try {
    return (await lookup(host, { family: 4 })).address;
  } catch (error) {
    throw new TandemError('bad-request', `${host} has no address: ${messageOf(error)}`);
  }
}

async function faultOf(api: ServerApi): Promise<string | undefined> {
  try {
    await askApi(api, '/api/v1/calls?limit=1');
    return undefined;
  } catch (error) {
    return `${api.url} cannot be asked (${messageOf(error)})`;
  }
}

/** GET. Rejects with `unavailable` for any answer but 200, and after 5 s. */
export async function askApi<Answer>({ url, key }: ServerApi, path: string): Promise<Answer> {
  const response = await fetch(new URL(path, url), {
    headers: { authorization: `Bearer ${key}` },
    signal: AbortSignal.timeout(ASK_MS),
  });
  if (!response.ok) throw new TandemError('unavailable', `${path} answered ${response.status}`);
  return (await response.json()) as Answer;
}
