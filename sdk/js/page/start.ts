// Joining without a link: session and token by hand.

import {byId, memory, setText, show} from './dom';
import {claimsOf, readLink, writeLink} from './link';
import {showScreen, showState} from './notices';

/** Show the form; joining makes a link of it and opens that. */
export function showStart(): void {
  showState('idle');
  showScreen('start');
  const [name, session, token] = [
    byId<HTMLInputElement>('join-name'),
    byId<HTMLInputElement>('join-session'),
    byId<HTMLTextAreaElement>('join-token'),
  ];
  name.value = memory.get('name');
  token.oninput = () => {
    const pasted = linkIn(token.value); // the whole link pasted into the field
    if (pasted) [session.value, token.value] = [pasted.session, pasted.token];
    else if (!session.value) session.value = claimsOf(token.value.trim())?.sid ?? '';
    complainAbout('');
  };
  token.onkeydown = event => {
    if (event.key !== 'Enter' || event.shiftKey) return;
    event.preventDefault();
    byId<HTMLFormElement>('join').requestSubmit();
  };
  byId('join').onsubmit = event => {
    event.preventDefault();
    const [sid, jwt] = [session.value.trim(), token.value.trim()];
    if (!sid) return complainAbout('Enter the name of the session.', session);
    if (!claimsOf(jwt)) return complainAbout('This is no token: it has three parts with dots between them.', token);
    memory.set('name', name.value.trim());
    location.hash = writeLink(sid, jwt, name.value.trim());
  };
  session.focus();
}

function complainAbout(text: string, field?: HTMLElement): void {
  setText(byId('join-problem'), text);
  show(byId('join-problem'), Boolean(text));
  field?.focus();
}

function linkIn(text: string): {session: string; token: string} | null {
  const at = text.indexOf('#');
  return at >= 0 ? readLink(text.slice(at)) : null;
}
