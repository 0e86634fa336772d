import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ApiError } from './api.ts';

/** A change that refreshes the lists under `keys`, with its faults sorted: those that belong to a field, and the rest in a sentence. */
export function useSaving<Input, Row>(save: (input: Input) => Promise<Row>, keys: readonly string[]) {
  const queries = useQueryClient();
  const saving = useMutation({
    mutationFn: save,
    onSuccess: () => Promise.all(keys.map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  });
  const fields = saving.error instanceof ApiError ? saving.error.fields : {};
  const fault = saving.error && Object.keys(fields).length === 0 ? saving.error.message : undefined;
  return { ...saving, fields, fault };
}

/** Refreshes the lists under the given keys. */
export function useRefresh() {
  const queries = useQueryClient();
  return async (...keys: string[]) => {
    await Promise.all(keys.map((key) => queries.invalidateQueries({ queryKey: [key] })));
  };
}

/** What was said about the field at `path`, or about anything inside of it. */
export const faultAt = (fields: Readonly<Record<string, string>>, path: string): string | undefined =>
  fields[path] ?? Object.entries(fields).find(([each]) => each.startsWith(`${path}.`))?.[1];
