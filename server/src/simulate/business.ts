/** The business that a scenario's call reaches: the demo business of a fresh installation, or the one that stands in the file. */
import { type Assistant, assistantInput } from '@tandem/contract';
import type { BusinessEntry } from '#calls/directory.ts';
import { KnowledgeBase } from '#knowledge/knowledge-base.ts';
import { demoAddresses, demoAssistant, DEMO_NAME } from '#store/seed-assistant.ts';
import { demoDocuments } from '#store/seed-documents.ts';
import { demoQuestions } from '#store/seed-questions.ts';
import { LRUCache } from 'lru-cache';
import { hashOf } from './canonical.ts';
import type { Scenario } from './scenario.ts';

const MADE_AT = '2026-01-01T00:00:00.000Z';
const BUSINESS_ID = 'business_simulated';
const ASSISTANT_ID = 'assistant_simulated';
/** The address the caller's phone signs in from. */
const TRUNK_SOURCE = '10.0.0.0/24';

/** Everything that a call of this scenario may know; `read` brings the text of a file beside it. */
export async function businessOf(scenario: Scenario, read: (path: string) => Promise<string>): Promise<BusinessEntry> {
  const own = scenario.business;
  const base = own ? { name: 'Assistant', slug: 'demo', greeting: `Hello, this is ${own.name}. How can I help?` } : demoAssistant;
  const assistant: Assistant = {
    ...assistantInput.parse({ ...base, ...own?.assistant }),
    id: ASSISTANT_ID,
    businessId: BUSINESS_ID,
    createdAt: MADE_AT,
    updatedAt: MADE_AT,
  };
  const documents = own
    ? await Promise.all(
        own.documents.map(async ({ title, text, file }) => ({ title, text: text ?? (file === undefined ? '' : await read(file)) })),
      )
    : demoDocuments;
  const questions = own?.questions ?? demoQuestions;
  const knowledge = {
    documents: documents.map(({ title, text }, index) => ({ id: `document_${index + 1}`, title, text })),
    questions: questions.map(({ phrasings, answer }, index) => ({ id: `question_${index + 1}`, phrasings: [...phrasings], answer })),
  };
  const addresses = new Set([scenario.to, assistant.slug, ...demoAddresses.map(({ address }) => address)]);
  return {
    id: BUSINESS_ID,
    name: own?.name ?? DEMO_NAME,
    assistants: [assistant],
    numbers: [...addresses].map((address) => ({ address, assistantId: ASSISTANT_ID })),
    trunks: [
      {
        id: 'trunk_simulated',
        businessId: BUSINESS_ID,
        name: 'simulated caller',
        sources: [TRUNK_SOURCE],
        username: undefined,
        password: undefined,
        registrar: undefined,
        registerUser: undefined,
        registerPassword: undefined,
        outboundProxy: undefined,
      },
    ],
    knowledge: { version: hashOf([knowledge]), ...knowledge },
  };
}

const indexes = new LRUCache<string, KnowledgeBase>({ max: 16 });

/** The index of a business's knowledge: made once per process, since a search changes nothing in it. */
export function indexOf({ knowledge }: BusinessEntry): KnowledgeBase {
  let index = indexes.get(knowledge.version);
  if (!index) {
    index = new KnowledgeBase(knowledge);
    indexes.set(knowledge.version, index);
  }
  return index;
}
