/**
 * Scenario files: YAML or JSON, several documents per file. All of them are read before anything is played, and every fault is
 * named by file, line and path.
 */
import { access, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { type Document, isNode, LineCounter, parseAllDocuments } from 'yaml';
import { TandemError } from '#kit/errors.ts';
import { type Scenario, scenario } from './scenario.ts';
import { faultsOf } from './scenario-faults.ts';

export interface LoadedScenario {
  scenario: Scenario;
  /** As it was asked for: relative to the caller's folder. */
  file: string;
  /** Where files that it names lie. */
  folder: string;
  /** Where its document begins, from 1. */
  line: number;
}

/** What is wrong, and where. */
export interface ScenarioFault {
  file: string;
  /** From 1; 1 when nothing more is known. */
  line: number;
  /** `caller[2].say`; empty for the document itself. */
  path: string;
  message: string;
}

const ENDINGS = /\.(?:ya?ml|json)$/i;
const MAX_BYTES = 4 << 20;

/**
 * The scenarios of files and folders (their YAML and JSON files, subfolders included, by name). Rejects with `not-found` for
 * a path that is not there, and with `invalid-input`, whose `detail.faults` are all {@link ScenarioFault}s.
 */
export async function loadScenarios(paths: readonly string[], folder = '.'): Promise<LoadedScenario[]> {
  const files = (await Promise.all(paths.map((path) => filesOf(path, folder)))).flat();
  const read = await Promise.all([...new Set(files)].map((file) => readScenarios(file, folder)));
  const faults = read.flatMap((one) => one.faults);
  if (faults.length > 0) throw new TandemError('invalid-input', faults.map(sentenceOf).join('\n'), { faults });
  return read.flatMap(({ scenarios }) => scenarios);
}

/** `calls/hours.yaml:12: caller[2].say is …` */
export function sentenceOf({ file, line, path, message }: ScenarioFault): string {
  return `${file}:${line}: ${path === '' ? '' : `${path}: `}${message}`;
}

/** The scenarios of a text, for those who have no file. `file` only names it. */
export function parseScenarios(text: string, file: string): { scenarios: { scenario: Scenario; line: number }[]; faults: ScenarioFault[] } {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  const documents = Array.isArray(parsed) ? parsed : [];
  const faults: ScenarioFault[] = [];
  const scenarios: { scenario: Scenario; line: number }[] = [];
  const names = new Set<string>();
  for (const document of documents) {
    const at = (path: readonly PropertyKey[]) => lineOf(document, path, lines);
    for (const error of document.errors) faults.push({ file, line: lines.linePos(error.pos[0]).line, path: '', message: error.message });
    if (document.errors.length > 0 || document.contents === null) continue;
    const value: unknown = document.toJS();
    const checked = scenario.safeParse(value);
    if (!checked.success) {
      for (const { path, message } of faultsOf(checked.error.issues, value))
        faults.push({ file, line: at(path), path: pathText(path), message });
      continue;
    }
    if (names.has(checked.data.name))
      faults.push({ file, line: at(['name']), path: 'name', message: `there is a scenario "${checked.data.name}" above` });
    names.add(checked.data.name);
    scenarios.push({ scenario: checked.data, line: at([]) });
  }
  if (documents.length === 0 || (scenarios.length === 0 && faults.length === 0))
    faults.push({ file, line: 1, path: '', message: 'there is no scenario in this file' });
  return { scenarios, faults };
}

async function readScenarios(file: string, folder: string): Promise<{ scenarios: LoadedScenario[]; faults: ScenarioFault[] }> {
  const path = resolve(folder, file);
  const { size } = await stat(path);
  if (size > MAX_BYTES) return { scenarios: [], faults: [{ file, line: 1, path: '', message: `is larger than ${MAX_BYTES >> 20} MB` }] };
  const { scenarios, faults } = parseScenarios(await readFile(path, 'utf8'), file);
  const beside = dirname(path);
  for (const { scenario: one, line } of scenarios) {
    for (const named of namedFiles(one)) {
      const there = await access(resolve(beside, named.file)).then(
        () => true,
        () => false,
      );
      if (!there) faults.push({ file, line, path: named.path, message: `there is no file ${named.file} beside the scenario` });
    }
  }
  return { scenarios: scenarios.map((one) => ({ ...one, file, folder: beside })), faults };
}

async function filesOf(path: string, folder: string): Promise<string[]> {
  const whole = resolve(folder, path);
  const found = await stat(whole).catch(() => undefined);
  if (!found) throw new TandemError('not-found', `There is no file or folder ${path}`, { path });
  if (!found.isDirectory()) return [path];
  const names = await readdir(whole, { recursive: true });
  const files = names.filter((name) => ENDINGS.test(name)).sort((a, b) => (a < b ? -1 : 1));
  return files.map((name) => relative(resolve(folder), join(whole, name)));
}

/** Files that a scenario is not complete without. */
function namedFiles({ caller, business }: Scenario): { file: string; path: string }[] {
  const sounds = caller.flatMap((step, index) => ('play' in step ? [{ file: step.play, path: `caller[${index}].play` }] : []));
  const texts = (business?.documents ?? []).flatMap(({ file }, index) =>
    file === undefined ? [] : [{ file, path: `business.documents[${index}].file` }],
  );
  return [...sounds, ...texts];
}

/** The line of what a path leads to, or of the nearest thing above it that is there. */
function lineOf(document: Document, path: readonly PropertyKey[], lines: LineCounter): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function pathText(path: readonly PropertyKey[]): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`)).join('');
}
