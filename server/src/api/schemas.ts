/** The shapes of the API under the names they have in its description: each is named once, so that a schema is a reference everywhere. */
import {
  assistant,
  business,
  call,
  callback,
  callEvent,
  callExplanation,
  callTurn,
  document,
  documentWithText,
  errorCatalogue,
  gap,
  installedModels,
  knowledgeSearch,
  latencyReport,
  message,
  phoneNumber,
  problem,
  question,
  readiness,
  source,
  toolDefinition,
  transcriptLine,
  trunk,
  usageReport,
} from '@tandem/contract';
import { z } from 'zod';

export const shapes = {
  assistant: assistant.meta({ id: 'Assistant' }),
  business: business.meta({ id: 'Business' }),
  call: call.meta({ id: 'Call' }),
  callback: callback.meta({ id: 'Callback' }),
  callEvent: callEvent.meta({ id: 'CallEvent' }),
  callExplanation: callExplanation.meta({ id: 'CallExplanation' }),
  callTurn: callTurn.meta({ id: 'CallTurn' }),
  document: document.meta({ id: 'Document' }),
  documentWithText: documentWithText.meta({ id: 'DocumentWithText' }),
  gap: gap.meta({ id: 'Gap' }),
  installedModels: installedModels.meta({ id: 'InstalledModels' }),
  knowledgeSearch: knowledgeSearch.meta({ id: 'KnowledgeSearch' }),
  latencyReport: latencyReport.meta({ id: 'LatencyReport' }),
  message: message.meta({ id: 'Message' }),
  phoneNumber: phoneNumber.meta({ id: 'Number' }),
  problem: problem.meta({ id: 'Problem' }),
  question: question.meta({ id: 'Question' }),
  readiness: readiness.meta({ id: 'Readiness' }),
  source: source.meta({ id: 'Source' }),
  tool: toolDefinition.meta({ id: 'Tool' }),
  transcriptLine: transcriptLine.meta({ id: 'TranscriptLine' }),
  trunk: trunk.meta({ id: 'Trunk' }),
  usageReport: usageReport.meta({ id: 'UsageReport' }),
};

/** Any text is looked up; what no row has is `not-found`. */
export const idParams = z.object({ id: z.string().max(64) });

/** Why a request fails, for the description of the API. */
export function problemTable(): string {
  const rows = Object.entries(errorCatalogue).map(([code, { status, title }]) => `| \`${code}\` | ${status} | ${title} |`);
  return ['| code | status | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}
