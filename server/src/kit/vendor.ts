/**
 * A vendor is one room behind a seam: a name, its settings, and the parts it can build. `catalog.ts` is the literal
 * list of vendors; `config.ts` reads every setting's environment name from its `meta`.
 */
import type { z } from 'zod';

/** `.meta()` of a vendor's setting: the environment variable it is read from, and whether it prints as `***`. */
export type SettingMeta = {
  env: string;
  secret?: boolean;
  description: string;
};

export interface Vendor<Settings extends z.ZodObject = z.ZodObject> {
  name: string;
  settings: Settings;
}

/** Types a vendor's factories against its own settings; does nothing at run time. */
export function defineVendor<Settings extends z.ZodObject, Parts extends object>(
  vendor: Vendor<Settings> & Parts,
): Vendor<Settings> & Parts {
  return vendor;
}
