// What is said to the person: the state, a banner while something heals, short notices, and problems that end it.

import {byId, h, say, setText, show} from './dom';
import {icon, setIcon} from './icons';
import type {Words} from './words';

/** What the chip at the top says, by state. */
const STATES: Record<string, string> = {
  starting: 'Starting',
  idle: 'Not joined',
  connecting: 'Connecting',
  connected: 'Connected',
  live: 'Live',
  'on-stage': 'On stage',
  reconnecting: 'Reconnecting',
  stopped: 'Stopped',
};
const TOAST_MS = 6000;
const MOST_TOASTS = 3;

/** Show the state. */
export function showState(state: string): void {
  const chip = byId('status');
  chip.dataset['state'] = state;
  setText(chip, STATES[state] ?? state);
}

/** Which of the page's screens is shown. */
export function showScreen(name: 'start' | 'prejoin' | 'room' | 'problem'): void {
  for (const each of ['start', 'prejoin', 'room', 'problem']) show(byId(each), each === name);
  document.body.dataset['screen'] = name;
}

/** Something that cannot go on: title, reason, cure, and a button when trying again may help. */
export function showProblem(words: Words, again: () => void): void {
  showState(words.calm ? 'idle' : 'stopped');
  byId('problem').dataset['calm'] = String(Boolean(words.calm));
  setIcon(byId('problem-icon'), words.calm ? 'check' : 'alert');
  setText(byId('problem-title'), words.title);
  setText(byId('problem-text'), words.text);
  setText(byId('problem-cure'), words.cure);
  const button = byId('problem-retry');
  setText(button, words.retry || 'Try again');
  show(button, Boolean(words.retry));
  button.onclick = again;
  showScreen('problem');
  (words.retry ? button : byId('main')).focus();
}

/** Something that heals by itself, over the stage; null: it has healed. */
export function showBanner(words: {title: string; text: string} | null): void {
  if (words) {
    setText(byId('banner-title'), words.title);
    setText(byId('banner-text'), words.text);
  }
  show(byId('banner'), words !== null);
}

/** A short notice that goes by itself. `bad`: something was refused; it is said at once. */
export function toast(title: string, text = '', bad = false): void {
  const place = byId('toasts');
  const made = h(
    'div',
    {class: bad ? 'toast bad' : 'toast'},
    icon(bad ? 'alert' : 'check'),
    h('p', {}, h('b', {}, title), text ? ` ${text}` : ''),
  );
  const close = h('button', {class: 'plain', 'aria-label': 'Dismiss'}, icon('close'));
  close.addEventListener('click', () => made.remove());
  made.append(close);
  while (place.children.length >= MOST_TOASTS) place.firstElementChild?.remove();
  place.append(made);
  setTimeout(() => made.remove(), TOAST_MS);
  if (bad) say(`${title} ${text}`, true);
}

/** Say what was refused. */
export function complain(words: Words): void {
  toast(`${words.title}.`, [words.text, words.cure].filter(Boolean).join(' '), true);
}
