/**
 * What no schema says about a tool: that its name is free, that its templates can be filled, and that the call thread could
 * make it. Each fault is told with its field.
 */
import { builtInTool, type ToolInput } from '@tandem/contract';
import { checkHttpTool } from '#calls/tools/http-tool.ts';
import { checkMcpTool } from '#calls/tools/mcp-tools.ts';
import { argumentNames } from '#calls/tools/tool-schema.ts';
import { TandemError } from '#kit/errors.ts';

const MOST_TEMPLATE_NAMES = 100;
/** Filled by the call itself. */
const OWN_NAMES = new Set(['idempotencyKey']);

const refuse = (path: string, message: string): never => {
  throw new TandemError('invalid-input', message, { path });
};

/** Throws `invalid-input` naming the field. */
export function checkTool(tool: ToolInput): void {
  if (builtInTool.safeParse(tool.name).success) refuse('name', 'is the name of a built-in tool');
  const known = new Set(Object.keys(tool.secrets));
  if (tool.kind === 'http') {
    const { properties = {} } = tool.parameters;
    if (typeof properties !== 'object' || properties === null) refuse('parameters', 'must hold its properties as an object');
  }
  const names = new Set(tool.kind === 'http' ? argumentNames(tool.parameters) : []);
  checkAddress('url', tool.url);
  const templates: [path: string, text: string][] = Object.entries(tool.headers).map(([name, text]) => [`headers/${name}`, text]);
  templates.push(['url', tool.url]);
  if (tool.kind === 'http') {
    if (tool.reconcileUrl !== '') checkAddress('reconcileUrl', tool.reconcileUrl);
    templates.push(['body', tool.body], ['reconcileUrl', tool.reconcileUrl]);
  }
  for (const [path, text] of templates) checkTemplate(path, text, names, known);
  if (tool.kind === 'http') checkHttpTool(tool);
  else checkMcpTool(tool);
}

function checkTemplate(path: string, text: string, names: ReadonlySet<string>, secrets: ReadonlySet<string>): void {
  const used = [...text.matchAll(/\{\{([^{}]*)\}\}/g)].map(([, name = '']) => name.trim());
  if (used.length > MOST_TEMPLATE_NAMES) refuse(path, 'has too many places to fill');
  for (const name of used) {
    const secret = /^secret:(.*)$/.exec(name)?.[1];
    if (secret !== undefined) {
      if (!secrets.has(secret)) refuse(path, `names the secret "${secret.slice(0, 60)}", which the tool does not have`);
    } else if (!names.has(name) && !OWN_NAMES.has(name)) refuse(path, `names "${name.slice(0, 60)}", which is no argument of the tool`);
  }
}

/** Whom a request goes to is for the business to say, never for a caller or a model. */
function checkAddress(path: string, text: string): void {
  const authority = /^https?:\/\/([^/?#\\]*)/i.exec(text)?.[1];
  if (!authority) return refuse(path, 'is not an http(s) address');
  if (authority.includes('{{')) refuse(path, 'may have nothing to fill in its host');
  if (authority.includes('@')) refuse(path, 'may hold no user or password; use a header with a secret');
  if (!URL.canParse(text.replace(/\{\{[^{}]*\}\}/g, 'x'))) refuse(path, 'is not an http(s) address');
}
