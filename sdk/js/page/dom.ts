// Small helpers for the document.

/** An element that the page's HTML has. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}

type Props = Record<string, string | boolean | number | ((event: Event) => void)>;

/** An element with attributes (`on…` are listeners, `false` leaves one out) and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: (Node | string | null | undefined | false)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') made.addEventListener(name.replace(/^on/, ''), value);
    else if (value !== false) made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...children.filter((each): each is Node | string => Boolean(each)));
  return made;
}

/** Set a text only when it differs: live regions speak each time it is set. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Show or hide. */
export function show(element: HTMLElement, shown: boolean): void {
  if (element.hidden === shown) element.hidden = !shown;
}

/** Say something to a screen reader: politely, or at once when it cannot wait. */
export function say(text: string, now = false): void {
  setText(byId(now ? 'say-now' : 'say-politely'), text);
}

/** Is the person typing? Then keys are letters. */
export function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (/^(TEXTAREA|SELECT)$/.test(target.tagName) || isTextInput(target));
}

function isTextInput(element: HTMLElement): boolean {
  return element instanceof HTMLInputElement && !/^(range|checkbox|radio|button)$/.test(element.type);
}

/** What is remembered between visits; private windows may refuse it. */
export const memory = {
  get(name: string): string {
    try {
      return localStorage.getItem(`rtcdn.${name}`) ?? '';
    } catch {
      return '';
    }
  },
  set(name: string, value: string): void {
    try {
      if (value) localStorage.setItem(`rtcdn.${name}`, value);
      else localStorage.removeItem(`rtcdn.${name}`);
    } catch {
      // not remembered, that is all
    }
  },
};
