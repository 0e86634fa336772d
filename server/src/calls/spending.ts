/**
 * What each business has spent today and may still spend. The office tells the ceiling, and the cost of the calls it has
 * stored; this process counts its own calls as they go. Of two counts that may each miss something the larger is nearer
 * to the truth. Pure but for its ledger: wall time comes in, nothing here waits.
 */
import type { BusinessEntry } from './directory.ts';

interface Account {
  ceilingMicros: number | null;
  timeZone: string;
  /** `YYYY-MM-DD` where the business is. */
  day: string;
  spentMicros: number;
}

/** By time zone, of which there are some hundreds: making one takes longer than all else here, and asking it not little. */
const days = new Map<string, { format: Intl.DateTimeFormat; quarter: number; day: string }>();
/** No zone of our time begins its day elsewhere than on a quarter of an hour UTC. */
const QUARTER_MS = 15 * 60_000;

/** Days begin at midnight where the business is. Throws `RangeError` for a time zone that does not exist. */
export function dayOf(wallMs: number, timeZone: string): string {
  let known = days.get(timeZone);
  if (!known) {
    // Swedish writes dates as ISO 8601 does.
    const format = new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
    days.set(timeZone, (known = { format, quarter: Number.NaN, day: '' }));
  }
  const quarter = Math.floor(wallMs / QUARTER_MS);
  if (quarter !== known.quarter) {
    known.day = known.format.format(wallMs);
    known.quarter = quarter;
  }
  return known.day;
}

/** All amounts are millionths of a US dollar; `wallMs` is the time of day as {@link Clock.wall} gives it. */
export class Spending {
  readonly #accounts = new Map<string, Account>();

  /** Opens the business's account, or corrects it: a lower number than our own is only the database being behind. */
  publish({ id, timeZone = 'UTC', costs }: Pick<BusinessEntry, 'id' | 'timeZone' | 'costs'>, wallMs: number): void {
    const day = dayOf(wallMs, timeZone);
    const before = this.#accounts.get(id);
    const ours = before?.day === day ? before.spentMicros : 0;
    const spentMicros = Math.max(ours, costs?.spentTodayMicros ?? 0);
    this.#accounts.set(id, { ceilingMicros: costs?.dailyCeilingMicros ?? null, timeZone, day, spentMicros });
  }

  /** The business is gone. */
  remove(businessId: string): void {
    this.#accounts.delete(businessId);
  }

  /** Adds what a call has just cost; answers what is left, as {@link left} does. */
  spend(businessId: string, micros: number, wallMs: number): number {
    const account = this.#today(businessId, wallMs);
    if (account && Number.isFinite(micros) && micros > 0) account.spentMicros += micros;
    return this.left(businessId, wallMs);
  }

  /** Spent so far today. */
  spent(businessId: string, wallMs: number): number {
    return this.#today(businessId, wallMs)?.spentMicros ?? 0;
  }

  /** What may still be spent today: 0 when the ceiling is reached, Infinity without one. */
  left(businessId: string, wallMs: number): number {
    const account = this.#today(businessId, wallMs);
    if (!account || account.ceilingMicros === null) return Infinity;
    return Math.max(0, account.ceilingMicros - account.spentMicros);
  }

  #today(businessId: string, wallMs: number): Account | undefined {
    const account = this.#accounts.get(businessId);
    if (!account) return undefined;
    const day = dayOf(wallMs, account.timeZone);
    if (account.day !== day) {
      account.day = day;
      account.spentMicros = 0;
    }
    return account;
  }
}

/** Whose ceiling a call has reached, if any: its own comes first. `ceilingMicros` and `spentMicros` are the call's. */
export function ceilingReached(
  call: { ceilingMicros: number | null; spentMicros: number },
  leftTodayMicros: number,
): 'call' | 'day' | undefined {
  if (call.ceilingMicros !== null && call.spentMicros >= call.ceilingMicros) return 'call';
  return leftTodayMicros <= 0 ? 'day' : undefined;
}
