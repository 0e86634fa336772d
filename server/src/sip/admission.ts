/**
 * Who may speak to us: sources of a trunk, and holders of a credential. Everybody else is dropped without a word, so that a
 * scanner learns nothing, not even that somebody listens.
 */
import { createHmac } from 'node:crypto';
import type { Clock } from '#kit/clock.ts';
import type { Log } from '#kit/log.ts';
import type { Random } from '#kit/random.ts';
import type { DigestAlgorithm } from './digest.ts';
import { ha1Of } from './digest.ts';
import { DigestServer } from './digest-server.ts';
import { callId, from, fromTag, header } from './headers.ts';
import type { SipHeader, SipPeer, SipRequest } from './message.ts';
import { type SourceLimitOptions, SourceLimits } from './source-limits.ts';

/** The secret of an account that may call in: the password, or HA1 for our realm by algorithm. */
export type SipSecret = { password: string } | { ha1: Partial<Record<DigestAlgorithm, string>> };

/**
 * What callers are challenged with, best first. MD5 alone unless told otherwise: every phone knows it, whoever also offers it
 * gains nothing against a forger from offering SHA-256, and phones in use (baresip 1.0 among them) give up a call at the
 * sight of a second challenge that they do not know, in whatever order the two come.
 */
export const DEFAULT_CHALLENGES: readonly DigestAlgorithm[] = ['MD5'];

export interface AdmissionOptions {
  clock: Clock;
  random: Random;
  log: Log;
  realm: string;
  /** See {@link DEFAULT_CHALLENGES}. */
  challenges?: readonly DigestAlgorithm[];
  /** The trunk that a source address belongs to; undefined for a stranger. Asked for every message: must be quick. */
  trusts: (address: string) => string | undefined;
  /** The secret of a user who may call in from anywhere. */
  secret: (username: string) => SipSecret | undefined;
  limits?: Partial<SourceLimitOptions>;
}

export type Verdict =
  | { kind: 'admitted'; trunk: string | undefined; user: string | undefined }
  /** Answer 401 with these. The tag is the same for the same request, as a stateless answer needs it (§8.2.7). */
  | { kind: 'challenged'; headers: SipHeader[]; toTag: string }
  | { kind: 'stranger' };

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #limits: SourceLimits;
  readonly #digest: DigestServer;
  readonly #tagSecret: Uint8Array;
  readonly #counts = { sipOverLimit: 0, sipStrangers: 0, sipChallenges: 0, sipWrongPasswords: 0, sipBans: 0 };

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#limits = new SourceLimits(options.clock, options.limits);
    const { clock, random, realm, challenges = DEFAULT_CHALLENGES } = options;
    this.#tagSecret = random.bytes(32);
    this.#digest = new DigestServer({ clock, random, realm, algorithms: challenges });
  }

  /** Asked before a message is parsed. */
  admits(address: string): boolean {
    const ok = this.#limits.take(address, this.trusts(address));
    if (!ok) this.#counts.sipOverLimit++;
    return ok;
  }

  trusts(address: string): boolean {
    return this.#options.trusts(address) !== undefined;
  }

  /** Judges a request that belongs to no dialog and no transaction of ours. */
  judge(request: SipRequest, source: SipPeer): Verdict {
    const trunk = this.#options.trusts(source.address);
    if (trunk !== undefined) return { kind: 'admitted', trunk, user: undefined };
    const verdict = this.#digest.check(request, (user, algorithm) => this.#ha1(user, algorithm));
    if (verdict.outcome === 'none') {
      const user = from(request)?.uri.user;
      if (user === undefined || !this.#options.secret(user) || this.#limits.banned(source.address, user)) return this.#stranger();
      return this.#challenge(request, false);
    }
    const { outcome, username } = verdict;
    // A ban outlasts the right password: guessing on must not pay.
    if (outcome === 'unknown-user' || this.#limits.banned(source.address, username)) return this.#stranger();
    if (outcome === 'stale') return this.#challenge(request, true);
    if (outcome === 'wrong') {
      this.#counts.sipWrongPasswords++;
      if (this.#limits.fail(source.address, username)) {
        this.#counts.sipBans++;
        this.#options.log.warn({ address: source.address, user: username }, 'sip source banned after wrong passwords');
      }
      return this.#challenge(request, false);
    }
    this.#limits.succeed(source.address, username);
    return { kind: 'admitted', trunk: undefined, user: username };
  }

  /** Counts something of a stranger that is dropped. */
  drop(): void {
    this.#counts.sipStrangers++;
  }

  counters(): Record<string, number> {
    return { ...this.#counts };
  }

  #stranger(): Verdict {
    this.drop();
    return { kind: 'stranger' };
  }

  #challenge(request: SipRequest, stale: boolean): Verdict {
    this.#counts.sipChallenges++;
    const same = `${callId(request) ?? ''} ${fromTag(request) ?? ''} ${header(request, 'cseq') ?? ''}`;
    const toTag = createHmac('sha256', this.#tagSecret).update(same).digest('hex').slice(0, 16);
    return { kind: 'challenged', headers: this.#digest.challenge({ stale }), toTag };
  }

  #ha1(username: string, algorithm: DigestAlgorithm): string | undefined {
    const secret = this.#options.secret(username);
    if (!secret) return undefined;
    return 'password' in secret ? ha1Of(algorithm, username, this.#options.realm, secret.password) : secret.ha1[algorithm];
  }
}
