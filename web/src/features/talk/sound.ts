/** The page's ears and mouth: an audio context with the capture and the playback worklet. */
// oxlint-disable import/default -- `?worker&url` is Vite's: the built file's address is its default export
import captureUrl from './capture-worklet.ts?worker&url';
import playbackUrl from './playback-worklet.ts?worker&url';
import type { CaptureMessage, CaptureOrder, PlaybackOrder, PlaybackReport } from './worklet-messages.ts';

/** Why there is no microphone: the person said no, there is none, or the page may not ask (not HTTPS). */
export type MicrophoneFault = 'denied' | 'missing' | 'insecure';

export type Sound = {
  play(frame: ArrayBuffer): void;
  /** Drops the sound that waits. */
  clear(): void;
  setMuted(muted: boolean): void;
  close(): void;
};

export type SoundListener = {
  /** 20 ms of the microphone; silence when there is none. */
  frame(frame: ArrayBuffer, level: number): void;
  played(report: PlaybackReport): void;
};

/** Asks for the microphone; must follow a press. */
export async function openMicrophone(): Promise<MediaStream | MicrophoneFault> {
  // Absent outside secure contexts, whatever the type says.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (!devices) return 'insecure';
  try {
    return await devices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
    });
  } catch (error) {
    return error instanceof DOMException && (error.name === 'NotAllowedError' || error.name === 'SecurityError') ? 'denied' : 'missing';
  }
}

/** `context` was made in the press itself, or browsers keep it silent. */
export async function openSound(context: AudioContext, microphone: MediaStream | undefined, listener: SoundListener): Promise<Sound> {
  await Promise.all([context.resume(), context.audioWorklet.addModule(captureUrl), context.audioWorklet.addModule(playbackUrl)]);
  const capture = new AudioWorkletNode(context, 'tandem-capture', { channelCount: 1, channelCountMode: 'explicit' });
  const playback = new AudioWorkletNode(context, 'tandem-playback', { numberOfInputs: 0, outputChannelCount: [1] });
  const source = microphone && context.createMediaStreamSource(microphone);
  source?.connect(capture);
  // A node that leads nowhere may not be run; this one's output is silent.
  capture.connect(context.destination);
  playback.connect(context.destination);
  capture.port.onmessage = ({ data }: MessageEvent<CaptureMessage>) => listener.frame(data.frame, data.level);
  playback.port.onmessage = ({ data }: MessageEvent<PlaybackReport>) => listener.played(data);
  const order = (message: PlaybackOrder, transfer: Transferable[] = []) => playback.port.postMessage(message, transfer);
  return {
    play: (sound) => order({ type: 'sound', sound }, [sound]),
    clear: () => order({ type: 'clear' }),
    setMuted: (muted) => {
      const message: CaptureOrder = { muted };
      capture.port.postMessage(message);
      for (const track of microphone?.getAudioTracks() ?? []) track.enabled = !muted;
    },
    close: () => {
      capture.port.onmessage = null;
      playback.port.onmessage = null;
      for (const track of microphone?.getTracks() ?? []) track.stop();
      if (context.state !== 'closed') void context.close();
    },
  };
}
