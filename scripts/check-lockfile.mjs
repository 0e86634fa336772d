// Is package-lock.json complete? Every optional (per-platform) dependency needs an entry, else `npm ci` fails on
// npm 11 and other platforms get no binary. And no package may run an install script that package.json does not name.
import { readFileSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const { allowScripts } = JSON.parse(readFileSync('package.json', 'utf8'));

function locate(from, name) {
  for (let folder = from; ; ) {
    const key = `${folder ? `${folder}/` : ''}node_modules/${name}`;
    if (packages[key]) return key;
    if (!folder) return undefined;
    const up = folder.lastIndexOf('/node_modules/');
    folder = up < 0 ? '' : folder.slice(0, up);
  }
}

const faults = [];
for (const [key, entry] of Object.entries(packages)) {
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    if (!locate(key, name)) faults.push(`${key || '(root)'} lacks its optional dependency ${name}`);
  }
  const name = key.replace(/^.*node_modules\//, '');
  if (entry.hasInstallScript && key && !(name in allowScripts))
    faults.push(`${name} has an install script that allowScripts does not name`);
}
for (const fault of faults) console.error(fault);
console.log(`${Object.keys(packages).length - 1} packages, ${faults.length} faults`);
process.exit(faults.length ? 1 : 0);
