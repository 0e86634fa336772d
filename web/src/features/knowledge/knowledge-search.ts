/** What the address of the knowledge screen says. */

const tabs = ['documents', 'sites', 'questions', 'gaps', 'try'] as const;
export type KnowledgeTab = (typeof tabs)[number];
export const isKnowledgeTab = (value: unknown): value is KnowledgeTab => tabs.some((tab) => tab === value);

/** The tab, and what stands open: a document, a question, a site (`new` for one being made); `pagesOf` narrows documents to a site. */
export type KnowledgeSearch = {
  tab?: KnowledgeTab | undefined;
  document?: string | undefined;
  question?: string | undefined;
  site?: string | undefined;
  pagesOf?: string | undefined;
};
