/** The house rules of ARCHITECTURE.md, read from every import: an arrow up, a neighbour, a circle or a forced door fails. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const src = join(root, 'server/src');

/** Storeys, lowest first; folders of one storey are neighbours and never meet. */
const storeys: string[][] = [
  ['kit'],
  ['sip', 'rtp', 'audio'],
  ['telephony', 'models', 'vectors', 'store'],
  ['conversation', 'assistants', 'knowledge', 'people'],
  ['calls'],
  ['api', 'live', 'jobs', 'observe', 'simulate'],
  [
    'main.ts',
    'command-line.ts',
    'simulation.ts',
    'simulation-thread.ts',
    'office.ts',
    'knowledge-office.ts',
    'call-thread.ts',
    'knowledge-thread.ts',
    'install-models.ts',
    'config.ts',
    'catalog.ts',
  ],
];
const seams = ['telephony', 'models', 'vectors', 'store'];

interface Import {
  from: string;
  to: string;
  statement: string;
}

function filesBelow(folder: string, accept: RegExp): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (name === 'node_modules' || name === 'dist') return [];
    return statSync(path).isDirectory() ? filesBelow(path, accept) : accept.test(name) ? [path] : [];
  });
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^;]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g;
const isTest = (path: string) => /\.(test|contract)\.ts$|\/testing\.ts$/.test(path);

function importsOf(path: string): Import[] {
  const text = readFileSync(path, 'utf8');
  const found: Import[] = [];
  for (const match of text.matchAll(IMPORT)) {
    const specifier = match[1] ?? match[2] ?? match[3];
    const target = specifier.startsWith('#')
      ? join(src, specifier.slice(1))
      : specifier.startsWith('.')
        ? resolve(dirname(path), specifier)
        : undefined;
    found.push({ from: path, to: target ?? specifier, statement: specifier });
  }
  return found;
}

const inside = (path: string) => relative(src, path);
const roomOf = (path: string): { seam: string; room: string } | undefined => {
  const [seam, room, rest] = inside(path).split('/');
  return seams.includes(seam) && rest !== undefined ? { seam, room } : undefined;
};
const storeyOf = (path: string): number => {
  const top = inside(path).split('/')[0];
  return storeys.findIndex((names) => names.includes(top));
};

const sources = filesBelow(src, /\.ts$/).filter((path) => !isTest(path));
const imports = sources.flatMap(importsOf);
const internal = imports.filter(({ to }) => to.startsWith(src));
const show = ({ from, statement }: Import) => `${inside(from)} imports ${statement}`;

describe('house', () => {
  test('every file stands on a storey', () => {
    expect(sources.length).toBeGreaterThan(20);
    expect(sources.filter((path) => storeyOf(path) < 0).map(inside)).toEqual([]);
  });

  test('every import goes down', () => {
    expect(internal.filter(({ from, to }) => storeyOf(to) > storeyOf(from)).map(show)).toEqual([]);
  });

  test('neighbours on a storey never import each other', () => {
    const faults = internal.filter(({ from, to }) => {
      const [a, b] = [inside(from).split('/')[0], inside(to).split('/')[0]];
      return storeyOf(from) === storeyOf(to) && storeyOf(from) < storeys.length - 1 && a !== b;
    });
    expect(faults.map(show)).toEqual([]);
  });

  test('only the catalogue opens a room, and a room opens no other', () => {
    const faults = internal.filter(({ from, to }) => {
      const target = roomOf(to);
      if (!target) return false;
      const home = roomOf(from);
      return !(home && home.seam === target.seam && home.room === target.room) && inside(from) !== 'catalog.ts';
    });
    expect(faults.map(show)).toEqual([]);
  });

  test('only the top storey imports main.ts, office.ts, call-thread.ts or config.ts', () => {
    const faults = internal.filter(
      ({ from, to }) => ['main.ts', 'office.ts', 'config.ts', 'call-thread.ts'].includes(inside(to)) && storeyOf(from) < storeys.length - 1,
    );
    expect(faults.map(show)).toEqual([]);
  });

  test('no database on the sound path', () => {
    const faults = internal.filter(
      ({ from, to }) =>
        inside(to).startsWith('store/') &&
        !inside(from).startsWith('store/') &&
        storeyOf(from) <= storeys.findIndex((names) => names.includes('calls')),
    );
    expect(faults.map(show)).toEqual([]);
  });

  test('there are no circles', () => {
    const graph = new Map<string, string[]>();
    for (const { from, to } of internal) graph.set(from, [...(graph.get(from) ?? []), to]);
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (path: string, trail: string[]): void => {
      if (trail.includes(path)) {
        circles.push([...trail.slice(trail.indexOf(path)), path].map(inside).join(' > '));
        return;
      }
      if (done.has(path)) return;
      for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
      done.add(path);
    };
    for (const path of graph.keys()) visit(path, []);
    expect(circles).toEqual([]);
  });

  test('clock, randomness, environment and console are passed in', () => {
    const ambient =
      /\b(process\.env\b|Date\.now\(|performance\.now\(|Math\.random\(|setTimeout\(|setInterval\(|console\.(?:log|info|warn|error|debug|trace))/;
    const faults = sources
      .filter((path) => !inside(path).startsWith('kit/') && inside(path) !== 'config.ts')
      .flatMap((path) =>
        readFileSync(path, 'utf8')
          .split('\n')
          .map((line, index) => ({ line: line.replace(/(^\s*\*.*|\/\/.*)$/, ''), where: `${inside(path)}:${index + 1}` }))
          .filter(({ line }) => ambient.test(line))
          .map(({ line, where }) => `${where} ${line.trim()}`),
      );
    expect(faults).toEqual([]);
  });

  test('the contract imports zod only; web and server meet nowhere else', () => {
    const contract = filesBelow(join(root, 'contract/src'), /\.ts$/).filter((path) => !isTest(path));
    const strangers = contract.flatMap(importsOf).filter(({ statement }) => statement !== 'zod' && !statement.startsWith('./'));
    expect(strangers.map(({ statement }) => statement)).toEqual([]);
    const web = filesBelow(join(root, 'web/src'), /\.tsx?$/).flatMap(importsOf);
    expect(web.filter(({ to, statement }) => to.includes('/server/') || statement.startsWith('@tandem/server')).map(show)).toEqual([]);
    expect(imports.filter(({ to, statement }) => to.includes('/web/') || statement.startsWith('@tandem/web')).map(show)).toEqual([]);
  });
});
