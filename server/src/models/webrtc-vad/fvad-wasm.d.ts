/** The package brings no types. */
declare module '@echogarden/fvad-wasm' {
  export default function createFvad(): Promise<{
    readonly HEAP16: Int16Array;
    _malloc(bytes: number): number;
    _free(at: number): void;
    _fvad_new(): number;
    _fvad_free(handle: number): void;
    _fvad_reset(handle: number): void;
    _fvad_set_mode(handle: number, mode: number): number;
    _fvad_set_sample_rate(handle: number, rate: number): number;
    _fvad_process(handle: number, samplesAt: number, length: number): number;
  }>;
}
