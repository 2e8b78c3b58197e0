// What a client token says to us: its session. Nothing is checked here; the gateway does that.

import {RtcdnError} from './errors';

/** The claim `sid` of a JWT, or an error that says what is wrong with it. */
export function sessionOf(token: string): string {
  try {
    const body = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
    const bytes = Uint8Array.from(atob(body), each => each.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as {sid?: unknown};
    if (typeof claims.sid === 'string' && claims.sid) return claims.sid;
  } catch {
    throw new RtcdnError('bad-token', 'the token is not a JWT', 'ask the application for another link');
  }
  throw new RtcdnError('bad-token', 'the token names no session', 'give the session in the options');
}

/** The address of the WebSocket of a deployment; `client` stays the same over reconnects. */
export function socketUrl(url: string, client: string): string {
  let found: URL;
  try {
    found = new URL('/ws', url);
  } catch {
    throw new RtcdnError('bad-url', `${url} is not an address`, 'give one such as https://host:8443');
  }
  found.protocol = found.protocol === 'http:' ? 'ws:' : 'wss:';
  found.search = `c=${client}`;
  return found.href;
}

/** 128 random bits, hex. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map(each => each.toString(16).padStart(2, '0')).join('');
}
