// What the link says: `#session=…&token=…`, in the fragment so that no server ever logs it.

/** The parts of a token that anybody may read; the gateway verifies it, the page does not. */
export interface Claims {
  sid?: string;
  sub?: string;
  role?: string;
  rights?: string[];
  name?: string;
  exp?: number;
}

/** What a link asks for. */
export interface Link {
  session: string;
  token: string;
  name: string;
  /** `speak`: check devices first; `watch`: straight to the stage. */
  view: 'speak' | 'watch';
  slots: number;
  /** Join at once with the devices there are, without asking (`&join=now`). */
  now: boolean;
}

const MOST_SLOTS = 16;
const USUAL_SLOTS = 5;
const LONGEST_NAME = 128;

/** The claims of a token; null when it is none. */
export function claimsOf(token: string): Claims | null {
  const parts = token.split('.');
  if (parts.length !== 3) return null;
  try {
    const body = (parts[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
    const bytes = Uint8Array.from(atob(body), letter => letter.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === 'object' && claims !== null ? (claims as Claims) : null;
  } catch {
    return null;
  }
}

/** May the holder of these claims go on stage by himself, now or in his role? */
export function comesToSpeak(claims: Claims | null): boolean {
  if (claims === null) return false;
  if (claims.role === 'speaker' || claims.role === 'moderator') return true;
  return claims.rights?.includes('publish') ?? false;
}

/** Has the token run out? `nowS`: seconds since 1970. */
export function expired(claims: Claims | null, nowS: number): boolean {
  return typeof claims?.exp === 'number' && claims.exp < nowS;
}

/** What a fragment asks for; null when it names no session or carries no token. */
export function readLink(hash: string): Link | null {
  const parts = new URLSearchParams(hash.replace(/^#/, ''));
  const token = (parts.get('token') ?? '').trim();
  const claims = claimsOf(token);
  const session = (parts.get('session') ?? claims?.sid ?? '').trim();
  if (!session || !token) return null;
  const asked = parts.get('view');
  const view = asked === 'speak' || asked === 'watch' ? asked : comesToSpeak(claims) ? 'speak' : 'watch';
  const slots = Math.min(MOST_SLOTS, Math.max(1, Math.floor(Number(parts.get('slots'))) || USUAL_SLOTS));
  const name = (parts.get('name') ?? '').trim().slice(0, LONGEST_NAME);
  return {session, token, name, view, slots, now: parts.get('join') === 'now'};
}

/** The fragment of a link, from what a form holds. */
export function writeLink(session: string, token: string, name: string): string {
  const parts = new URLSearchParams({session, token});
  if (name) parts.set('name', name);
  return parts.toString();
}
