/** The business's own tools in a scenario: they answer from the file, late or not at all where it says so. */
import type { Shop } from '#calls/tools/tool-box.ts';
import { argumentsSchema } from '#calls/tools/tool-schema.ts';
import { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Tool } from '#models/tool.ts';
import { canonicalJson } from './canonical.ts';
import type { Scenario } from './scenario.ts';

type ScriptedTool = NonNullable<Scenario['business']>['tools'][number];

/** What a tool of a real business has unless told otherwise. */
const TIMEOUT_MS = 8_000;

/** Tools of the one business of a simulation. */
export function scriptedShop(kit: Kit, tools: readonly ScriptedTool[]): Shop {
  return { publish: () => {}, toolsOf: () => tools.map((tool) => scriptedTool(kit, tool)) };
}

function scriptedTool(kit: Kit, { name, description, input, sideEffect, answers }: ScriptedTool): Tool {
  return {
    name,
    description,
    schema: argumentsSchema(input),
    parameters: input,
    sideEffect,
    interruptible: !sideEffect,
    timeoutMs: TIMEOUT_MS,
    run: async (given, { signal }) => {
      const answer = answers.find((one) => matches(one.with, given));
      if (!answer) throw new VendorError(name, 'bad-input', 'the scenario has no answer to these arguments');
      if (answer.tookMs > 0) await kit.clock.sleep(answer.tookMs, signal);
      if (answer.fails)
        throw new VendorError(name, 'permanent', typeof answer.result === 'string' ? answer.result : 'failed, as the scenario says');
      return answer.result ?? {};
    },
  };
}

function matches(wanted: Record<string, unknown>, given: unknown): boolean {
  const values = (typeof given === 'object' && given !== null ? given : {}) as Record<string, unknown>;
  return Object.entries(wanted).every(([key, value]) => canonicalJson(values[key]) === canonicalJson(value));
}
