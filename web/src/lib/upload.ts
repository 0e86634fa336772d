/** Files on their way to the API, with the progress that `fetch` does not tell. */
import type { Problem } from '@tandem/contract';
import { ApiError, faultOfProblem } from './api.ts';

/** A file of 25 MB over a thin line. */
const DEADLINE_MS = 15 * 60_000;

export type UploadRequest = {
  method: 'POST' | 'PUT';
  /** Under `/api/v1`. */
  path: string;
  file: File;
  /** Fields beside the file. */
  fields?: Readonly<Record<string, string>>;
  /** Share of the bytes that has left, 0 to 1. */
  onProgress?: (sent: number) => void;
  signal?: AbortSignal;
};

/** Sends a file as `multipart/form-data`. Throws `ApiError` for every failure; `cancelled` when the signal said so. */
export function uploadFile<T>({ method, path, file, fields = {}, onProgress, signal }: UploadRequest): Promise<T> {
  const form = new FormData();
  // The server reads fields and file in any order; the small ones go first.
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('file', file, file.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const cancel = () => request.abort();
    const end = (settle: () => void) => {
      signal?.removeEventListener('abort', cancel);
      settle();
    };
    const fail = (code: string, message: string) => end(() => reject(new ApiError(code, message)));
    request.open(method, `/api/v1${path}`);
    request.responseType = 'json';
    request.timeout = DEADLINE_MS;
    request.setRequestHeader('accept', 'application/json');
    request.upload.onprogress = ({ loaded, total }) => onProgress?.(total > 0 ? loaded / total : 0);
    request.onload = () =>
      end(() => {
        const body: unknown = request.response;
        if (request.status >= 200 && request.status < 300) resolve(body as T);
        else reject(faultOfProblem(request.status, body as Partial<Problem> | undefined));
      });
    request.onerror = () => fail('offline', 'The server cannot be reached.');
    request.ontimeout = () => fail('timeout', 'The server did not answer in time.');
    request.onabort = () => fail('cancelled', 'The upload was stopped.');
    if (signal?.aborted) return fail('cancelled', 'The upload was stopped.');
    signal?.addEventListener('abort', cancel);
    request.send(form);
  });
}
