/** Every list and row the console reads, under the keys by which they are refreshed. */
import type {
  Assistant,
  Call,
  Callback,
  CallEvent,
  CallExplanation,
  CallTurn,
  DocumentWithText,
  Gap,
  InstalledModels,
  KnowledgeDocument,
  KnowledgeSite,
  LatencyReport,
  Message,
  PhoneNumber,
  Question,
  ToolDefinition,
  TranscriptLine,
  Trunk,
  UsageReport,
} from '@tandem/contract';
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, ApiError, listAll } from './api.ts';

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

/** While something moves it is asked for again so often; a long list, of many requests, less often. */
const movingMs = (rows: number): number => (rows <= 200 ? 1_000 : 5_000);
const STILL: ReadonlySet<string> = new Set(['ready', 'failed']);

/** Whether it is on its way in: from the upload, or the wish to crawl, to `ready` or `failed`. */
export const isMoving = ({ state }: { state: string }): boolean => !STILL.has(state);

/** Follows documents that are on their way in, and stands still when all have arrived. */
export const documentsQuery = queryOptions({
  queryKey: ['documents'],
  queryFn: ({ signal }) => listAll<KnowledgeDocument>('/documents', signal),
  refetchInterval: ({ state: { data = [] } }) => data.some(isMoving) && movingMs(data.length),
});

/** Follows sites while they are crawled. */
export const sourcesQuery = queryOptions({
  queryKey: ['sources'],
  queryFn: ({ signal }) => listAll<KnowledgeSite>('/sources', signal),
  refetchInterval: ({ state: { data = [] } }) => data.some(isMoving) && movingMs(data.length),
});

/** Those asked for most come first. */
export const gapsQuery = (state: Gap['state']) =>
  queryOptions({ queryKey: ['gaps', state], queryFn: ({ signal }) => listAll<Gap>('/gaps', signal, { state }) });

export const documentQuery = (id: string) =>
  queryOptions({
    queryKey: ['documents', id],
    queryFn: ({ signal }) => api.get<DocumentWithText>(`/documents/${encodeURIComponent(id)}`, signal),
  });

export const questionsQuery = queryOptions({ queryKey: ['questions'], queryFn: ({ signal }) => listAll<Question>('/questions', signal) });

export const trunksQuery = queryOptions({ queryKey: ['trunks'], queryFn: ({ signal }) => listAll<Trunk>('/trunks', signal) });

export const toolsQuery = queryOptions({ queryKey: ['tools'], queryFn: ({ signal }) => listAll<ToolDefinition>('/tools', signal) });

export const messagesQuery = queryOptions({ queryKey: ['messages'], queryFn: ({ signal }) => listAll<Message>('/messages', signal) });

export const callbacksQuery = queryOptions({ queryKey: ['callbacks'], queryFn: ({ signal }) => listAll<Callback>('/callbacks', signal) });

const noModels: InstalledModels = { transcribers: [], languageModels: [], synthesizers: [], speechToSpeech: [] };

/** Which providers this installation has; none are known while an older server does not tell. */
export const modelsQuery = queryOptions({
  queryKey: ['models'],
  queryFn: async ({ signal }): Promise<InstalledModels> => {
    try {
      return await api.get<InstalledModels>('/models', signal);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return noModels;
      throw error;
    }
  },
});

/** `range`: `from`, `to` and `assistantId`, those that are set. */
export const latencyQuery = (range: Record<string, string>, by: string) =>
  queryOptions({
    queryKey: ['reports', 'latency', range, by],
    queryFn: ({ signal }) => api.get<LatencyReport>(`/reports/latency?${new URLSearchParams({ ...range, by })}`, signal),
    placeholderData: keepPreviousData,
  });

export const usageQuery = (range: Record<string, string>) =>
  queryOptions({
    queryKey: ['reports', 'usage', range],
    queryFn: ({ signal }) => api.get<UsageReport>(`/usage?${new URLSearchParams(range)}`, signal),
    placeholderData: keepPreviousData,
  });

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
  explanation: (id: string) =>
    queryOptions({
      queryKey: ['call', id, 'explanation'],
      queryFn: ({ signal }) => api.get<CallExplanation>(callPath(id, '/explanation'), signal),
    }),
};

export const hangUp = (callId: string) => api.post<unknown>(callPath(callId, '/hang-up'));
export const recordingUrl = (callId: string): string => `/api/v1${callPath(callId, '/recording')}`;
