import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { TandemError } from '#kit/errors.ts';
import { scenario } from './builder.ts';
import { loadScenarios, parseScenarios, type ScenarioFault, sentenceOf } from './scenario-files.ts';
import { scenarioJsonSchema } from './scenario-schema.ts';

const faults = (text: string) => parseScenarios(text, 'calls.yaml').faults.map(sentenceOf);

describe('a scenario file', () => {
  test('holds several scenarios, and what is left out has its default', () => {
    const { scenarios, faults: none } = parseScenarios('name: one\n---\nname: two\ncaller:\n  - say: hello\n', 'calls.yaml');
    expect(none).toEqual([]);
    expect(scenarios.map(({ scenario: { name }, line }) => [name, line])).toEqual([
      ['one', 1],
      ['two', 3],
    ]);
    expect(scenarios[0].scenario).toMatchObject({ to: 'demo', seed: 1, caller: [{ hear: 'greeting' }], voice: 'speech-like' });
  });

  test('is JSON as well', () => {
    expect(parseScenarios('{"name": "one", "caller": [{"press": "12#"}]}', 'a.json').scenarios).toHaveLength(1);
  });

  test('names every fault by line and path', () => {
    expect(
      faults(`name: one
caller:
  - hear: greeting
  - say: when are you open
    loudly: true
  - bargein: stop
  - press: '12z'
  - pause: soon
  - hear: music
expect:
  - says: { matches: '(' }
  - ends: { by: nobody }
---
name: two
line: { lossPct: 500 }
to: 5
`),
    ).toEqual([
      'calls.yaml:4: caller[1]: does not know "loudly"',
      'calls.yaml:6: caller[2]: is none of hear, say, play, bargeIn, backchannel, press, type, sound, pause, hangUp',
      expect.stringContaining('calls.yaml:7: caller[3].press: '),
      'calls.yaml:8: caller[4].pause: Invalid input: expected number, received string',
      expect.stringContaining('calls.yaml:9: caller[5].hear: '),
      'calls.yaml:11: expect[0].says.matches: is no regular expression',
      expect.stringContaining('calls.yaml:12: expect[1].ends.by: '),
      expect.stringContaining('calls.yaml:16: to: '),
      expect.stringContaining('calls.yaml:15: line.lossPct: '),
    ]);
  });

  test('that is no YAML, is empty, or has a name twice, says so', () => {
    expect(faults('name: [one')[0]).toMatch(/^calls\.yaml:1: /);
    expect(faults('')).toEqual(['calls.yaml:1: there is no scenario in this file']);
    expect(faults('name: one\n---\nname: one\n')).toEqual(['calls.yaml:3: name: there is a scenario "one" above']);
  });
});

describe('files and folders', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tandem-scenarios-'));
    await mkdir(join(folder, 'more'));
    await writeFile(join(folder, 'b.yaml'), 'name: b\n');
    await writeFile(join(folder, 'more', 'a.yml'), 'name: a\n');
    await writeFile(join(folder, 'notes.txt'), 'nothing');
    await mkdir(join(folder, 'bad'), { recursive: true });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('are read in the order of their names, each file once', async () => {
    const loaded = await loadScenarios(['.', 'b.yaml'], folder);
    expect(loaded.map(({ scenario: { name }, file }) => [name, file])).toEqual([
      ['b', 'b.yaml'],
      ['a', join('more', 'a.yml')],
    ]);
    expect(loaded[1].folder).toBe(join(folder, 'more'));
  });

  test('that are not there are refused', async () => {
    await expect(loadScenarios(['nowhere'], folder)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('all faults of all files come at once, files that they name among them', async () => {
    await writeFile(join(folder, 'bad', 'x.yaml'), 'nme: x\n');
    await writeFile(join(folder, 'bad', 'y.yaml'), 'name: y\ncaller:\n  - play: hello.wav\n');
    const error = await loadScenarios(['bad'], folder).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TandemError);
    const { code, detail } = error as TandemError;
    expect(code).toBe('invalid-input');
    expect((detail.faults as ScenarioFault[]).map(({ file, path }) => [file, path])).toEqual([
      [join('bad', 'x.yaml'), 'name'],
      [join('bad', 'x.yaml'), ''],
      [join('bad', 'y.yaml'), 'caller[0].play'],
    ]);
    await rm(join(folder, 'bad', 'x.yaml'));
    await rm(join(folder, 'bad', 'y.yaml'));
  });
});

describe('the builder', () => {
  test('makes what the file says', () => {
    const [{ scenario: written }] = parseScenarios(
      `name: pay
tags: [quick]
line: { lossPct: 2, burstPackets: 3 }
caller:
  - hear: greeting
  - say: how can I pay
    pauses: [{ afterWord: 2, ms: 400 }]
  - backchannel: uh-huh
    atWord: 2
  - bargeIn: stop
    atWord: 5
  - press: '12#'
  - sound: cough
  - pause: 300
  - hangUp: true
    after: 500
expect:
  - says: card
  - ends: { by: caller }
`,
      'calls.yaml',
    ).scenarios;
    const built = scenario('pay')
      .with({ tags: ['quick'] })
      .over({ lossPct: 2, burstPackets: 3 })
      .hears('greeting')
      .says('how can I pay', { pauses: [{ afterWord: 2, ms: 400 }] })
      .backchannels('uh-huh', { atWord: 2 })
      .bargesIn('stop', { atWord: 5 })
      .presses('12#')
      .sounds('cough')
      .pauses(300)
      .hangsUp({ after: 500 })
      .expects({ says: 'card' }, { ends: { by: 'caller' } })
      .build();
    expect(built).toEqual(written);
  });

  test('refuses what the file would refuse', () => {
    expect(() => scenario('bad').presses('x').build()).toThrow(/caller\.0\.press/);
  });

  test('a beginning can be shared', () => {
    const beginning = scenario('one').hears('greeting');
    expect(beginning.says('a').build().caller).toHaveLength(2);
    expect(beginning.build().caller).toHaveLength(1);
  });
});

test('docs/scenario.schema.json is current', () => {
  const kept: unknown = JSON.parse(readFileSync(new URL('../../../docs/scenario.schema.json', import.meta.url), 'utf8'));
  // To write it anew: node server/src/simulate/write-schema.ts
  expect(scenarioJsonSchema()).toEqual(kept);
});
