/** What every document, site and question carries, and searches filter by. */
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { assistantsQuery, documentsQuery, questionsQuery, sourcesQuery } from './queries.ts';

export type Metadata = { base: string; language: string; tags: string[]; audience: string };

export const noMetadata: Metadata = { base: 'main', language: 'en', tags: [], audience: 'everyone' };

export const metadataOf = ({ base, language, tags, audience }: Metadata): Metadata => ({ base, language, tags, audience });

/** A name as the API wants it: `Spare parts` becomes `spare-parts`; undefined when nothing is left. */
export const nameOf = (text: string): string | undefined =>
  text
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40) || undefined;

export type KnownMetadata = { bases: string[]; languages: string[]; tags: string[]; audiences: string[] };

/** The values in use anywhere, those used most first. */
export function useKnownMetadata(): KnownMetadata {
  const { data: documents } = useQuery(documentsQuery);
  const { data: questions } = useQuery(questionsQuery);
  const { data: sources } = useQuery(sourcesQuery);
  const { data: assistants } = useQuery(assistantsQuery);
  return useMemo(() => {
    const rows: Metadata[] = [...(documents ?? []), ...(questions ?? []), ...(sources ?? [])];
    const named = (assistants ?? []).map(({ knowledge }) => knowledge);
    return {
      bases: ranked(['main', ...rows.map(({ base }) => base), ...named.flatMap(({ bases }) => bases)]),
      languages: ranked([...rows.map(({ language }) => language), ...named.flatMap(({ languages }) => languages)]),
      tags: ranked([...rows.flatMap(({ tags }) => tags), ...named.flatMap(({ tags }) => tags)]).slice(0, 30),
      audiences: ranked([...rows.map(({ audience }) => audience), ...named.flatMap(({ audiences }) => audiences)]).filter(
        (audience) => audience !== 'everyone',
      ),
    };
  }, [documents, questions, sources, assistants]);
}

function ranked(values: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.keys()].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0) || a.localeCompare(b));
}
