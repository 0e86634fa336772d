/** Which passages a scope lets through: decided before anything is scored. */
import type { KnowledgeScope } from '@tandem/contract';
import type { PassageRecord } from './library.ts';

/** Everyone may hear it, whatever audiences a scope names. */
const EVERYONE = 'everyone';

type Metadata = Pick<PassageRecord, 'documentId' | 'tags' | 'language' | 'audience'>;

/** The values by which a passage can be asked for, each with its kind in front. */
export const metadataKeys = ({ documentId, tags, language, audience }: Metadata): string[] => [
  `document ${documentId}`,
  `language ${language}`,
  `audience ${audience}`,
  ...new Set(tags.map((tag) => `tag ${tag}`)),
];

/**
 * Groups of keys: a passage must have one key of each group. A list that is empty or absent allows everything, except that
 * what is meant for an audience of its own is only for those who name it.
 */
export function scopeKeys(scope: Partial<KnowledgeScope>): string[][] {
  const { documentIds = [], tags = [], languages = [], audiences = [] } = scope;
  return [
    documentIds.map((id) => `document ${id}`),
    tags.map((tag) => `tag ${tag}`),
    languages.map((language) => `language ${language}`),
    [EVERYONE, ...audiences].map((audience) => `audience ${audience}`),
  ].filter((keys) => keys.length > 0);
}
