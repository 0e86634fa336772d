/** The two limits that providers document: streams at the same time, and requests in any minute. */
const WINDOW_MS = 60_000;

export class RateLimit {
  #streams = 0;
  /** Times of the requests of the last minute, oldest first. */
  #requests: number[] = [];

  /** Seconds to wait (the `Retry-After`), or undefined when the request may go on. A request that is admitted counts. */
  admit(atMs: number, isStream: boolean, limits: { streams: number; requestsPerMinute: number }): number | undefined {
    if (isStream && this.#streams >= limits.streams) return 1;
    if (limits.requestsPerMinute === Infinity) return undefined;
    const from = this.#requests.findIndex((at) => at > atMs - WINDOW_MS);
    this.#requests = from < 0 ? [] : this.#requests.slice(from);
    if (this.#requests.length >= limits.requestsPerMinute) {
      return Math.max(1, Math.ceil(((this.#requests[0] ?? atMs) + WINDOW_MS - atMs) / 1000));
    }
    this.#requests.push(atMs);
    return undefined;
  }

  streamOpened(): void {
    this.#streams++;
  }

  streamClosed(): void {
    this.#streams--;
  }
}
