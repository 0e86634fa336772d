/** Something an assistant can do, with its manners. */
import type { z } from 'zod';

export interface ToolContext {
  businessId: string;
  callId: string;
  turn: number;
  /** Names this one effect; the same for a repeated attempt. It is in the journal before `run` is called. */
  idempotencyKey: string;
  /** Ends with the tool's deadline, with the call, and for a tool that may be dropped with the reply. */
  signal: AbortSignal;
}

/** What is known of an effect whose request was sent and never answered. */
export type EffectState = { state: 'done'; result: unknown } | { state: 'not-done' } | { state: 'unknown' };

export interface Tool<Schema extends z.ZodType = z.ZodType> {
  name: string;
  description: string;
  /** Checks the arguments before anything happens. */
  schema: Schema;
  /** JSON Schema the model is shown; made from `schema` when absent. */
  parameters?: Record<string, unknown>;
  /** Changes something outside: never repeated blindly, never cancelled once sent. */
  sideEffect: boolean;
  /** A read-only tool may be dropped when the caller interrupts. */
  interruptible: boolean;
  timeoutMs: number;
  /** Spoken while it runs. */
  say?: string;
  /**
   * Throws when it failed; a side effect that timed out or lost its connection counts as unknown. A `VendorError` of any
   * category but `retryable` says that nothing happened outside.
   */
  run(input: z.infer<Schema>, context: ToolContext): Promise<unknown>;
  /** Asks whether the effect of `idempotencyKey` happened. Absent: nobody can tell. */
  reconcile?(input: z.infer<Schema>, context: ToolContext): Promise<EffectState>;
}
