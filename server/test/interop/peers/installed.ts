/** Other people's phones on this machine. With CI=true a missing one is a failure; elsewhere its tests are skipped by name. */
import { existsSync } from 'node:fs';

const onPath = (program: string) => (process.env.PATH ?? '').split(':').some((folder) => existsSync(`${folder}/${program}`));

/** Human voice prompts of the Debian package asterisk-core-sounds-en-wav, 8 kHz linear. */
export const PROMPTS = '/usr/share/asterisk/sounds/en_US_f_Allison';

const peers = {
  sipp: { package: 'sip-tester', present: () => onPath('sipp') },
  baresip: { package: 'baresip-core', present: () => onPath('baresip') },
  prompts: { package: 'asterisk-core-sounds-en-wav', present: () => existsSync(PROMPTS) },
  pocketsphinx: { package: 'pocketsphinx pocketsphinx-en-us', present: () => onPath('pocketsphinx_continuous') },
};

/** True when one of them is missing. Throws in CI, where that would pass for success. */
export function missing(...names: (keyof typeof peers)[]): boolean {
  const absent = names.filter((name) => !peers[name].present());
  if (absent.length === 0) return false;
  const packages = absent.map((name) => peers[name].package).join(' ');
  if (process.env.CI === 'true') throw new Error(`missing peers: apt-get install ${packages}`);
  return true;
}
