/** Expectations on tools: which were called, with what, in which order, and what came of it. */
import type { SimulatedCall } from '../outcome.ts';
import { type Finding, failed, finding, passed, some, times } from './finding.ts';
import { holds, valueWords } from './sameness.ts';
import { answeredAt, clockOf } from './transcript.ts';

export interface ToolUse {
  name: string;
  arguments: unknown;
  turn: number;
  /** Milliseconds since the answer. */
  at: number;
  /** Undefined when it never returned. */
  outcome?: 'ok' | 'failed' | 'unknown';
  result?: unknown;
  tookMs?: number;
}

/** The tools that were called, in order, each with what came of it. */
export function toolUses({ events }: Pick<SimulatedCall, 'events'>): ToolUse[] {
  const origin = answeredAt({ events });
  const uses = new Map<string, ToolUse>();
  for (const event of events) {
    if (event.type === 'tool-called') {
      const { toolCallId, name, turn, at } = event;
      uses.set(toolCallId, { name, arguments: event.arguments, turn, at: at - origin });
    } else if (event.type === 'tool-returned') {
      const use = uses.get(event.toolCallId);
      if (use) Object.assign(use, { outcome: event.outcome, result: event.result, tookMs: event.tookMs });
    }
  }
  return [...uses.values()];
}

const useWords = ({ name, arguments: given, outcome, at }: ToolUse): string =>
  `${name}(${valueWords(given)}) at ${clockOf(at)}, ${outcome ?? 'never returned'}`;

export interface ToolCallExpected {
  calls: string;
  with?: Record<string, unknown>;
  times?: number;
  outcome?: 'ok' | 'failed' | 'unknown';
}

export function checkCalls(call: SimulatedCall, expected: ToolCallExpected): Finding {
  const uses = toolUses(call);
  const named = uses.filter(({ name }) => name === expected.calls);
  const fitting = named.filter(
    (use) =>
      (expected.with === undefined || holds(expected.with, use.arguments)) &&
      (expected.outcome === undefined || use.outcome === expected.outcome),
  );
  if (expected.times === undefined ? fitting.length > 0 : fitting.length === expected.times) return passed;
  if (named.length > 0) {
    const count = expected.times === undefined ? '' : `${times(fitting.length)} like that; `;
    return failed(`${count}called: ${some(named.map(useWords))}`);
  }
  return failed(uses.length === 0 ? 'no tool was called' : `other tools were called: ${some(uses.map(useWords))}`);
}

export function checkNeverCalls(call: SimulatedCall, tool: string): Finding {
  const uses = toolUses(call).filter(({ name }) => name === tool);
  return finding(uses.length === 0, () => `called: ${some(uses.map(useWords))}`);
}

/** Others may be called between them. */
export function checkToolOrder(call: SimulatedCall, order: readonly string[]): Finding {
  const names = toolUses(call).map(({ name }) => name);
  let next = 0;
  for (const name of names) if (name === order[next]) next++;
  return finding(next === order.length, () => (names.length === 0 ? 'no tool was called' : `called in this order: ${names.join(', ')}`));
}
