/**
 * A process that keeps the office busy: readers of the API, each asking again as soon as it is answered, from loopback
 * addresses of their own so that no rate limit spares the server. Prints the answers it got as JSON when it is told to
 * end (SIGTERM).
 *
 * arguments: {"url":"http://127.0.0.1:3000","key":"…","readers":8}
 */
import { Agent, get } from 'node:http';

const plan = JSON.parse(process.argv[2]) as { url: string; key: string; readers: number };
const PATHS = ['/api/v1/calls?limit=200', '/openapi.json', '/api/v1/calls?limit=200&state=ended', '/api/v1/documents?limit=200'];
const answers: Record<string, number> = {};
const ending = new AbortController();

function read(path: string, agent: Agent, localAddress: string): Promise<number> {
  return new Promise((resolve) => {
    const request = get(`${plan.url}${path}`, { agent, localAddress, headers: { authorization: `Bearer ${plan.key}` } }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', () => resolve(0));
  });
}

process.on('SIGTERM', () => ending.abort());

await Promise.all(
  Array.from({ length: plan.readers }, async (_, reader) => {
    // A few addresses each: 1,200 requests a minute are what one address may ask.
    const agents = Array.from({ length: 8 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    for (let i = reader; !ending.signal.aborted; i++) {
      const slot = i % agents.length;
      const path = PATHS[i % PATHS.length];
      const status = await read(path, agents[slot], `127.0.1.${1 + reader * agents.length + slot}`);
      answers[status] = (answers[status] ?? 0) + 1;
    }
    for (const agent of agents) agent.destroy();
  }),
);
process.stdout.write(`${JSON.stringify(answers)}\n`);
