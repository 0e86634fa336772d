/** A tool while somebody writes it: texts as they are typed, and what changes about its secrets. */
import type { ToolDefinition } from '@tandem/contract';

export type Pair = { name: string; value: string };
/** A secret is never shown: `value` is one that was typed now; a kept one has none. */
export type SecretDraft = { name: string; kept: boolean; removed: boolean; value: string };

export type ToolDraft = {
  kind: 'http' | 'mcp';
  name: string;
  description: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  headers: Pair[];
  parameters: Record<string, unknown>;
  body: string;
  reconcileUrl: string;
  /** Names of an MCP server's tools, one to a line. */
  allow: string;
  secrets: SecretDraft[];
  sideEffect: boolean;
  interruptible: boolean;
  timeoutMs: number;
  say: string;
  assistantIds: string[];
  enabled: boolean;
};

export const newTool = (kind: ToolDraft['kind']): ToolDraft => ({
  kind,
  name: '',
  description: '',
  method: 'GET',
  url: '',
  headers: [],
  parameters: { type: 'object', properties: {} },
  body: '',
  reconcileUrl: '',
  allow: '',
  secrets: [],
  sideEffect: true,
  interruptible: false,
  timeoutMs: 8_000,
  say: '',
  assistantIds: [],
  enabled: true,
});

export function draftOf(tool: ToolDefinition): ToolDraft {
  const { kind, name, description, url, sideEffect, interruptible, timeoutMs, say, assistantIds, enabled } = tool;
  const own =
    tool.kind === 'http'
      ? { method: tool.method, parameters: tool.parameters, body: tool.body, reconcileUrl: tool.reconcileUrl }
      : { allow: tool.allow.join('\n') };
  return {
    ...newTool(kind),
    name,
    description,
    url,
    sideEffect,
    interruptible,
    timeoutMs,
    say,
    assistantIds,
    enabled,
    ...own,
    headers: Object.entries(tool.headers).map(([header, value]) => ({ name: header, value })),
    secrets: tool.secretNames.map((secret) => ({ name: secret, kept: true, removed: false, value: '' })),
  };
}

/** What is sent. Of the secrets only those that change: a kept one is left out, null takes one away. */
export function inputOf(draft: ToolDraft, isNew: boolean): Record<string, unknown> {
  const { kind, name, description, method, url, parameters, body, reconcileUrl, allow } = draft;
  const { sideEffect, interruptible, timeoutMs, say, assistantIds, enabled } = draft;
  const headers = Object.fromEntries(draft.headers.filter((pair) => pair.name.trim() !== '').map((pair) => [pair.name.trim(), pair.value]));
  const secrets: Record<string, string | null> = {};
  for (const secret of draft.secrets) {
    if (secret.removed) secrets[secret.name] = null;
    else if (secret.value !== '') secrets[secret.name.trim()] = secret.value;
  }
  const own =
    kind === 'http'
      ? { method, parameters, body: method === 'GET' ? '' : body, reconcileUrl: sideEffect ? reconcileUrl.trim() : '' }
      : { allow: allow.split(/\s+/).filter(Boolean) };
  return {
    ...(isNew ? { kind } : {}),
    name: name.trim(),
    description: description.trim(),
    url: url.trim(),
    headers,
    secrets,
    ...own,
    sideEffect,
    interruptible: sideEffect ? false : interruptible,
    timeoutMs,
    say: say.trim(),
    assistantIds,
    enabled,
  };
}

export type ToolPart = {
  draft: ToolDraft;
  change: (part: Partial<ToolDraft>) => void;
  faultAt: (path: string) => string | undefined;
};
