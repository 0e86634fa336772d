/** Every list and row the console reads, under the keys by which they are refreshed. */
import type {
  Assistant,
  Call,
  CallEvent,
  CallTurn,
  KnowledgeDocument,
  PhoneNumber,
  Question,
  TranscriptLine,
  Trunk,
} from '@tandem/contract';
import { queryOptions } from '@tanstack/react-query';
import { api, listAll } from './api.ts';

export const assistantsQuery = queryOptions({
  queryKey: ['assistants'],
  queryFn: ({ signal }) => listAll<Assistant>('/assistants', signal),
});

export const assistantQuery = (id: string) =>
  queryOptions({
    queryKey: ['assistants', id],
    queryFn: ({ signal }) => api.get<Assistant>(`/assistants/${encodeURIComponent(id)}`, signal),
  });

export const numbersQuery = queryOptions({ queryKey: ['numbers'], queryFn: ({ signal }) => listAll<PhoneNumber>('/numbers', signal) });

export const documentsQuery = queryOptions({
  queryKey: ['documents'],
  queryFn: ({ signal }) => listAll<KnowledgeDocument>('/documents', signal),
});

export const documentQuery = (id: string) =>
  queryOptions({
    queryKey: ['documents', id],
    queryFn: ({ signal }) => api.get<KnowledgeDocument & { text: string }>(`/documents/${encodeURIComponent(id)}`, signal),
  });

export const questionsQuery = queryOptions({ queryKey: ['questions'], queryFn: ({ signal }) => listAll<Question>('/questions', signal) });

export const trunksQuery = queryOptions({ queryKey: ['trunks'], queryFn: ({ signal }) => listAll<Trunk>('/trunks', signal) });

const callPath = (id: string, part = '') => `/calls/${encodeURIComponent(id)}${part}`;

type EventsPage = { items: CallEvent[]; nextAfter?: number };

/** Every event of a call, a thousand at a time. */
async function allEvents(id: string, signal: AbortSignal): Promise<CallEvent[]> {
  const events: CallEvent[] = [];
  for (let after: number | undefined = -1; after !== undefined; ) {
    const page: EventsPage = await api.get<EventsPage>(callPath(id, `/events?after=${after}&limit=1000`), signal);
    events.push(...page.items);
    after = page.items.length > 0 ? page.nextAfter : undefined;
  }
  return events;
}

/** One call and its parts; all are refreshed together under `['call', id]`. */
export const callQueries = {
  call: (id: string) => queryOptions({ queryKey: ['call', id, 'row'], queryFn: ({ signal }) => api.get<Call>(callPath(id), signal) }),
  transcript: (id: string) =>
    queryOptions({
      queryKey: ['call', id, 'transcript'],
      queryFn: ({ signal }) => listAll<TranscriptLine>(callPath(id, '/transcript'), signal),
    }),
  turns: (id: string) =>
    queryOptions({ queryKey: ['call', id, 'turns'], queryFn: ({ signal }) => listAll<CallTurn>(callPath(id, '/turns'), signal) }),
  events: (id: string) => queryOptions({ queryKey: ['call', id, 'events'], queryFn: ({ signal }) => allEvents(id, signal) }),
};

export const hangUp = (callId: string) => api.post<unknown>(callPath(callId, '/hang-up'));
export const recordingUrl = (callId: string): string => `/api/v1${callPath(callId, '/recording')}`;
