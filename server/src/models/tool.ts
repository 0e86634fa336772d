/** Something an assistant can do, with its manners. */
import type { z } from 'zod';

export interface Tool<Schema extends z.ZodType = z.ZodType> {
  name: string;
  description: string;
  schema: Schema;
  /** Changes something outside: never repeated blindly, never cancelled once sent. */
  sideEffect: boolean;
  /** A read-only tool may be dropped when the caller interrupts. */
  interruptible: boolean;
  timeoutMs: number;
  /** Spoken while it runs, if it takes long. */
  say?: string;
  run(
    input: z.infer<Schema>,
    context: { callId: string; businessId: string; idempotencyKey: string; signal: AbortSignal },
  ): Promise<unknown>;
}
