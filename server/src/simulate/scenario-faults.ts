/** Zod's issues as faults that a person can mend: of a union, only those of the kind that was meant. Pure. */
import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

export interface Fault {
  path: PropertyKey[];
  message: string;
}

/** `value` is what was checked. */
export function faultsOf(issues: readonly Issue[], value: unknown, above: readonly PropertyKey[] = []): Fault[] {
  return issues.flatMap((issue) => {
    const path = [...above, ...issue.path];
    if (issue.code === 'invalid_union' && issue.errors.length > 0) return ofUnion(issue.errors, at(value, issue.path), path);
    if (issue.code === 'unrecognized_keys') return [{ path, message: `does not know ${issue.keys.map((key) => `"${key}"`).join(', ')}` }];
    return [{ path, message: issue.message }];
  });
}

/** The branch that fits best is the one that was meant; when none fits at all, the kinds there are. */
function ofUnion(branches: readonly (readonly Issue[])[], value: unknown, path: PropertyKey[]): Fault[] {
  const missing = (issue: Issue) => issue.path.length === 1 && at(value, issue.path) === undefined;
  const weight = (issue: Issue) => (missing(issue) ? 10 : issue.code === 'unrecognized_keys' ? 3 * issue.keys.length : 1);
  const scored = branches.map((issues) => ({ issues, score: issues.reduce((sum, issue) => sum + weight(issue), 0) }));
  const best = scored.toSorted((a, b) => a.score - b.score)[0];
  const kinds = new Set(branches.flatMap((issues) => issues.flatMap((issue) => (missing(issue) ? [String(issue.path[0])] : []))));
  if (best.issues.some(missing) && kinds.size > 1) return [{ path, message: `is none of ${[...kinds].join(', ')}` }];
  return faultsOf(best.issues, value, path);
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  let inner = value;
  for (const key of path) inner = typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[key] : undefined;
  return inner;
}
