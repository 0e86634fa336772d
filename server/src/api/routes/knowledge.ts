/** `/api/v1/sources`, `/api/v1/gaps`, `/api/v1/knowledge/search`: sites, what callers could not be told, and what they would be. */
import {
  gap,
  gapAnswer,
  type KnowledgeSearch,
  knowledgeSearchInput,
  page,
  pageQuery,
  type SourceInput,
  sourceInput,
} from '@tandem/contract';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { answerGap, dismissGap, listGaps, readGap } from '#store/gaps.ts';
import type { JobSender } from '#store/queue.ts';
import { awaitCrawl, createSource, deleteSource, listSources, readSource, updateSource } from '#store/sources.ts';
import { resourceRoutes } from '../resource.ts';
import { idParams, shapes } from '../schemas.ts';
import type { ResourceOptions } from './resources.ts';

export type SearchKnowledge = (businessId: string, input: z.infer<typeof knowledgeSearchInput>) => Promise<KnowledgeSearch>;

export interface KnowledgeOptions extends ResourceOptions {
  queue: JobSender;
  /** What a caller would get. Rejects with `unavailable` while the knowledge thread does not answer. */
  searchKnowledge: SearchKnowledge;
}

const params = idParams;

export function knowledgeRoutes(plain: FastifyInstance, options: KnowledgeOptions): void {
  sourceRoutes(plain, options);
  gapRoutes(plain, options);
  const search = {
    tags: ['knowledge'],
    summary: 'Search as a call does: what a caller would be told',
    body: knowledgeSearchInput.strict(),
    response: { 200: shapes.knowledgeSearch },
  };
  const app = plain.withTypeProvider<ZodTypeProvider>();
  app.post('/api/v1/knowledge/search', { schema: search, config: { onlyReads: true } }, (request) =>
    options.searchKnowledge(request.businessId, request.body),
  );
}

function sourceRoutes(plain: FastifyInstance, { database, kit, queue, changed }: KnowledgeOptions): void {
  const crawl = async (businessId: string, sourceId: string) => {
    await queue.send('crawl-source', { businessId, sourceId }, { singletonKey: sourceId });
  };

  resourceRoutes(plain, {
    name: 'sources',
    noun: 'source',
    item: shapes.source,
    detail: shapes.source,
    input: sourceInput,
    list: (businessId, query) => listSources(database, businessId, query),
    read: (businessId, id) => readSource(database, businessId, id),
    create: async (businessId, input: SourceInput) => {
      const made = await createSource(database, kit, businessId, input);
      await crawl(businessId, made.id);
      return made;
    },
    update: async (businessId, id, change) => {
      const { source, fresh } = await updateSource(database, kit, businessId, id, change);
      if (fresh) await crawl(businessId, id);
      return source;
    },
    remove: (businessId, id) => deleteSource(database, businessId, id),
    changed,
  });

  const again = { tags: ['sources'], summary: 'Crawl a source now', params, response: { 202: shapes.source } };
  plain.withTypeProvider<ZodTypeProvider>().post('/api/v1/sources/:id/crawl', { schema: again }, async (request, reply) => {
    const source = await awaitCrawl(database, kit, request.businessId, request.params.id);
    await crawl(request.businessId, source.id);
    return reply.code(202).send(source);
  });
}

const gapQuery = pageQuery.extend({ state: gap.shape.state.optional() });

function gapRoutes(plain: FastifyInstance, { database, kit, changed }: KnowledgeOptions): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const tags = ['gaps'];
  const path = '/api/v1/gaps';
  const one = { tags, params, response: { 200: shapes.gap } };

  const list = { tags, summary: 'List gaps, those asked for most first', querystring: gapQuery, response: { 200: page(shapes.gap) } };
  app.get(path, { schema: list }, (request) => listGaps(database, request.businessId, request.query));
  app.get(`${path}/:id`, { schema: { ...one, summary: 'Read one: gap' } }, (request) =>
    readGap(database, request.businessId, request.params.id),
  );

  const answer = { ...one, summary: 'Answer a gap: it becomes an approved question', body: gapAnswer.strict() };
  app.post(`${path}/:id/answer`, { schema: answer }, async (request) => {
    const { gap: closed } = await answerGap(database, kit, request.businessId, request.params.id, request.body);
    changed(request.businessId);
    return closed;
  });

  app.post(`${path}/:id/dismiss`, { schema: { ...one, summary: 'Dismiss a gap: nobody is told of it again' } }, (request) =>
    dismissGap(database, kit, request.businessId, request.params.id),
  );
}
