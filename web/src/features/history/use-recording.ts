import { useEffect, useState } from 'react';
import { send } from '../../lib/api.ts';
import { recordingUrl } from '../../lib/queries.ts';
import type { Outline, OutlineAnswer } from './peaks-worker.ts';

/** Fetching a long call over a slow line may take its time. */
const FETCH_DEADLINE_MS = 120_000;

export type Recording = { state: 'loading' } | { state: 'failed'; error: unknown } | { state: 'ready'; url: string; outline: Outline };

/** Fetches a call's recording once: the same bytes are outlined in a worker and played from memory. */
export function useRecording(callId: string, wanted: boolean, attempt: number): Recording {
  const [recording, setRecording] = useState<Recording>({ state: 'loading' });
  useEffect(() => {
    if (!wanted) return undefined;
    const abort = new AbortController();
    let worker: Worker | undefined;
    let url: string | undefined;
    const load = async () => {
      const response = await send(recordingUrl(callId), { signal: abort.signal }, FETCH_DEADLINE_MS);
      const bytes = await response.arrayBuffer();
      if (abort.signal.aborted) return;
      url = URL.createObjectURL(new Blob([bytes], { type: 'audio/wav' }));
      worker = new Worker(new URL('./peaks-worker.ts', import.meta.url), { type: 'module' });
      const answer = await new Promise<OutlineAnswer>((resolve) => {
        if (!worker) return;
        worker.onmessage = ({ data }: MessageEvent<OutlineAnswer>) => resolve(data);
        worker.onerror = () => resolve({ fault: 'The recording could not be read.' });
        worker.postMessage(bytes, [bytes]);
      });
      worker.terminate();
      if (abort.signal.aborted) return;
      setRecording(
        'fault' in answer ? { state: 'failed', error: new Error(answer.fault) } : { state: 'ready', url, outline: answer.outline },
      );
    };
    setRecording({ state: 'loading' });
    load().catch((error: unknown) => !abort.signal.aborted && setRecording({ state: 'failed', error }));
    return () => {
      abort.abort();
      worker?.terminate();
      if (url) URL.revokeObjectURL(url);
    };
  }, [callId, wanted, attempt]);
  return recording;
}
