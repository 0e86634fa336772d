/** `/api/v1/calls/:id/recording`: the sound of a call, whole or in ranges (RFC 9110 §14). */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { recordingPath } from '#calls/recording.ts';
import { TandemError } from '#kit/errors.ts';
import { readCall } from '#store/calls.ts';
import type { Database } from '#store/database.ts';
import { readRange } from '../range.ts';
import { idParams } from '../schemas.ts';

export interface RecordingOptions {
  database: Database;
  recordingsFolder: string;
}

const wav = (description: string) => ({ description, content: { 'audio/wav': { schema: z.unknown() } } });

export function recordingRoutes(plain: FastifyInstance, { database, recordingsFolder }: RecordingOptions): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const schema = {
    tags: ['calls'],
    summary: 'The sound of a call: caller left, assistant right',
    description: 'WAV, µ-law, 8 kHz, stereo. One byte range is served with 206; a range beyond the end is answered 416.',
    params: idParams,
    response: { 200: wav('The whole recording'), 206: wav('The range asked for') },
  };
  app.get('/api/v1/calls/:id/recording', { schema }, async (request, reply) => {
    const { id, hasRecording } = await readCall(database, request.businessId, request.params.id);
    const path = recordingPath(recordingsFolder, request.businessId, id);
    const size = hasRecording ? await sizeOf(path) : 0;
    if (size === 0) throw new TandemError('not-found', 'This call was not recorded');
    const range = readRange(request.headers.range, size);
    if (range === 'unsatisfiable') {
      reply.header('content-range', `bytes */${size}`);
      throw new TandemError('range-not-satisfiable', `The recording has ${size} bytes`);
    }
    const { first, last } = range ?? { first: 0, last: size - 1 };
    if (range) reply.code(206).header('content-range', `bytes ${first}-${last}/${size}`);
    reply
      .header('accept-ranges', 'bytes')
      .header('cache-control', 'private, no-store')
      .header('content-length', last - first + 1);
    return reply.type('audio/wav').send(createReadStream(path, { start: first, end: last }));
  });
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
