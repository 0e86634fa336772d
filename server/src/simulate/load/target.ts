/** A load generator is a weapon in wrong hands or with a wrong address: it calls this machine, unless it is told otherwise. */
import { isIP } from 'node:net';
import { TandemError } from '#kit/errors.ts';

/** True for addresses of this machine alone. A name is never looked up: whoever runs its DNS could say anything. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (bare === 'localhost' || bare === '::1') return true;
  return isIP(bare) === 4 && bare.startsWith('127.');
}

/** Throws `forbidden` for a host that is not this machine, unless `anywhere` was said. */
export function requireLoopback(host: string, anywhere: boolean): void {
  if (anywhere || isLoopback(host)) return;
  throw new TandemError('forbidden', `${host} is not this machine: say --anywhere when you may put load on it`);
}

/** The same for a URL; also for those that a server hands out, which may lead elsewhere. */
export function requireAllowed(url: string, anywhere: boolean): void {
  if (!URL.canParse(url)) throw new TandemError('invalid-input', `${url} is not a URL`);
  requireLoopback(new URL(url).hostname, anywhere);
}
