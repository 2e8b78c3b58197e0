// Begin: read the link, show the view it is for. `window.rtcdn` is what tests and the curious look at.

import {claimsOf, readLink} from './link.js';
import {speak} from './speak.js';
import {byId, showState} from './ui.js';
import {watch} from './watch.js';
import {wordsOfNoWebRtc} from './words.js';

function begin() {
  const link = readLink(location.hash);
  if (!link) return showStart();
  byId('title').textContent = link.session;
  document.title = `${link.session} · rtcdn`;
  if (!window.RTCPeerConnection) return showState('stopped', wordsOfNoWebRtc(), () => location.reload());
  const view = link.view === 'speak' ? speak(link) : watch(link);
  window.rtcdn = {
    view: link.view,
    get state() { return view.connection.state; },
    get reconnects() { return view.connection.reconnects; },
    get resource() { return view.connection.resourceUrl; },
    get frames() { return view.frames; },
    get live() { return view.live; },
    get figures() { return view.figures; },
    tone: () => view.tone().hz, // of the loudest tone, 0 in silence
    connection: view.connection,
  };
}

function showStart() {
  byId('status').hidden = true;
  byId('start').hidden = false;
  byId('join').addEventListener('submit', event => {
    event.preventDefault();
    const [session, token] = [byId('join-session').value.trim(), byId('join-token').value.trim()];
    byId('join-token').setCustomValidity(claimsOf(token) ? '' : 'This is no token: it has three parts with dots between them.');
    if (byId('join-token').reportValidity()) location.hash = new URLSearchParams({session, token});
  });
  byId('join-token').addEventListener('input', event => event.target.setCustomValidity(''));
}

document.querySelector('.skip').addEventListener('click', event => {
  event.preventDefault(); // the fragment is the link
  byId('main').focus();
});
addEventListener('hashchange', () => location.reload());
begin();
