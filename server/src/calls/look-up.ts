/**
 * What a call's conversation asks about: approved questions in the very words are known to the call thread and answered at
 * once; everything else is the library's, within the assistant's scope.
 */
import type { Retrieve } from '#conversation/retrieval.ts';
import type { Kit } from '#kit/kit.ts';
import type { Library } from '#knowledge/library.ts';
import type { Route } from './directory.ts';

/** Without a library the knowledge that came with the route answers everything. */
export function lookUp({ businessId, assistant, knowledge }: Route, library: Library | undefined, kit: Kit): Retrieve {
  const scope = assistant.knowledge;
  // What nobody has asked about yet is read while the greeting is spoken.
  void Promise.resolve(library?.search(businessId, { text: '', scope })).catch(() => {});
  return ({ text, history }) => {
    const query = { text, history, scope };
    if (!library) return knowledge.search(query);
    if (knowledge.hasPhrasing(text)) {
      const own = knowledge.search(query);
      if (own.approved) return own;
    }
    const found = library.search(businessId, query);
    if (!(found instanceof Promise)) return found;
    return found.catch((error: unknown) => {
      kit.log.warn({ error, businessId }, 'the library does not answer: approved questions only');
      return knowledge.search(query);
    });
  };
}
