/** How freely the heaps of this process grow between two full garbage collections. */
import { setFlagsFromString } from 'node:v8';

/** A heap may become twice what lived through the last full collection before it is marked again. */
const GROWTH_PERCENT = 100;

/**
 * For all threads, those too that are started later. Left to itself V8 lets a heap that is collected quickly grow by a
 * tenth: a call thread with 150 calls is then marked once a second, which took 13 µs of 90 per call and frame, most of it
 * on cores that callers wait for, and paused for 30 ms at worst instead of 15. The price is memory: a heap's size once more.
 */
export function growHeapsFreely(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
