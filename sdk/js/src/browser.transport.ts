// The real network of a browser.

import type {Socket, SocketListener, TransportPort} from './transport';

/** `TransportPort` on the browser. */
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
