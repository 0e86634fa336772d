import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { testKit } from '#kit/testing.ts';
import { encryptionKey, parseEncryptionKey } from './first-key.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-key-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('the encryption key is made once, for this user only', async () => {
  const kit = testKit();
  const made = await encryptionKey(folder, undefined, kit);
  expect(made).toHaveLength(32);
  expect((await stat(join(folder, 'encryption-key'))).mode & 0o777).toBe(0o600);
  expect(Buffer.from(await encryptionKey(folder, undefined, kit))).toEqual(Buffer.from(made));
});

test('a setting wins and leaves no file; what holds no key is refused and never replaced', async () => {
  const kit = testKit();
  const given = Buffer.alloc(32, 9);
  for (const text of [given.toString('hex'), given.toString('base64'), given.toString('base64url')]) {
    expect(Buffer.from(await encryptionKey(folder, text, kit))).toEqual(given);
  }
  await expect(stat(join(folder, 'encryption-key'))).rejects.toMatchObject({ code: 'ENOENT' });
  await writeFile(join(folder, 'encryption-key'), 'half a ke');
  await expect(encryptionKey(folder, undefined, kit)).rejects.toMatchObject({ code: 'setting-invalid' });
  expect(await readFile(join(folder, 'encryption-key'), 'utf8')).toBe('half a ke');
  for (const text of ['', 'x', 'f'.repeat(63), Buffer.alloc(31).toString('base64')]) expect(parseEncryptionKey(text), text).toBeUndefined();
});
