/**
 * The thirteen WASI preview-1 calls that flite makes, over files in memory: no temporary file, no folder of the machine
 * opened to it, nothing experimental. Errno values and layouts as in wasi_snapshot_preview1.
 */

const ERRNO = { success: 0, badf: 8, noent: 44 } as const;
const FILETYPE = { character: 2, directory: 3, regular: 4 } as const;
const PREOPENED = 3; // descriptor of the one folder a program sees

/** Thrown through the program by `proc_exit`, the only way out of `_start`. */
export class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

class MemoryFile {
  bytes = new Uint8Array(1 << 16);
  size = 0;
  at = 0;

  write(data: Uint8Array): void {
    const end = this.at + data.length;
    if (end > this.bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.bytes.length * 2));
      larger.set(this.bytes.subarray(0, this.size));
      this.bytes = larger;
    }
    this.bytes.set(data, this.at);
    this.at = end;
    this.size = Math.max(this.size, end);
  }
}

export interface ProgramResult {
  code: number;
  stdout: string;
  stderr: string;
  /** What the program wrote, by path. */
  files: Map<string, Uint8Array>;
}

/** Runs a command module to its end. Blocks; a trap is thrown. */
export function runProgram(module: WebAssembly.Module, args: readonly string[]): ProgramResult {
  const files = new Map<string, MemoryFile>();
  const open = new Map<number, MemoryFile>();
  const stdout = new MemoryFile();
  const stderr = new MemoryFile();
  open.set(1, stdout).set(2, stderr);
  let nextDescriptor = PREOPENED + 1;
  let memory: WebAssembly.Memory;
  const view = () => new DataView(memory.buffer);
  const bytes = (at: number, length: number) => new Uint8Array(memory.buffer, at, length);
  const argv = args.map((arg) => Buffer.from(`${arg}\0`, 'utf8'));

  const calls = {
    args_sizes_get(countAt: number, sizeAt: number): number {
      view().setUint32(countAt, argv.length, true);
      view().setUint32(
        sizeAt,
        argv.reduce((sum, arg) => sum + arg.length, 0),
        true,
      );
      return ERRNO.success;
    },
    args_get(pointersAt: number, textAt: number): number {
      let at = textAt;
      argv.forEach((arg, index) => {
        view().setUint32(pointersAt + 4 * index, at, true);
        bytes(at, arg.length).set(arg);
        at += arg.length;
      });
      return ERRNO.success;
    },
    // The program only measures its own speed by it: a clock that stands still keeps runs repeatable.
    clock_time_get(_clock: number, _precision: bigint, timeAt: number): number {
      view().setBigUint64(timeAt, 0n, true);
      return ERRNO.success;
    },
    fd_close(fd: number): number {
      return open.delete(fd) ? ERRNO.success : ERRNO.badf;
    },
    fd_fdstat_get(fd: number, at: number): number {
      if (fd !== PREOPENED && fd !== 0 && !open.has(fd)) return ERRNO.badf;
      bytes(at, 24).fill(0);
      view().setUint8(at, fd === PREOPENED ? FILETYPE.directory : fd < PREOPENED ? FILETYPE.character : FILETYPE.regular);
      view().setBigUint64(at + 8, 0xffff_ffffn, true); // rights
      view().setBigUint64(at + 16, 0xffff_ffffn, true);
      return ERRNO.success;
    },
    fd_fdstat_set_flags(): number {
      return ERRNO.success;
    },
    fd_prestat_get(fd: number, at: number): number {
      if (fd !== PREOPENED) return ERRNO.badf;
      view().setUint32(at, 0, true);
      view().setUint32(at + 4, 1, true); // length of "/"
      return ERRNO.success;
    },
    fd_prestat_dir_name(fd: number, at: number): number {
      if (fd !== PREOPENED) return ERRNO.badf;
      bytes(at, 1)[0] = 0x2f;
      return ERRNO.success;
    },
    fd_read(fd: number, vectorsAt: number, count: number, readAt: number): number {
      const file = open.get(fd);
      if (!file) return ERRNO.badf;
      let read = 0;
      for (let i = 0; i < count; i++) {
        const at = view().getUint32(vectorsAt + 8 * i, true);
        const part = file.bytes.subarray(file.at, Math.min(file.size, file.at + view().getUint32(vectorsAt + 8 * i + 4, true)));
        bytes(at, part.length).set(part);
        file.at += part.length;
        read += part.length;
      }
      view().setUint32(readAt, read, true);
      return ERRNO.success;
    },
    fd_write(fd: number, vectorsAt: number, count: number, writtenAt: number): number {
      const file = open.get(fd);
      if (!file) return ERRNO.badf;
      let written = 0;
      for (let i = 0; i < count; i++) {
        const length = view().getUint32(vectorsAt + 8 * i + 4, true);
        file.write(bytes(view().getUint32(vectorsAt + 8 * i, true), length));
        written += length;
      }
      view().setUint32(writtenAt, written, true);
      return ERRNO.success;
    },
    fd_seek(fd: number, offset: bigint, whence: number, at: number): number {
      const file = open.get(fd);
      if (!file) return ERRNO.badf;
      const from = whence === 0 ? 0 : whence === 1 ? file.at : file.size;
      file.at = Math.max(0, from + Number(offset));
      view().setBigUint64(at, BigInt(file.at), true);
      return ERRNO.success;
    },
    path_open(_folder: number, _lookup: number, pathAt: number, pathLength: number, flags: number, ...rest: unknown[]): number {
      const path = Buffer.from(bytes(pathAt, pathLength)).toString('utf8');
      const CREATE = 1;
      let file = files.get(path);
      if (!file) {
        if ((flags & CREATE) === 0) return ERRNO.noent;
        file = new MemoryFile();
        files.set(path, file);
      }
      file.at = 0;
      const fd = nextDescriptor++;
      open.set(fd, file);
      view().setUint32(rest[3] as number, fd, true);
      return ERRNO.success;
    },
    proc_exit(code: number): void {
      throw new Exit(code);
    },
  };

  const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: calls });
  memory = instance.exports.memory as WebAssembly.Memory;
  let code = 0;
  try {
    (instance.exports._start as () => void)();
  } catch (thrown) {
    if (!(thrown instanceof Exit)) throw thrown;
    code = thrown.code;
  }
  const text = (file: MemoryFile) => Buffer.from(file.bytes.subarray(0, file.size)).toString('utf8');
  return {
    code,
    stdout: text(stdout),
    stderr: text(stderr),
    files: new Map(Array.from(files, ([path, file]) => [path, file.bytes.subarray(0, file.size)])),
  };
}
