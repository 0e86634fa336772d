// The real peers that the interop tests call: other people's phones, browsers and databases, from Debian packages.
// With CI=true a missing peer is a failure; elsewhere its tests are skipped by name.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

const onPath = (name) => process.env.PATH.split(':').some((folder) => existsSync(`${folder}/${name}`));
const postgres = () =>
  existsSync('/usr/lib/postgresql') &&
  readdirSync('/usr/lib/postgresql').some((version) => existsSync(`/usr/lib/postgresql/${version}/bin/initdb`));

const peers = [
  { package: 'sip-tester', present: () => onPath('sipp') },
  { package: 'baresip-core', present: () => onPath('baresip') },
  { package: 'sox', present: () => onPath('sox') },
  { package: 'asterisk-core-sounds-en-wav', present: () => existsSync('/usr/share/asterisk/sounds/en_US_f_Allison') },
  { package: 'chromium', present: () => existsSync('/usr/bin/chromium') },
  { package: 'postgresql', present: postgres },
  { package: 'redis-server', present: () => onPath('redis-server') },
  { package: 'pocketsphinx', present: () => onPath('pocketsphinx_continuous') },
  { package: 'pocketsphinx-en-us', present: () => existsSync('/usr/share/pocketsphinx/model/en-us') },
];

export function installPeers() {
  let missing = peers.filter((peer) => !peer.present());
  if (missing.length === 0) return;
  const names = () => missing.map((peer) => peer.package).join(' ');
  if (process.getuid?.() === 0 && onPath('apt-get')) {
    console.log(`Tandem: installing the peers of the interop tests: ${names()}`);
    const quiet = { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
    spawnSync('apt-get', ['update', '-qq'], quiet);
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing.map((peer) => peer.package)], quiet);
    missing = peers.filter((peer) => !peer.present());
    if (missing.length === 0) return;
  }
  if (process.env.CI === 'true') throw new Error(`missing peers: ${names()}`);
  console.log(`Tandem: tests with these peers are skipped; on Debian or Ubuntu: apt-get install ${names()}`);
}
