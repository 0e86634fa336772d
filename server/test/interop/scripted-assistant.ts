/** An assistant whose ears, mind and voice are the scripted ones, and a number that reaches it. */
import type { Assistant } from '@tandem/contract';
import type { TandemServer } from '../tandem-server.ts';

/** Settings of a server on which {@link addScriptedAssistant} works: `lines` are heard in turn, `answer` is said to each. */
export function scriptedModels(lines: string, answer: string): Record<string, string> {
  return { TANDEM_SCRIPTED: 'true', TANDEM_SCRIPTED_LINES: lines, TANDEM_SCRIPTED_ANSWER: answer };
}

/** Resolves when a call to `address` (or to `/talk/<slug>`) is answered. */
export async function addScriptedAssistant(
  server: TandemServer,
  { slug, address, ...change }: { slug: string; address: string; greeting: string; goodbye?: string; idleMs?: number },
): Promise<Assistant> {
  const models = { transcriber: 'scripted', languageModel: 'scripted', synthesizer: 'scripted' };
  // Told what it is scripted to say, it may say so.
  const instructions = 'We are open from nine to five.';
  const body = { name: slug, slug, instructions, idleMs: 60_000, ...models, ...change };
  const assistant = await server.api<Assistant>('/api/v1/assistants', { method: 'POST', body });
  await server.api('/api/v1/numbers', { method: 'POST', body: { address, assistantId: assistant.id } });
  await published(server, `${slug}-marker`);
  return assistant;
}

/** The directory is published a moment after an edit: what is edited last answers last. */
async function published(server: TandemServer, slug: string): Promise<void> {
  await server.api('/api/v1/assistants', { method: 'POST', body: { name: slug, slug, greeting: 'Hello.' } });
  for (let attempt = 0; attempt < 100; attempt++) {
    const { status } = await fetch(`${server.url}/gateways/browser/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ assistant: slug }),
    });
    if (status === 201) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('what was edited did not reach the call thread within 5 s');
}
