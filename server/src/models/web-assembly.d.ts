/** The part of WebAssembly's JavaScript interface used here: the compiler's library without a DOM does not have it. */
declare namespace WebAssembly {
  /** Compiled code, without a surface of its own. */
  type Module = object;
  const Module: new (bytes: Uint8Array) => Module;
  class Instance {
    readonly exports: Record<string, unknown>;
    constructor(module: Module, imports?: Record<string, Record<string, unknown>>);
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
}
