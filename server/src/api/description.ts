/** `/openapi.json` (OpenAPI 3.1), written from the routes' own schemas, and `/docs`, a page to read and try it that needs no other host. */
import swagger from '@fastify/swagger';
import reference from '@scalar/fastify-api-reference';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { SESSION_COOKIE } from './auth.ts';
import { problemTable, shapes } from './schemas.ts';

export interface DescriptionOptions {
  publicUrl: string;
  version: string;
}

const INTRODUCTION = `The REST API of the Tandem voice call centre.

- **Keys**: \`Authorization: Bearer KEY\`. The admin key acts for every business and names one in the header \`Tandem-Business\`
  (the oldest otherwise); any other key belongs to one business and sees nothing of the others.
- **Lists** are cursor-paged, newest first: pass \`nextCursor\` of one page as \`cursor\` of the next; it is absent on the last.
- **Edits** (\`PATCH\`) change the fields they name; null clears an optional one.
- **Times** are RFC 3339 UTC, telephone numbers E.164.
- **Errors** are problem documents (RFC 9457) with a stable \`code\` and, for input, \`errors\` by field:

`;

const problemAnswer = (description: string) => ({ description, content: { 'application/problem+json': { schema: shapes.problem } } });

/** Every route of the API may fail, always in the same shape. */
function addProblems(route: RouteOptions): void {
  if (!route.url.startsWith('/api/') || !route.schema) return;
  const response = (route.schema.response ?? {}) as Record<string, unknown>;
  const problems = { '4xx': problemAnswer('What is wrong with the request'), '5xx': problemAnswer('What failed on our side') };
  route.schema = { ...route.schema, response: { ...response, ...problems } };
}

type Transform = typeof jsonSchemaTransform;
type BodyByType = Record<string, { schema: unknown }>;

/** What a form holds reaches no validator, which sees nothing instead; its description is of what it holds. */
function present(schema: unknown): unknown {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodNullable ? present(schema.unwrap()) : schema;
}

/** A body that may come in several media types, which the transform knows of answers only. */
const transformBodies: Transform = (input) => {
  const { body, ...rest } = input.schema as Record<string, unknown>;
  const byType = (body as { content?: BodyByType } | undefined)?.content;
  if (!byType) return jsonSchemaTransform(input);
  const describe = (schema: unknown) => jsonSchemaTransform({ ...input, schema: schema as Parameters<Transform>[0]['schema'] });
  const content = Object.entries(byType).map(([type, { schema }]) => [type, { schema: describe({ body: present(schema) }).schema?.body }]);
  const { schema, url } = describe(rest);
  return { schema: { ...schema, body: { content: Object.fromEntries(content) as unknown } }, url };
};

/** Must be installed before the routes it describes. */
export async function installDescription(app: FastifyInstance, { publicUrl, version }: DescriptionOptions): Promise<void> {
  app.addHook('onRoute', addProblems);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Tandem',
        version,
        description: INTRODUCTION + problemTable(),
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } as never,
      },
      servers: [{ url: publicUrl }],
      components: {
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer', description: 'An API key' },
          session: { type: 'apiKey', in: 'cookie', name: SESSION_COOKIE, description: "The console's session" },
        },
      },
      security: [{ key: [] }, { session: [] }],
    },
    transform: transformBodies,
    transformObject: jsonSchemaTransformObject,
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.register(reference, {
    routePrefix: '/docs',
    configuration: {
      url: '/openapi.json',
      metaData: { title: 'Tandem API' },
      favicon: '/tandem.svg',
      // Everything that would ask another host, or offer to.
      withDefaultFonts: false,
      telemetry: false,
      hideClientButton: true,
      showDeveloperTools: 'never',
      agent: { disabled: true },
      mcp: { disabled: true },
    },
  });
}
