/** What a process finds in its folder of vectors when it starts: before anything else reads or writes there. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '#kit/errors.ts';
import type { Log } from '#kit/log.ts';
import type { Partition } from '../vector-index.ts';
import { DamagedFile } from './block-file.ts';
import { readPartition } from './partition-file.ts';

const OWN = /^([0-9a-f]{32})\.(?:vectors|graph|members)(?:\.new)?$/;
const AT_ONCE = 16;

/**
 * Partitions that have a file. What serves nobody goes: drafts that a crash cut off, graphs whose vectors are no longer
 * there, and what is damaged at its head, since nobody would ask for it by its name.
 */
export async function readFolder(folder: string, log: Log): Promise<Partition[]> {
  const files = (await readdir(folder)).filter((file) => OWN.test(file));
  const partitions: Partition[] = [];
  const byName = [...Map.groupBy(files, (file) => file.slice(0, file.indexOf('.')))];

  async function look(name: string, own: readonly string[]): Promise<void> {
    let useless = own.filter((file) => file.endsWith('.new'));
    try {
      if (own.includes(`${name}.vectors`)) partitions.push(await readPartition(folder, name));
      else useless = [...own];
    } catch (error) {
      log.warn({ name, reason: messageOf(error) }, 'a file of vectors cannot be read');
      if (error instanceof DamagedFile) useless = [...own];
    }
    for (const file of useless) await rm(join(folder, file), { force: true });
  }

  for (let from = 0; from < byName.length; from += AT_ONCE) {
    await Promise.all(byName.slice(from, from + AT_ONCE).map(([name, own]) => look(name, own)));
  }
  return partitions;
}
