/** Reports that go into files. Folders are made where they are missing. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { messageOf, TandemError } from '#kit/errors.ts';
import type { CheckedCall } from '../outcome.ts';
import { fileName } from './call-name.ts';
import { jsonReport } from './json.ts';
import { junitReport } from './junit.ts';
import { stereoWav } from './stereo.ts';
import { timelinePage } from './timeline/page.ts';

/** Paths relative to `folder`; what is not named is not written. */
export interface ReportFiles {
  folder: string;
  junit?: string;
  json?: string;
  html?: string;
  /** The sound of every call goes into the page. */
  htmlSound: boolean;
}

/** Writes them and answers a line about each. Rejects with `bad-request` naming the path that cannot be written. */
export async function writeReports(
  calls: readonly CheckedCall[],
  { folder, junit, json, html, htmlSound }: ReportFiles,
): Promise<string[]> {
  const page = () => timelinePage(calls, { title: titleOf(calls), ...(htmlSound ? { withSound: () => true } : {}) });
  const wanted = [
    [junit, () => junitReport(calls)],
    [json, () => jsonReport(calls)],
    [html, page],
  ] as const;
  const written: string[] = [];
  for (const [path, content] of wanted) {
    if (path === undefined) continue;
    await write(resolve(folder, path), content());
    written.push(`written: ${path}`);
  }
  return written;
}

/** The sounds of calls, each as soon as it is over. */
export class WavFolder {
  readonly #folder: string;
  readonly #taken = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Does nothing for a call without sound. Rejects as {@link writeReports} does. */
  async add(call: CheckedCall): Promise<void> {
    if (call.sound) await write(join(this.#folder, `${fileName(call, this.#taken)}.wav`), stereoWav(call.sound));
  }
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  } catch (error) {
    throw new TandemError('bad-request', `${path} cannot be written: ${messageOf(error)}`, { path }, error);
  }
}

function titleOf(calls: readonly CheckedCall[]): string {
  const files = new Set(calls.map(({ file }) => file ?? ''));
  const [only] = files;
  return files.size === 1 && only ? `Simulated calls: ${only}` : `${calls.length} simulated calls`;
}
