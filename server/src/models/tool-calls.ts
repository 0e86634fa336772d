/** Tool calls that arrive in pieces, and arguments that may be no JSON: what every language model's room needs. */
import { VendorError } from '#kit/errors.ts';
import { parseJson } from './event-stream.ts';
import type { ModelToolCall } from './language-model.ts';

const MOST_CALLS = 16;
const LONGEST_ARGUMENTS = 64 * 1024;
const SHOWN_BAD_ARGUMENTS = 500;

interface GrowingCall {
  id: string;
  name: string;
  arguments: string;
}

/** Arguments as a model wrote them: nothing means none; what is no JSON is kept as `badArguments`, so that the model can be told. */
export function readArguments(text: string): Pick<ModelToolCall, 'arguments' | 'badArguments'> {
  if (text.trim() === '') return { arguments: {} };
  const value = parseJson(text);
  if (value === undefined) return { arguments: undefined, badArguments: text.slice(0, SHOWN_BAD_ARGUMENTS) };
  // Some models encode their arguments twice.
  const inner = typeof value === 'string' ? parseJson(value) : undefined;
  return { arguments: typeof inner === 'object' && inner !== null ? inner : value };
}

/** Arguments for a vendor that wants an object when it is shown its own call again. */
export function objectArguments(call: ModelToolCall): Record<string, unknown> {
  const { arguments: value } = call;
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** Calls of one answer in the order of their beginnings, each growing under the vendor's index for it. */
export class GrowingToolCalls {
  #vendor: string;
  #makeId: () => string;
  #calls: GrowingCall[] = [];
  #byIndex = new Map<number, GrowingCall>();

  constructor(vendor: string, makeId: () => string) {
    this.#vendor = vendor;
    this.#makeId = makeId;
  }

  get size(): number {
    return this.#calls.length;
  }

  /** Id and name count when first given; arguments are appended. Throws `VendorError` beyond 16 calls or 64 kB. */
  grow(index: number, fragment: { id?: string | undefined; name?: string | undefined; arguments?: string | undefined }): void {
    let call = this.#byIndex.get(index);
    // Some servers give every whole call the same index; then another id tells it apart.
    if (!call || (call.id !== '' && fragment.id && fragment.id !== call.id && fragment.name)) {
      if (this.#calls.length >= MOST_CALLS) throw this.#fault(`more than ${MOST_CALLS} tool calls in one answer`);
      call = { id: '', name: '', arguments: '' };
      this.#calls.push(call);
      this.#byIndex.set(index, call);
    }
    call.id ||= fragment.id ?? '';
    call.name ||= fragment.name ?? '';
    call.arguments += fragment.arguments ?? '';
    if (call.arguments.length > LONGEST_ARGUMENTS) throw this.#fault('tool arguments longer than 64 kB');
  }

  /** The call's arguments are these, whatever has grown so far; for a vendor that repeats them whole at the end. */
  settle(index: number, text: string): void {
    const call = this.#byIndex.get(index);
    if (call) call.arguments = '';
    this.grow(index, { arguments: text });
  }

  /** Every call as it stands now; afterwards there are none. Throws `VendorError` for a call without a name. */
  complete(): ModelToolCall[] {
    this.#byIndex.clear();
    return this.#calls.splice(0).map((call) => {
      if (call.name === '') throw this.#fault('a tool call without a name');
      return { id: call.id || this.#makeId(), name: call.name, ...readArguments(call.arguments) };
    });
  }

  #fault(what: string): VendorError {
    return new VendorError(this.#vendor, 'retryable', what);
  }
}
