/** What the page and its two audio worklets say to each other. Levels are root mean squares from 0 to 1. */

export type CaptureOrder = { muted: boolean };
/** 20 ms of 16 kHz PCM16. */
export type CaptureMessage = { frame: ArrayBuffer; level: number };

export type PlaybackOrder = { type: 'sound'; sound: ArrayBuffer } | { type: 'clear' };
export type PlaybackReport = { playedMs: number; waitingMs: number; level: number };
