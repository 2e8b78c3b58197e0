// What the link says: `#session=…&token=…`, in the fragment so that no server ever logs it.

/** The parts of a token that anybody may read; null when it is none. The gateway verifies it, we do not. */
export function claimsOf(token) {
  try {
    const body = token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/');
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(body), c => c.charCodeAt(0))));
  } catch {
    return null;
  }
}

/** {session, token, view, slots} of a fragment, or null when it names no session. `view`: watch or speak. */
export function readLink(hash) {
  const parts = new URLSearchParams(hash.replace(/^#/, ''));
  const token = parts.get('token') ?? '';
  const claims = claimsOf(token);
  const session = parts.get('session') ?? claims?.sid ?? '';
  if (!session || !token) return null;
  const speaks = ['speaker', 'moderator'].includes(claims?.role) || claims?.rights?.includes('publish');
  const view = parts.get('view') ?? (speaks ? 'speak' : 'watch');
  const slots = Math.min(16, Math.max(1, Number(parts.get('slots')) || 5));
  return {session, token, view: view === 'speak' ? 'speak' : 'watch', slots};
}
