/** The JSON Schema of scenario files, for editors that complete and check them: `docs/scenario.schema.json`. */
import { z } from 'zod';
import { scenario } from './scenario.ts';

export const SCHEMA_TITLE = 'Scenario of a call';

/** Of what is written, so that nothing with a default is asked for. */
export function scenarioJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(scenario, { io: 'input', unrepresentable: 'any' });
  return { ...schema, title: SCHEMA_TITLE };
}
