// Makes a fresh clone ready, with nothing but the machine's Node (20 or newer) and npm: installs what the lockfile
// names and builds the console when its sources changed. Runs on the old Node, so it is plain JavaScript.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const stampFolder = join(root, 'node_modules', '.tandem');

/** The runtime the code needs: the one the install brought, else the machine's own. */
export function nodeBinary() {
  const own = join(root, 'node_modules', '.bin', 'node');
  if (existsSync(own)) return own;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 24 || (major === 24 && minor >= 7)) return process.execPath;
  throw new Error(
    `Tandem needs Node 24.7 or newer; the install could not bring it for ${process.platform}-${process.arch}, and this is ${process.version}.`,
  );
}

/** Where Node keeps what it compiled, unless somebody chose another place: a second start takes two thirds of the first one's CPU. */
export const compiledIn = () => ({
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'compiled'),
});

/** Settings may lie in these files; variables that are set already win. */
export const envFiles = () => ['.env', '.env.local'].filter((name) => existsSync(join(root, name))).map((name) => `--env-file=${name}`);

export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    const error = new Error(`${command} ${args.join(' ')} failed (${result.signal ?? result.status})`);
    error.status = result.status ?? 1;
    throw error;
  }
}

function digestOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(path.slice(root.length)).update(readFileSync(path));
  return hash.digest('hex');
}

function filesBelow(folder) {
  return readdirSync(folder)
    .filter((name) => !['node_modules', 'dist', 'test'].includes(name))
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      return statSync(path).isDirectory() ? filesBelow(path) : [path];
    });
}

/** Runs `make` unless the stamp of `name` says it already ran on the same inputs. */
function once(name, inputs, present, make) {
  const stamp = join(stampFolder, name);
  const digest = digestOf(inputs);
  if (present() && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  make();
  mkdirSync(stampFolder, { recursive: true });
  writeFileSync(stamp, digest);
}

export function install() {
  const inputs = ['package.json', 'package-lock.json', 'contract/package.json', 'server/package.json', 'web/package.json'].map((name) =>
    join(root, name),
  );
  once(
    'installed',
    inputs,
    () => existsSync(join(root, 'node_modules', 'vite')),
    () => {
      console.log('Tandem: installing (once, about a minute) …');
      run('npm', ['ci', '--loglevel=error']);
    },
  );
}

export function buildConsole() {
  const inputs = [...filesBelow(join(root, 'web')), ...filesBelow(join(root, 'contract', 'src')), join(root, 'package-lock.json')];
  once(
    'console',
    inputs,
    () => existsSync(join(root, 'web', 'dist', 'index.html')),
    () => {
      console.log('Tandem: building the console …');
      run(nodeBinary(), [join(root, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', '--logLevel', 'warn'], { cwd: join(root, 'web') });
    },
  );
}
