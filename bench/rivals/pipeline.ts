/**
 * The pipeline by hand as a process: all calls in it, or with `once` a single one, after which it ends.
 *
 * arguments: `tick` or `burst`; `once`
 */
import { openFront } from './front.ts';
import { type Pace, servePipelineCall } from './pipeline-call.ts';

const pace: Pace = process.argv[2] === 'burst' ? 'burst' : 'tick';
const once = process.argv[3] === 'once';
openFront({ call: (carrier) => servePipelineCall(carrier, pace, once ? () => setTimeout(() => process.exit(0), 500) : undefined) });
