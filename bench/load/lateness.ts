/**
 * How many packets of one stream came late, against the best schedule of each second: packet n of a second is due 20 ms
 * after packet n-1, and the earliest of them sets the schedule. Node gives no arrival times of the kernel, so a packet
 * only counts when the process that looks was itself on time, just before and just after it.
 */
const FRAME_MS = 20;
const LATE_MS = 5;
const SECOND = 50;

export class Lateness {
  /** Packets judged, and those of them that came more than 5 ms after their place in the schedule. */
  judged = 0;
  late = 0;
  #sequence = 0;
  #second = 0;
  #offsets: number[] = [];
  #pending: number[] = [];
  #wasOnTime = false;

  /** `step`: how many sequence numbers after the newest packet before; a reordered one (0 or less) is not judged. */
  arrived(step: number, at: number): void {
    if (step <= 0) return;
    this.#sequence += step;
    if (Math.floor(this.#sequence / SECOND) !== this.#second) this.#judge();
    this.#pending.push(at - this.#sequence * FRAME_MS);
  }

  /** The process looked at its clock; `onTime` is whether it did so when it meant to. */
  looked(onTime: boolean): void {
    if (this.#pending.length > 0) {
      if (onTime && this.#wasOnTime) this.#offsets.push(...this.#pending);
      this.#pending.length = 0;
    }
    this.#wasOnTime = onTime;
  }

  #judge(): void {
    this.#second = Math.floor(this.#sequence / SECOND);
    let best = Number.POSITIVE_INFINITY;
    for (const offset of this.#offsets) best = Math.min(best, offset);
    for (const offset of this.#offsets) if (offset - best > LATE_MS) this.late++;
    this.judged += this.#offsets.length;
    this.#offsets.length = 0;
  }
}
