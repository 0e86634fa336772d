/** The demo business: what a fresh installation answers from. Written for the ear; numbers are spelled as they are spoken. */
import { createAssistant } from './assistants.ts';
import { createBusiness, listBusinesses } from './businesses.ts';
import type { Database } from './database.ts';
import { type PassageInput, putDocumentInUse } from './document-versions.ts';
import { createDocument } from './documents.ts';
import { createNumber } from './numbers.ts';
import { createQuestion } from './questions.ts';
import { demoAddresses, demoAssistant, DEMO_NAME } from './seed-assistant.ts';
import { demoDocuments } from './seed-documents.ts';
import { demoQuestions } from './seed-questions.ts';
import { createTrunk } from './trunks.ts';
import type { Kit } from '#kit/kit.ts';

export interface SeedOptions {
  /** Cuts a document as its job would; vectors come later. */
  cutPassages: (document: { id: string; title: string; text: string }) => PassageInput[];
}

/** Fills an empty database. Answers the demo business's id, or undefined when there is a business already. */
export async function seed(database: Database, kit: Kit, { cutPassages }: SeedOptions): Promise<string | undefined> {
  const { items } = await listBusinesses(database, { limit: 1 });
  if (items.length > 0) return undefined;
  const business = await createBusiness(database, kit, { name: DEMO_NAME, language: 'en', timeZone: 'UTC' });
  const assistant = await createAssistant(database, kit, business.id, demoAssistant);
  for (const { address, label } of demoAddresses)
    await createNumber(database, kit, business.id, { address, label, assistantId: assistant.id });
  await createTrunk(database, kit, business.id, { name: 'this-machine', sources: ['127.0.0.0/8', '::1/128'] });
  for (const document of demoDocuments) {
    const { id, version, text, format } = await createDocument(database, kit, business.id, document);
    const passages = cutPassages({ id, title: document.title, text });
    await putDocumentInUse(database, kit, { businessId: business.id, documentId: id, version }, { text, format, passages });
  }
  for (const question of demoQuestions) await createQuestion(database, kit, business.id, question);
  kit.log.info({ part: 'store', businessId: business.id }, 'demo business created');
  return business.id;
}
