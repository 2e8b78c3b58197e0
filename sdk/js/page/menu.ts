// A menu that opens at a button: arrows move, Escape closes, focus goes back.

import {byId, h} from './dom';
import {icon} from './icons';

/** One line of a menu; `checked` makes it one of several. A line without `act` is a heading. */
export interface Item {
  label: string;
  icon?: string;
  checked?: boolean;
  danger?: boolean;
  key?: string;
  act?: () => void;
}

let opener: HTMLElement | null = null;

/** Open a menu at a button, or close it when it is open there. */
export function openMenu(anchor: HTMLElement, items: readonly Item[]): void {
  if (opener === anchor) return closeMenu();
  closeMenu();
  opener = anchor;
  const menu = byId('menu');
  menu.replaceChildren(...items.map(lineOf));
  menu.hidden = false;
  anchor.setAttribute('aria-expanded', 'true');
  place(menu, anchor);
  focusAt(menu, 0);
}

/** Close it; focus goes back to the button that opened it. */
export function closeMenu(refocus = false): void {
  if (!opener) return;
  opener.setAttribute('aria-expanded', 'false');
  if (refocus) opener.focus();
  opener = null;
  byId('menu').hidden = true;
}

/** Wire it once. */
export function wireMenu(): void {
  const menu = byId('menu');
  menu.addEventListener('keydown', event => {
    const lines = linesOf(menu);
    const at = lines.indexOf(document.activeElement as HTMLElement);
    const to: Record<string, number> = {ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: lines.length - 1};
    if (event.key === 'Escape' || event.key === 'Tab') closeMenu(true);
    else if (event.key in to) focusAt(menu, to[event.key] ?? 0);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.addEventListener('pointerdown', event => {
    const target = event.target as Node;
    if (opener && !menu.contains(target) && !opener.contains(target)) closeMenu();
  });
  addEventListener('resize', () => closeMenu());
}

function lineOf(item: Item): HTMLElement {
  if (!item.act) return h('p', {class: 'menu-title', role: 'presentation'}, item.label);
  const radio = item.checked !== undefined;
  const mark = radio ? (item.checked ? icon('check') : h('span', {class: 'icon'})) : item.icon ? icon(item.icon) : null;
  const props = {
    type: 'button',
    role: radio ? 'menuitemradio' : 'menuitem',
    class: item.danger ? 'dangerous' : '',
    tabindex: '-1',
    ...(radio ? {'aria-checked': String(item.checked)} : {}),
  };
  const line = h(
    'button',
    props,
    mark,
    h('span', {}, item.label),
    item.key ? h('kbd', {'aria-hidden': 'true'}, item.key) : null,
  );
  line.addEventListener('click', () => {
    closeMenu(true);
    item.act?.();
  });
  return line;
}

const linesOf = (menu: HTMLElement): HTMLElement[] => [...menu.querySelectorAll<HTMLElement>('button')];

function focusAt(menu: HTMLElement, index: number): void {
  const lines = linesOf(menu);
  lines[(index + lines.length) % lines.length]?.focus();
}

/** Above or below the button, within the window. */
function place(menu: HTMLElement, anchor: HTMLElement): void {
  const [box, own] = [anchor.getBoundingClientRect(), menu.getBoundingClientRect()];
  const left = Math.max(8, Math.min(box.right - own.width, innerWidth - own.width - 8));
  const below = box.bottom + 6 + own.height < innerHeight - 8;
  const top = below ? box.bottom + 6 : Math.max(8, box.top - own.height - 6);
  menu.style.left = `${left}px`;
  menu.style.top = `${top}px`;
}
