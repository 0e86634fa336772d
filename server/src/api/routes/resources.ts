/** Assistants, numbers, questions and trunks: what each is, and the named queries behind its five routes. */
import { type AssistantInput, assistantInput, numberInput, questionInput, trunkInput } from '@tandem/contract';
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { Kit } from '#kit/kit.ts';
import {
  type AssistantChange,
  createAssistant,
  deleteAssistant,
  listAssistants,
  readAssistant,
  updateAssistant,
} from '#store/assistants.ts';
import type { Database } from '#store/database.ts';
import { createNumber, deleteNumber, listNumbers, readNumber, updateNumber } from '#store/numbers.ts';
import { createQuestion, deleteQuestion, listQuestions, readQuestion, updateQuestion } from '#store/questions.ts';
import { createTrunk, deleteTrunk, listTrunks, readTrunk, updateTrunk } from '#store/trunks.ts';
import { resourceRoutes } from '../resource.ts';
import { shapes } from '../schemas.ts';

export interface ResourceOptions {
  database: Database;
  kit: Kit;
  /** The business's directory entry is stale: the call thread must be told. */
  changed: (businessId: string) => void;
}

export function resources(app: FastifyInstance, { database, kit, changed }: ResourceOptions): void {
  resourceRoutes(app, {
    name: 'assistants',
    noun: 'assistant',
    item: shapes.assistant,
    detail: shapes.assistant,
    input: assistantInput,
    list: (businessId, page) => listAssistants(database, businessId, page),
    read: (businessId, id) => readAssistant(database, businessId, id),
    create: (businessId, input: AssistantInput) => createAssistant(database, kit, businessId, input),
    update: (businessId, id, change) => updateAssistant(database, kit, businessId, id, change as AssistantChange),
    remove: (businessId, id) => deleteAssistant(database, businessId, id),
    changed,
  });

  resourceRoutes(app, {
    name: 'numbers',
    noun: 'number',
    item: shapes.phoneNumber,
    detail: shapes.phoneNumber,
    input: numberInput,
    list: (businessId, page) => listNumbers(database, businessId, page),
    read: (businessId, id) => readNumber(database, businessId, id),
    create: (businessId, input: z.infer<typeof numberInput>) => createNumber(database, kit, businessId, input),
    update: (businessId, id, change) => updateNumber(database, businessId, id, change),
    remove: (businessId, id) => deleteNumber(database, businessId, id),
    changed,
  });

  resourceRoutes(app, {
    name: 'questions',
    noun: 'question',
    item: shapes.question,
    detail: shapes.question,
    input: questionInput,
    list: (businessId, page) => listQuestions(database, businessId, page),
    read: (businessId, id) => readQuestion(database, businessId, id),
    create: (businessId, input: z.infer<typeof questionInput>) => createQuestion(database, kit, businessId, input),
    update: (businessId, id, change) => updateQuestion(database, kit, businessId, id, change),
    remove: (businessId, id) => deleteQuestion(database, businessId, id),
    changed,
  });

  resourceRoutes(app, {
    name: 'trunks',
    noun: 'trunk',
    item: shapes.trunk,
    detail: shapes.trunk,
    input: trunkInput,
    list: (businessId, page) => listTrunks(database, businessId, page),
    read: (businessId, id) => readTrunk(database, businessId, id),
    create: (businessId, input: z.infer<typeof trunkInput>) => createTrunk(database, kit, businessId, input),
    update: (businessId, id, change) => updateTrunk(database, businessId, id, change),
    remove: (businessId, id) => deleteTrunk(database, businessId, id),
    changed,
  });
}
