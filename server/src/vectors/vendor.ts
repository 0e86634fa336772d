/** What a room of the vectors' seam is given, and what it builds. */
import type { Kit } from '#kit/kit.ts';
import type { Vendor } from '#kit/vendor.ts';
import type { VectorIndex } from './vector-index.ts';

export interface VectorContext {
  kit: Kit;
  /** Folder of this process to keep an index in; undefined keeps it in memory only. */
  folder: string | undefined;
}

export interface VectorVendor extends Vendor {
  /** Undefined when it is not usable as configured. */
  // oxlint-disable-next-line typescript/no-explicit-any -- each vendor types its own settings through defineVendor
  vectorIndex: (settings: any, context: VectorContext) => Promise<VectorIndex | undefined>;
}
