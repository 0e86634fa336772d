/**
 * A process per call, as frameworks with jobs have it: a dispatcher answers the webhook with the address of a worker that
 * waits already, and starts the next one. The program of a worker serves one call and ends.
 *
 * arguments: the worker's file and its arguments
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openFront } from './front.ts';

/** Workers that wait for a call. */
const IDLE = 4;

const [file, ...args] = process.argv.slice(2);
const program = fileURLToPath(new URL(file, import.meta.url));
const waiting: Promise<string>[] = [];

function startWorker(): Promise<string> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => child.kill());
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => {
      const { url } = JSON.parse(line) as { url: string };
      resolve(`${url.replace('http', 'ws')}/media`);
    });
    child.once('exit', (code) => reject(new Error(`a worker ended with ${code}`)));
  });
}

const refill = () => {
  while (waiting.length < IDLE) waiting.push(startWorker());
};

process.setMaxListeners(0);
refill();
await Promise.all(waiting);
openFront({
  streamUrl: () => {
    const next = waiting.shift();
    refill();
    return next ?? startWorker();
  },
});
