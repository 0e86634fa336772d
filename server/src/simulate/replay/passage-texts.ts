/** Texts of the passages that a call was answered from: a journal only names them, the server may still have them. */
import type { CallEvent, KnowledgeSearch } from '@tandem/contract';
import { TandemError } from '#kit/errors.ts';
import type { Api } from './source.ts';

const MOST_QUERIES = 40;
const MOST_FOUND = 20;

/** By id, those that the same queries find today. Empty where the server does not answer or its knowledge has changed. */
export async function passageTexts(events: readonly CallEvent[], api: Api): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const lookUps = events.filter((event) => event.type === 'retrieval-done').filter(({ passages }) => passages.length > 0);
  const asked = new Set<string>();
  try {
    for (const { query, passages } of lookUps) {
      if (asked.has(query) || asked.size >= MOST_QUERIES || passages.every(({ id }) => texts.has(id))) continue;
      asked.add(query);
      const found = await api<KnowledgeSearch>('/api/v1/knowledge/search', { query, limit: MOST_FOUND });
      for (const { id, text, answer } of found.passages) texts.set(id, answer ?? text);
    }
  } catch (error) {
    if (!(error instanceof TandemError)) throw error;
  }
  return texts;
}
