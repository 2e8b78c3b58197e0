// Dialogs that wait for an answer.

import {byId, h, setText, show} from './dom';
import {KEYS} from './keys';

/** What a question says. */
export interface Question {
  title: string;
  text: string;
  yes: string;
  no?: string;
  danger?: boolean;
}

/** Ask; true when the person said yes. */
export function confirm({title, text, yes, no = 'Cancel', danger = false}: Question): Promise<boolean> {
  const dialog = byId<HTMLDialogElement>('confirm-dialog');
  const [yesButton, noButton] = [byId('confirm-yes'), byId('confirm-no')];
  setText(byId('confirm-title'), title);
  setText(byId('confirm-text'), text);
  setText(yesButton, yes);
  setText(noButton, no);
  yesButton.className = danger ? 'danger' : 'primary';
  return ask(dialog, yesButton, noButton);
}

/** Who waits for an answer, by dialog: one who asks later makes it a no. */
const waiting = new WeakMap<HTMLDialogElement, () => void>();

/** Show a dialog until one of two buttons is pressed, or Escape; focus goes back to where it was. */
export function ask(dialog: HTMLDialogElement, yes: HTMLElement, no: HTMLElement): Promise<boolean> {
  waiting.get(dialog)?.();
  const opener = document.activeElement;
  return new Promise(resolve => {
    const answer = (given: boolean): void => {
      waiting.delete(dialog);
      if (dialog.open) dialog.close();
      focusBack(opener);
      resolve(given);
    };
    waiting.set(dialog, () => answer(false));
    yes.onclick = () => answer(true);
    no.onclick = () => answer(false);
    dialog.onclose = () => {
      // Told a moment later: by then somebody else may ask.
      if (!dialog.open && waiting.has(dialog)) answer(false);
    };
    dialog.showModal();
  });
}

/** Where the opener was drawn anew meanwhile, the browser has given the focus to nobody. */
function focusBack(opener: Element | null): void {
  if (!opener || opener.isConnected) return;
  const person = (opener as HTMLElement).dataset['person'];
  const again = person ? document.querySelector<HTMLElement>(`[data-person="${CSS.escape(person)}"]`) : null;
  (again ?? byId('main')).focus();
}

/** Close whatever dialog is open. */
export function closeDialogs(): void {
  for (const each of document.querySelectorAll<HTMLDialogElement>('dialog[open]')) each.close();
}

/** Is a dialog open? Keys belong to it then. */
export const dialogOpen = (): boolean => document.querySelector('dialog[open]') !== null;

/** The list of shortcuts. */
export function showHelp(): void {
  const dialog = byId<HTMLDialogElement>('help-dialog');
  byId('help-keys').replaceChildren(
    ...KEYS.map(({key, words}) => h('div', {}, h('dt', {}, h('kbd', {}, key)), h('dd', {}, words))),
  );
  byId('help-close').onclick = () => dialog.close();
  if (dialog.open) dialog.close();
  else dialog.showModal();
}

/** The device dialog: settings, or the last step before the stage. Answers whether to go on. */
export function askDevices(words: {title: string; text: string; ok: string; cancel: string}): Promise<boolean> {
  const dialog = byId<HTMLDialogElement>('devices-dialog');
  setText(byId('devices-title'), words.title);
  setText(byId('devices-text'), words.text);
  show(byId('devices-text'), Boolean(words.text));
  setText(byId('devices-ok'), words.ok);
  show(byId('devices-ok'), Boolean(words.ok));
  setText(byId('devices-cancel'), words.cancel);
  return ask(dialog, byId('devices-ok'), byId('devices-cancel'));
}
