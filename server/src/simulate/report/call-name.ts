/** What a simulated call is called in reports and in the names of files. */
import type { CheckedCall } from '../outcome.ts';

type Named = Pick<CheckedCall, 'scenario' | 'run' | 'seed'>;

/** The scenario's name; of a repeated one also the seed. */
export const callName = ({ scenario, run, seed }: Named): string =>
  run === 0 ? scenario.name : `${scenario.name} (run ${run + 1}, seed ${seed})`;

/** A name for a file without its ending, unlike those in `taken`, to which it is added. */
export function fileName(call: Named, taken: Set<string>): string {
  const words = call.scenario.name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 80);
  const wanted = `${words === '' ? 'call' : words}${call.run === 0 ? '' : `-run-${call.run + 1}`}`;
  let name = wanted;
  for (let count = 2; taken.has(name); count++) name = `${wanted}-${count}`;
  taken.add(name);
  return name;
}
