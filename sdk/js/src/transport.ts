// The network as the SDK uses it: one WebSocket, a few GETs, and the browser's word on being online.

/** An open connection to a gateway. */
export interface Socket {
  send(text: string): void;
  close(): void;
}

/** What a socket tells; after `closed` it tells nothing. */
export interface SocketListener {
  opened(): void;
  message(text: string): void;
  closed(detail: string): void;
}

/** The network behind one interface, with a fake in `transport.fake.ts`. */
export interface TransportPort {
  /** Open a WebSocket; it tells `opened` later, or `closed`. */
  open(url: string, protocol: string, listener: SocketListener): Socket;
  /** GET of a small JSON document or of nothing; `status` 0 when nobody answered within `limitMs`. */
  get(url: string, token: string, limitMs: number): Promise<{status: number; json: unknown}>;
  /** Call when the network is back (`online`), or the page is being left; the answer ends it. */
  watch(listener: {online(): void; leaving(): void}): () => void;
}
