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

/** The browser's own. */
export class BrowserTransport implements TransportPort {
  open(url: string, protocol: string, listener: SocketListener): Socket {
    const socket = new WebSocket(url, protocol);
    let over = false;
    socket.onopen = () => listener.opened();
    socket.onmessage = event => {
      if (!over && typeof event.data === 'string') listener.message(event.data);
    };
    const closed = (detail: string): void => {
      if (over) return;
      over = true;
      listener.closed(detail);
    };
    socket.onclose = event => closed(event.reason || `closed with code ${event.code}`);
    return {
      send: text => socket.send(text),
      close: () => {
        over = true;
        socket.close();
      },
    };
  }

  async get(url: string, token: string, limitMs: number): Promise<{status: number; json: unknown}> {
    try {
      const headers: Record<string, string> = token ? {Authorization: `Bearer ${token}`} : {};
      const answer = await fetch(url, {headers, cache: 'no-store', signal: AbortSignal.timeout(limitMs)});
      const text = await answer.text();
      return {status: answer.status, json: text ? JSON.parse(text) : null};
    } catch {
      return {status: 0, json: null};
    }
  }

  watch(listener: {online(): void; leaving(): void}): () => void {
    const leaving = (event: PageTransitionEvent): void => {
      if (!event.persisted) listener.leaving();
    };
    addEventListener('online', listener.online);
    addEventListener('pagehide', leaving);
    return () => {
      removeEventListener('online', listener.online);
      removeEventListener('pagehide', leaving);
    };
  }
}
