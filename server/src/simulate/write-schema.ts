/** Writes docs/scenario.schema.json anew: `node server/src/simulate/write-schema.ts`. */
import { writeFileSync } from 'node:fs';
import { scenarioJsonSchema } from './scenario-schema.ts';

writeFileSync(new URL('../../../docs/scenario.schema.json', import.meta.url), `${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`);
