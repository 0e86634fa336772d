// npm run native: builds media-io.node for linux-x64 and linux-arm64 into prebuilt/, where compilers for them are there:
//   apt-get install gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross, and the headers of node (libnode-dev, or
//   NODE_HEADERS=path/to/include/node; any version from 16 on, as only Node-API 8 is used).
// The result is committed, so that nobody who installs needs any of this. It runs on glibc from 2.28 on, as node does.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const targets = [
  { name: 'linux-x64', compilers: process.arch === 'x64' ? ['gcc', 'x86_64-linux-gnu-gcc'] : ['x86_64-linux-gnu-gcc'] },
  { name: 'linux-arm64', compilers: process.arch === 'arm64' ? ['gcc', 'aarch64-linux-gnu-gcc'] : ['aarch64-linux-gnu-gcc'] },
];

const FLAGS = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-fvisibility=hidden'];
FLAGS.push('-static-libgcc', '-s', '-Wl,--build-id=none', '-Wl,-z,now');

const say = (text) => process.stdout.write(`${text}\n`);

/** What the binaries are made of, in order. */
export const sources = () =>
  readdirSync(folder)
    .filter((name) => /\.[ch]$/.test(name))
    .toSorted();

/** Baked into the binaries; a test compares it. */
export function sourceDigest() {
  const hash = createHash('sha256');
  for (const name of sources())
    hash
      .update(name)
      .update('\0')
      .update(readFileSync(join(folder, name)))
      .update('\0');
  return hash.digest('hex').slice(0, 32);
}

function headers() {
  const beside = join(dirname(dirname(process.execPath)), 'include/node');
  const found = [process.env.NODE_HEADERS, beside, '/usr/include/node'].find((path) => path && existsSync(join(path, 'node_api.h')));
  if (!found) throw new Error('node_api.h was not found: install the headers of node or set NODE_HEADERS');
  return found;
}

function works(compiler) {
  try {
    execFileSync(compiler, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function build() {
  let built = 0;
  for (const { name, compilers } of targets) {
    const compiler = compilers.find(works);
    if (!compiler) {
      say(`${name}: no compiler (${compilers.join(', ')})`);
      continue;
    }
    const out = join(folder, 'prebuilt', name, 'media-io.node');
    mkdirSync(dirname(out), { recursive: true });
    const files = sources().filter((source) => source.endsWith('.c'));
    const digest = `-DSOURCE_DIGEST="${sourceDigest()}"`;
    execFileSync(compiler, [...FLAGS, digest, '-isystem', headers(), '-I', folder, ...files, '-o', out], { cwd: folder, stdio: 'inherit' });
    say(`${name}: ${readFileSync(out).length} bytes, ${compiler}`);
    built++;
  }
  if (built === 0) process.exitCode = 1;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) build();
