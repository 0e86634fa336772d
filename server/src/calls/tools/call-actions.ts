/** What the assistant of one call can do: its tools, the collection that may be running, and what callers entered in secret. */
import type { CallFact, TransferTarget } from '@tandem/contract';
import { Collecting, collectTool } from '#conversation/collect/collect-tool.ts';
import type { Kit } from '#kit/kit.ts';
import type { Tool } from '#models/tool.ts';
import type { Leg } from '#telephony/leg.ts';
import type { Route } from '../directory.ts';
import { CollectedValues } from './collected-values.ts';
import { type Shop, toolBox } from './tool-box.ts';

export interface CallActionsOptions {
  kit: Kit;
  route: Route;
  shop: Shop | undefined;
  leg: Leg;
  callerNumber: string;
  record: (fact: CallFact) => void;
  transfer: ((target: TransferTarget, signal: AbortSignal) => Promise<void>) | undefined;
}

export class CallActions {
  readonly tools: readonly Tool[];
  /** Takes turns before the language model does; absent where the assistant may not collect. */
  readonly collecting: Collecting | undefined;

  constructor(options: CallActionsOptions) {
    const { kit, route, record } = options;
    const { assistant, businessId, timeZone = 'UTC' } = route;
    const collected = new CollectedValues();
    const tools = toolBox({ ...options, business: { id: businessId, tools: route.tools, timeZone }, assistant, collected });
    if (assistant.builtInTools.includes('collect')) {
      this.collecting = new Collecting({
        language: assistant.language,
        today: () => dayIn(timeZone, kit.clock.wall()),
        record,
        keep: (value) => collected.keep(value),
      });
    }
    this.tools = this.collecting ? [...tools, collectTool(this.collecting)] : tools;
  }
}

/** `YYYY-MM-DD` of an instant in a zone. */
function dayIn(timeZone: string, wallMs: number): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(wallMs);
}
