/** `/api/v1/tools`: what assistants may do. Secrets go in and are never shown; their names are. */
import { type ToolInput, toolInput } from '@tandem/contract';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { createTool, deleteTool, listTools, readTool, type ToolChange, updateTool } from '#store/tools.ts';
import type { SecretBox } from '#store/secret-box.ts';
import { partialOf, resourceRoutes } from '../resource.ts';
import { shapes } from '../schemas.ts';
import { checkTool } from '../tool-check.ts';
import type { ResourceOptions } from './resources.ts';

export interface ToolOptions extends ResourceOptions {
  box: SecretBox;
}

const [http, mcp] = toolInput.options;
const create = z.discriminatedUnion('kind', [http.strict(), mcp.strict()]);
const secretChange = z.record(z.string().max(60), z.string().min(1).max(4_000).nullable());
/** Fields of either kind; whether they suit the tool's own is known when it is read. */
const edit = partialOf(z.object({ ...mcp.shape, ...http.shape, description: mcp.shape.description }))
  .omit({ kind: true })
  .extend({ secrets: secretChange.optional().describe('write-only; those not named stay, null takes one away') });

export function toolRoutes(app: FastifyInstance, { database, kit, box, changed }: ToolOptions): void {
  resourceRoutes(app, {
    name: 'tools',
    noun: 'tool',
    item: shapes.tool,
    detail: shapes.tool,
    input: { create, edit },
    list: (businessId, page) => listTools(database, businessId, page),
    read: (businessId, id) => readTool(database, businessId, id),
    create: (businessId, input: ToolInput) => {
      checkTool(input);
      return createTool(database, kit, box, businessId, input);
    },
    update: (businessId, id, change) => updateTool(database, kit, box, { businessId, id }, change as ToolChange, checkTool),
    remove: (businessId, id) => deleteTool(database, businessId, id),
    changed,
  });
}
