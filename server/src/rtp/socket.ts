/** What RTP needs of a UDP port, so that node:dgram, a batching native part and tests are interchangeable. */

/** `bytes` is only valid during the call. Must not throw. */
export type DatagramHandler = (bytes: Uint8Array, address: string, port: number) => void;

export interface DatagramSocket {
  /** The local address and port it is bound to. */
  readonly address: string;
  readonly port: number;
  /** One handler; a later one replaces it. */
  onMessage(handler: DatagramHandler): void;
  /**
   * Sends `bytes[offset .. offset + length)`; what cannot be sent is lost, as on the network. The implementation may
   * read `bytes` until its current batch has left (at most one frame of 20 ms), so senders rotate their buffers.
   */
  send(bytes: Uint8Array, offset: number, length: number, port: number, address: string): void;
  /** Idempotent; nothing arrives afterwards. */
  close(): void;
}
